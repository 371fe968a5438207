import type { Clock } from '../lib/base/clock.ts';

export interface VirtualClock extends Clock {
  /** Wakes the sleepers in their order, until `finished` settles or no sleeper is left. */
  runUntil: <T>(finished: Promise<T>) => Promise<T>;
}

/** Lets everything run that waits for no time. */
const oneTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Creates a clock whose time passes only while all its users sleep. Minutes of waiting take milliseconds.
 *
 * @param settle resolves when everything has run that waits for no time; by default after one turn of the event loop.
 */
export function createVirtualClock(startsAt = 0, settle: () => Promise<void> = oneTurn): VirtualClock {
  let now = startsAt;
  let order = 0;
  const sleepers: { at: number; order: number; wake: () => void }[] = [];

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { at: now + Math.max(ms, 0), order: order++, wake: resolve };
        signal?.addEventListener('abort', () => {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal.reason as Error);
        });
        const after = sleepers.findIndex(({ at }) => at > sleeper.at);
        sleepers.splice(after < 0 ? sleepers.length : after, 0, sleeper);
      }),
    runUntil: async (finished) => {
      let isFinished = false;
      const finish = () => {
        isFinished = true;
      };
      finished.then(finish, finish);
      for (;;) {
        await settle();
        const next = isFinished ? undefined : sleepers.shift();
        if (next === undefined) return finished;
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
}
