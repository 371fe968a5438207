import { TimeoutError } from './errors.ts';

/** A timer that is set to more than this fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws {TimeoutError} if the promise takes longer. What it does goes on, and its result is ignored. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const ms = Math.min(Math.max(timeoutMs, 0), LONGEST_TIMER_MS);
    timer = setTimeout(() => reject(new TimeoutError('answer', timeoutMs)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
