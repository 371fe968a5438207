import { parse } from 'yaml';
import { createRandom } from '../../emulator/base/random.ts';
import type { Fault } from '../../emulator/control/faults.ts';
import type { Snapshot } from '../../emulator/control/snapshot.ts';
import { queuesOf } from '../../emulator/queues/queues.ts';
import { manyJobs } from '../../emulator/worlds.ts';
import { readAsset } from '../source/assets.ts';

/** The jobs of a drill, and what is wrong with them. */
export interface Night {
  /** Where the jobs come from; null for a night that was made. */
  takenAt: string | null;
  /** Number of live jobs. */
  jobs: number;
  /** The state that the emulator starts with. */
  saved: Snapshot;
  /** The document of the policy of the stage. */
  policy: unknown;
  /** Returns the ids of the jobs that have to go, in lower case, as of an instant. */
  runawaysAt: (now: number) => Promise<ReadonlySet<string>>;
  /** What the drill cannot play as it was, one sentence each. */
  unknown: readonly string[];
}

export interface NightSize {
  jobs?: number | undefined;
  /** Share of the jobs that are runaways, 0 to 1. */
  overdue?: number | undefined;
  seed?: number | undefined;
}

/** Makes a night of queries that have run for 3 hours and more, among young jobs. @param now epoch ms. */
export function makeNight({ jobs: count = 500, overdue = 0.6, seed = 1 }: NightSize, now: number): Night {
  const sql = manyJobs(now, createRandom(seed), { count, overdueShare: overdue });
  // The overdue ones come first.
  const runaways = new Set(sql.slice(0, Math.round(count * overdue)).map(({ id }) => id.toLowerCase()));
  return {
    takenAt: null,
    jobs: count,
    saved: { version: 1, now, sql, spark: [], flink: [], queues: queuesOf({ sql, others: [] }, now), packages: [] },
    policy: parse(readAsset('examples/demo-policy.yml')),
    runawaysAt: async () => runaways,
    unknown: [],
  };
}

/** No answer at all, although the cancel is carried out, as if a gateway had broken down behind it. */
const LOST = { executes: true, answer: 'reset' } as const;

/**
 * Trouble that comes once each: cancels whose answer is lost, a cancel that never arrives, and a page of the list that fails.
 * The numbers leave time for the scheduled sweep, and reach a small night too.
 */
export function troubleOf({ spark }: Snapshot): Fault[] {
  return [
    { on: 'list-sql-jobs', skip: 2, answer: { status: 503, body: 'Service Temporarily Unavailable' } },
    { on: 'cancel-sql-job', skip: 3, ...LOST },
    { on: 'cancel-sql-job', skip: 8, answer: 'reset' },
    { on: 'cancel-sql-job', skip: 15, ...LOST },
    ...(spark.length === 0 ? [] : [{ on: 'cancel-spark-batch' as const, ...LOST }]),
  ];
}
