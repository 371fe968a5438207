import { createRecurrence } from '../policy/recurrence.ts';
import { type Case, type Day, RESULTS, type Result, STATES, type State, type StateSpan } from './aggregates.ts';
import { isoOf } from './sightings.ts';

const HOUR_MS = 3_600_000;

export const noResults = (): Record<Result, number> =>
  Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<Result, number>;

export function countResults(cases: readonly Pick<Case, 'result'>[]): Record<Result, number> {
  const results = noResults();
  for (const { result } of cases) results[result] += 1;
  return results;
}

/** Counts cases and hours by the days of a time zone. @param from epoch ms, as `to`: every day between them is there. */
export function countDays(
  { cases, states }: { cases: readonly Case[]; states: readonly StateSpan[] },
  { from, to, timeZone }: { from: number; to: number; timeZone: string },
): Day[] {
  const starts = dayStarts(from, to, timeZone);
  const nameOf = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const days = starts.slice(0, -1).map((start, i): Day => {
    const end = starts[i + 1] ?? start;
    return {
      day: nameOf.format(start),
      from: isoOf(start),
      to: isoOf(end),
      results: noResults(),
      hours: { dead: 0, stopped: 0, capped: 0, blind: 0 },
    };
  });
  for (const { result, resultAt } of cases) {
    const day = days[indexAt(starts, Date.parse(resultAt))];
    if (day !== undefined) day.results[result] += 1;
  }
  for (const state of STATES) addHours(days, starts, state, states);
  return days;
}

/** Adds the hours in which at least one target was in a state. */
function addHours(days: readonly Day[], starts: readonly number[], state: State, states: readonly StateSpan[]): void {
  for (const [from, to] of unionOf(states.filter((span) => span.state === state))) {
    for (let i = Math.max(0, indexAt(starts, from)); i < days.length && (starts[i] ?? to) < to; i++) {
      const ms = Math.min(to, starts[i + 1] ?? to) - Math.max(from, starts[i] ?? from);
      const day = days[i];
      if (day !== undefined && ms > 0) day.hours[state] += ms / HOUR_MS;
    }
  }
}

type Interval = [from: number, to: number];

/** Joins spans that touch or overlap. @returns epoch ms, in order. */
function unionOf(spans: readonly Pick<StateSpan, 'from' | 'to'>[]): Interval[] {
  const joined: Interval[] = [];
  const inOrder = spans.map((span): Interval => [Date.parse(span.from), Date.parse(span.to)]).sort(([a], [b]) => a - b);
  for (const [from, to] of inOrder) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** A day has at most 25 hours, so this is before the day in which an instant lies. */
const BEFORE_MS = 49 * HOUR_MS;

/** Returns the beginning of each day from the one with `from` to the one with `to`, and the end of the last. */
function dayStarts(from: number, to: number, timeZone: string): number[] {
  const { nextAfter } = createRecurrence({ timeZone });
  let start = nextAfter(from - BEFORE_MS);
  for (let next = nextAfter(start); next <= from; next = nextAfter(start)) start = next;
  const starts = [start];
  do {
    start = nextAfter(start);
    starts.push(start);
  } while (start <= to);
  return starts;
}

/** Returns the index of the last start that is not after an instant; -1 before the first. */
function indexAt(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? at) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
