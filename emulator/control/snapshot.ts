import * as v from 'valibot';
import type { Engine } from '../../lib/base/job.ts';
import type { EmulatedFlinkJob } from '../flink/jobs.ts';
import type { EmulatedPackage } from '../packages/packages.ts';
import type { EmulatedQueue } from '../queues/queues.ts';
import type { Stores } from '../routes.ts';
import type { EmulatedBatch } from '../spark/jobs.ts';
import type { EmulatedJob } from '../sql/jobs.ts';

/** Everything that an emulator remembers of its project, as JSON. */
export interface Snapshot extends Record<Engine, object[]> {
  version: 1;
  /** Epoch ms by the emulator's clock. */
  now: number;
  sql: EmulatedJob[];
  spark: EmulatedBatch[];
  flink: EmulatedFlinkJob[];
  queues: EmulatedQueue[];
  packages: EmulatedPackage[];
}

export function takeSnapshot({ sql, spark, flink, queues, packages }: Stores, now: number): Snapshot {
  return {
    version: 1,
    now,
    sql: [...sql.all()],
    spark: [...spark.all()],
    flink: [...flink.all()],
    queues: [...queues.all()],
    packages: [...packages.all()],
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
  /** Missing in states that were written before there were packages. */
  packages: v.optional(things<EmulatedPackage>(), []),
});

/** @throws {Error} for anything that is not a snapshot, also for one of another version. */
export function parseSnapshot(document: unknown): Snapshot {
  const { version } = v.is(v.object({ version: v.number() }), document) ? document : { version: 1 };
  if (version !== 1) {
    throw new Error(`a snapshot of version ${version}, and this emulator reads version 1; start without it`);
  }
  const result = v.safeParse(schema, document);
  if (!result.success) {
    throw new Error('not a snapshot of this emulator: expected {version: 1, now, sql, spark, flink, queues}');
  }
  return result.output;
}

/** Replaces everything that the stores hold. */
export function loadSnapshot(snapshot: Snapshot, stores: Stores): void {
  replace(stores.sql, snapshot.sql);
  replace(stores.spark, snapshot.spark);
  replace(stores.flink, snapshot.flink);
  replace(stores.queues, snapshot.queues);
  replace(stores.packages, snapshot.packages);
}

function replace<T>(store: { clear(): void; add(item: T): void }, items: readonly T[]): void {
  store.clear();
  for (const item of items) store.add(item);
}
