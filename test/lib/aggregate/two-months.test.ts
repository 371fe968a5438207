import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../emulator/base/random.ts';
import type { Aggregates, Case, Result, StateSpan } from '../../../lib/aggregate/aggregates.ts';
import { RATIO_EDGES, RESULTS, STATES } from '../../../lib/aggregate/aggregates.ts';
import { type Collected, createCollector } from '../../../lib/aggregate/collect.ts';
import { compareText } from '../../../lib/base/text.ts';
import { MARCH, monthOfRecord, OCTOBER, type RecordedLine } from '../../helpers/months-of-record.ts';

/*
 * Counts two months again, from the raw lines and in the plainest way, and compares number by number.
 */

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const timeZone = 'Europe/Berlin';

/** Fields of any line, as the counting below reads them. */
interface Raw extends Near {
  msg: string;
  timestamp: string;
  stage: string;
  target: string;
  sweepId: string;
  trigger: string;
  status: string;
  stoppedBy: string | null;
  dryRun: boolean;
  startedAt?: string;
  reason: string | null;
  rule: string | null;
  warning: (Near & { rule: string }) | null;
  victims: (Near & { jobId: string })[];
  rules: Effect[];
  waiting?: Record<string, Waiting>;
  apiCalls?: { list: number; status: number; cancel: number };
  engine: string;
  fingerprint: string | null;
  name: string | null;
  queue: string;
  owner: string | null;
  cus: number | null;
  error: string | null;
  runTimeMs: number | null;
  queueTimeMs: number | null;
  totalTimeMs: number | null;
}

interface Near {
  jobId: string;
  clock: string | null;
  limitMs: number;
  readingMs: number;
}

interface Effect {
  rule: string;
  matched: number;
  overLimit: number;
  spared: { exempt?: number };
  nearest: Near | null;
}

interface Waiting {
  jobs: number;
  longestMs: number | null;
}

const timeOf = (line: Pick<Raw, 'timestamp'>): number => Date.parse(line.timestamp);
const placeOf = (line: { stage: string | null; target: string }): string => `${line.stage} ${line.target}`;

/** Reads the lines from three sources in any order, some of them twice. */
function collect(lines: readonly RecordedLine[], seed: number): Collected {
  const random = createRandom(seed);
  const shuffled = lines.map((line) => ({ line, key: random() })).sort((a, b) => a.key - b.key);
  const collector = createCollector({ timeZone, owners: 'shown' });
  const sources = ['a', 'b', 'c'].map((name) => collector.source(name));
  for (const [i, { line, key }] of shuffled.entries()) {
    sources[i % 3]?.line(line, `line ${i}`);
    if (key < 0.01) sources[(i + 1) % 3]?.line(line, `line ${i}`);
  }
  return collector.finish(null);
}

interface Episode {
  place: string;
  jobId: string;
  lines: Raw[];
  final: Raw;
  result: Result;
  at: number;
}

const RESULT_OF_LINE: Record<string, Result> = {
  'job cancelled': 'cancelled',
  'job already terminal': 'already-terminal',
  'job not seen to stop': 'unconfirmed',
  'job not cancelled': 'failed',
  'job overdue': 'noted',
  'job may be cancelled': 'warned',
  'job kept': 'kept',
  'no result': 'no-result',
};

function resultOfLine(line: Raw): Result {
  if (line.msg !== 'job not asked to stop') return RESULT_OF_LINE[line.msg] as Result;
  return line.reason === 'dry-run' ? 'dry-run' : 'not-asked';
}

const ASKED = ['cancelled', 'already-terminal', 'unconfirmed', 'failed', 'no-result'];

/** The episodes of all jobs, by the raw lines. */
function episodesIn(lines: readonly Raw[]): Episode[] {
  const jobLines = lines.filter(({ msg }) => msg.startsWith('job '));
  const spoken = new Set(jobLines.map((line) => `${placeOf(line)} ${line.sweepId} ${line.jobId}`));
  const silent = lines
    .filter(({ msg }) => msg === 'victims chosen')
    .flatMap((line) => line.victims.map((victim) => ({ ...line, ...victim, msg: 'no result', fingerprint: null })))
    .filter((line) => !spoken.has(`${placeOf(line)} ${line.sweepId} ${line.jobId}`));
  const byJob = Object.groupBy([...jobLines, ...silent], (line) => `${placeOf(line)} ${line.jobId}`);
  return Object.values(byJob).flatMap((own = []) => {
    own.sort((a, b) => timeOf(a) - timeOf(b));
    const parts: Raw[][] = [];
    let overAt = Number.POSITIVE_INFINITY;
    for (const line of own) {
      const isFlink = /^\d+$/.test(line.jobId);
      if (parts.length === 0 || (isFlink && timeOf(line) - overAt > 15 * MINUTE)) {
        parts.push([]);
        overAt = Number.POSITIVE_INFINITY;
      }
      parts.at(-1)?.push(line);
      if (['cancelled', 'already-terminal'].includes(resultOfLine(line))) overAt = Math.min(overAt, timeOf(line));
    }
    return parts.flatMap((part): Episode[] => {
      const final =
        part.find((line) => resultOfLine(line) === 'cancelled') ??
        part.find((line) => resultOfLine(line) === 'already-terminal') ??
        part.findLast((line) => ASKED.includes(resultOfLine(line))) ??
        part.at(-1);
      if (final === undefined) return [];
      const result = resultOfLine(final);
      return [{ place: placeOf(final), jobId: final.jobId, lines: part, final, result, at: timeOf(final) }];
    });
  });
}

const ENDS = ['sweep finished', 'sweep could not run', 'target not swept'];
const PERIOD = 30 * MINUTE;

/** The state of a target in each minute, by the last tick before it. */
function minutesOf(ticks: readonly Raw[], from: number, to: number): (string | undefined)[] {
  const times = ticks.map(timeOf);
  let index = -1;
  return Array.from({ length: (to - from) / MINUTE }, (_, i) => {
    const minute = from + i * MINUTE;
    while ((times[index + 1] ?? Number.POSITIVE_INFINITY) <= minute) index += 1;
    const tick = ticks[index];
    if (tick === undefined) return undefined;
    const at = times[index] ?? 0;
    const isLate = (times[index + 1] ?? to) - at > 2 * PERIOD;
    if (isLate && minute >= at + PERIOD) return 'dead';
    if (tick.msg !== 'sweep finished' || tick.status === 'partial') return 'blind';
    if (tick.status === 'stopped') return tick.stoppedBy === 'switch' ? 'stopped' : 'blind';
    return tick.status === 'capped' && !tick.dryRun ? 'capped' : undefined;
  });
}

const dayFormat = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
const dayName = (at: number): string => dayFormat.format(at);

const countBy = (results: readonly Result[]): Record<Result, number> =>
  Object.fromEntries(RESULTS.map((result) => [result, results.filter((one) => one === result).length])) as Record<
    Result,
    number
  >;

const readingOf = (line: Raw): number | null =>
  line.warning?.readingMs ??
  (line.msg === 'no result' ? line.readingMs : null) ??
  { maxRunTime: line.runTimeMs, maxQueueTime: line.queueTimeMs, maxTotalTime: line.totalTimeMs }[
    line.clock as string
  ] ??
  null;

const clockOf = (line: Raw) => (line.warning ?? line).clock ?? null;
const limitOf = (line: Raw) => (line.warning ?? line).limitMs ?? null;

function inBins(ratios: readonly number[]): number[] {
  return RATIO_EDGES.map(
    (edge, i) => ratios.filter((r) => r >= edge && r < (RATIO_EDGES[i + 1] ?? Number.POSITIVE_INFINITY)).length,
  );
}

const MONTHS = [
  { name: 'March, with the change to summer time', options: MARCH, short: '2026-03-29', hours: 23 },
  { name: 'October, with the change back', options: OCTOBER, short: '2026-10-25', hours: 25 },
];

describe.each(MONTHS)('the numbers of a record of $name', ({ options, short, hours }) => {
  const lines = monthOfRecord(options);
  const record = lines as unknown as Raw[];
  const { aggregates, cases } = collect(lines, options.seed);
  const episodes = episodesIn(record);
  const places = [...new Set(record.map(placeOf))];
  const finished = record.filter(({ msg }) => msg === 'sweep finished');
  const ends = record.filter(({ msg }) => ENDS.includes(msg));
  const lastAt = Math.max(
    ...lines.filter(({ msg }) => msg !== 'victims chosen').map(timeOf),
    ...episodes.map(({ at }) => at),
  );
  const ticksOf = (place: string) =>
    ends.filter((line) => placeOf(line) === place && line.trigger === 'schedule').sort((a, b) => timeOf(a) - timeOf(b));

  it('holds thousands of jobs, all results and all states, so that the comparisons below mean something', () => {
    expect(episodes.length).toBeGreaterThan(4_500);
    for (const result of RESULTS) expect(aggregates.results[result], result).toBeGreaterThan(10);
    for (const state of STATES)
      expect(aggregates.states.filter((one) => one.state === state).length).toBeGreaterThan(2);
    expect(aggregates.repeats.chains.length).toBeGreaterThan(20);
    expect(new Set(cases.map(({ engine }) => engine))).toEqual(new Set(['sql', 'spark', 'flink', null]));
    expect(aggregates.to).toBe(new Date(lastAt).toISOString());
  });

  it('are equal for cases, job by job', () => {
    const mine = cases.map((one: Case) => [
      `${one.stage} ${one.target} ${one.jobId} ${one.resultAt}`,
      one.result,
      one.reason,
      one.rule,
      one.clock,
      one.limitMs,
      one.readingMs,
      one.owner,
      one.queue,
      one.firstAt,
      one.lastAt,
      one.sweeps,
      one.error,
    ]);
    const raw = episodes.map(({ place, jobId, final, result, lines: own }) => [
      `${place} ${jobId} ${final.timestamp}`,
      result,
      final.reason ?? null,
      (final.warning ?? final).rule,
      clockOf(final),
      limitOf(final),
      readingOf(final),
      own.findLast((line) => line.owner != null)?.owner ?? null,
      final.queue,
      own[0]?.timestamp,
      own.at(-1)?.timestamp,
      new Set(own.map((line) => line.sweepId)).size,
      final.error ?? null,
    ]);
    const byKey = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);
    expect(mine.sort(byKey)).toEqual(raw.sort(byKey));
  });

  it('are equal for results, in all and for each day of the time zone', () => {
    expect(aggregates.results).toEqual(countBy(episodes.map(({ result }) => result)));
    const names = aggregates.days.map(({ day }) => day);
    expect(new Set(names).size).toBe(names.length);
    const byDay = Map.groupBy(episodes, ({ at }) => dayName(at));
    for (const { day, results } of aggregates.days) {
      expect({ day, results }).toEqual({ day, results: countBy((byDay.get(day) ?? []).map(({ result }) => result)) });
    }
    const total = aggregates.days.reduce((sum, { results }) => sum + Object.values(results).reduce((a, b) => a + b), 0);
    expect(total).toBe(episodes.length);
  });

  it('have a day of another length where the clock changes', () => {
    const day = aggregates.days.find((one) => one.day === short);
    expect(Date.parse(day?.to ?? '') - Date.parse(day?.from ?? '')).toBe(hours * HOUR);
    for (const [i, one] of aggregates.days.entries()) {
      expect(aggregates.days[i + 1]?.from ?? one.to).toBe(one.to);
      expect(dayName(Date.parse(one.from))).toBe(one.day);
      expect(dayName(Date.parse(one.to) - 1)).toBe(one.day);
    }
  });

  it('are equal for the hours in which a target was dead, stopped, capped or blind', () => {
    const minutes = new Map<string, number>();
    const spans = new Map<string, number>();
    const states = places.map((place) => minutesOf(cached(place), options.from, lastAt));
    for (let i = 0; i < (lastAt - options.from) / MINUTE; i++) {
      const now = states.map((own) => own[i]);
      for (const [n, state] of now.entries()) if (state !== undefined) add(spans, `${places[n]} ${state}`);
      const seen = new Set(now.filter((state) => state !== undefined));
      if (seen.size === 0) continue;
      const day = dayName(options.from + i * MINUTE);
      for (const state of seen) add(minutes, `${day} ${state}`);
    }
    const mine = new Map<string, number>();
    for (const { stage, target, state, from, to } of aggregates.states) {
      add(mine, `${stage} ${target} ${state}`, (Date.parse(to) - Date.parse(from)) / MINUTE);
    }
    expect(Object.fromEntries(mine)).toEqual(Object.fromEntries(spans));
    for (const { day, hours: own } of aggregates.days) {
      for (const state of STATES)
        expect([day, state, own[state]]).toEqual([
          day,
          state,
          expect.closeTo((minutes.get(`${day} ${state}`) ?? 0) / 60, 6),
        ]);
    }
  });
  const ticksByPlace = new Map(places.map((place) => [place, ticksOf(place)]));
  const cached = (place: string) => ticksByPlace.get(place) ?? [];
  const add = (map: Map<string, number>, key: string, by = 1) => map.set(key, (map.get(key) ?? 0) + by);

  it('have spans that do not touch, with the sweeps that ended so', () => {
    const byKey = Map.groupBy(aggregates.states, ({ stage, target, state }) => `${stage} ${target} ${state}`);
    for (const own of byKey.values()) {
      for (const [i, one] of own.entries()) {
        expect(one.from < one.to).toBe(true);
        const next: StateSpan | undefined = own[i + 1];
        if (next !== undefined) expect(one.to < next.from).toBe(true);
      }
    }
    const sweepsIn = (state: string) =>
      aggregates.states.filter((one) => one.state === state).reduce((sum, { sweeps }) => sum + sweeps, 0);
    const live = finished.filter(({ trigger }) => trigger === 'schedule');
    expect(sweepsIn('dead')).toBe(0);
    expect(sweepsIn('capped')).toBe(live.filter(({ status, dryRun }) => status === 'capped' && !dryRun).length);
    expect(sweepsIn('stopped')).toBe(live.filter(({ stoppedBy }) => stoppedBy === 'switch').length);
  });

  it('are equal for each rule', () => {
    const rules = finished
      .filter(({ trigger }) => trigger !== 'emergency')
      .flatMap((line) => line.rules.map((effect) => ({ ...effect, place: placeOf(line), at: line.timestamp })));
    const own = episodes.filter(({ final }) => !['exempt', 'frozen'].includes(final.reason ?? ''));
    const keys = new Set([
      ...rules.map(({ place, rule }) => `${place} ${rule}`),
      ...own.map(({ place, final }) => `${place} ${(final.warning ?? final).rule}`),
    ]);
    expect(new Set(aggregates.rules.map((rule) => `${placeOf(rule)} ${rule.rule}`))).toEqual(keys);
    const overJobs = new Set(
      episodes
        .filter(({ result }) => result !== 'kept' && result !== 'warned')
        .map(({ place, jobId }) => `${place} ${jobId}`),
    );
    const warnings = record.flatMap((line) =>
      line.msg === 'job may be cancelled' && line.warning !== null
        ? [{ ...line.warning, place: placeOf(line), jobId: line.jobId }]
        : [],
    );
    const nearest = rules.flatMap(({ place, rule, nearest: near }) =>
      near === null ? [] : [{ ...near, place, rule }],
    );
    for (const mine of aggregates.rules) {
      const key = `${placeOf(mine)} ${mine.rule}`;
      const effects = rules.filter(({ place, rule }) => `${place} ${rule}` === key);
      const ended = own.filter(({ place, final }) => `${place} ${(final.warning ?? final).rule}` === key);
      const most = (of: (effect: Effect) => number) => Math.max(0, ...effects.map(of));
      const killed = ended
        .filter(({ result }) => result === 'cancelled')
        .map(({ final }) => (readingOf(final) ?? 0) / final.limitMs);
      const near = new Map<string, number>();
      for (const one of [...warnings, ...nearest]) {
        if (`${one.place} ${one.rule}` !== key || overJobs.has(`${one.place} ${one.jobId}`)) continue;
        near.set(one.jobId, Math.max(near.get(one.jobId) ?? 0, one.readingMs / one.limitMs));
      }
      const matchedAt = effects
        .filter(({ matched }) => matched > 0)
        .map(({ at }) => at)
        .sort(compareText);
      expect({
        key,
        sweeps: mine.sweeps,
        empty: mine.emptySweeps,
        matched: mine.mostMatched,
        over: mine.mostOverLimit,
        exempt: mine.mostSpared.exempt ?? 0,
        last: mine.lastMatchedAt,
        results: mine.results,
        kills: mine.kills,
        misses: mine.misses,
        limits: mine.limits.reduce((sum, one) => sum + one.cases, 0),
        nearestKills: mine.nearestKills.map((index) => ratioOf(cases[index])),
        nearestMisses: mine.nearestMisses.map(({ readingMs, limitMs }) => readingMs / limitMs),
      }).toEqual({
        key,
        sweeps: effects.length,
        empty: effects.filter(({ matched }) => matched === 0).length,
        matched: most(({ matched }) => matched),
        over: most(({ overLimit }) => overLimit),
        exempt: most(({ spared }) => spared.exempt ?? 0),
        last: matchedAt.at(-1) ?? null,
        results: countBy(ended.map(({ result }) => result)),
        kills: inBins(killed),
        misses: inBins([...near.values()]),
        limits: ended.filter(({ final }) => clockOf(final) !== null && limitOf(final) !== null).length,
        nearestKills: killed.sort((a, b) => a - b).slice(0, 20),
        nearestMisses: [...near.values()].sort((a, b) => b - a).slice(0, 20),
      });
    }
  });
  const ratioOf = (one: Case | undefined) => (one?.readingMs ?? 0) / (one?.limitMs ?? 1);

  it('are equal for jobs that came back', () => {
    const kills = episodes
      .filter(({ result }) => result === 'cancelled')
      .map(({ place, final, lines: own, at }) => {
        const name = own.findLast((line) => line.name != null)?.name ?? null;
        const owner = own.findLast((line) => line.owner != null)?.owner ?? null;
        const what = final.fingerprint ?? name;
        const isKnown = what !== null && owner !== null;
        return {
          key: isKnown ? [place, final.engine, what, final.queue, owner].join(' ') : null,
          sweepId: final.sweepId,
          at,
        };
      });
    const times = Map.groupBy(
      kills.filter(({ key }) => key !== null),
      ({ key }) => key,
    );
    const distinct = [...times.values()].map((own) =>
      [...new Map(own.map((one) => [one.sweepId, one.at])).values()].sort((a, b) => a - b),
    );
    const gaps = distinct.flatMap((own) => own.map((at, i) => ({ at, next: own[i + 1] ?? Number.POSITIVE_INFINITY })));
    const isBack = ({ at, next }: { at: number; next: number }) => next - at <= DAY;
    const isOpen = ({ at, next }: { at: number; next: number }) =>
      next === Number.POSITIVE_INFINITY && lastAt - at < DAY;
    const { chains, ...repeats } = aggregates.repeats;
    expect(repeats).toEqual({
      unknown: kills.filter(({ key }) => key === null).length,
      times: gaps.length,
      cameBack: gaps.filter(isBack).length,
      notKnown: gaps.filter(isOpen).length,
      stayedAway: gaps.filter((gap) => !isBack(gap) && !isOpen(gap)).length,
    });
    expect(chains.map(({ cancelledAt }) => cancelledAt.length)).toEqual(
      distinct
        .map((own) => own.length)
        .filter((count) => count > 1)
        .sort((a, b) => b - a),
    );
    expect(chains.reduce((sum, { cameBack }) => sum + cameBack, 0)).toBe(repeats.cameBack);
  });

  it('are equal for what waited before and after, and for what was left running', () => {
    const bySweep = Map.groupBy(
      episodes.filter(({ result }) => result === 'cancelled'),
      ({ final }) => final.sweepId,
    );
    const pairs = finished
      .filter(({ status }) => status !== 'partial')
      .flatMap((line) => {
        const cancelled = bySweep.get(line.sweepId) ?? [];
        if (cancelled.length === 0) return [];
        const next = cached(placeOf(line)).find((one) => Date.parse(one.startedAt ?? one.timestamp) >= timeOf(line));
        const isUsable =
          next !== undefined &&
          timeOf(next) - timeOf(line) <= 2 * PERIOD &&
          next.status !== 'partial' &&
          next.waiting !== undefined;
        if (!isUsable) return [];
        return [...new Set(cancelled.map(({ final }) => final.queue))].map((queue) => ({
          key: `${placeOf(line)} ${queue}`,
          before: line.waiting?.[queue] ?? { jobs: 0, longestMs: 0 },
          after: next.waiting?.[queue] ?? { jobs: 0, longestMs: 0 },
        }));
      });
    const byQueue = Map.groupBy(pairs, ({ key }) => key);
    const mean = (all: (number | null)[]) => all.reduce<number>((a, b) => a + (b ?? 0), 0) / all.length;
    const waiting = aggregates.worth.waiting ?? [];
    expect(waiting.length).toBeGreaterThan(3);
    expect(waiting.map((one) => `${placeOf(one)} ${one.queue}`).sort(compareText)).toEqual(
      [...byQueue]
        .filter(([, own]) => own.some(({ before, after }) => before.jobs + after.jobs > 0))
        .map(([key]) => key)
        .sort(compareText),
    );
    for (const one of waiting) {
      const own = byQueue.get(`${placeOf(one)} ${one.queue}`) ?? [];
      const known = own.filter(({ before, after }) => before.longestMs !== null && after.longestMs !== null);
      expect(one.sweeps).toBe(own.length);
      expect(one.before.jobs).toBeCloseTo(mean(own.map(({ before }) => before.jobs)), 6);
      expect(one.after.jobs).toBeCloseTo(mean(own.map(({ after }) => after.jobs)), 6);
      expect(one.before.longestMs).toBeCloseTo(mean(known.map(({ before }) => before.longestMs)), 3);
      expect(one.after.longestMs).toBeCloseTo(mean(known.map(({ after }) => after.longestMs)), 3);
      expect(one.fewer).toBe(own.filter(({ before, after }) => after.jobs < before.jobs).length);
      expect(one.more).toBe(own.filter(({ before, after }) => after.jobs > before.jobs).length);
      expect(one.fewer + one.same + one.more).toBe(one.sweeps);
    }

    const runTime = (line: Raw) => (line.engine === 'spark' ? line.totalTimeMs : line.runTimeMs) ?? null;
    const left = { jobs: 0, jobHours: 0, cuHours: 0, withoutCus: 0 };
    for (const { lines: own } of episodes) {
      let ms = 0;
      for (const [i, line] of own.entries()) {
        const next = own[i + 1];
        if (next === undefined || line.msg !== 'job not asked to stop') continue;
        if (runTime(line) === null || runTime(next) === null) continue;
        // A stream that was started again meanwhile has another start.
        const hasSameStart = timeOf(next) - (runTime(next) ?? 0) === timeOf(line) - (runTime(line) ?? 0);
        if (hasSameStart) ms += (runTime(next) ?? 0) - (runTime(line) ?? 0);
      }
      if (ms === 0) continue;
      const cus = own.findLast((line) => line.cus != null)?.cus ?? null;
      left.jobs += 1;
      left.jobHours += ms / HOUR;
      if (cus === null) left.withoutCus += 1;
      else left.cuHours += (cus * ms) / HOUR;
    }
    expect(left.jobs).toBeGreaterThan(50);
    const mine = aggregates.worth.leftRunning;
    expect(mine).toMatchObject({ jobs: left.jobs, withoutCus: left.withoutCus });
    expect(mine?.jobHours).toBeCloseTo(left.jobHours, 6);
    expect(mine?.cuHours).toBeCloseTo(left.cuHours, 6);
  });

  it('are equal for the sweeps of each target', () => {
    expect(aggregates.targets.map(placeOf).sort(compareText)).toEqual([...places].sort(compareText));
    for (const target of aggregates.targets) {
      const own = ends.filter((line) => placeOf(line) === placeOf(target));
      const statuses = own.map((line) =>
        line.msg === 'sweep finished' ? line.status : line.msg.replace(/^(sweep|target) /, ''),
      );
      expect(target.sweeps).toBe(own.length);
      for (const [status, count] of Object.entries(target.statuses)) {
        expect([status, count]).toEqual([status, statuses.filter((one) => one === status).length]);
      }
      expect(Object.values(target.statuses).reduce((a, b) => a + b, 0)).toBe(own.length);
      expect(target.dryRuns).toBe(own.filter(({ dryRun }) => dryRun === true).length);
      expect(target.emergencies).toBe(own.filter(({ trigger }) => trigger === 'emergency').length);
      expect(target.apiCalls).toBe(
        own.reduce((sum, { apiCalls }) => sum + (apiCalls ? apiCalls.list + apiCalls.status + apiCalls.cancel : 0), 0),
      );
      expect(target.results).toEqual(
        countBy(episodes.filter(({ place }) => place === placeOf(target)).map(({ result }) => result)),
      );
      expect(target).toMatchObject({ periodMinutes: 30, projectName: `region-1_${target.target}` });
    }
  });

  it('are equal for the jobs that need a person', () => {
    const countOf = (kind: Aggregates['needs'][number]['kind']) =>
      aggregates.needs.filter((need) => need.kind === kind).reduce((sum, { count }) => sum + count, 0);
    for (const kind of ['failed', 'unconfirmed', 'no-result'] as const) {
      expect([kind, countOf(kind)]).toEqual([kind, episodes.filter(({ result }) => result === kind).length]);
    }
    expect(countOf('untold')).toBe(
      episodes.filter(({ result, lines: own }) => result === 'cancelled' && own.every(({ owner }) => owner == null))
        .length,
    );
    expect(countOf('capped')).toBe(finished.filter(({ status, dryRun }) => status === 'capped' && !dryRun).length);
  });

  it('count every line once, and say which came twice', () => {
    const sum = (of: (source: Aggregates['sources'][number]) => number) =>
      aggregates.sources.reduce((total, source) => total + of(source), 0);
    // Lines that say nothing for a report are not compared.
    const others = lines.filter(({ msg }) => msg === 'notice').length;
    expect(sum(({ used }) => used)).toBe(lines.length - others);
    expect(sum(({ other }) => other)).toBeGreaterThanOrEqual(others);
    expect(sum(({ twice }) => twice)).toBeGreaterThan(50);
    expect(sum(({ used, other, twice, outside }) => used + other + twice + outside)).toBe(sum(({ lines: n }) => n));
    expect(aggregates.unread).toEqual([]);
  });
});
