import type { Clock } from '../../lib/base/clock.ts';
import { NOW } from './world.ts';

/**
 * A clock that jumps instead of waiting, and remembers every wait it was asked for.
 *
 * @param whileAsleep what happens during each wait.
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
    /** Lets time go by without a wait. */
    pass: (ms: number) => {
      at += ms;
    },
  } satisfies Clock & Record<string, unknown>;
}
