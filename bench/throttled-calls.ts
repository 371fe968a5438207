import { createThrottle, type RateLimit } from '../emulator/throttle.ts';
import { createVirtualClock } from '../emulator/virtual-clock.ts';
import { createPacer, parseRateHint } from '../lib/http/pacer.ts';

export interface Run {
  calls: number;
  limitAt: (now: number) => RateLimit;
  connections: number;
  /** There and back. */
  delayMs: number;
}

export interface RunResult {
  /** Epoch ms at which each call was accepted, by the virtual clock that starts at 0. */
  acceptedAt: number[];
  refusedAt: number[];
}

/** All calls at once through one pacer, against the emulator's own throttle, in virtual time. */
export async function runThrottledCalls({ calls, limitAt, connections, delayMs }: Run): Promise<RunResult> {
  const clock = createVirtualClock();
  const refuse = createThrottle(limitAt, clock.now);
  const pacer = createPacer({ clock, maxConcurrent: connections });
  const acceptedAt: number[] = [];
  const refusedAt: number[] = [];

  const send = async () => {
    await clock.sleep(delayMs / 2);
    const refusal = refuse('user', 'request');
    (refusal === undefined ? acceptedAt : refusedAt).push(clock.now());
    await clock.sleep(delayMs / 2);
    if (refusal !== undefined) throw new TooMany(JSON.stringify(refusal.body));
  };
  const refusalIn = (error: unknown) =>
    error instanceof TooMany ? { hint: parseRateHint(error.message), retryAfterMs: undefined } : undefined;
  const sendUntilAccepted = async (): Promise<void> => {
    for (;;) {
      try {
        return await pacer.run(
          { priority: 'cancel', notAfter: Number.POSITIVE_INFINITY, refusalIn, isAnswer: () => false },
          send,
        );
      } catch (error) {
        if (!(error instanceof TooMany)) throw error;
      }
    }
  };

  await clock.runUntil(Promise.all(Array.from({ length: calls }, sendUntilAccepted)));
  return { acceptedAt, refusedAt };
}

class TooMany extends Error {}
