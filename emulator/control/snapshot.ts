import * as v from 'valibot';
import type { EmulatedFlinkJob, FlinkStore } from '../flink/jobs.ts';
import type { EmulatedQueue, QueueStore } from '../queues/queues.ts';
import type { EmulatedBatch, SparkStore } from '../spark/jobs.ts';
import type { EmulatedJob, JobStore } from '../sql/jobs.ts';

export interface Stores {
  jobs: JobStore;
  spark: SparkStore;
  flink: FlinkStore;
  queues: QueueStore;
}

/** Everything that an emulator remembers of a project, as JSON. */
export interface Snapshot {
  version: 1;
  /** Epoch ms by the emulator's clock. */
  now: number;
  sql: EmulatedJob[];
  spark: EmulatedBatch[];
  flink: EmulatedFlinkJob[];
  queues: EmulatedQueue[];
}

export function takeSnapshot({ jobs, spark, flink, queues }: Stores, now: number): Snapshot {
  return {
    version: 1,
    now,
    sql: [...jobs.all()],
    spark: [...spark.all()],
    flink: [...flink.all()],
    queues: [...queues.all()],
  };
}

const things = <T>() => v.array(v.custom<T>((value) => typeof value === 'object' && value !== null));

const schema = v.strictObject({
  version: v.literal(1),
  now: v.number(),
  sql: things<EmulatedJob>(),
  spark: things<EmulatedBatch>(),
  flink: things<EmulatedFlinkJob>(),
  queues: things<EmulatedQueue>(),
});

/** @throws {Error} for anything that is not a snapshot. */
export function parseSnapshot(document: unknown): Snapshot {
  const result = v.safeParse(schema, document);
  if (!result.success)
    throw new Error('not a snapshot of this emulator: expected {version: 1, now, sql, spark, flink, queues}');
  return result.output;
}

/** What was there before is forgotten. */
export function loadSnapshot(snapshot: Snapshot, stores: Stores): void {
  replace(stores.jobs, snapshot.sql);
  replace(stores.spark, snapshot.spark);
  replace(stores.flink, snapshot.flink);
  replace(stores.queues, snapshot.queues);
}

function replace<T>(store: { clear(): void; add(item: T): void }, items: readonly T[]): void {
  store.clear();
  for (const item of items) store.add(item);
}
