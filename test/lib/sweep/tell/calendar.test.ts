import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { decide } from '../../../../lib/sweep/judge/decide.ts';
import { type AnnouncedSince, calendarNotices } from '../../../../lib/sweep/tell/calendar.ts';
import { makeExemption, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const DAY = 24 * HOUR;
const timeOf = (ms: number) => new Date(ms).toISOString();
/** The last three ticks of a schedule of 15 minutes. */
const TICKS: AnnouncedSince = { after: NOW - 45 * MINUTE, upTo: NOW };
const FREEZE = { id: 'month-end', reason: 'the books are closed', match: { owner: 'ana' } };

interface World {
  jobs?: Partial<Job>[];
  exemptions?: object[];
  freezes?: object[];
  announced?: AnnouncedSince;
}

/** By default one job of ana's, an hour over its limit of two. */
function notices({ jobs = [{}], exemptions = [], freezes = [], announced }: World) {
  const all = jobs.map((job, n) => makeJob({ id: jobId(n), ...job }));
  const context = {
    policy: makePolicy({ freezes }),
    exemptions: exemptions.map((one) => makeExemption({ ...one })),
    now: NOW,
  };
  return calendarNotices(decide(all, context), context, announced);
}

const ends = (ms: number) =>
  `exemption backfill (owner orders) ends at ${timeOf(NOW + ms)}, in ${ms < DAY + 1 ? '1d' : '1w'}`;

describe('calendarNotices', () => {
  it('tells by hand every exemption that ends within a week, whomever it spares', () => {
    const until = timeOf(NOW + 3 * DAY);

    expect(notices({ jobs: [], exemptions: [{ until }] })).toEqual([
      `exemption backfill (owner orders) ends at ${until}, in 3d`,
    ]);
  });

  it.each([
    { name: 'a week before', ms: 7 * DAY, says: [ends(7 * DAY)] },
    { name: 'a day before', ms: DAY, says: [ends(DAY)] },
    { name: 'since the last of three ticks', ms: DAY - 45 * MINUTE + 1, says: 'something' },
    { name: 'four ticks after the mark', ms: DAY - 45 * MINUTE, says: [] },
    { name: 'right before the mark', ms: 7 * DAY + 1, says: [] },
    { name: 'in the middle of the week', ms: 3 * DAY, says: [] },
    { name: 'an hour before its end', ms: HOUR, says: [] },
  ])('announces by the schedule one that spares a job, at two marks and no other time: $name', ({ ms, says }) => {
    // Two hours over its limit, so that it is not new.
    const jobs = [{ startedAt: NOW - 4 * HOUR }];
    const found = notices({ jobs, exemptions: [{ until: timeOf(NOW + ms) }], announced: TICKS });

    if (says === 'something') expect(found).toHaveLength(1);
    else expect(found).toEqual(says);
  });

  it.each([
    { name: 'spares no job', jobs: [{ owner: 'bo' }] },
    { name: 'spares a job within its limit', jobs: [{ startedAt: NOW - HOUR }] },
    { name: 'is for a job that may be it, and may not', jobs: [{ owner: undefined }] },
    { name: 'meets no job', jobs: [] },
  ])('does not announce by the schedule one that $name', ({ jobs }) => {
    expect(notices({ jobs, exemptions: [{ until: timeOf(NOW + DAY) }], announced: TICKS })).toEqual([]);
  });

  it.each([
    { name: 'came over its limit since', overMs: 45 * MINUTE, ms: DAY / 2, count: 1 },
    { name: 'came over its limit before', overMs: 45 * MINUTE + 1, ms: DAY / 2, count: 0 },
    { name: 'came over its limit since, in the day of the first mark', overMs: MINUTE, ms: 6.5 * DAY, count: 1 },
    { name: 'came over its limit since, when that day is over', overMs: MINUTE, ms: 6 * DAY, count: 0 },
  ])('announces it in the day of a mark also where a job $name', ({ overMs, ms, count }) => {
    const jobs = [{ startedAt: NOW - 2 * HOUR - overMs }, { startedAt: NOW - 9 * HOUR }];

    expect(notices({ jobs, exemptions: [{ until: timeOf(NOW + ms) }], announced: TICKS })).toHaveLength(count);
  });

  it('announces at its mark one that spares a job of which a rule only warns', () => {
    const context = {
      policy: makePolicy({ rules: [{ id: 'r', match: 'all', maxRunTime: '2h', action: 'warn' }] }),
      exemptions: [makeExemption({ until: timeOf(NOW + DAY) })],
      now: NOW,
    };

    expect(calendarNotices(decide([makeJob()], context), context, TICKS)).toHaveLength(1);
  });

  it('tells of one that has expired, by the schedule too', () => {
    const expired = [expect.stringMatching(/^exemption backfill .* expired at .*; it protects nothing/)];
    const exemptions = [{ until: timeOf(NOW) }];

    expect(notices({ exemptions })).toEqual(expired);
    expect(notices({ exemptions, announced: TICKS })).toEqual(expired);
  });

  it('tells by hand of an exemption that has not begun, and by the schedule not', () => {
    const exemptions = [{ from: timeOf(NOW + 1) }];

    expect(notices({ exemptions })).toEqual([
      `exemption backfill (owner orders) begins at ${timeOf(NOW + 1)}; until then it protects nothing`,
    ]);
    expect(notices({ exemptions, announced: TICKS })).toEqual([]);
    expect(notices({ exemptions: [{ from: timeOf(NOW) }] })).toEqual([]);
  });

  it('says of a freeze in force how many jobs it spares', () => {
    const freezes = [{ ...FREEZE, from: timeOf(NOW), until: timeOf(NOW + DAY) }];
    const start = `freeze month-end (the books are closed) holds until ${timeOf(NOW + DAY)}: `;
    const jobs = (n: number) => Array.from({ length: n }, () => ({}));

    expect(notices({ freezes, jobs: jobs(1) })).toEqual([`${start}1 job over its limit is spared`]);
    expect(notices({ freezes, jobs: jobs(3), announced: TICKS })).toEqual([
      `${start}3 jobs over their limit are spared`,
    ]);
    expect(notices({ freezes, jobs: [{ owner: 'bo' }] })).toEqual([`${start}no jobs over their limit are spared`]);
    expect(notices({ freezes, jobs: [{ owner: 'bo' }], announced: TICKS })).toEqual([]);
  });

  it('names by hand the freeze that begins next, and by the schedule none', () => {
    const freezes = [
      { ...FREEZE, id: 'far', from: timeOf(NOW + 9 * DAY), until: timeOf(NOW + 10 * DAY) },
      { ...FREEZE, id: 'near', recurring: { days: [7], timeZone: 'UTC' } },
    ];

    expect(notices({ freezes })).toEqual([
      'freeze near (the books are closed) begins next, at 2026-01-07T00:00:00.000Z, and holds until 2026-01-08T00:00:00.000Z',
    ]);
    expect(notices({ freezes, announced: TICKS })).toEqual([]);
  });

  it('tells of a freeze that is over until it is removed', () => {
    const freezes = [{ ...FREEZE, from: '2026-01-01', until: '2026-01-02' }];
    const over = ['freeze month-end ended at 2026-01-03T00:00:00.000Z; it has no effect any more; remove or renew it'];

    expect(notices({ freezes })).toEqual(over);
    expect(notices({ freezes, announced: TICKS })).toEqual(over);
  });
});
