import { describe, expect, it } from 'vitest';
import { sweepOverdueJobs } from '../../../../bench/overdue-world.ts';
import { silentLog } from '../../../../lib/sweep/record/log-lines.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../../helpers/emulated-api.ts';
import { makeWorld } from '../../../helpers/world.ts';

const SECOND = 1_000;
const STOPS_MS = [0, 30, 300, SECOND, 3 * SECOND, 10 * SECOND, 30 * SECOND];
const COUNTS = [1, 2, 10, 20, 200];

/** A stop takes one of these times, one job after the other. */
const MIXTURES: number[][] = [
  [0, 10 * SECOND],
  [30, 300, 3 * SECOND],
  [30 * SECOND, 30],
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 30 * SECOND],
];

async function prove(overdue: number, stopsMs: readonly number[], rateLimit?: { calls: number; windowMs: number }) {
  const { counts, apiCalls, startedAt, finishedAt } = await sweepOverdueJobs({
    live: overdue,
    overdue,
    rateLimit,
    stopMs: (n) => stopsMs[n % stopsMs.length] ?? 0,
    createLog: () => silentLog,
  });
  const { list, status, cancel, again } = apiCalls;
  return {
    cancelled: counts.cancelled,
    calls: list + status + cancel - again,
    again,
    tookMs: Date.parse(finishedAt) - Date.parse(startedAt),
  };
}

/** What may be spent on jobs whose stops take so long: 5 % more than one call for each job, and a few. */
const mostCalls = (overdue: number, stopsMs: readonly number[]) =>
  1.05 * overdue + 10 + (Math.max(...stopsMs) > 10 * SECOND ? 16 : 0);

describe('the proof that SQL jobs have stopped', () => {
  it.each(COUNTS.flatMap((overdue) => STOPS_MS.map((stopMs) => ({ overdue, stopMs }))))(
    'comes within twice the time, and in few calls, for $overdue jobs that stop after $stopMs ms',
    async ({ overdue, stopMs }) => {
      const { cancelled, calls, tookMs } = await prove(overdue, [stopMs]);

      expect(cancelled).toBe(overdue);
      expect(tookMs).toBeLessThanOrEqual(2 * stopMs + 150);
      expect(calls).toBeLessThanOrEqual(mostCalls(overdue, [stopMs]));
    },
  );

  it.each(COUNTS.slice(1).flatMap((overdue) => MIXTURES.map((stopsMs) => ({ overdue, stopsMs }))))(
    'comes within twice the longest time for $overdue jobs that stop after $stopsMs ms in turn',
    async ({ overdue, stopsMs }) => {
      const { cancelled, calls, tookMs } = await prove(overdue, stopsMs);

      expect(cancelled).toBe(overdue);
      expect(tookMs).toBeLessThanOrEqual(2 * Math.max(...stopsMs) + 150);
      expect(calls).toBeLessThanOrEqual(mostCalls(overdue, stopsMs));
    },
  );

  it.each(STOPS_MS)('takes as few calls at 60 a minute, for 20 jobs that stop after %i ms', async (stopMs) => {
    const { cancelled, calls } = await prove(20, [stopMs], { calls: 60, windowMs: 60 * SECOND });

    expect(cancelled).toBe(20);
    expect(calls).toBeLessThanOrEqual(mostCalls(20, [stopMs]));
  });

  it('counts the requests for jobs that were asked before by themselves', async () => {
    const { again } = await prove(20, [30 * SECOND]);

    expect(again).toBe(20);
  });
});

describe('the proof that jobs have stopped that can be read one by one only', () => {
  const ENGINES = [
    { engine: 'spark', settings: {} },
    { engine: 'flink', settings: { savepoint: false } },
  ];
  const cases = ENGINES.flatMap((one) =>
    [1, 2, 10].flatMap((overdue) => STOPS_MS.map((stopMs) => ({ ...one, overdue, stopMs }))),
  );

  it.each(cases)(
    'comes within twice the time for $overdue of $engine that stop after $stopMs ms',
    async ({ engine, settings, overdue, stopMs }) => {
      const numbers = Array.from({ length: overdue }, (_, i) => i + 1);
      const world = await makeWorld({
        jobs: [],
        sparkJobs: engine === 'spark' ? numbers.map((n) => emulatedBatch(n)) : [],
        flinkJobs: engine === 'flink' ? numbers.map((n) => emulatedFlinkJob(n)) : [],
        cancelDelayMs: stopMs,
      });
      const rules = [{ id: 'r', engines: [engine], match: 'all', maxTotalTime: '2h', ...settings }];

      const { counts, startedAt, finishedAt } = await world.sweep(
        {},
        world.withPolicy({ rules, maxKillsPercent: 100 }),
      );

      expect(counts.cancelled).toBe(overdue);
      expect(Date.parse(finishedAt) - Date.parse(startedAt)).toBeLessThanOrEqual(2 * stopMs + 150);
    },
  );
});
