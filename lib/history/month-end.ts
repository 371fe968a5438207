/**
 * Whether a span holds a whole month end, by UTC: from the beginning of the last day of a month to the end of the 2nd. Jobs of
 * the month end are often the longest.
 *
 * @param from epoch ms, as `until`.
 */
export function holdsMonthEnd(from: number, until: number): boolean {
  const first = new Date(from);
  const [year, month] = [first.getUTCFullYear(), first.getUTCMonth()];
  // Day 0 is the last day of the month before.
  const next = [month + 1, month + 2].find((after) => Date.UTC(year, after, 0) >= from);
  return next !== undefined && Date.UTC(year, next, 3) <= until;
}
