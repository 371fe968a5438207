import { ENGINE_NAMES } from '../base/job.ts';
import { LIMIT_NAMES } from '../policy/clocks.ts';
import { ENDS, JOB_LINES } from '../sweep/record/log-lines.ts';
import type { Waiting } from '../sweep/record/report.ts';
import type { NearMiss, Place } from './aggregates.ts';
import type { Trouble, Undelivered } from './needs.ts';
import { addEffect, keyOf, newRule, type SeenRule } from './rules.ts';
import {
  type Fields,
  fieldsOf,
  isAsked,
  isoOf,
  numberOf,
  type Run,
  type RunEnd,
  type SeenJob,
  type Sighting,
  textOf,
  toSighting,
  wordOf,
} from './sightings.ts';
import type { ProjectOfTarget } from './targets.ts';

/** Whether a line said something new, the same as one before, or nothing for a report. */
export type Taken = 'used' | 'twice' | 'other';

/** Explanations take most of the memory, so only the latest are kept. */
const MOST_WHYS = 3_000;

const TRIGGERS = ['schedule', 'manual', 'emergency'] as const;

/** What is known of all sweeps. Lines may come in any order, and several times. */
export class SweepRecord {
  readonly runs = new Map<string, Run>();
  readonly jobs = new Map<string, SeenJob>();
  readonly rules = new Map<string, SeenRule>();
  readonly projects = new Map<string, ProjectOfTarget & { at: number }>();
  readonly misses: NearMiss[] = [];
  readonly undelivered: Undelivered[] = [];
  readonly troubles: Trouble[] = [];
  readonly #explained: SeenJob[] = [];
  readonly #texts = new Map<string, string>();
  readonly #seen = new Set<string>();

  /** Each line has texts of its own. Returns one for all that are equal. */
  one<T extends string | null>(text: T): T {
    if (text === null) return text;
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return (known ?? text) as T;
  }

  isNew(key: string): boolean {
    const before = this.#seen.size;
    return this.#seen.add(key).size > before;
  }

  runOf(line: Fields, place: Place): Run {
    const sweepId = textOf(line.sweepId);
    const awsRequestId = textOf(line.awsRequestId);
    const key = keyOf(place, sweepId, awsRequestId);
    const known = this.runs.get(key);
    if (known !== undefined) return known;
    const run: Run = {
      ...place,
      sweepId,
      awsRequestId,
      trigger: wordOf(TRIGGERS, line.trigger),
      recordedBy: textOf(line.recordedBy),
      jobs: new Set(),
      logged: 0,
      chosen: [],
      end: null,
    };
    this.runs.set(key, run);
    return run;
  }

  jobOf({ stage, target }: Place, engine: SeenJob['engine'], jobId: string): SeenJob {
    const key = keyOf({ stage, target }, engine, jobId.toLowerCase());
    const known = this.jobs.get(key);
    if (known !== undefined) return known;
    const job: SeenJob = { stage, target, engine, jobId, sightings: [], why: null };
    this.jobs.set(key, job);
    return job;
  }

  /** @returns undefined if it does not name a job. */
  addJob(line: Fields, run: Run, at: number): Taken | undefined {
    const jobId = textOf(line.jobId);
    const engine = wordOf(ENGINE_NAMES, line.engine);
    if (jobId === null || engine === null) return undefined;
    const job = this.jobOf(run, engine, jobId);
    if (run.jobs.has(job)) return 'twice';
    run.jobs.add(job);
    if (line.level !== 'debug') run.logged += 1;
    const sighting = toSighting(line, run, at);
    for (const key of ['rule', 'name', 'queue', 'owner', 'jobType', 'status', 'fingerprint', 'error'] as const) {
      sighting[key] = this.one(sighting[key]);
    }
    job.sightings.push(sighting);
    if (line.why != null) this.#keepWhy(job, sighting, line.why);
    if (line.warning != null) this.#addWarning(job, sighting);
    return 'used';
  }

  #addWarning(job: SeenJob, { rule, clock, limitMs, readingMs, at, result }: Sighting): void {
    if (result !== 'warned' || rule === null || clock === null || limitMs === null || readingMs === null) return;
    const { stage, target, engine, jobId } = job;
    this.misses.push({ stage, target, engine, jobId, rule, clock, limitMs, readingMs, at: isoOf(at) });
  }

  /** Keeps the explanation of the sighting that decides the latest result. */
  #keepWhy(job: SeenJob, sighting: Sighting, text: unknown): void {
    const before = job.why?.sighting;
    const isBetter =
      before === undefined ||
      (isAsked(sighting.result) === isAsked(before.result) ? sighting.at >= before.at : isAsked(sighting.result));
    if (!isBetter) return;
    const all = this.#explained;
    if (before === undefined) all.push(job);
    job.why = { sighting, text };
    if (all.length < 2 * MOST_WHYS) return;
    all.sort((a, b) => (b.why?.sighting.at ?? 0) - (a.why?.sighting.at ?? 0));
    for (const old of all.splice(MOST_WHYS)) old.why = null;
  }

  addChosen(line: Fields, run: Run, at: number): Taken {
    // A dry run, or a sweep over its cap, asks none of them, and has a line for each.
    if (line.skipped !== null) return 'other';
    const victims = listOf(line.victims).filter((one) => textOf(one.jobId) !== null);
    const first = textOf(victims[0]?.jobId);
    if (!this.isNew(keyOf(run, 'victims', run.sweepId, run.awsRequestId, first))) return 'twice';
    for (const victim of victims) run.chosen.push({ victim, at });
    return 'used';
  }

  addEnd(line: Fields, run: Run, end: Omit<RunEnd, 'waiting' | 'calendar'>): Taken {
    if (run.end !== null) return 'twice';
    run.end = { ...end, waiting: waitingOf(line.waiting), calendar: calendarOf(line.notices) };
    // Its rules are made for it.
    if (run.trigger !== 'emergency') for (const effect of listOf(line.rules)) this.#addRule(effect, run, end.at);
    return 'used';
  }

  #addRule(effect: Fields, run: Run, at: number): void {
    const rule = this.one(textOf(effect.rule));
    if (rule === null) return;
    const key = keyOf(run, rule);
    const seen = this.rules.get(key) ?? newRule(run, rule);
    this.rules.set(key, seen);
    addEffect(seen, effect, at);
    const near = fieldsOf(effect.nearest);
    const jobId = textOf(near.jobId);
    const clock = wordOf(LIMIT_NAMES, near.clock);
    const limitMs = numberOf(near.limitMs);
    const readingMs = numberOf(near.readingMs);
    if (jobId === null || clock === null || limitMs === null || readingMs === null) return;
    const { stage, target } = run;
    const engine = wordOf(ENGINE_NAMES, near.engine);
    this.misses.push({ stage, target, engine, jobId, rule, clock, limitMs, readingMs, at: isoOf(at) });
  }

  addProject(line: Fields, place: Place, at: number): void {
    const projectId = textOf(line.projectId);
    const known = this.projects.get(keyOf(place));
    if (projectId === null || (known !== undefined && known.at > at)) return;
    this.projects.set(keyOf(place), {
      projectId: this.one(projectId),
      projectName: this.one(textOf(line.projectName)),
      region: this.one(textOf(line.region)),
      at,
    });
  }
}

const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

function waitingOf(value: unknown): RunEnd['waiting'] {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).map(([queue, one]: [string, unknown]): [string, Waiting] => {
    const { jobs, longestMs } = fieldsOf(one);
    return [queue, { jobs: numberOf(jobs) ?? 0, longestMs: numberOf(longestMs) }];
  });
  return Object.fromEntries(entries);
}

/** The words of lib/policy/exemptions.ts, lib/policy/freezes.ts and lib/sweep/tell/calendar.ts. */
const CALENDAR = /^(?:exemption|freeze) /;

const calendarOf = (notices: unknown): string[] =>
  Array.isArray(notices)
    ? notices.filter((text): text is string => typeof text === 'string' && CALENDAR.test(text))
    : [];

const isOneOf = (names: readonly string[], msg: unknown): boolean => names.some((name) => name === msg);

/**
 * Adds a line of a log.
 *
 * @param at epoch ms. @returns why it cannot be read, if it cannot.
 */
export function addLine(
  record: SweepRecord,
  line: Fields,
  { at, source }: { at: number; source: string },
): Taken | Error {
  const { msg } = line;
  const target = textOf(line.target);
  const stage = record.one(textOf(line.stage));
  if (target === null) {
    if (msg !== 'sweep could not run') return isRead(msg) ? new Error('a line that names no target') : 'other';
    const error = textOf(line.error) ?? 'no reason';
    if (!record.isNew(JSON.stringify([stage, line.awsRequestId, at, error]))) return 'twice';
    record.troubles.push({ stage, error, at });
    return 'used';
  }
  const place = { stage, target: record.one(target) };
  if (isOneOf(JOB_LINES, msg)) {
    record.addProject(line, place, at);
    return record.addJob(line, record.runOf(line, place), at) ?? new Error('a line of a job without its id or engine');
  }
  if (msg === 'victims chosen') return record.addChosen(line, record.runOf(line, place), at);
  if (isOneOf(ENDS, msg)) {
    record.addProject(line, place, at);
    return record.addEnd(line, record.runOf(line, place), endOf(line, at, source));
  }
  return addMessage(record, line, place, at);
}

const isRead = (msg: unknown): boolean => isOneOf([...JOB_LINES, ...ENDS, 'victims chosen'], msg);

function addMessage(record: SweepRecord, line: Fields, place: Place, at: number): Taken {
  const isUnsent = line.msg === 'message not published';
  // With a parameter, the fallback of the stage takes it.
  if (!isUnsent && (line.msg !== 'message without route' || textOf(line.parameter) !== null)) return 'other';
  const key = keyOf(place, textOf(line.msg), textOf(line.awsRequestId), textOf(line.owner), String(at));
  if (!record.isNew(key)) return 'twice';
  record.undelivered.push({ ...place, why: isUnsent ? 'not-sent' : 'no-route', at });
  return 'used';
}

/** A schedule ticks at least once a day. */
const isPeriod = (minutes: unknown): minutes is number =>
  typeof minutes === 'number' && minutes > 0 && minutes <= 1_440;

function endOf(line: Fields, at: number, source: string): Omit<RunEnd, 'waiting' | 'calendar'> {
  const [problem] = Array.isArray(line.problems) ? (line.problems as unknown[]) : [];
  const frame = {
    at,
    source,
    // Anyone may write to the record of sweeps by hand.
    isScheduled: line.trigger === 'schedule' && textOf(line.recordedBy) === null,
    periodMinutes: isPeriod(line.periodMinutes) ? line.periodMinutes : null,
  };
  const none = { ...frame, startedAt: at, dryRun: false, stoppedBy: null, cancelled: 0, apiCalls: 0, jobsLogged: 0 };
  if (line.msg === 'sweep could not run') return { ...none, status: 'could not run', problem: textOf(line.error) };
  if (line.msg === 'target not swept') return { ...none, status: 'not swept', problem: textOf(line.reason) };
  const { list = 0, status = 0, cancel = 0 } = fieldsOf(line.apiCalls);
  const startedAt = Date.parse(textOf(line.startedAt) ?? '');
  return {
    ...frame,
    startedAt: Number.isNaN(startedAt) ? at : startedAt,
    status: textOf(line.status) ?? 'unknown',
    dryRun: line.dryRun === true,
    stoppedBy: textOf(line.stoppedBy) as RunEnd['stoppedBy'],
    problem: textOf(problem),
    cancelled: numberOf(fieldsOf(line.counts).cancelled) ?? 0,
    apiCalls: [list, status, cancel].reduce<number>((sum, calls) => sum + (numberOf(calls) ?? 0), 0),
    jobsLogged: numberOf(line.jobsLogged) ?? 0,
  };
}

/**
 * Adds a report that `--json` printed.
 *
 * @param seenSweeps the sweeps whose lines are there, as `sweepId target`: they say more.
 */
export function addReport(
  record: SweepRecord,
  report: Fields,
  { source, seenSweeps }: { source: string; seenSweeps: ReadonlySet<string> },
): Taken | Error {
  const target = textOf(report.target);
  const sweepId = textOf(report.sweepId);
  const at = Date.parse(textOf(report.finishedAt) ?? '');
  if (target === null || sweepId === null || Number.isNaN(at) || !Array.isArray(report.jobs)) {
    return new Error('a report without its sweep, target, end or jobs');
  }
  if (seenSweeps.has(`${sweepId} ${target}`)) return 'twice';
  const place = { stage: null, target: record.one(target) };
  const run = record.runOf(report, place);
  if (run.end !== null) return 'twice';
  const project = fieldsOf(report.project);
  record.addProject({ projectId: project.id, projectName: project.name, region: project.region }, place, at);
  for (const job of report.jobs as unknown[]) record.addJob(fieldsOf(job), run, at);
  // It is no sign that the schedule of a function runs.
  const line = { ...report, msg: 'sweep finished' };
  record.addEnd(line, run, { ...endOf(line, at, source), isScheduled: false });
  return 'used';
}
