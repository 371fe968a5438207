import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/error-words.ts';
import type { Job } from '../../base/job.ts';
import type { CancelResult } from '../../dli/order.ts';
import { MAX_CONNECTIONS } from '../../dli/shared-state.ts';
import type { StopOptions } from '../../engines/engine.ts';
import type { Victim } from '../judge/cap.ts';
import { isStillOver } from '../judge/decide.ts';
import type { ProgressWatch } from './progress.ts';

/** The result of asking for one victim. */
export interface Cancellation {
  victim: Victim;
  result: CancelResult;
  /** When that was known, epoch ms. */
  askedAt: number;
}

interface CancelLimits {
  clock: Clock;
  /** The instant of the decisions, epoch ms. */
  now: number;
  /** Nothing is asked from then on, epoch ms. */
  stopAt: number;
  /** Once aborted, nothing more is asked; what is under way is finished. */
  stop: AbortSignal;
  /** Called as each victim's request is answered. */
  onAsked?: ProgressWatch['asked'];
}

/** Asks DLI to stop one job of any engine. */
export type CancelJob = (job: Job, options: StopOptions) => Promise<CancelResult>;

/**
 * Asks DLI to cancel each victim, in the order given, as many at a time as the client's pace allows. An error of one job stops no
 * other. Only a refused credential ends it for all, because every further call would be refused too.
 *
 * @returns one per victim, in the order given.
 */
export async function cancelJobs(
  victims: readonly Victim[],
  cancelJob: CancelJob,
  { clock, now, stopAt, stop, onAsked }: CancelLimits,
): Promise<Cancellation[]> {
  const refusedForAll = new AbortController();
  const signal = AbortSignal.any([stop, refusedForAll.signal]);

  const ask = async (victim: Victim): Promise<Cancellation> => {
    const { savepoint } = victim.verdict;
    const result = await cancelOne(victim, cancelJob, { now, savepoint, notAfter: stopAt, signal });
    if (result.kind === 'refused' && result.error.kind === 'authentication') refusedForAll.abort();
    if (result.kind !== 'not-sent') onAsked?.({ hasFailed: result.kind === 'refused' || result.kind === 'lost' });
    return { victim, result, askedAt: clock.now() };
  };
  // Each request that waits for its turn costs memory, so only the next ones wait.
  const cancellations: Cancellation[] = [];
  const others = victims.entries();
  const goOn = async () => {
    for (const [index, victim] of others) cancellations[index] = await ask(victim);
  };
  await Promise.all(Array.from({ length: WAITING }, goOn));
  return cancellations;
}

/** Requests that may wait at a time: more than there are connections, so that none of them is ever idle. */
const WAITING = 4 * MAX_CONNECTIONS;

/**
 * Asks DLI to cancel one victim, if the rule that chose it still finds it over when it is read right before. After an unexpected
 * error it is not known what became of the request: its result is `lost`, and the other victims keep theirs.
 *
 * @param options.now epoch ms, the instant of the decision.
 */
export async function cancelOne(
  victim: Victim,
  cancelJob: CancelJob,
  { now, ...options }: Omit<StopOptions, 'mayStillBeAsked'> & { now: number },
): Promise<CancelResult> {
  const { savepoint } = options;
  const mayStillBeAsked = (read: Job) => isStillOver(victim, read, { now, savepoint });
  try {
    return await cancelJob(victim.job, { ...options, mayStillBeAsked });
  } catch (error) {
    return { kind: 'lost', error: toError(error), attempts: 1, requestId: undefined };
  }
}
