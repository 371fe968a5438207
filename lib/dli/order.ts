import type { Clock } from '../base/clock.ts';
import { toError } from '../base/error-words.ts';
import { isLive, isTerminal, type Job, type TerminalState } from '../base/job.ts';
import type { UnsignedRequest } from './auth.ts';
import { type Get, type OrderCall, pathOf, toCall } from './calls.ts';
import { DliError, DliNotSentError, DliResponseError, isNeverSent } from './errors.ts';
import type { DliTurn } from './pacing.ts';
import type { Send } from './send.ts';

/** How an order to stop a job ended. None of the kinds proves that the job stopped. */
export type CancelResult = {
  /** Requests that were sent; those that found no connection do not count. */
  attempts: number;
  requestId: string | undefined;
} & (
  | { kind: 'accepted' }
  /** The request may have been carried out; its answer never came. The error is the last one, which may say more. */
  | { kind: 'lost'; error: Error }
  | { kind: 'refused'; error: DliError }
  /** The job was read right before and was already over. No request was sent. */
  | { kind: 'over'; state: TerminalState; status: string }
  /** No request can have been carried out. The error says why if the reason does not. */
  | { kind: 'not-sent'; reason: NotSentReason; status?: string | undefined; error?: Error | undefined }
);

export type NotSentReason =
  /** Its time was over, or a stop came first. */
  | DliNotSentError['reason']
  /** Read right before, the job was already being stopped, in a state that is not known, or no longer one to be asked. */
  | 'stopping'
  | 'undetermined'
  | 'changed'
  /** It could not be read right before, or DLI was not reached. */
  | 'unsent';

interface OrderOptions {
  send: Send;
  projectId: string;
  clock: Clock;
}

/**
 * Asks one job to stop. After a failure that may have reached DLI, the job is read before it is asked again. What DLI or the
 * network did is in the result, never thrown.
 */
export async function giveOrder(call: OrderCall, options: OrderOptions): Promise<CancelResult> {
  const { operation, hasVerdicts, notAfter, signal, mayStillBeAsked = () => true } = call;
  const progress: Progress = { attempts: 0, ambiguous: undefined, isPreparing: false };
  const reading = createReadingBefore(call, options);
  const request: UnsignedRequest = { method: call.method, path: pathOf(call, options.projectId), query: [] };

  const prepare = async (turn: DliTurn): Promise<void> => {
    progress.isPreparing = true;
    const job = await reading.read(turn, progress.ambiguous !== undefined);
    // The job is over, is being stopped, is in a state that is not known, or is no longer what was decided upon.
    if (job !== undefined && !(isLive(job.state) && mayStillBeAsked(job))) throw new Settled(job);
    if (job !== undefined && call.body !== undefined) request.body = call.body(job);
    progress.isPreparing = false;
  };
  const onExchange = (error: DliError | undefined) => {
    if (!isNeverSent(error)) progress.attempts += 1;
    if (error?.isAmbiguous) progress.ambiguous = error;
  };

  try {
    const { requestId } = await options.send(
      {
        kind: 'cancel',
        operation,
        request,
        hasVerdicts,
        notAfter,
        signal,
        onExchange,
        isStale: reading.isStale,
        // Accepted is not done, whatever else the answer says: the job ends later.
        parse: () => undefined,
      },
      prepare,
    );
    return { kind: 'accepted', attempts: progress.attempts, requestId };
  } catch (error) {
    const requestId = error instanceof DliResponseError ? error.requestId : undefined;
    return { ...endOf(error, progress), attempts: progress.attempts, requestId };
  }
}

/** How far an order has come. */
interface Progress {
  attempts: number;
  /** The latest failure after which the request may have arrived. */
  ambiguous: DliError | undefined;
  /** Whether the job is being read, so that no request is on its way. */
  isPreparing: boolean;
}

/** How an order ended that was not accepted. @throws an error that is no failure of a call. */
function endOf(error: unknown, { attempts, ambiguous, isPreparing }: Progress): EndWithoutSuccess {
  // Once a request may have arrived, no later answer takes that back: only reading the job can show what became of it.
  if (ambiguous !== undefined) return { kind: 'lost', error: error instanceof DliResponseError ? error : ambiguous };
  if (error instanceof Settled) return notAsked(error.job);
  if (error instanceof DliNotSentError) return { kind: 'not-sent', reason: error.reason };
  if (error instanceof DliError && error.kind === 'authentication' && (isPreparing || attempts === 0)) {
    return { kind: 'not-sent', reason: 'stopped', error };
  }
  // Whatever kept the job from being read, it was not asked.
  if (isPreparing || isNeverSent(error)) return { kind: 'not-sent', reason: 'unsent', error: toError(error) };
  if (!(error instanceof DliError)) throw error;
  return { kind: 'refused', error };
}

type EndWithoutSuccess =
  | { kind: 'lost'; error: Error }
  | { kind: 'refused'; error: DliError }
  | ReturnType<typeof notAsked>
  | { kind: 'not-sent'; reason: NotSentReason; error?: Error };

function notAsked({ state, status = '' }: Job) {
  if (isTerminal(state)) return { kind: 'over', state, status } as const;
  const reason = isLive(state) ? 'changed' : state === 'stopping' ? 'stopping' : 'undetermined';
  return { kind: 'not-sent', reason, status } as const;
}

/** The job turned out not to be one that may be asked. */
class Settled extends Error {
  readonly job: Job;
  constructor(job: Job) {
    super('not to be asked');
    this.job = job;
  }
}

/** How long a reading of one job counts as right before its cancel, where calls are not that far apart by themselves. */
const READING_GOOD_FOR_MS = 1_500;

/** Reads a job right before it is asked to stop, by a shared look if there is one. */
function createReadingBefore({ look, ...call }: OrderCall, { send, projectId, clock }: OrderOptions) {
  /** The job as the look had it; undefined if the order does not go by a look. */
  let lookedAt: Job | undefined;
  /** When the job was read alone, epoch ms; undefined if it was not. */
  let readAt: number | undefined;

  return {
    /** @returns undefined if the order needs no reading: it is the first request, and the order does not read first. */
    read: async (turn: DliTurn, isRepeated: boolean): Promise<Job | undefined> => {
      lookedAt = undefined;
      readAt = undefined;
      // In the order's own turn: the reading is no older than the pace makes it, however many others wait.
      const get: Get = async (read) => (await send({ ...toCall(read, projectId), turn })).value;
      if (!isRepeated && look !== undefined) {
        while (look.find() === undefined) await look.repeat(get);
        lookedAt = look.find() ?? undefined;
        if (lookedAt !== undefined) return lookedAt;
      } else if (!isRepeated && !call.readsFirst) {
        return undefined;
      }
      const job = await get(call.read);
      readAt = clock.now();
      return job;
    },
    /** Whether a newer look may say otherwise, or the reading became too old. */
    isStale: (intervalMs: number): boolean =>
      (lookedAt !== undefined && look?.find() !== lookedAt) ||
      (readAt !== undefined && clock.now() - readAt > Math.max(READING_GOOD_FOR_MS, 2 * intervalMs)),
  };
}
