import type { Aggregates, Case, CaseWhy, Source, TriedPolicy, Unread } from './aggregates.ts';
import { casesOf, type SeenCase, toCase } from './cases.ts';
import { countDays, countResults } from './days.ts';
import { hideOwners } from './hide.ts';
import { needsOf } from './needs.ts';
import { addLine, addReport, SweepRecord, type Taken } from './record.ts';
import { countRepeats } from './repeats.ts';
import { countRules, keyOf } from './rules.ts';
import { chosenSighting, type Fields, fieldsOf, isoOf, textOf } from './sightings.ts';
import { hasEnd, statesOf } from './states.ts';
import { totalsOf } from './targets.ts';
import { readTried } from './tried.ts';
import { readExplanation } from './whys.ts';
import { measureWorth } from './worth.ts';

/** What a page of `report` shows. */
export interface Collected {
  aggregates: Aggregates;
  /** The latest first. */
  cases: Case[];
  /** The explanations of the latest jobs, some thousands at most. */
  whys: CaseWhy[];
}

export interface CollectOptions {
  /** Epoch ms; what lies outside is left out. */
  since?: number | undefined;
  until?: number | undefined;
  /** Only this target. */
  target?: string | undefined;
  /** Such as Europe/Berlin; for days. */
  timeZone: string;
  /** `hidden` leaves out the names of people, wherever they stand. */
  owners: 'shown' | 'hidden';
}

/** What a file, or a log group, holds, one after the other. */
export interface SourceReader {
  /**
   * Adds a line of a log.
   *
   * @param at epoch ms, if the log says when it got the line. By default the line's own `timestamp`, or `time` of an earlier version.
   * @param place such as `line 3`.
   */
  line(line: Fields, place: string, at?: number): void;
  /** Adds a document of `--json`, by its `kind`. A kind that says nothing for a report counts as unread. */
  document(document: Fields, place: string): void;
  /** Counts something that cannot be read. @param place null for the source as a whole. */
  unread(why: string, place: string | null): void;
}

export interface Collector {
  source(name: string): SourceReader;
  /** @param now epoch ms: the end of the span of a live record; null for files, whose span ends with their last line. */
  finish(now: number | null): Collected;
}

/** A report waits until all lines are there, which say more of the same sweep. */
interface PrintedReport {
  report: Fields;
  place: string;
  source: Source;
}

export function createCollector(options: CollectOptions): Collector {
  const record = new SweepRecord();
  const unread = new Map<string, Unread>();
  const sources: Source[] = [];
  const reports: PrintedReport[] = [];
  const tried: TriedPolicy[] = [];
  const leaveOut = (source: string, why: string, place: string | null, count = 1) => {
    const key = JSON.stringify([source, why]);
    const known = unread.get(key) ?? { source, first: place, count: 0, why };
    unread.set(key, { ...known, count: known.count + count });
  };
  const isOutside = (target: string | null, at: number) =>
    at < (options.since ?? at) ||
    at > (options.until ?? at) ||
    (target !== null && target !== (options.target ?? target));
  const count = (source: Source, taken: Taken | Error, place: string) => {
    if (taken instanceof Error) leaveOut(source.name, taken.message, place);
    else source[taken] += 1;
  };

  function open(name: string): SourceReader {
    const source: Source = { name, lines: 0, used: 0, other: 0, twice: 0, outside: 0 };
    sources.push(source);
    const unreadable = (why: string, place: string | null) => leaveOut(name, why, place);
    return {
      unread: unreadable,
      line(line, place, time) {
        source.lines += 1;
        const at = time ?? Date.parse(textOf(line.timestamp) ?? textOf(line.time) ?? '');
        if (typeof line.msg !== 'string') source.other += 1;
        else if (!isTime(at)) unreadable('a line without a time that can be right', place);
        else if (isOutside(textOf(line.target), at)) source.outside += 1;
        else count(source, addLine(record, line, { at, source: name }), place);
      },
      document(document, place) {
        source.lines += 1;
        const kind = textOf(document.kind);
        const policy = kind === 'backtest' ? readTried(document, name) : undefined;
        if (kind === 'sweep') reports.push({ report: document, place, source });
        else if (kind === 'sweeps' && Array.isArray(document.sweeps)) {
          for (const report of document.sweeps as unknown[]) reports.push({ report: fieldsOf(report), place, source });
          for (const failure of Array.isArray(document.failures) ? (document.failures as unknown[]) : []) {
            unreadable(`not swept: ${textOf(failure) ?? 'no reason'}`, place);
          }
        } else if (policy !== undefined) {
          tried.push(policy);
          source.used += 1;
        } else unreadable(kind === 'backtest' ? 'a backtest of another version' : kindWords(kind), place);
      },
    };
  }

  /** Adds the reports that were printed, where no lines of the same sweep are there. */
  function addReports(): void {
    const seenSweeps = new Set([...record.runs.values()].map(({ sweepId, target }) => `${sweepId} ${target}`));
    for (const { report, place, source } of reports) {
      const at = Date.parse(textOf(report.finishedAt) ?? '');
      if (!Number.isNaN(at) && isOutside(textOf(report.target), at)) source.outside += 1;
      else count(source, addReport(record, report, { source: source.name, seenSweeps }), place);
    }
  }

  return {
    source: open,
    finish(now) {
      addReports();
      addChosen(record);
      for (const [source, missing] of missingLines(record, options.since)) {
        leaveOut(source, 'jobs of sweeps that have no line here, so they are not on this page', null, missing);
      }
      const collected = aggregate(record, { ...options, now, tried });
      const { aggregates } = collected;
      const whole = { ...collected, aggregates: { ...aggregates, sources, unread: [...unread.values()] } };
      return options.owners === 'hidden' ? hideOwners(whole) : whole;
    },
  };
}

const kindWords = (kind: string | null): string =>
  kind === null ? 'a document without a kind' : `a document of the kind ${kind.slice(0, 40)}, which says nothing here`;

const EARLIEST = Date.UTC(2020);
const LATEST = Date.UTC(2100);
const isTime = (at: number): boolean => at >= EARLIEST && at < LATEST;

/** Adds the victims of which no line says what became of them. */
function addChosen(record: SweepRecord): void {
  const byId = Map.groupBy(record.jobs.values(), (job) => keyOf(job, job.jobId.toLowerCase()));
  for (const run of record.runs.values()) {
    const known = new Set([...run.jobs].map(({ jobId }) => jobId.toLowerCase()));
    for (const chosen of run.chosen) {
      const jobId = textOf(chosen.victim.jobId) ?? '';
      const id = jobId.toLowerCase();
      if (known.has(id)) continue;
      const job = byId.get(keyOf(run, id))?.[0] ?? record.jobOf(run, null, jobId);
      job.sightings.push(chosenSighting(chosen, run));
    }
  }
}

/** Counts the lines of jobs that sweeps wrote and that are not there, by the source of their last line. */
function missingLines({ runs }: SweepRecord, since = Number.NEGATIVE_INFINITY): Map<string, number> {
  const missing = new Map<string, number>();
  for (const { end, logged } of runs.values()) {
    if (end === null || end.startedAt < since || logged >= end.jobsLogged) continue;
    missing.set(end.source, (missing.get(end.source) ?? 0) + end.jobsLogged - logged);
  }
  return missing;
}

interface AggregateOptions extends CollectOptions {
  now: number | null;
  tried: TriedPolicy[];
}

function aggregate(record: SweepRecord, { since, until, timeZone, now, tried }: AggregateOptions): Collected {
  const seenCases = [...record.jobs.values()].flatMap(casesOf).sort((a, b) => b.deciding.at - a.deciding.at);
  const cases = seenCases.map(toCase);
  const [first, last] = spanOf(record, seenCases);
  const to = Math.min(until ?? Number.POSITIVE_INFINITY, now ?? until ?? last ?? since ?? 0);
  const from = since ?? first ?? to;

  const casesOfTarget = Map.groupBy(cases, (one) => keyOf(one));
  const targets = [...Map.groupBy(record.runs.values(), (run) => keyOf(run))].map(([key, runs]) => {
    const [{ stage, target } = { stage: null, target: '' }] = runs;
    const { at: _, ...project } = record.projects.get(key) ?? NO_PROJECT;
    const states = statesOf(runs, to);
    return { place: { stage, target }, runs, cases: casesOfTarget.get(key) ?? [], states, project };
  });
  const states = targets.flatMap((one) => one.states);
  return {
    cases,
    whys: whysOf(seenCases),
    aggregates: {
      from: isoOf(from),
      to: isoOf(to),
      timeZone,
      sources: [],
      unread: [],
      targets: targets.flatMap((one) => totalsOf(one.place, one) ?? []),
      results: countResults(cases),
      days: first === undefined ? [] : countDays({ cases, states }, { from, to, timeZone }),
      states,
      rules: countRules(record.rules, cases, record.misses),
      repeats: countRepeats(seenCases, to),
      worth: measureWorth(
        targets.map(({ runs }) => runs),
        seenCases,
      ),
      needs: needsOf(targets, { to, undelivered: record.undelivered, troubles: record.troubles }),
      tried,
    },
  };
}

const NO_PROJECT = { projectId: null, projectName: null, region: null, at: 0 };

/** The first and the last instant on record, epoch ms; undefined if there is none. */
function spanOf({ runs }: SweepRecord, cases: readonly SeenCase[]): [number | undefined, number | undefined] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const see = (at: number) => {
    first = Math.min(first, at);
    last = Math.max(last, at);
  };
  for (const { end } of [...runs.values()].filter(hasEnd)) see(end.at);
  for (const { sightings } of cases) for (const { at } of sightings) see(at);
  return first > last ? [undefined, undefined] : [first, last];
}

const whysOf = (cases: readonly SeenCase[]): CaseWhy[] =>
  cases.flatMap(({ job, deciding }, index) => {
    const why = job.why?.sighting === deciding ? readExplanation(job.why.text) : undefined;
    return why === undefined ? [] : [{ index, why }];
  });
