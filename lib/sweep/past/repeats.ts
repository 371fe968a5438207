import type { PastJob, PastSweep } from './past-sweeps.ts';

/*
 * A client that runs a cancelled job again and again costs its limit each time. Such jobs are known by the record alone.
 */

const DAY_MS = 24 * 3_600_000;

/**
 * Returns how many times a job like this one was cancelled in the 24 hours before. What one sweep cancels together is one time: a client
 * did not run it again. Jobs are like each other with the same shape of statement, or the same name where
 * there is no statement, of the same owner on the same queue.
 *
 * @param now epoch ms.
 * @returns null if that is not known.
 */
export function countRepeats(job: PastJob, past: readonly PastSweep[] | undefined, now: number): number | null {
  const key = likenessOf(job);
  if (key === undefined || past === undefined) return null;
  return sweepsSince(past, now - DAY_MS).filter(({ cancelledJobs }) =>
    cancelledJobs.some((one) => likenessOf(one) === key),
  ).length;
}

/** Jobs like each other that several sweeps of 24 hours cancelled. */
export interface Repeat {
  engine: string;
  owner: string;
  queue: string;
  /** Null if they are known by their name. */
  fingerprint: string | null;
  name: string | null;
  /** How many sweeps cancelled such jobs, 2 or more. */
  cancelled: number;
  /** The latest of them. */
  jobId: string;
}

/** Returns what was cancelled more than once in the last 24 hours, the most frequent first. @param now epoch ms. */
export function repeatsOf(past: readonly PastSweep[], now: number): Repeat[] {
  // One of each sweep: what a sweep cancels together is one time.
  const ofSweeps = sweepsSince(past, now - DAY_MS).flatMap(({ cancelledJobs }) => [
    ...new Map(cancelledJobs.map((job) => [likenessOf(job), job])).values(),
  ]);
  return [...Map.groupBy(ofSweeps, likenessOf)]
    .flatMap(([key, jobs]) => {
      const last = jobs.at(-1);
      if (key === undefined || last === undefined || jobs.length < 2) return [];
      const { engine, owner, queue, fingerprint, name, jobId } = last;
      if (engine === null || owner === null || queue === null) return [];
      return [{ engine, owner, queue, fingerprint, name, cancelled: jobs.length, jobId }];
    })
    .toSorted((a, b) => b.cancelled - a.cancelled);
}

/** The oldest first. */
const sweepsSince = (past: readonly PastSweep[], since: number): PastSweep[] =>
  past.filter(({ at }) => at > since).toSorted((a, b) => a.at - b.at);

/** Identifies jobs that a client may have sent again and again; undefined if too little is known of the job. */
export function likenessOf({ engine, fingerprint, name, queue, owner }: PastJob): string | undefined {
  const what = fingerprint ?? name;
  if (engine === null || what === null || queue === null || owner === null) return undefined;
  return JSON.stringify([engine, what, queue, owner]);
}
