import type { Engine, Job } from '../base/job.ts';
import { ENGINE_FACTS } from '../policy/facts.ts';
import type { StoredLook } from '../sweep/look/look.ts';
import type { Life } from './life.ts';

/**
 * How long SQL jobs and batches waited before they ran, which no list of the past says. The truth lies between the two: none of
 * them waited, or each of them waited all its life.
 */
export type Wait = 'none' | 'all';

/** Returns the jobs of lives as a look would have shown them while they were alive. */
export function jobsOf(lives: readonly Life[], wait: Wait): Map<Job, Life> {
  return new Map(lives.map((life) => [asAlive(life.job, wait), life]));
}

function asAlive(last: Job, wait: Wait): Job {
  const job = { ...last, askedAt: undefined, updatedAt: undefined };
  // An operation on a queue is never a victim, in any state.
  if (job.protection === 'always') return { ...job, state: 'operation' };
  const [waiting, running] = ENGINE_FACTS[job.engine].statuses;
  return wait === 'all' ? { ...job, state: 'queued', status: waiting } : { ...job, state: 'running', status: running };
}

/** The ticks of a span: whole multiples of the period, epoch ms. */
export const ticksIn = ({ from, until }: { from: number; until: number }, periodMs: number): number =>
  Math.max(Math.floor(until / periodMs) - Math.ceil(from / periodMs) + 1, 0);

/**
 * Makes the look of each tick at which at least one job was alive. Each look holds the same objects for the same jobs.
 *
 * @param jobs the oldest submission first, as {@link jobsOf} makes them.
 */
export function* looksAt(
  jobs: ReadonlyMap<Job, Life>,
  {
    until,
    periodMs,
    engines,
    ...of
  }: Pick<StoredLook, 'target' | 'project'> & {
    until: number;
    periodMs: number;
    engines: readonly Engine[];
  },
): Generator<StoredLook> {
  const entries = [...jobs];
  let next = 0;
  let alive: [Job, Life][] = [];
  let lastTick = Number.NEGATIVE_INFINITY;
  for (;;) {
    const [, first] = entries[next] ?? [];
    // A pause without a job is skipped.
    if (alive.length === 0 && first === undefined) return;
    const from = alive.length === 0 && first !== undefined ? first.submittedAt : lastTick + periodMs;
    const now = Math.ceil(from / periodMs) * periodMs;
    if (now > until) return;
    for (let entry = entries[next]; entry !== undefined && entry[1].submittedAt <= now; entry = entries[next]) {
      alive.push(entry);
      next += 1;
    }
    alive = alive.filter(([, { ending, endedAt }]) => ending === 'alive' || endedAt > now);
    if (alive.length > 0) {
      yield { ...of, now, engines, gaps: [], clockProblem: undefined, jobs: alive.map(([job]) => job) };
    }
    lastTick = now;
  }
}
