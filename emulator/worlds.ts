import { randomUuid } from './base/random.ts';
import type { EmulatedFlinkJob } from './flink/jobs.ts';
import { month } from './month.ts';
import { batchLife, type EmulatedBatch } from './spark/jobs.ts';
import type { EmulatedJob } from './sql/jobs.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const QUEUES = ['adhoc', 'etl_sql', 'bi_reports', 'ml_features'];
const OWNERS = ['ana', 'bogdan', 'chen', 'dashboards', 'nightly'];
const YOUNG_TYPES = ['QUERY', 'QUERY', 'QUERY', 'INSERT', 'DDL', 'EXPORT'];

type Draft = Partial<EmulatedJob> & { ageMs: number };

function makeJob(random: () => number, now: number, { ageMs, ...fields }: Draft): EmulatedJob {
  const submittedAt = now - ageMs;
  return {
    id: randomUuid(random),
    type: 'QUERY',
    queue: 'adhoc',
    owner: 'ana',
    statement: 'SELECT count(*) FROM events',
    submittedAt,
    runsFrom: submittedAt,
    endsAt: now + 24 * HOUR,
    endsAs: 'FINISHED',
    ...fields,
  };
}

/**
 * Makes a small project in which everything happens once: what a sweep cancels, and every kind of job that it must spare.
 * The oldest running job is an orphaned query.
 */
export function busyMorning(now: number, random: () => number): EmulatedJob[] {
  const make = (draft: Draft) => makeJob(random, now, draft);
  // Half a minute beside the full one, so that a screen shows the same minutes however the seconds of two clocks fall.
  const job = (queue: string, owner: string, ageMs: number, more: Partial<EmulatedJob> = {}) =>
    make({ queue, owner, ageMs: ageMs + MINUTE / 2, ...more });
  return [
    // Overdue, and to be cancelled.
    job('adhoc', 'ana', 9 * HOUR),
    job('adhoc', 'bogdan', 5 * HOUR + 20 * MINUTE),
    job('adhoc', 'chen', 3 * HOUR),
    job('bi_reports', 'chen', 6 * HOUR),
    // Overdue, but finishes before its cancel.
    job('adhoc', 'bogdan', 4 * HOUR, { onCancel: 'finish' }),
    // Overdue, and spared by `ignore`.
    job('bi_reports', 'dashboards', 7 * HOUR),
    // Overdue, and protected: a write that no rule names, and the resizing of a queue.
    job('adhoc', 'nightly', 4 * HOUR, { type: 'INSERT', statement: 'INSERT INTO facts SELECT * FROM staging' }),
    job('etl_sql', 'nightly', 3 * HOUR, { type: 'SCALE_QUEUE', statement: '' }),
    // Overdue, with a status that the reaper does not know.
    job('adhoc', 'ana', 8 * HOUR, { shownStatus: 'HIBERNATING' }),
    // No start time, so no age.
    job('adhoc', 'chen', 8 * HOUR, { hiddenFields: ['start_time'] }),
    // Waiting, not running.
    job('adhoc', 'ana', 3 * HOUR, { runsFrom: now + HOUR }),
    // Too young, or no rule names it.
    job('adhoc', 'bogdan', 20 * MINUTE),
    job('bi_reports', 'ana', 40 * MINUTE),
    job('etl_sql', 'nightly', 7 * HOUR, { type: 'INSERT', statement: 'INSERT INTO lake SELECT * FROM raw' }),
    job('etl_sql', 'nightly', 90 * MINUTE),
    job('ml_features', 'chen', 10 * MINUTE),
    job('ml_features', 'bogdan', 25 * MINUTE),
    job('adhoc', 'dashboards', 2 * MINUTE, { runsFrom: now + MINUTE }),
    // Over.
    job('adhoc', 'ana', 5 * HOUR, { endsAt: now - 4 * HOUR }),
    job('etl_sql', 'nightly', 12 * HOUR, { endsAt: now - 10 * HOUR, endsAs: 'FAILED' }),
  ];
}

/**
 * Makes `count` live jobs on four queues. `overdueShare` of them are running queries that started 3 to 11 hours ago. The
 * others started less than half an hour ago. They are of any type, and some are still launching.
 */
export function manyJobs(
  now: number,
  random: () => number,
  { count, overdueShare }: { count: number; overdueShare: number },
): EmulatedJob[] {
  const overdueCount = Math.round(count * overdueShare);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: count }, (_, i) => {
    const common = { queue: pick(QUEUES), owner: pick(OWNERS) };
    if (i < overdueCount) return makeJob(random, now, { ...common, ageMs: Math.floor((3 + random() * 8) * HOUR) });
    const isLaunching = random() < 0.1;
    return makeJob(random, now, {
      ...common,
      type: pick(YOUNG_TYPES),
      ageMs: Math.floor(random() * 30 * MINUTE),
      ...(isLaunching && { runsFrom: now + 10 * MINUTE }),
    });
  });
}

/** Makes queries that were left behind, some of them days ago, among a few young ones. */
function orphans(now: number, random: () => number): EmulatedJob[] {
  return [
    ...Array.from({ length: 12 }, (_, i) =>
      makeJob(random, now, { queue: 'adhoc', owner: 'ana', ageMs: (4 + 6 * i) * HOUR }),
    ),
    ...manyJobs(now, random, { count: 30, overdueShare: 0 }),
  ];
}

/** Makes the queries of one dashboard that sends the same one again and again, every 15 seconds. */
function storm(now: number, random: () => number): EmulatedJob[] {
  return [
    ...Array.from({ length: 60 }, (_, i) =>
      makeJob(random, now, {
        queue: 'bi_reports',
        owner: 'dashboards',
        ageMs: 30 * MINUTE - i * 15_000,
        statement: `SELECT region, sum(amount) FROM sales WHERE day = '2026-01-${String(1 + (i % 28)).padStart(2, '0')}'`,
      }),
    ),
    ...manyJobs(now, random, { count: 40, overdueShare: 0 }),
  ];
}

/** Makes jobs of all three engines: some that a sweep ends, some that it must spare, and some that go wrong. */
function lake(now: number, random: () => number): World {
  const batch = (name: string, ageMs: number, more: Partial<EmulatedBatch> & { recoversSince?: number } = {}) => {
    const { recoversSince, ...fields } = more;
    const createdAt = now - ageMs;
    const recoveries = recoversSince === undefined ? [] : [{ from: now - recoversSince, until: now + 10 * MINUTE }];
    return {
      id: randomUuid(random),
      name,
      queue: 'gen_q',
      owner: 'chen',
      life: batchLife({ createdAt, runsFrom: createdAt + MINUTE, recoveries, endsAt: now + 24 * HOUR }),
      ...fields,
    };
  };
  const stream = (id: number, name: string, ageMs: number, more: Partial<EmulatedFlinkJob> = {}): EmulatedFlinkJob => ({
    id,
    name,
    type: 'flink_sql_job',
    queue: 'flink_dev',
    owner: 'bogdan',
    sqlBody: 'INSERT INTO a SELECT 1',
    life: [
      { from: now - ageMs - HOUR, state: 'job_init' },
      { from: now - ageMs - MINUTE, state: 'job_submitting' },
      { from: now - ageMs, state: 'job_running' },
    ],
    ...more,
  });
  return {
    jobs: [
      makeJob(random, now, { ageMs: 5 * HOUR }),
      makeJob(random, now, { ageMs: 30 * MINUTE }),
      makeJob(random, now, { ageMs: 5 * HOUR, type: 'INSERT', owner: 'nightly' }),
    ],
    sparkJobs: [
      batch('feature-backfill', 20 * HOUR, { scType: 'B' }),
      batch('retry-loop', 9 * HOUR, { recoversSince: 5 * MINUTE }),
      batch('nearly-done', 7 * HOUR, { onCancel: 'finish' }),
      batch('hourly', HOUR),
    ],
    flinkJobs: [
      stream(146, 'clicks-experiment', 40 * HOUR),
      stream(147, 'state-too-large', 50 * HOUR, { onSavepoint: 'failure' }),
      stream(148, 'slow-savepoint', 60 * HOUR, { savepointMs: HOUR }),
      stream(149, 'stuck', 70 * HOUR, { onStop: 'fail' }),
      stream(150, 'today', 3 * HOUR),
      stream(151, 'payments', 900 * HOUR, { queue: 'flink_prod', owner: 'ana' }),
    ],
  };
}

export interface World {
  jobs: EmulatedJob[];
  sparkJobs?: EmulatedBatch[];
  flinkJobs?: EmulatedFlinkJob[];
}

/** @param count the number of jobs, if the world can be of any size. */
type MakeWorld = (now: number, random: () => number, count?: number) => World;

const ofSql =
  (make: (now: number, random: () => number) => EmulatedJob[]): MakeWorld =>
  (now, random) => ({ jobs: make(now, random) });

/** The worlds that can be of any size. */
export const SIZED_WORLDS: readonly string[] = ['month'];

/** The worlds, by the names that `--world` takes. docs/emulator.md says what a sweep finds in each. */
export const WORLDS: Readonly<Record<string, MakeWorld>> = {
  'busy-morning': ofSql(busyMorning),
  lake,
  orphans: ofSql(orphans),
  storm: ofSql(storm),
  'ten-thousand': ofSql((now, random) => manyJobs(now, random, { count: 10_000, overdueShare: 0.1 })),
  month: (now, random, count = 10_000) => month(now, random, { count }),
  empty: () => ({ jobs: [] }),
};
