import type { Clock } from '../base/clock.ts';

export interface ClockReading {
  serviceAt: number;
  localAt: number;
}

/** The gateway takes signatures up to 15 minutes off; a clock that is nearly as wrong may have been the reason. */
const SUSPICIOUS_SKEW_MS = 10 * 60_000;

/** The service's time as its answers tell it, for signing. Ours is believed until a signature has been refused. */
export function createServiceTime(clock: Clock) {
  let first: ClockReading | undefined;
  let latestSkewMs = 0;
  let correctionMs = 0;

  return {
    now: () => clock.now() + correctionMs,
    first: () => first,
    read: (date: string | undefined, localAt: number) => {
      const serviceAt = Date.parse(date ?? '');
      if (Number.isNaN(serviceAt)) return;
      first ??= { serviceAt, localAt };
      latestSkewMs = serviceAt - localAt;
    },
    /** @returns whether the clock may have been the reason for a refusal, and is now corrected: once, and no more. */
    correct: () => {
      if (correctionMs !== 0 || Math.abs(latestSkewMs) < SUSPICIOUS_SKEW_MS) return false;
      correctionMs = latestSkewMs;
      return true;
    },
  };
}
