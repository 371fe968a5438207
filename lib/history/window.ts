import type { Life } from './life.ts';
import { holdsMonthEnd } from './month-end.ts';

/** The span that a history really covers. */
export interface Window {
  /** Epoch ms: the first submission that was seen. */
  from: number;
  /** Epoch ms. */
  until: number;
  /** Whether it holds the last day of a month and the next two, in UTC. */
  holdsMonthEnd: boolean;
}

/** @param lives the oldest submission first. */
export function windowOf(lives: readonly Life[], until: number): Window {
  const from = lives[0]?.submittedAt ?? until;
  return { from, until, holdsMonthEnd: holdsMonthEnd(from, until) };
}
