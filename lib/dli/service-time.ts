import type { Clock } from '../base/clock.ts';

export interface ClockReading {
  serviceAt: number;
  localAt: number;
}

/** The service's time, for signing. Our clock is believed until a signature has been refused. */
export interface ServiceTime {
  now: () => number;
  /** Returns the first reading; undefined before the first answer. */
  first: () => ClockReading | undefined;
  /** Reads the Date header of an answer. */
  read: (date: string | undefined, localAt: number) => void;
  /** Corrects the clock after a refusal, once. @returns whether a wrong clock may have been the reason. */
  correct: () => boolean;
}

/** The gateway takes signatures up to 15 minutes off; a clock that is nearly as wrong may have been the reason. */
const SUSPICIOUS_SKEW_MS = 10 * 60_000;

export function createServiceTime(clock: Clock): ServiceTime {
  let first: ClockReading | undefined;
  let latestSkewMs = 0;
  let correctionMs = 0;

  return {
    now: () => clock.now() + correctionMs,
    first: () => first,
    read: (date, localAt) => {
      const serviceAt = Date.parse(date ?? '');
      if (Number.isNaN(serviceAt)) return;
      first ??= { serviceAt, localAt };
      latestSkewMs = serviceAt - localAt;
    },
    correct: () => {
      if (correctionMs !== 0 || Math.abs(latestSkewMs) < SUSPICIOUS_SKEW_MS) return false;
      correctionMs = latestSkewMs;
      return true;
    },
  };
}
