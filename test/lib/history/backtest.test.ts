import { describe, expect, it } from 'vitest';
import type { Job, PastJob } from '../../../lib/base/job.ts';
import { type BacktestOptions, backtest } from '../../../lib/history/backtest.ts';
import type { History } from '../../../lib/history/read.ts';
import { parseFreeze, parsePolicy } from '../../../lib/policy/parse.ts';
import { looseCeilings } from '../../helpers/ceilings.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const MONDAY = Date.parse('2026-01-05T00:00:00Z');
const UNTIL = MONDAY + 24 * HOUR;

/** A SQL job that was submitted some time after the beginning, and that ended after some time. */
function past(n: number, { at, took, ...fields }: Partial<Job> & { at: number; took: number | undefined }): PastJob {
  const submitted = MONDAY + at;
  const job = makeJob({
    id: jobId(n),
    status: 'FINISHED',
    state: 'finished',
    startedAt: submitted,
    since: { running: submitted, waiting: submitted, submitted },
    ...fields,
  });
  return { job, endedAt: took === undefined ? undefined : submitted + took };
}

const historyOf = (jobs: PastJob[]): History => ({
  target: 'lake',
  project: null,
  until: UNTIL,
  since: undefined,
  jobs,
  places: new Map(),
  gaps: [],
});

const rule = (more: object = {}) => ({ id: 'two-hours', match: 'all', maxTotalTime: '2h', ...more });

const run = (jobs: PastJob[], policy: object = {}, options: Partial<BacktestOptions> = {}) =>
  backtest(
    historyOf(jobs),
    parsePolicy({ version: 1, mode: 'live', maxKillsPercent: 100, rules: [rule()], ...policy }),
    {
      ceilings: looseCeilings,
      periodMs: 15 * MINUTE,
      ...options,
    },
  );

describe('a backtest', () => {
  it('counts what would have been cancelled by how it ended in truth', async () => {
    const { withoutCaps, withCaps, wrongKills, jobs, unreadable } = await run([
      past(1, { at: 0, took: 3 * HOUR }),
      past(2, { at: HOUR, took: 3 * HOUR, status: 'FAILED', state: 'failed' }),
      past(3, { at: HOUR, took: 12 * HOUR, status: 'CANCELLED', state: 'cancelled' }),
      past(4, { at: 20 * HOUR, took: undefined, status: 'RUNNING', state: 'running' }),
      past(5, { at: HOUR, took: HOUR }),
      past(6, { at: HOUR, took: undefined }),
      past(7, { at: HOUR, took: 5 * HOUR, status: 'COMPUTED', state: 'unknown' }),
    ]);

    const expected = { wouldCancel: 4, finished: 1, failed: 1, cancelled: 1, dead: 0, alive: 1, unknown: 0 };
    expect([withoutCaps, withCaps]).toEqual([expected, expected]);
    expect([jobs, unreadable]).toEqual([5, 2]);
    expect(wrongKills).toMatchObject([
      {
        life: { job: { id: jobId(1) } },
        rule: 'two-hours',
        cancelledAt: { earliest: MONDAY + 2.25 * HOUR, latest: MONDAY + 2.25 * HOUR },
        stillNeededMs: 0.75 * HOUR,
      },
    ]);
  });

  it('counts 40 wrong kills of 100 jobs although a cap would have let none of them happen', async () => {
    const jobs = Array.from({ length: 100 }, (_, i) => past(i + 1, { at: 0, took: i < 40 ? 4 * HOUR : HOUR }));

    const { withCaps, withoutCaps, wrongKills, capped } = await run(jobs, { maxKills: 20 });

    expect(withCaps.wouldCancel).toBe(0);
    expect([withoutCaps.wouldCancel, withoutCaps.finished, wrongKills.length]).toEqual([40, 40, 40]);
    expect(capped[0]).toMatchObject({ at: MONDAY + 2.25 * HOUR, reason: '40 victims are more than maxKills 20' });
  });

  it('keeps to the ceilings of a sweep and of 24 hours', async () => {
    const jobs = Array.from({ length: 6 }, (_, i) => past(i + 1, { at: i * 3 * HOUR, took: 2.5 * HOUR }));
    const perDay = { ...looseCeilings, killsPerDay: 4 };

    const { withCaps, withoutCaps, capped } = await run(jobs, {}, { ceilings: perDay });

    expect([withCaps.wouldCancel, withoutCaps.wouldCancel]).toEqual([4, 6]);
    expect(capped[0]?.reason).toContain('4 of the 4 kills');
  });

  it('gives a range for maxRunTime, since the past does not say how long a job waited', async () => {
    const { withoutCaps, wrongKills } = await run([past(1, { at: 0, took: 3 * HOUR })], {
      rules: [rule({ maxTotalTime: undefined, maxRunTime: '2h' })],
    });

    expect(withoutCaps.wouldCancel).toBe(1);
    expect(wrongKills[0]?.cancelledAt).toEqual({ earliest: MONDAY + 2.25 * HOUR, latest: null });
  });

  it('says of which rules the past tells nothing, and tries the others', async () => {
    const { untellable, withoutCaps } = await run([past(1, { at: 0, took: 3 * HOUR })], {
      rules: [
        rule(),
        rule({ id: 'waits', maxTotalTime: undefined, maxQueueTime: '10m' }),
        rule({ id: 'by-status', match: { status: 'RUNNING' }, maxTotalTime: '1h' }),
        rule({ id: 'streams', engines: ['flink'] }),
      ],
    });

    expect(withoutCaps.wouldCancel).toBe(1);
    expect(untellable.map(({ rule: id, why }) => `${id}: ${why}`)).toEqual([
      'waits: maxQueueTime: DLI does not say how long a job waited',
      'by-status: it asks for a status, and the past shows only the last one',
      'streams: Flink jobs: DLI does not say how long those ran that have ended',
    ]);
  });

  it('names jobs that finished well at 80 % of a limit or more, the nearest first', async () => {
    const { nearMisses, rules } = await run([
      past(1, { at: 0, took: 96 * MINUTE }),
      past(2, { at: 0, took: 95 * MINUTE }),
      past(3, { at: 0, took: 119 * MINUTE }),
      // Over the limit, and over before the next sweep.
      past(4, { at: 1, took: 121 * MINUTE }),
      past(5, { at: 0, took: 110 * MINUTE, status: 'FAILED', state: 'failed' }),
    ]);

    expect(nearMisses.map(({ life }) => life.job.id)).toEqual([jobId(4), jobId(3), jobId(1)]);
    expect(rules).toMatchObject([{ rule: 'two-hours', nearMisses: 3, counts: { wouldCancel: 0 } }]);
  });

  it('lets exemptions, freezes and protections spare jobs as in a sweep', async () => {
    const jobs = [
      past(1, { at: 0, took: 4 * HOUR, owner: 'ana' }),
      past(2, { at: 0, took: 4 * HOUR, type: 'INSERT', protection: 'unless-named' }),
      past(3, { at: 12 * HOUR, took: 4 * HOUR }),
      past(4, { at: 0, took: 4 * HOUR, type: 'SCALE_QUEUE', protection: 'always', queue: 'etl' }),
    ];
    const exemption = { id: 'ana', reason: 'r', owner: 'o', until: '2026-02-01', match: { owner: 'ana' } };
    const freeze = {
      id: 'noon',
      reason: 'r',
      match: 'all',
      from: '2026-01-05T12:00:00Z',
      until: '2026-01-05T20:00:00Z',
    };

    const { withoutCaps, operations } = await run(
      jobs,
      { exemptions: [exemption] },
      { freezes: [parseFreeze(freeze)] },
    );

    expect(withoutCaps.wouldCancel).toBe(0);
    expect([...operations]).toEqual([['etl', 1]]);
  });

  it('counts what a rule would log by itself, and not as cancelled', async () => {
    const { withoutCaps, wrongKills, rules } = await run([past(1, { at: 0, took: 3 * HOUR })], {
      rules: [rule({ action: 'log' })],
    });

    expect([withoutCaps.wouldCancel, wrongKills]).toEqual([0, []]);
    expect(rules).toMatchObject([{ action: 'log', counts: { wouldCancel: 1, finished: 1 } }]);
  });

  it('finds no near miss among the jobs that a rule would log, and says how long those lived on', async () => {
    const { nearMisses, rules } = await run([past(1, { at: 0, took: 3 * HOUR })], { rules: [rule({ action: 'log' })] });

    expect(nearMisses).toEqual([]);
    expect(rules).toMatchObject([{ nearMisses: 0, heldMs: 0.75 * HOUR }]);
  });

  it('counts a job that dies only because another one waited, and so lives and is kept', async () => {
    const { wrongKills, mayMix } = await run(
      [
        past(1, { at: 0, took: 10 * HOUR, owner: 'x', status: 'FAILED', state: 'failed' }),
        past(2, { at: MINUTE, took: 8 * HOUR }),
      ],
      {
        rules: [
          rule({ id: 'runs', match: { owner: 'x' }, maxTotalTime: undefined, maxRunTime: '1h' }),
          rule({ id: 'one', match: { queue: 'adhoc' }, maxTotalTime: '2h', keep: { oldest: 1 } }),
        ],
      },
    );

    expect(wrongKills).toMatchObject([{ life: { job: { id: jobId(2) } }, rule: 'one', cancelledAt: { latest: null } }]);
    expect(mayMix).toBe(true);
  });

  it('adds up how long victims lived on in truth', async () => {
    const { rules } = await run([past(1, { at: 0, took: 3 * HOUR }), past(2, { at: 0, took: 12 * HOUR })]);

    expect(rules[0]?.heldMs).toBe((0.75 + 9.75) * HOUR);
  });

  it('applies groups among the jobs that were alive at the same time', async () => {
    const group = { victims: 'all-but-oldest', groupBy: 'queue', minGroupSize: 2 };
    const { wrongKills } = await run(
      [
        past(1, { at: 0, took: 5 * HOUR }),
        past(2, { at: MINUTE, took: 5 * HOUR }),
        past(3, { at: 10 * HOUR, took: 5 * HOUR }),
      ],
      { rules: [rule(group)] },
    );

    expect(wrongKills.map(({ life }) => life.job.id)).toEqual([jobId(2)]);
  });

  it.each([
    { from: 0, holds: false },
    { from: -5 * 24 * HOUR, holds: true },
    { from: -4.5 * 24 * HOUR, holds: false },
  ])('knows whether its window holds the last day of a month: from $from', async ({ from, holds }) => {
    const { window, ticks } = await run([past(1, { at: from, took: HOUR })]);

    expect(window).toEqual({ from: MONDAY + from, until: UNTIL, holdsMonthEnd: holds });
    expect(ticks).toBe((24 * HOUR - from) / (15 * MINUTE) + 1);
  });
});
