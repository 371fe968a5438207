import { describe, expect, it } from 'vitest';
import {
  endedNotices,
  freezesInForce,
  frozenBy,
  isFreezeInForce,
  spansOf,
  tryFreezes,
} from '../../../lib/policy/freezes.ts';
import { parseFreeze, parsePolicy } from '../../../lib/policy/parse.ts';
import { PolicyError } from '../../../lib/policy/policy-error.ts';
import { makeFreeze, makeJob } from '../../helpers/make-job.ts';
import { HOUR, NOW } from '../../helpers/world.ts';

const DAY = 24 * HOUR;
const FREEZE = { id: 'f', reason: 'why', match: 'all' };
const SPAN = { from: '2026-01-05', until: '2026-01-06' };
const RECURRING = { days: [-1, 1], timeZone: 'Europe/Berlin' };

function problemsOf(freeze: object): Record<string, string> {
  try {
    parseFreeze(freeze);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return Object.fromEntries(error.problems.map(({ path, message }) => [path, message]));
  }
  return {};
}

const DAYS = 'expected a day of the month, 1 to 31, or from its end -1 (the last) to -28';
const ZONE = 'expected the name of a time zone in the IANA database, such as Europe/Berlin';

describe('parseFreeze', () => {
  it.each([
    { name: 'of every job', freeze: { ...FREEZE, ...SPAN } },
    { name: 'of some jobs', freeze: { ...FREEZE, ...SPAN, match: { queue: 'finance_*', owner: '/close/' } } },
    { name: 'of days that come again', freeze: { ...FREEZE, recurring: RECURRING } },
    { name: 'of months that come again', freeze: { ...FREEZE, recurring: { months: [12], timeZone: 'UTC' } } },
    { name: 'of one day', freeze: { ...FREEZE, from: '2026-01-05', until: '2026-01-05' } },
  ])('takes a freeze $name', ({ freeze }) => {
    expect(problemsOf(freeze)).toEqual({});
  });

  it('counts a day alone from its beginning to its end', () => {
    expect(parseFreeze({ ...FREEZE, ...SPAN })).toMatchObject({
      from: Date.parse('2026-01-05T00:00:00Z'),
      until: Date.parse('2026-01-07T00:00:00Z'),
    });
  });

  it.each([
    {
      name: 'without a beginning',
      freeze: { until: '2026-01-06' },
      path: 'from',
      message:
        'missing; say when it holds, such as from: 2026-12-05, or recurring: {days: [-2, -1], timeZone: Europe/Berlin}',
    },
    {
      name: 'without an end',
      freeze: { from: '2026-01-06' },
      path: 'until',
      message:
        'missing; say when it holds, such as until: 2026-12-05, or recurring: {days: [-2, -1], timeZone: Europe/Berlin}',
    },
    {
      name: 'that ends before it begins',
      freeze: { from: '2026-01-07', until: '2026-01-06' },
      path: 'from',
      message:
        'is not before until, so it would never be in force; expected an earlier day or time, such as 2026-12-01',
    },
    {
      name: 'that ends as it begins',
      path: 'from',
      freeze: { from: '2026-01-07', until: '2026-01-07T00:00:00Z' },
      message:
        'is not before until, so it would never be in force; expected an earlier day or time, such as 2026-12-01',
    },
    {
      name: 'that recurs and ends',
      freeze: { recurring: RECURRING, until: '2026-01-06' },
      path: 'until',
      message: 'cannot be combined with recurring; remove one of them',
    },
    {
      name: 'that recurs and begins',
      freeze: { recurring: RECURRING, from: '2026-01-06' },
      path: 'from',
      message: 'cannot be combined with recurring; remove one of them',
    },
    {
      name: 'of no job',
      freeze: { ...SPAN, match: {} },
      path: 'match',
      message: 'expected at least one of jobId, queue, owner, tag, name, statement',
    },
    {
      name: 'of a queue in capitals',
      freeze: { ...SPAN, match: { queue: 'FINANCE' } },
      path: 'match.queue',
      message: 'no queue has such a name: DLI keeps queue names in lower-case letters, digits and _; write finance',
    },
    {
      name: 'of another word',
      freeze: { ...SPAN, match: 'every' },
      path: 'match',
      message: 'expected selectors such as {queue: etl}, or the word all; found a text',
    },
    {
      name: 'on day 0',
      path: 'recurring.days[0]',
      freeze: { recurring: { ...RECURRING, days: [0] } },
      message: DAYS,
    },
    {
      name: 'on day 32',
      path: 'recurring.days[0]',
      freeze: { recurring: { ...RECURRING, days: [32] } },
      message: DAYS,
    },
    {
      name: 'on a day that is not in every month, from its end',
      path: 'recurring.days[1]',
      freeze: { recurring: { ...RECURRING, days: [1, -29] } },
      message: DAYS,
    },
    {
      name: 'on half a day',
      path: 'recurring.days[0]',
      freeze: { recurring: { ...RECURRING, days: [1.5] } },
      message: DAYS,
    },
    {
      name: 'on a day in words',
      path: 'recurring.days[0]',
      freeze: { recurring: { ...RECURRING, days: ['last'] } },
      message: `${DAYS}; found a text`,
    },
    {
      name: 'on no day',
      path: 'recurring.days',
      freeze: { recurring: { ...RECURRING, days: [] } },
      message: `expected at least one: ${DAYS}`,
    },
    {
      name: 'on one day that is no list',
      path: 'recurring.days',
      freeze: { recurring: { ...RECURRING, days: 1 } },
      message: `expected a list: ${DAYS}; found the number 1`,
    },
    {
      name: 'in month 13',
      path: 'recurring.months[0]',
      freeze: { recurring: { ...RECURRING, months: [13] } },
      message: 'expected a month, 1 to 12',
    },
    {
      name: 'in a zone that is none',
      path: 'recurring.timeZone',
      freeze: { recurring: { days: [1], timeZone: 'Europe/Atlantis' } },
      message: ZONE,
    },
    {
      name: 'in an offset, which knows no summer',
      path: 'recurring.timeZone',
      freeze: { recurring: { days: [1], timeZone: '+01:00' } },
      message: ZONE,
    },
    {
      name: 'without a zone',
      path: 'recurring.timeZone',
      freeze: { recurring: { days: [1] } },
      message: 'missing; say in which time zone the days are, such as timeZone: Europe/Berlin',
    },
    {
      name: 'on days that never come',
      path: 'recurring',
      freeze: { recurring: { days: [30, 31], months: [2], timeZone: 'UTC' } },
      message: 'no such day ever comes; none of these months has one of these days',
    },
    {
      name: 'on every day',
      path: 'recurring',
      freeze: { recurring: { timeZone: 'UTC' } },
      message: 'covers every day; name days or months, such as days: [-2, -1, 1]',
    },
    {
      name: 'on every day of every month',
      path: 'recurring',
      freeze: { recurring: { days: Array.from({ length: 31 }, (_, i) => i + 1), timeZone: 'UTC' } },
      message: 'covers every day; name days or months, such as days: [-2, -1, 1]',
    },
    {
      name: 'with a rule of another tool',
      path: 'recurring.rule',
      freeze: { recurring: { ...RECURRING, rule: 'FREQ=MONTHLY;BYMONTHDAY=-2,-1' } },
      message: 'unknown key; allowed here: days, months, timeZone',
    },
  ])('refuses a freeze $name, and says what would be right', ({ freeze, path, message }) => {
    expect(problemsOf({ ...FREEZE, ...freeze })).toEqual({ [path]: message });
  });

  it('says in which freeze of a policy a problem is', () => {
    const rules = [{ id: 'r', match: 'all', maxRunTime: '2h' }];
    const freezes = [
      { ...FREEZE, ...SPAN },
      { ...FREEZE, ...SPAN, reason: '' },
    ];

    expect(() => parsePolicy({ version: 1, rules, freezes })).toThrow('freezes[1].reason: expected a text');
  });
});

describe('isFreezeInForce', () => {
  it.each([
    { ms: 0, isIn: true },
    { ms: -1, isIn: false },
    { ms: DAY - 1, isIn: true },
    { ms: DAY, isIn: false },
  ])('holds from its beginning to its end: $ms ms after it begins $isIn', ({ ms, isIn }) => {
    const from = new Date(NOW).toISOString();
    const until = new Date(NOW + DAY).toISOString();

    expect(isFreezeInForce(makeFreeze({ from, until }), NOW + ms)).toBe(isIn);
  });

  it('goes by the recurring days, if it has them', () => {
    const recurring = { days: [5], timeZone: 'UTC' };

    expect(isFreezeInForce(makeFreeze({ recurring }), NOW)).toBe(true);
    expect(isFreezeInForce(makeFreeze({ recurring }), NOW + DAY)).toBe(false);
  });
});

describe('spansOf', () => {
  it('says when each freeze holds, holds next, or held last', () => {
    const freezes = [
      makeFreeze({ id: 'now' }),
      makeFreeze({ id: 'over', from: '2026-01-01', until: '2026-01-02' }),
      makeFreeze({ id: 'later', from: '2026-02-01', until: '2026-02-02' }),
      makeFreeze({ id: 'days-now', recurring: { days: [5, 6], timeZone: 'UTC' } }),
      makeFreeze({ id: 'days-later', recurring: { days: [7, 8], timeZone: 'UTC' } }),
    ];

    const spans = spansOf(freezes, NOW).map(({ freeze, isInForce, from, until }) => [
      freeze.id,
      isInForce,
      from === undefined ? null : new Date(from).toISOString(),
      new Date(until).toISOString(),
    ]);

    expect(spans).toEqual([
      ['now', true, '2026-01-05T08:00:00.000Z', '2026-01-06T09:00:00.000Z'],
      ['over', false, '2026-01-01T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
      ['later', false, '2026-02-01T00:00:00.000Z', '2026-02-03T00:00:00.000Z'],
      ['days-now', true, null, '2026-01-07T00:00:00.000Z'],
      ['days-later', false, '2026-01-07T00:00:00.000Z', '2026-01-09T00:00:00.000Z'],
    ]);
    expect(freezesInForce(freezes, NOW).map(({ id }) => id)).toEqual(['now', 'days-now']);
  });

  it('computes the spans anew for another instant', () => {
    const freezes = [makeFreeze()];

    expect([NOW, NOW + 2 * DAY, NOW].map((now) => spansOf(freezes, now)[0]?.isInForce)).toEqual([true, false, true]);
  });
});

describe('frozenBy', () => {
  it.each([
    { name: 'one that matches it', freezes: [{}], expected: { frozen: 'yes', by: 'month-end' } },
    { name: 'one for all', freezes: [{ match: 'all' }], expected: { frozen: 'yes', by: 'month-end' } },
    { name: 'none that matches it', freezes: [{ match: { owner: 'bo' } }], expected: { frozen: 'no' } },
    { name: 'one that may match it', freezes: [{ match: { statement: 'x' } }], expected: { frozen: 'unknown' } },
    {
      name: 'the first that is certain',
      freezes: [{ id: 'perhaps', match: { statement: 'x' } }, { id: 'one' }, { id: 'two' }],
      expected: { frozen: 'yes', by: 'one' },
    },
    { name: 'none at all', freezes: [], expected: { frozen: 'no' } },
  ])('goes by $name', ({ freezes, expected }) => {
    expect(frozenBy(tryFreezes(makeJob(), freezes.map(makeFreeze)))).toEqual(expected);
  });
});

describe('endedNotices', () => {
  const over = (count: number) =>
    Array.from({ length: count }, (_, i) => makeFreeze({ id: `f${i}`, from: '2026-01-01', until: '2026-01-02' }));

  it('names each freeze that is over, and no other', () => {
    const spans = spansOf([makeFreeze({ id: 'now' }), ...over(1)], NOW);

    expect(endedNotices(spans, NOW)).toEqual([
      'freeze f0 ended at 2026-01-03T00:00:00.000Z; it has no effect any more; remove or renew it',
    ]);
  });

  it.each([
    { count: 20, last: 'freeze f19 ended at 2026-01-03T00:00:00.000Z; it has no effect any more; remove or renew it' },
    { count: 25, last: 'and 5 more freezes that have ended' },
  ])('counts those beyond twenty: of $count the last is "$last"', ({ count, last }) => {
    const notices = endedNotices(spansOf(over(count), NOW), NOW);

    expect(notices).toHaveLength(Math.min(count, 21));
    expect(notices.at(-1)).toBe(last);
  });
});
