import type { Victim } from './cap.ts';
import type { CancelResult } from './dli/client.ts';
import type { StopOptions } from './dli/engine.ts';
import type { Job } from './job.ts';

/** What came of asking for one victim. */
export interface Cancellation {
  victim: Victim;
  result: CancelResult;
}

/** Asks DLI to stop one job, of whatever engine. */
export type CancelJob = (job: Job, options: StopOptions) => Promise<CancelResult>;

/**
 * Asks DLI to cancel each victim, in the order given, as many at a time as the client's pace allows. One job's trouble
 * never hides another's; only a refused credential ends it for all, because every further call would be refused too.
 *
 * @param stopAt epoch ms; nothing is asked from then on.
 * @param stop once aborted, nothing more is asked; what is under way is finished.
 * @param onAsked called as each victim's request is answered.
 * @returns one per victim, in the order given.
 */
export async function cancelJobs(
  victims: readonly Victim[],
  cancelJob: CancelJob,
  { stopAt, stop, onAsked }: { stopAt: number; stop: AbortSignal; onAsked?: () => void },
): Promise<Cancellation[]> {
  const refusedForAll = new AbortController();
  const signal = AbortSignal.any([stop, refusedForAll.signal]);

  return Promise.all(
    victims.map(async (victim) => {
      const result = await cancelOne(victim, cancelJob, { notAfter: stopAt, signal });
      if (result.kind === 'refused' && result.error.kind === 'authentication') refusedForAll.abort();
      if (result.kind !== 'not-sent') onAsked?.();
      return { victim, result };
    }),
  );
}

/** An error that nobody foresaw leaves open what became of the request, and must not hide what became of the others. */
async function cancelOne(
  { job, verdict: { savepoint } }: Victim,
  cancelJob: CancelJob,
  limits: Omit<StopOptions, 'savepoint'>,
): Promise<CancelResult> {
  try {
    return await cancelJob(job, { ...limits, savepoint });
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    return { kind: 'lost', error, attempts: 1, requestId: undefined };
  }
}
