import type { PastJob, PastSweep } from '../past/past-sweeps.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Returns how many jobs like this one were cancelled in the 24 hours before: with the same shape of statement, or the same name where
 * there is no statement, of the same owner on the same queue.
 *
 * @param now epoch ms.
 * @returns null if that is not known.
 */
export function countRepeats(job: PastJob, past: readonly PastSweep[] | undefined, now: number): number | null {
  const key = likenessOf(job);
  if (key === undefined || past === undefined) return null;
  return past
    .filter(({ at }) => at > now - DAY_MS)
    .flatMap(({ cancelledJobs }) => cancelledJobs)
    .filter((one) => likenessOf(one) === key).length;
}

/** Identifies jobs that a client may have sent again and again; undefined if too little is known of the job. */
export function likenessOf({ engine, fingerprint, name, queue, owner }: PastJob): string | undefined {
  const what = fingerprint ?? name;
  if (engine === null || what === null || queue === null || owner === null) return undefined;
  return JSON.stringify([engine, what, queue, owner]);
}
