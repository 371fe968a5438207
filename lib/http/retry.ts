import type { Clock } from '../base/clock.ts';

export interface Backoff {
  /** Longest wait after the first failed attempt. */
  baseMs: number;
  /** Longest wait after any attempt. */
  capMs: number;
}

export interface RetryOptions extends Backoff {
  /** Calls in all, the first included. */
  maxAttempts: number;
  /** Epoch ms; a wait that would end at or after it does not begin. */
  deadlineAt: number;
  isRetryable: (error: unknown) => boolean;
  /** Returns the wait that the server asked for; undefined if it asked for none. */
  retryAfterMs: (error: unknown) => number | undefined;
  /** Shared by all calls of the same service. */
  budget: RetryBudget;
  signal?: AbortSignal | undefined;
}

/**
 * A limit on retries, so that many calls do not hammer a sick service. Each call may be repeated once for free. Further
 * retries are paid from a common purse that only successes fill.
 */
export interface RetryBudget {
  earn(): void;
  /** @returns false when the purse is empty. */
  spend(): boolean;
}

/** @param options.initial retries in the purse at first, and at most; each success adds `perSuccess`. */
export function createRetryBudget({ initial, perSuccess }: { initial: number; perSuccess: number }): RetryBudget {
  let purse = initial;
  return {
    earn: () => {
      purse = Math.min(purse + perSuccess, initial);
    },
    spend: () => {
      if (purse < 1) return false;
      purse -= 1;
      return true;
    },
  };
}

/**
 * The wait after a failed attempt: exponential ceiling, full jitter.
 *
 *     random() × min(baseMs × 2^(attempt − 1), capMs)
 *
 * @param attempt the attempt that just failed; the first is 1.
 * @returns whole milliseconds in [0, capMs].
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("Full Jitter")
 */
export function backoffMs(attempt: number, { baseMs, capMs }: Backoff, random: () => number): number {
  return Math.floor(random() * Math.min(baseMs * 2 ** (attempt - 1), capMs));
}

/**
 * Runs `operation` again while its errors are retryable, attempts are left, and the wait ends before the deadline.
 *
 * @throws the operation's last error, never a "retries exhausted" of our own: the reader wants to know what broke.
 */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions,
  { clock, random }: { clock: Clock; random: () => number },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await operation(attempt);
      options.budget.earn();
      return result;
    } catch (error) {
      if (attempt >= options.maxAttempts || !options.isRetryable(error)) throw error;

      const delayMs = Math.max(backoffMs(attempt, options, random), options.retryAfterMs(error) ?? 0);
      // A wait that outlives the deadline only hides the real error behind a timeout.
      if (clock.now() + delayMs >= options.deadlineAt) throw error;
      if (options.signal?.aborted || (attempt > 1 && !options.budget.spend())) throw error;

      try {
        await clock.sleep(delayMs, options.signal);
      } catch {
        throw error;
      }
    }
  }
}

/**
 * Reads a `Retry-After` header: whole seconds or an HTTP date.
 *
 * @returns milliseconds in [0, capMs]; undefined if there is no header, or none that can be read.
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | undefined, now: number, capMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const isSeconds = /^\d+$/.test(text);
  // Date.parse makes a date of nearly anything with a digit in it.
  if (!isSeconds && !/^[A-Za-z]{3,9}, .* GMT$/.test(text)) return undefined;
  const ms = isSeconds ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), capMs);
}
