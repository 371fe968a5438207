import { createThrottle, type RateLimit } from '../emulator/gateway/throttle.ts';
import { parseRateHint } from '../lib/dli/error-body.ts';
import { createDliPacer } from '../lib/dli/pacing.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface Run {
  calls: number;
  limitAt: (now: number) => RateLimit;
  connections: number;
  /** Time of a round trip. */
  delayMs: number;
  /** Wait that each refusal asks for. Default: none. */
  retryAfterMs?: number | undefined;
}

export interface RunResult {
  /** Epoch ms at which each call was accepted, by the virtual clock that starts at 0. */
  acceptedAt: number[];
  refusedAt: number[];
}

/** More calls than any burst here. */
const BURST_CALLS = 400;

/** Returns how many calls were under way when a bucket of `burst` calls was empty. The limit refuses all of them. */
export async function countFirstRefusals(run: {
  burst: number;
  connections: number;
  delayMs: number;
}): Promise<number> {
  const { burst, connections, delayMs } = run;
  // The bucket fills so slowly that the first second gains nothing.
  const limitAt = () => ({ calls: 1, windowMs: 10_000, burst, isNamed: true });
  const { refusedAt } = await runThrottledCalls({ calls: burst + connections, limitAt, connections, delayMs });
  // Later calls were sent after the first refusal had come back.
  return refusedAt.filter((at) => at <= (refusedAt[0] ?? 0) + delayMs).length;
}

/**
 * Returns how many round trips are lost, without any limit, because the pacer does not use all connections from the start.
 */
export async function countLostRoundTrips(run: { connections: number; delayMs: number }): Promise<number> {
  const { connections, delayMs } = run;
  const limitAt = () => ({ calls: BURST_CALLS * 10, windowMs: 1_000 });
  const { acceptedAt } = await runThrottledCalls({ calls: BURST_CALLS, limitAt, connections, delayMs });
  const tookMs = (acceptedAt.at(-1) ?? 0) + delayMs / 2;
  return tookMs / delayMs - Math.ceil(BURST_CALLS / connections);
}

/** Starts all calls at once through one pacer, against the emulator's throttle, in virtual time. */
export async function runThrottledCalls({
  calls,
  limitAt,
  connections,
  delayMs,
  retryAfterMs,
}: Run): Promise<RunResult> {
  const clock = createVirtualClock();
  const refuse = createThrottle(limitAt, clock.now);
  const pacer = createDliPacer({ clock, maxConcurrent: connections });
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
    error instanceof TooMany ? { hint: parseRateHint(error.message), retryAfterMs } : undefined;
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
