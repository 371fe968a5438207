import type { Clock } from '../../lib/base/clock.ts';
import { NOW } from './world.ts';

/**
 * A clock that jumps instead of waiting, and records every wait.
 *
 * @param whileAsleep is called during each wait.
 */
export function fakeClock(whileAsleep: () => void = () => {}) {
  let at = NOW;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => at,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      whileAsleep();
      signal?.throwIfAborted();
      at += ms;
    },
    /** Moves the time forward without a wait. */
    pass: (ms: number) => {
      at += ms;
    },
  } satisfies Clock & Record<string, unknown>;
}
