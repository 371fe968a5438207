import { describe, expect, it } from 'vitest';
import { announcedSince } from '../../../lib/fleet/schedule.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';

const OFFICE = 'cron(0/15 7-19 ? * MON-FRI *)';
const intervalsUpTo = (expression: string, dueAt: string) => {
  const { after, upTo } = announcedSince(
    { expression, timeZone: 'Europe/Berlin', periodMs: 15 * MINUTE },
    Date.parse(dueAt),
  );
  return [new Date(after).toISOString(), new Date(upTo).toISOString()];
};

describe('announcedSince', () => {
  it.each([
    { expression: 'rate(15 minutes)', dueAt: '2026-11-30T06:00:00.000Z', after: '2026-11-30T05:15:00.000Z' },
    { expression: '', dueAt: '2026-11-30T06:00:00.000Z', after: '2026-11-30T05:15:00.000Z' },
    { expression: OFFICE, dueAt: '2026-11-30T06:45:00.000Z', after: '2026-11-30T06:00:00.000Z' },
    // A Monday: three ticks before were on Friday evening.
    { expression: OFFICE, dueAt: '2026-11-30T06:00:00.000Z', after: '2026-11-27T18:15:00.000Z' },
    { expression: OFFICE, dueAt: '2026-11-30T06:15:00.000Z', after: '2026-11-27T18:30:00.000Z' },
  ])('tells the last three intervals of $expression up to $dueAt', ({ expression, dueAt, after }) => {
    expect(intervalsUpTo(expression, dueAt)).toEqual([after, dueAt]);
  });

  it('finds each moment in three ticks, also one in the pause of a weekend', () => {
    const mark = Date.parse('2026-11-28T00:00:00Z');
    const ticks = Array.from({ length: 96 * 4 }, (_, n) => Date.parse('2026-11-27T00:00:00Z') + n * 15 * MINUTE).filter(
      (at) => {
        const hour = new Date(at + HOUR).getUTCHours();
        return hour >= 7 && hour <= 19 && ![0, 6].includes(new Date(at + HOUR).getUTCDay());
      },
    );

    const found = ticks.filter((dueAt) => {
      const { after, upTo } = announcedSince(
        { expression: OFFICE, timeZone: 'Europe/Berlin', periodMs: 15 * MINUTE },
        dueAt,
      );
      return after < mark && mark <= upTo;
    });

    expect(found.map((at) => new Date(at).toISOString())).toEqual([
      '2026-11-30T06:00:00.000Z',
      '2026-11-30T06:15:00.000Z',
      '2026-11-30T06:30:00.000Z',
    ]);
  });
});
