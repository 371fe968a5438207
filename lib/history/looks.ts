import type { Engine, Job } from '../base/job.ts';
import { ENGINE_FACTS } from '../policy/facts.ts';
import type { StoredLook } from '../sweep/look/look.ts';
import type { Life } from './life.ts';

/**
 * How long SQL jobs and batches waited before they ran, which no list of the past says. The truth lies between the two: none of
 * them waited, or each of them waited all its life.
 */
export type Wait = 'none' | 'all';

/** Returns the job of a life as a look would have shown it while it was alive. */
export function asAlive({ job: last }: Life, wait: Wait): Job {
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
 * Makes the look of each tick at which at least one job was alive. Each look holds the same objects for the same jobs. A job is
 * made when it comes to life and is not kept, since a past has many more jobs than a look.
 *
 * @param lives the oldest submission first.
 */
export function* looksAt(
  lives: readonly Life[],
  {
    wait,
    until,
    periodMs,
    engines,
    onAlive = () => {},
    ...of
  }: Pick<StoredLook, 'target' | 'project'> & {
    wait: Wait;
    until: number;
    periodMs: number;
    engines: readonly Engine[];
    /** Gets each job before it is first looked at. */
    onAlive?: (job: Job, life: Life) => void;
  },
): Generator<StoredLook> {
  let next = 0;
  let alive: { job: Job; endedAt: number }[] = [];
  let lastTick = Number.NEGATIVE_INFINITY;
  for (;;) {
    const first = lives[next];
    // A pause without a job is skipped.
    if (alive.length === 0 && first === undefined) return;
    const from = alive.length === 0 && first !== undefined ? first.submittedAt : lastTick + periodMs;
    const now = Math.ceil(from / periodMs) * periodMs;
    if (now > until) return;
    alive = alive.filter(({ endedAt }) => endedAt > now);
    for (let life = lives[next]; life !== undefined && life.submittedAt <= now; life = lives[next]) {
      next += 1;
      // One that is alive at the end of the past is alive at its last tick too.
      const endedAt = life.ending === 'alive' ? Number.POSITIVE_INFINITY : life.endedAt;
      if (endedAt <= now) continue;
      const job = asAlive(life, wait);
      onAlive(job, life);
      alive.push({ job, endedAt });
    }
    if (alive.length > 0) {
      yield { ...of, now, engines, gaps: [], clockProblem: undefined, jobs: alive.map(({ job }) => job) };
    }
    lastTick = now;
  }
}
