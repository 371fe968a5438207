import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecurrence } from '../../../lib/policy/recurrence.ts';
import { HOUR } from '../../helpers/world.ts';

const MONTH_END = { days: [-2, -1, 1, 2, 3, 4, 5], timeZone: 'Europe/Berlin' };
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(text);
const timeOf = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString() : 'never');

/** The day that a clock on a wall there shows. */
function dayAt(now: number, timeZone: string): { year: number; month: number; day: number } {
  const parts = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' });
  const read = (type: string) => Number(parts.formatToParts(now).find((part) => part.type === type)?.value);
  return { year: read('year'), month: read('month'), day: read('day') };
}

describe('createRecurrence', () => {
  const monthEnd = createRecurrence(MONTH_END);

  it.each([
    { name: 'a month of 30 days', from: '2026-11-28T23:00:00Z', until: '2026-12-05T23:00:00Z' },
    { name: 'a month of 31 days', from: '2026-12-29T23:00:00Z', until: '2027-01-05T23:00:00Z' },
    { name: 'a February of 28 days', from: '2027-02-26T23:00:00Z', until: '2027-03-05T23:00:00Z' },
    { name: 'a February of 29 days', from: '2028-02-27T23:00:00Z', until: '2028-03-05T23:00:00Z' },
    {
      name: 'a spring in which the clock has gone forward',
      from: '2026-03-29T22:00:00Z',
      until: '2026-04-05T22:00:00Z',
    },
    { name: 'an autumn in which the clock has gone back', from: '2026-10-29T23:00:00Z', until: '2026-11-05T23:00:00Z' },
    { name: 'a spring while the clock goes forward', from: '2030-03-29T23:00:00Z', until: '2030-04-05T22:00:00Z' },
  ])('holds the last two days of $name and the first five of the next, to the millisecond', ({ from, until }) => {
    const [start, end] = [at(from), at(until)];

    expect([start - 1, start, end - 1, end].map(monthEnd.holdsAt)).toEqual([false, true, true, false]);
    expect(timeOf(monthEnd.nextAfter(start - 1))).toBe(timeOf(start));
    expect(timeOf(monthEnd.endOf(start))).toBe(timeOf(end));
    expect(timeOf(monthEnd.endOf(end - 1))).toBe(timeOf(end));
  });

  it.each([
    { name: 'days alone', fields: { days: [15] }, next: '2026-01-15T00:00:00.000Z', end: '2026-01-16T00:00:00.000Z' },
    { name: 'the last day', fields: { days: [-1] }, next: '2026-01-31T00:00:00.000Z', end: '2026-02-01T00:00:00.000Z' },
    {
      name: 'months alone',
      fields: { months: [2] },
      next: '2026-02-01T00:00:00.000Z',
      end: '2026-03-01T00:00:00.000Z',
    },
    {
      name: 'the end of quarters',
      fields: { days: [-1], months: [3, 6] },
      next: '2026-03-31T00:00:00.000Z',
      end: '2026-04-01T00:00:00.000Z',
    },
    {
      name: 'a day that comes every four years',
      fields: { days: [29], months: [2] },
      next: '2028-02-29T00:00:00.000Z',
      end: '2028-03-01T00:00:00.000Z',
    },
    {
      name: 'the first of 28 days, counted from the end',
      fields: { days: [-28], months: [2] },
      next: '2026-02-01T00:00:00.000Z',
      end: '2026-02-02T00:00:00.000Z',
    },
  ])('knows when $name come next, and when they are over', ({ fields, next, end }) => {
    const recurrence = createRecurrence({ ...fields, timeZone: 'UTC' });
    const found = recurrence.nextAfter(at('2026-01-05T09:00:00Z'));

    expect(timeOf(found)).toBe(next);
    expect(timeOf(recurrence.endOf(found))).toBe(end);
  });

  it('begins next in the next month, once the days of this month have begun', () => {
    expect(timeOf(createRecurrence({ days: [-2], timeZone: 'UTC' }).nextAfter(at('2026-01-30T12:00:00Z')))).toBe(
      '2026-02-27T00:00:00.000Z',
    );
  });

  it.each([
    { name: 'never comes', fields: { days: [30], months: [2] }, holds: false, next: 'never' },
    { name: 'comes every day', fields: {}, holds: true, next: '2026-01-06T00:00:00.000Z' },
  ])('has no end where a day $name', ({ fields, holds, next }) => {
    const recurrence = createRecurrence({ ...fields, timeZone: 'UTC' });
    const now = at('2026-01-05T09:00:00Z');

    expect(recurrence.holdsAt(now)).toBe(holds);
    expect(timeOf(recurrence.nextAfter(now))).toBe(next);
    if (holds) expect(recurrence.endOf(now)).toBe(Number.POSITIVE_INFINITY);
  });

  it('begins a day at its first moment if the clock skips its midnight', () => {
    const recurrence = createRecurrence({ days: [24], months: [4], timeZone: 'Africa/Cairo' });

    expect(timeOf(recurrence.nextAfter(at('2026-04-01T00:00:00Z')))).toBe('2026-04-23T22:00:00.000Z');
    expect(recurrence.holdsAt(at('2026-04-23T21:59:59.999Z'))).toBe(false);
  });

  it('holds on those days by the wall clock of the time zone, and on no other', () => {
    const day = fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: -28, max: -1 }));
    const month = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        fc.option(fc.array(day, { minLength: 1, maxLength: 5 }), { nil: undefined }),
        fc.option(fc.array(month, { minLength: 1, maxLength: 5 }), { nil: undefined }),
        fc.constantFrom(
          'UTC',
          'Europe/Berlin',
          'Africa/Cairo',
          'America/Havana',
          'Asia/Kathmandu',
          'Pacific/Kiritimati',
        ),
        fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2031-01-01T00:00:00Z') }),
        (days, months, timeZone, now) => {
          const recurrence = createRecurrence({ days, months, timeZone });
          const shown = dayAt(now, timeZone);
          const daysInMonth = new Date(Date.UTC(shown.year, shown.month, 0)).getUTCDate();
          const isDay =
            days === undefined || days.some((one) => one === shown.day || one === shown.day - daysInMonth - 1);
          const isMonth = months === undefined || months.includes(shown.month);

          expect(recurrence.holdsAt(now)).toBe(isDay && isMonth);
          const end = recurrence.endOf(now);
          if (isDay && isMonth && Number.isFinite(end)) {
            expect([recurrence.holdsAt(end - 1), recurrence.holdsAt(end)]).toEqual([true, false]);
          }
          const next = recurrence.nextAfter(now);
          if (Number.isFinite(next)) {
            expect(recurrence.holdsAt(next)).toBe(true);
            expect(dayAt(next, timeZone)).not.toEqual(dayAt(next - 1, timeZone));
            // No day of it comes before.
            const noon = Math.min(next, now + 40 * DAY) - DAY / 2;
            if (!(isDay && isMonth) && noon > now) expect(recurrence.holdsAt(noon)).toBe(false);
          }
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });
});
