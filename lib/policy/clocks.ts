import type { JobState, Since } from '../base/job.ts';

interface ClockRow {
  /** The key of the rule's limit for this clock. */
  limit: string;
  /** The name of its reading in decisions and reports; milliseconds. */
  reading: string;
  /** The instant of the job at which the clock starts. */
  since: keyof Since;
  /** The states of a job in which the clock counts: a limit on running time does not apply to a job that waits. */
  states: readonly JobState[];
  /** The word for it on a screen. */
  word: string;
}

/** Every clock of a job, one row each. A limit is the most that its clock may show. docs/policy.md explains them. */
export const CLOCKS = [
  { limit: 'maxRunTime', reading: 'runTimeMs', since: 'running', states: ['running'], word: 'running' },
  { limit: 'maxQueueTime', reading: 'queueTimeMs', since: 'waiting', states: ['queued'], word: 'waiting' },
  { limit: 'maxTotalTime', reading: 'totalTimeMs', since: 'submitted', states: ['queued', 'running'], word: 'in all' },
] as const satisfies readonly ClockRow[];

export type Clock = (typeof CLOCKS)[number];
export type LimitName = Clock['limit'];
export type ReadingName = Clock['reading'];

export const LIMIT_NAMES: readonly LimitName[] = CLOCKS.map(({ limit }) => limit);

/** Returns the clock that a limit applies to. */
export function clockOf(limit: LimitName): Clock {
  const clock = CLOCKS.find((row) => row.limit === limit);
  if (clock === undefined) throw new TypeError(`no clock for ${limit}`);
  return clock;
}
