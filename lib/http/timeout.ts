import { TimeoutError } from './errors.ts';

/** A timer that is set to more than this fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a timer can be set to: a deadline may have passed, or be very far. */
export const timerMs = (ms: number): number => Math.min(Math.max(ms, 0), LONGEST_TIMER_MS);

/** @throws {TimeoutError} if the promise takes longer. What it does goes on, and its result is ignored. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError('answer', timeoutMs)), timerMs(timeoutMs));
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
