import type { Waiting } from '../sweep/record/report.ts';
import type { LeftRunning, QueueWorth, Worth } from './aggregates.ts';
import type { SeenCase } from './cases.ts';
import { keyOf } from './rules.ts';
import type { Run, RunEnd, Sighting } from './sightings.ts';
import { hasEnd, periodOf, scheduledOf } from './states.ts';

const HOUR_MS = 3_600_000;

/** Measures what the sweeps were worth, as far as it was seen. It is no estimate of what would have been. */
export function measureWorth(runsOfTargets: readonly (readonly Run[])[], cases: readonly SeenCase[]): Worth {
  const freed = new Map<Run, Set<string>>();
  for (const { deciding } of cases) {
    if (deciding.result !== 'cancelled' || deciding.queue === null) continue;
    freed.set(deciding.run, (freed.get(deciding.run) ?? new Set()).add(deciding.queue));
  }
  const waiting = runsOfTargets.flatMap((runs) => waitingOf(runs, freed));
  const left = leftRunning(cases);
  return { waiting: waiting.length === 0 ? null : waiting, leftRunning: left.jobs === 0 ? null : left };
}

/** A sweep that did not see all says nothing of what waits. */
const waitingAt = ({ waiting, status }: RunEnd): RunEnd['waiting'] => (status === 'partial' ? null : waiting);

interface Pair {
  run: Run;
  queue: string;
  before: Waiting;
  after: Waiting;
}

const NONE: Waiting = { jobs: 0, longestMs: 0 };

/** Compares what waited at the sweeps that cancelled with what waited at the next one. @param runs of one target. */
function waitingOf(runs: readonly Run[], freed: ReadonlyMap<Run, ReadonlySet<string>>): QueueWorth[] {
  const ticks = scheduledOf(runs);
  const pairs = runs.filter(hasEnd).flatMap((run): Pair[] => {
    const queues = freed.get(run);
    if (queues === undefined) return [];
    const next = ticks.find(({ end }) => end.startedAt >= run.end.at);
    const isNear = next !== undefined && next.end.at - run.end.at <= 2 * periodOf(next.end);
    const before = waitingAt(run.end);
    const after = next === undefined || !isNear ? null : waitingAt(next.end);
    if (before === null || after === null) return [];
    return [...queues].map((queue) => ({
      run,
      queue,
      before: before[queue] ?? NONE,
      after: after[queue] ?? NONE,
    }));
  });
  return [...Map.groupBy(pairs, ({ run, queue }) => keyOf(run, queue)).values()].flatMap(meanOf);
}

/** @param pairs of one queue. @returns nothing if no job ever waited. */
function meanOf(pairs: readonly Pair[]): QueueWorth[] {
  const [first] = pairs;
  if (first === undefined || pairs.every(({ before, after }) => before.jobs + after.jobs === 0)) return [];
  const known = pairs.filter(({ before, after }) => before.longestMs !== null && after.longestMs !== null);
  const of = (side: 'before' | 'after'): Waiting => ({
    jobs: mean(pairs.map((pair) => pair[side].jobs)),
    longestMs: known.length === 0 ? null : mean(known.map((pair) => pair[side].longestMs ?? 0)),
  });
  const count = (is: (pair: Pair) => boolean) => pairs.filter(is).length;
  return [
    {
      stage: first.run.stage,
      target: first.run.target,
      queue: first.queue,
      sweeps: pairs.length,
      before: of('before'),
      after: of('after'),
      fewer: count(({ before, after }) => after.jobs < before.jobs),
      same: count(({ before, after }) => after.jobs === before.jobs),
      more: count(({ before, after }) => after.jobs > before.jobs),
    },
  ];
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** Two readings of one start may differ by so much: a sweep takes a moment to see all jobs, and clocks differ. */
const SAME_START_MS = 60_000;

/** Adds up how long jobs ran on after a sweep found them over a limit and did not ask them to stop. */
function leftRunning(cases: readonly SeenCase[]): LeftRunning {
  const left: LeftRunning = { jobs: 0, jobHours: 0, cuHours: 0, withoutCus: 0 };
  for (const { sightings } of cases) {
    const ms = sightings.slice(1).reduce((sum, next, i) => sum + ranOn(sightings[i], next), 0);
    if (ms === 0) continue;
    const cus = sightings.findLast((one) => one.cus !== null)?.cus ?? null;
    left.jobs += 1;
    left.jobHours += ms / HOUR_MS;
    if (cus === null) left.withoutCus += 1;
    else left.cuHours += (cus * ms) / HOUR_MS;
  }
  return left;
}

/** Returns how much longer a job had run at the next sweep; 0 if it was asked, or had been started anew. */
function ranOn(before: Sighting | undefined, next: Sighting): number {
  if (before === undefined || (before.result !== 'not-asked' && before.result !== 'dry-run')) return 0;
  if (before.runTimeMs === null || next.runTimeMs === null) return 0;
  const isSameRun = Math.abs(startOf(next, next.runTimeMs) - startOf(before, before.runTimeMs)) <= SAME_START_MS;
  return isSameRun ? Math.max(0, next.runTimeMs - before.runTimeMs) : 0;
}

/** Run times are those at the beginning of a sweep. */
const startOf = ({ run, at }: Sighting, runTimeMs: number): number => (run.end?.startedAt ?? at) - runTimeMs;
