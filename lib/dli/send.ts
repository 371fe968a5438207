import type { Clock } from '../base/clock.ts';
import { TurnMissed } from '../http/pacer.ts';
import { createRetryBudget, type RetryOptions, retry } from '../http/retry.ts';
import { createCallWaits, type OnWait } from '../http/waits.ts';
import type { AuthGate } from './auth-gate.ts';
import { DliNotSentError, DliResponseError, isAnswer, isRetryable, refusalIn } from './errors.ts';
import type { Answered, Call, Exchange } from './exchange.ts';
import type { DliPacer, DliTurn } from './pacing.ts';

export interface SendOptions {
  exchange: Exchange;
  pacer: DliPacer;
  gate: AuthGate;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Epoch ms. */
  deadlineAt: number;
  /** Once one of them is aborted, no call or wait begins. */
  signals: readonly AbortSignal[];
  /** Default 4, the first one included. */
  maxAttempts: number | undefined;
  /** The server in messages. */
  host: string;
  /** Returns the limit that refusals have taught; undefined as long as there was none. */
  callsPerMinute: () => number | undefined;
  onWait: OnWait | undefined;
}

/**
 * Sends a call with retries, each attempt in its turn. `prepare` runs before each exchange. Calls that it makes in the turn
 * that it is given come right before the exchange, however many others wait.
 *
 * @throws {DliError} of the last attempt.
 */
export type Send = <T>(call: Call<T>, prepare?: (turn: DliTurn) => Promise<void>) => Promise<Answered<T>>;

const MAX_ATTEMPTS = 4;
/** First wait up to 300 ms, no wait over 8 s. */
const BACKOFF = { baseMs: 300, capMs: 8_000 };
const RETRY_BUDGET = { initial: 50, perSuccess: 0.1 };
/**
 * With pauses of up to ten seconds a call is held up for nine minutes. Windows are a minute as a rule, and five minutes where
 * 200 calls are allowed in as many (huaweicloud/terraform-provider-huaweicloud#1335).
 */
const MAX_REFUSALS = 60;

export function createSend(options: SendOptions): Send {
  const { exchange, pacer, gate, clock, random, deadlineAt, signals, maxAttempts = MAX_ATTEMPTS } = options;
  const { host, callsPerMinute, onWait } = options;
  const budget = createRetryBudget(RETRY_BUDGET);
  const ofAll = AbortSignal.any([...signals]);
  /** Most calls have the same signal. Each of them, thousands in line, would otherwise hold a joined one of its own. */
  const joined = new WeakMap<AbortSignal, AbortSignal>();

  function joinedWith(signal: AbortSignal): AbortSignal {
    const known = joined.get(signal) ?? AbortSignal.any([ofAll, signal]);
    joined.set(signal, known);
    return known;
  }

  function turnOf({ kind, notAfter = deadlineAt, signal }: Call<unknown>): DliTurn {
    return {
      priority: kind,
      notAfter: Math.min(notAfter, deadlineAt),
      signal: signal === undefined ? ofAll : joinedWith(signal),
      refusalIn,
      isAnswer,
    };
  }

  return async (call, prepare) => {
    const turn = call.turn ?? turnOf(call);
    const about = { operation: call.operation, host, maxAttempts, callsPerMinute };
    const { waits, over } = createCallWaits(onWait, about);
    let exchanges = 0;

    /** Waits for its turn again each time the gateway says that there are too many calls. */
    const sendPaced = async (attempt: number) => {
      // However slow the pace, what was prepared for the turn right before is as new as can be.
      let isRenewed = false;
      for (let refusals = 0; ; ) {
        await prepare?.(turn);
        waits('turn', attempt);
        try {
          return await pacer.run(turn, () => {
            if (!isRenewed && call.isStale?.(pacer.intervalMs())) throw new Stale();
            // Inside the turn, so that a call that waits in line notices a credential that has failed meanwhile.
            return gate.pass(() => exchange(call, ++exchanges, () => waits('answer', attempt)));
          });
        } catch (error) {
          isRenewed = error instanceof Stale;
          if (isRenewed) continue;
          if (error instanceof TurnMissed) {
            throw gate.failure() ?? new DliNotSentError(call.operation, turn.signal?.aborted ? 'stopped' : 'deadline');
          }
          if (refusalIn(error) === undefined || refusals >= MAX_REFUSALS) {
            waits('retry', attempt + 1);
            throw error;
          }
          refusals += 1;
        }
      }
    };

    const retryOptions: RetryOptions = {
      ...BACKOFF,
      maxAttempts,
      deadlineAt: turn.notAfter,
      signal: turn.signal,
      budget,
      isRetryable,
      retryAfterMs: (error) => (error instanceof DliResponseError ? error.retryAfterMs : undefined),
    };
    try {
      const answered = await retry(sendPaced, retryOptions, { clock, random });
      over('answered');
      return answered;
    } catch (error) {
      over(isAnswer(error) ? 'answered' : 'failed');
      throw error;
    }
  };
}

/** What was prepared became too old while the call waited; nothing was sent. */
class Stale extends Error {}
