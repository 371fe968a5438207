import { setTimeout as sleep } from 'node:timers/promises';

/** The clock of a sweep. Tests pass a fake; nothing else in lib/ reads the system clock. */
export interface Clock {
  /** Wall clock, epoch milliseconds; comparable with DLI's start_time. */
  now: () => number;
  /** Resolves after `ms`; rejects with the signal's reason if aborted first. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    try {
      await sleep(ms, undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
