import { describe, expect, it } from 'vitest';
import { createRandom } from '../../emulator/base/random.ts';
import { COUNTS, type Kind, MONTH_MS, month, SHARES } from '../../emulator/month.ts';
import { batchStateAt } from '../../emulator/spark/jobs.ts';
import { type EmulatedJob, endOf, isOver, statusAt } from '../../emulator/sql/jobs.ts';
import { isJobId } from '../../lib/base/job.ts';
import { holdsMonthEnd } from '../../lib/history/month-end.ts';
import { HOUR, MINUTE, NOW } from '../helpers/world.ts';

const COUNT = 10_000;
const world = month(NOW, createRandom(1), { count: COUNT });
const all = [
  ...world.jobs.map((job) => ({ id: job.id, at: job.submittedAt, over: isOver(statusAt(job, NOW)) })),
  ...world.sparkJobs.map((batch) => ({
    id: batch.id,
    at: batch.life[0].from,
    over: ['success', 'dead'].includes(batchStateAt(batch, NOW)),
  })),
];

const sqlOf = (kind: Kind) => world.jobs.filter(({ id }) => world.kinds.get(id) === kind);
const lengthOf = (job: EmulatedJob) => (endOf(job, Number.POSITIVE_INFINITY) ?? Number.NaN) - job.submittedAt;
const countOf = (kind: Kind) => [...world.kinds.values()].filter((one) => one === kind).length;

describe('month', () => {
  it('makes the same world from the same seed, size and time, and another from another seed', () => {
    const make = (seed: number) => month(NOW, createRandom(seed), { count: 500 });
    const ids = new Set(make(7).kinds.keys());

    expect(make(7)).toEqual(make(7));
    expect([...make(8).kinds.keys()].some((id) => ids.has(id))).toBe(false);
  });

  it.each([0, 1, 20, 999, COUNT])('makes as many jobs as asked: %i', (count) => {
    const { jobs, sparkJobs, kinds } = month(NOW, createRandom(1), { count });

    expect([jobs.length + sparkJobs.length, kinds.size]).toEqual([count, count]);
    expect([...kinds.keys()].filter((id) => !isJobId(id))).toEqual([]);
  });

  it('has each kind of job in its share', () => {
    for (const [kind, share] of Object.entries(SHARES)) expect(countOf(kind as Kind)).toBe(share * COUNT);
    for (const [kind, count] of Object.entries(COUNTS)) expect(countOf(kind as Kind)).toBe(count);
  });

  it('is a past of five weeks with a month end at any time of the year, and with almost no job alive', () => {
    const alive = all.filter(({ over }) => !over);

    expect(Math.min(...all.map(({ at }) => at))).toBeGreaterThanOrEqual(NOW - MONTH_MS);
    expect(Math.max(...all.map(({ at }) => at))).toBeLessThanOrEqual(NOW);
    expect(alive.length).toBeGreaterThanOrEqual(COUNTS.young);
    expect(alive.length).toBeLessThan(40);
    for (let day = 0; day < 366; day++) {
      const now = NOW + day * 24 * HOUR;
      expect(holdsMonthEnd(now - MONTH_MS, now)).toBe(true);
    }
  });

  it('comes in the rhythm of the day and the week', () => {
    const share = (queue: string, isIn: (at: Date) => boolean) => {
      const jobs = world.jobs.filter((job) => job.queue === queue);
      return jobs.filter(({ submittedAt }) => isIn(new Date(submittedAt))).length / jobs.length;
    };

    expect(share('adhoc', (at) => at.getUTCHours() >= 7 && at.getUTCHours() <= 18)).toBeGreaterThan(0.9);
    expect(share('adhoc', (at) => at.getUTCDay() % 6 === 0)).toBeLessThan(0.1);
    expect(share('etl_sql', (at) => at.getUTCHours() < 5)).toBeGreaterThan(0.9);
    expect(share('bi_reports', (at) => at.getUTCDay() % 6 === 0)).toBeGreaterThan(0.1);
  });

  it('is fuller at the month end, and its loads take longer then', () => {
    const loads = sqlOf('usual').filter(({ type }) => type === 'INSERT');
    const days = Map.groupBy(loads, ({ submittedAt }) => new Date(submittedAt).toISOString().slice(0, 10));
    const monthEnd = ['2025-12-31', '2026-01-01', '2026-01-02'].map((day) => days.get(day) ?? []);
    const others = [...days].filter(([day]) => day >= '2025-12-08' && day <= '2025-12-28').map(([, jobs]) => jobs);
    const perDay = (some: EmulatedJob[][]) => some.flat().length / some.length;
    const mean = (some: EmulatedJob[][]) =>
      some.flat().reduce((sum, job) => sum + lengthOf(job), 0) / some.flat().length;

    expect(perDay(monthEnd)).toBeGreaterThan(1.3 * perDay(others));
    expect(mean(monthEnd)).toBeGreaterThan(1.5 * mean(others));
  });

  it('has runaways that end only by a cancel or by the 12 hours of DLI', () => {
    const ends = sqlOf('runaway').map((job) => ({
      status: statusAt(job, Number.POSITIVE_INFINITY),
      ranMs: lengthOf(job) - (job.runsFrom - job.submittedAt),
    }));
    const batches = world.sparkJobs.filter(({ id }) => world.kinds.get(id) === 'runaway');

    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['CANCELLED']));
    expect(ends.filter(({ ranMs }) => ranMs === 12 * HOUR).length).toBeGreaterThan(ends.length / 4);
    expect(ends.filter(({ ranMs }) => ranMs > 12 * HOUR || ranMs < HOUR)).toEqual([]);
    expect(batches.length).toBeGreaterThan(0);
    expect(new Set(batches.map((batch) => batchStateAt(batch, Number.POSITIVE_INFINITY)))).toEqual(new Set(['dead']));
  });

  it('has giants that finish well after many hours', () => {
    const large = month(NOW, createRandom(1), { count: 10 * COUNT });
    const giants = large.jobs.filter(({ id }) => large.kinds.get(id) === 'giant');

    expect(giants.length).toBeGreaterThan(0);
    for (const giant of giants) {
      expect(statusAt(giant, Number.POSITIVE_INFINITY)).toBe('FINISHED');
      expect(lengthOf(giant)).toBeGreaterThanOrEqual(6 * HOUR);
    }
  });

  it('has a client that submits the same statement again after each cancel', () => {
    const tries = sqlOf('retried');
    const gaps = tries.slice(1).map((job, i) => job.submittedAt - (tries[i]?.cancelledAt ?? Number.NaN));

    expect(new Set(tries.map(({ statement, owner }) => `${owner}: ${statement}`)).size).toBe(1);
    expect(new Set(tries.map((job) => statusAt(job, Number.POSITIVE_INFINITY)))).toEqual(new Set(['CANCELLED']));
    expect(gaps.filter((gap) => gap === MINUTE / 2).length).toBeGreaterThan(tries.length / 2);
  });

  it('has failures, and jobs that wait before they run', () => {
    const failed = sqlOf('failed');
    const waits = world.jobs.filter(({ submittedAt, runsFrom }) => runsFrom > submittedAt + MINUTE);

    expect(new Set(failed.map((job) => statusAt(job, Number.POSITIVE_INFINITY)))).toEqual(new Set(['FAILED']));
    expect(waits.length).toBeGreaterThan(COUNT / 50);
  });
});
