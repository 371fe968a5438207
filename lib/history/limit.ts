/** No limit is shorter: below it, a slow start or a wait in line matters more than the job. */
export const FLOOR_MS = 30 * 60_000;

/** A limit is so many times as long as the longest job that it was learned from. */
export const ROOM = 1.5;

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;

/** Limits that a person would write, up to a week. Beyond it they are whole weeks. */
const STEPS_MS = [0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 10, 12, 18, 24, 36, 48, 72, 96, 120, 168].map(
  (hours) => hours * HOUR_MS,
);

/** Returns the limit for jobs of which the longest took so long, in ms. */
export function limitFor(longestMs: number): number {
  const neededMs = longestMs * ROOM;
  return STEPS_MS.find((step) => step >= neededMs) ?? Math.ceil(neededMs / WEEK_MS) * WEEK_MS;
}

/** How a limit was checked. */
export interface Check {
  /** The number of jobs from which it was learned. */
  learnedOn: number;
  /** The longest of them, ms. */
  learnedFromMs: number;
  /** The number of newer jobs on which it was tried. None of them was over it. 0 if it was learned from all jobs. */
  triedOn: number;
  /** With 95 % certainty fewer than one in so many jobs like these is over it; undefined if it was tried on none. */
  oneIn: number | undefined;
  /** A lower limit that newer jobs were over, so that it was raised. */
  raised: { fromMs: number; over: number; triedOn: number } | undefined;
}

/**
 * Learns a limit from the older jobs, and tries it on the newer ones. If some of these are over it, the limit is learned from all.
 *
 * @param older lengths in ms, as `newer`.
 */
export function learnLimit(older: readonly number[], newer: readonly number[]): { limitMs: number; check: Check } {
  const limitMs = limitFor(longest(older));
  const over = newer.filter((ms) => ms > limitMs).length;
  const triedOn = newer.length;
  if (over === 0) {
    const check = { learnedOn: older.length, learnedFromMs: longest(older), triedOn, oneIn: oneIn(triedOn) };
    return { limitMs, check: { ...check, raised: undefined } };
  }
  const learnedFromMs = Math.max(longest(older), longest(newer));
  const learnedOn = older.length + triedOn;
  const raised = { fromMs: limitMs, over, triedOn };
  return {
    limitMs: limitFor(learnedFromMs),
    check: { learnedOn, learnedFromMs, triedOn: 0, oneIn: undefined, raised },
  };
}

/** The exact bound if none of n was over the limit: with 95 % certainty the share p of all has (1 − p)ⁿ > 0.05. */
function oneIn(n: number): number | undefined {
  return n === 0 ? undefined : Math.floor(1 / (1 - 0.05 ** (1 / n)));
}

/** A spread over so many arguments would overflow the stack. */
const longest = (lengths: readonly number[]): number => lengths.reduce((a, b) => Math.max(a, b), 0);
