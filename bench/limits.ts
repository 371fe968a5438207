import type { RateLimit } from '../emulator/gateway/throttle.ts';

/** The limits that the pacer has to find out. docs/decisions/0003-pacing.md lists them. */
export const LIMITS: readonly { name: string; calls: number; limitAt: (now: number) => RateLimit }[] = [
  { name: '1 a second', calls: 300, limitAt: () => ({ calls: 1, windowMs: 1_000 }) },
  { name: '60 a minute, at once', calls: 300, limitAt: () => ({ calls: 60, windowMs: 60_000 }) },
  { name: '10 a second', calls: 1_500, limitAt: () => ({ calls: 10, windowMs: 1_000, burst: 1 }) },
  { name: '10 a second, at once', calls: 1_500, limitAt: () => ({ calls: 10, windowMs: 1_000 }) },
  { name: '50 a second', calls: 5_000, limitAt: () => ({ calls: 50, windowMs: 1_000, burst: 1 }) },
  { name: '50 a second, at once', calls: 5_000, limitAt: () => ({ calls: 50, windowMs: 1_000 }) },
  {
    name: '10 a second, halved after a minute',
    calls: 1_200,
    limitAt: (now) => ({ calls: now < 60_000 ? 10 : 5, windowMs: 1_000, burst: 10 }),
  },
];

/** Returns how many calls the limit allows from `from` to `to`, in epoch ms of a clock that starts at 0. */
export function supply(limitAt: (now: number) => RateLimit, from: number, to: number): number {
  const step = 100;
  let calls = 0;
  for (let at = from; at < to; at += step) {
    const limit = limitAt(at);
    calls += (limit.calls / limit.windowMs) * Math.min(step, to - at);
  }
  return calls;
}
