import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../lib/base/clock.ts';
import { NOW } from './world.ts';

/** A clock that stands still until the test moves it on. A sleep ends when its time has come. */
export function handClock() {
  let at = NOW;
  let sleepers: { wakeAt: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => at,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ wakeAt: at + ms, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  };
  return {
    ...clock,
    /** Moves the time on in steps, and lets those who wake do their work after each. */
    pass: async (ms: number, stepMs: number) => {
      for (const end = at + ms; at < end; ) {
        at += stepMs;
        const due = sleepers.filter(({ wakeAt }) => wakeAt <= at);
        sleepers = sleepers.filter(({ wakeAt }) => wakeAt > at);
        for (const { wake } of due) wake();
        await setImmediate();
      }
    },
  };
}
