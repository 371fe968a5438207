import * as v from 'valibot';
import { durationField } from '../../lib/base/duration.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import { ENGINE_NAMES, type Engine } from '../../lib/base/job.ts';
import { randomUuid } from '../base/random.ts';
import { type EmulatedFlinkJob, flinkStatusAt } from '../flink/jobs.ts';
import type { Stores } from '../routes.ts';
import { batchLife, batchStateAt } from '../spark/jobs.ts';
import { statusAt } from '../sql/jobs.ts';

/** Returns every job as it is stored, with its engine and its present status. */
export function describeJobs({ sql, spark, flink }: Stores, now: number): object[] {
  const described: Record<Engine, object[]> = {
    sql: sql.all().map((job) => ({ ...job, status: statusAt(job, now) })),
    spark: spark.all().map((batch) => ({ ...batch, status: batchStateAt(batch, now) })),
    flink: flink.all().map((job) => ({ ...job, status: flinkStatusAt(job, now) })),
  };
  return ENGINE_NAMES.flatMap((engine) => described[engine].map((job) => ({ engine, ...job })));
}

const duration = durationField('3h');

const draft = v.strictObject({
  engine: v.optional(v.picklist(ENGINE_NAMES), 'sql'),
  queue: v.optional(v.string(), 'default'),
  owner: v.optional(v.string(), 'emulator'),
  /** For SQL jobs, as is `statement`. */
  type: v.optional(v.string(), 'QUERY'),
  statement: v.optional(v.string(), 'select 1'),
  tags: v.optional(v.array(v.strictObject({ key: v.string(), value: v.string() })), []),
  /** For batches and Flink jobs. */
  name: v.optional(v.string(), 'unnamed'),
  /** Time since its submission. */
  age: v.optional(duration, '0s'),
  /** Time from its submission to its run. */
  waits: v.optional(duration, '0s'),
  /** Time from the start of its run to its end. */
  runs: v.optional(duration, '24h'),
  onCancel: v.optional(v.picklist(['stop', 'finish', 'ignore']), 'stop'),
  /** For Flink jobs: time since DLI changed it while it ran, as after a savepoint that failed. */
  changed: v.optional(duration),
  /** So many jobs like this. */
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 1),
});

type Draft = v.InferOutput<typeof draft>;

/**
 * Adds one job, or a list of jobs. Every field is optional:
 *
 *     {"engine":"sql","queue":"adhoc","owner":"ana","age":"3h","runs":"5h"}
 *
 * @throws {Error} if a field is wrong. The message names it.
 */
export function addJobs(document: unknown, stores: Stores, now: number): void {
  const result = v.safeParse(v.array(draft), Array.isArray(document) ? document : [document]);
  if (!result.success) throw new Error(result.issues.map((issue) => issueWords(issue)).join('; '));
  for (const one of result.output) for (let n = 0; n < one.count; n++) addJob(one, stores, now);
}

function addJob(
  { engine, queue, owner, type, statement, tags, name, age, waits, runs, onCancel, changed }: Draft,
  stores: Stores,
  now: number,
): void {
  const createdAt = now - age;
  const runsFrom = createdAt + waits;
  const common = { queue, owner, ...(onCancel !== 'stop' && { onCancel }) };
  switch (engine) {
    case 'sql': {
      const life = { submittedAt: createdAt, runsFrom, endsAt: runsFrom + runs, endsAs: 'FINISHED' as const };
      stores.sql.add({ ...common, ...life, id: randomUuid(Math.random), type, statement, tags });
      break;
    }
    case 'spark': {
      const life = batchLife({ createdAt, runsFrom, endsAt: runsFrom + runs });
      stores.spark.add({ ...common, name, life, id: randomUuid(Math.random) });
      break;
    }
    case 'flink': {
      const id = 1 + Math.max(0, ...stores.flink.all().map((job) => job.id));
      const life: EmulatedFlinkJob['life'] = [
        { from: createdAt, state: 'job_submitting' },
        { from: runsFrom, state: 'job_running' },
        ...(changed === undefined ? [] : [{ from: now - changed, state: 'job_running' as const }]),
        { from: runsFrom + runs, state: 'job_finish' },
      ];
      // DLI's lists of Flink jobs show no tags, not even an empty list.
      stores.flink.add({ queue, owner, name, life, id, type: 'flink_sql_job', ...(tags.length > 0 && { tags }) });
      break;
    }
    default:
      engine satisfies never;
  }
}

/**
 * Replaces fields of a stored job. The text `now` stands for the emulator's present time.
 *
 * @param id the id of a SQL job or a batch, or the number of a Flink job.
 * @throws {Error} if there is no such job, or if its id would change.
 */
export function changeJob(id: string, set: Record<string, unknown>, stores: Stores, now: number): object {
  const [job] = ENGINE_NAMES.flatMap((engine) => stores[engine].get(id) ?? []);
  if (job === undefined) throw new Error(`no job ${id}`);
  if ('id' in set) throw new Error('id: the id of a job cannot change');
  Object.assign(
    job,
    Object.fromEntries(Object.entries(set).map(([key, value]) => [key, value === 'now' ? now : value])),
  );
  return job;
}
