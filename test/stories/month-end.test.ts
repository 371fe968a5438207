import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { announcedSince } from '../../lib/fleet/schedule.ts';
import { emergencyPolicy } from '../../lib/policy/emergency.ts';
import { parseExemption, parseFreeze } from '../../lib/policy/parse.ts';
import { toEmergency } from '../../lib/request/emergency.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { formatStop, parseStop } from '../../lib/settings/stop-order.ts';
import { isSetToStop, isSwitchOn } from '../../lib/settings/switch.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../helpers/world.ts';

/*
 * The close of the books runs nine hours, on each of the last two and first five days of a month; the rule allows two. The
 * exemption of the last month ended on the 10th.
 */

const at = (text: string) => Date.parse(text);
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

const LAST_MONTH = {
  id: 'close',
  reason: 'December',
  owner: 'finance',
  until: '2026-01-10',
  match: { owner: 'closing' },
};
const TURN = { from: at('2026-01-28T00:00:00Z'), until: at('2026-02-08T00:00:00Z') };
/** Evenings of the close, by the calendar of Berlin. */
const CLOSE = ['2026-01-30', '2026-01-31', '2026-02-01', '2026-02-02', '2026-02-03', '2026-02-04', '2026-02-05'];
/** Those who run the same before and after it. */
const OUTSIDE = ['2026-01-28', '2026-02-06'];

const nineHours = (n: number, day: string, fields: Partial<EmulatedJob>): EmulatedJob => {
  const submittedAt = at(`${day}T12:00:00Z`);
  return emulatedJob(n, { submittedAt, runsFrom: submittedAt, endsAt: submittedAt + 9 * HOUR, ...fields });
};

/** Both run each day: the close, and a query that somebody forgot. */
const DAYS = [...CLOSE, ...OUTSIDE];
const CLOSES = DAYS.map((day, n) => nineHours(n, day, { owner: 'closing', queue: 'finance' }));
const FORGOTTEN = DAYS.map((day, n) => nineHours(100 + n, day, { owner: 'ana' }));

/** Runs the reaper through the turn of the month, a tick an hour. */
async function runTurn(settingsAt: (now: number) => Partial<Settings>) {
  const world = await makeWorld({ jobs: [], cancelDelayMs: 1_000 });
  // The emulator keeps in them what becomes of them.
  const waiting = structuredClone([...CLOSES, ...FORGOTTEN]).toSorted((a, b) => b.submittedAt - a.submittedAt);
  const notices: { at: number; text: string }[] = [];
  const sweepAt = (now: number) =>
    world.sweep(
      { trigger: 'schedule', askedAt: now },
      {
        deadlineAt: now + 10 * MINUTE,
        periodMs: HOUR,
        announcedSince: (dueAt) =>
          announcedSince({ expression: 'rate(1 hour)', timeZone: 'UTC', periodMs: HOUR }, dueAt),
        loadSettings: async (asked) => ({
          ...(await world.deps.loadSettings(asked)),
          exemptions: [parseExemption(LAST_MONTH)],
          ...settingsAt(now),
        }),
      },
    );

  const skipped = new Map<string, number>();
  world.pass(TURN.from - NOW);
  for (let tick = TURN.from; tick <= TURN.until; tick += HOUR) {
    world.pass(tick - world.clock.now());
    while ((waiting.at(-1)?.submittedAt ?? TURN.until) < tick) world.emulator.sql.add(waiting.pop() as EmulatedJob);
    const report = await sweepAt(tick);
    notices.push(...report.notices.map((text) => ({ at: tick, text })));
    for (const { reason } of report.jobs) skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
  }
  const endOf = (jobs: readonly EmulatedJob[], days: readonly string[]) => [
    ...new Set(
      jobs.filter(({ submittedAt }) => days.includes(dayOf(submittedAt))).map(({ id }) => world.emulator.statusOf(id)),
    ),
  ];
  return { notices, skipped, endOf };
}

const MONTH_END = parseFreeze({
  id: 'month-end',
  reason: 'the books are closed',
  match: { owner: 'closing' },
  recurring: { days: [-2, -1, 1, 2, 3, 4, 5], timeZone: 'Europe/Berlin' },
});

describe('the turn of a month', () => {
  it('ends badly without a calendar: the close is cancelled like every other job', async () => {
    const { endOf } = await runTurn(() => ({}));

    expect([endOf(CLOSES, DAYS), endOf(FORGOTTEN, DAYS)]).toEqual([['CANCELLED'], ['CANCELLED']]);
  });

  it('lets the close run to its end in a freeze that comes again each month, and no other job', async () => {
    const { notices, skipped, endOf } = await runTurn(() => ({ freezes: [MONTH_END] }));

    expect(endOf(CLOSES, CLOSE)).toEqual(['FINISHED']);
    expect(endOf(CLOSES, OUTSIDE)).toEqual(['CANCELLED']);
    expect(endOf(FORGOTTEN, DAYS)).toEqual(['CANCELLED']);
    // Six hours of each evening over its limit.
    expect(skipped.get('frozen')).toBe(6 * CLOSE.length);
    const told = notices.filter(({ text }) => text.startsWith('freeze month-end'));
    expect(new Set(told.map(({ text }) => text))).toEqual(
      new Set([
        'freeze month-end (the books are closed) holds until 2026-02-05T23:00:00.000Z: 1 job over its limit is spared',
      ]),
    );
    expect([...new Set(told.map((one) => dayOf(one.at)))]).toEqual(CLOSE);
  });

  it('lets it run by an exemption that was written in time and begins later, which is announced at two marks', async () => {
    const exemption = parseExemption({
      id: 'close',
      reason: 'January',
      owner: 'finance',
      match: { owner: 'closing' },
      from: '2026-01-30',
      until: '2026-02-05',
    });

    const { notices, endOf } = await runTurn(() => ({ exemptions: [exemption] }));

    expect(endOf(CLOSES, CLOSE)).toEqual(['FINISHED']);
    expect(endOf(CLOSES, OUTSIDE)).toEqual(['CANCELLED']);
    expect(endOf(FORGOTTEN, DAYS)).toEqual(['CANCELLED']);
    const announced = notices.filter(({ text }) => text.includes('ends at 2026-02-06T00:00:00.000Z'));
    // At the marks no job of the close ran; three ticks announce the first one that it spares on that day.
    expect(announced.map((one) => new Date(one.at).toISOString().slice(0, 13))).toEqual([
      '2026-01-30T15',
      '2026-01-30T16',
      '2026-01-30T17',
      '2026-02-05T15',
      '2026-02-05T16',
      '2026-02-05T17',
    ]);
    expect(notices.some(({ text }) => text.includes('expired at 2026-02-06'))).toBe(true);
  });

  it('cancels nothing under a stop with an end, nor after it, and asks until a person resumes', async () => {
    const until = at('2026-02-06T00:00:00Z');
    const resumedAt = until + 6 * HOUR;
    const value = formatStop({ until, reason: 'month end' });
    const valueAt = (now: number) => (now < at('2026-01-30T00:00:00Z') || now >= resumedAt ? 'run' : value);

    const { notices, endOf } = await runTurn((now) => ({
      isSwitchedOn: isSwitchOn({ value: valueAt(now) }),
      stopOrder: parseStop(valueAt(now)),
    }));

    expect(endOf(CLOSES, CLOSE)).toEqual(['FINISHED']);
    expect(endOf(FORGOTTEN, CLOSE)).toEqual(['FINISHED']);
    // As soon as somebody has resumed, and no earlier.
    expect(endOf(CLOSES, OUTSIDE)).toEqual(['CANCELLED']);
    const asked = notices.filter(({ text }) => text.startsWith('the stop ended at 2026-02-06T00:00:00.000Z'));
    expect(asked.map((one) => one.at)).toEqual(Array.from({ length: 6 }, (_, n) => until + n * HOUR));
    // Until then somebody wants it so; from then on the alarm goes off.
    expect([until - 1, until].map((now) => isSetToStop({ value }, now))).toEqual([true, false]);
  });

  it('binds an emergency too, unless exempt jobs are included', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { owner: 'closing' }), emulatedJob(2)] });
    const freezes = [
      parseFreeze({
        id: 'month-end',
        reason: 'r',
        match: { owner: 'closing' },
        from: '2026-01-05',
        until: '2026-01-05',
      }),
    ];
    const sweep = (includeExempt: boolean) => {
      const emergency = toEmergency({ olderThan: HOUR, includeExempt });
      return world.sweep(
        { trigger: 'emergency', emergency, askedAt: world.clock.now() },
        {
          loadSettings: async (asked) => ({
            ...(await world.deps.loadSettings(asked)),
            policy: emergencyPolicy(emergency),
            freezes,
          }),
        },
      );
    };

    const first = await sweep(false);
    expect(world.emulator.statusOf(jobId(1))).toBe('RUNNING');
    const second = await sweep(true);

    expect(first).toMatchObject({ status: 'ok', counts: { cancelled: 1, skipped: { frozen: 1 } } });
    expect(second).toMatchObject({ counts: { cancelled: 1 }, emergency: { includeExempt: true } });
    expect(world.emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });
});
