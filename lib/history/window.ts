import type { Life } from './life.ts';

const DAY_MS = 86_400_000;

/** The span that a history really covers. */
export interface Window {
  /** Epoch ms: the first submission that was seen. */
  from: number;
  /** Epoch ms. */
  until: number;
  /** Whether the last day of a month and the day after it, in UTC, lie within. */
  holdsMonthEnd: boolean;
}

/** @param lives the oldest submission first. */
export function windowOf(lives: readonly Life[], until: number): Window {
  const from = lives[0]?.submittedAt ?? until;
  return { from, until, holdsMonthEnd: holdsMonthEnd(from, until) };
}

function holdsMonthEnd(from: number, until: number): boolean {
  const { year, month } = { year: new Date(from).getUTCFullYear(), month: new Date(from).getUTCMonth() };
  return [1, 2].some((later) => {
    const first = Date.UTC(year, month + later, 1);
    return from <= first - DAY_MS && first + DAY_MS <= until;
  });
}
