import * as v from 'valibot';
import type { Answer } from '../base/answer.ts';
import { newUuid, parseBody, QUEUE_NAME } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { refuseUnknownQueue } from '../queues/queues.ts';
import { batchLife, type EmulatedBatch, type SparkService } from './jobs.ts';
import { toSession } from './rows.ts';

const texts = v.optional(v.array(v.string()));
const resources = v.array(v.object({ name: v.optional(v.string()), type: v.optional(v.string()) }));
const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));
// The documented example has a space in front of its queue.
const queueName = v.optional(v.pipe(v.string(), v.trim(), v.regex(QUEUE_NAME)));

const creation = v.pipe(
  v.looseObject({
    file: v.pipe(v.string(), v.nonEmpty()),
    // The table requires it. Yet a batch of Python needs none: a log of DataArts (cn-north-9, 2024-07-02) shows one that was
    // accepted without it, and Terraform and the example of `req_body` in the SDK have "".
    className: v.optional(v.string()),
    // The spelling of the documented example.
    class_name: v.optional(v.string()),
    queue: queueName,
    cluster_name: queueName,
    name: v.optional(v.pipe(v.string(), v.maxLength(128)), ''),
    sc_type: v.optional(v.picklist(['A', 'B', 'C']), 'A'),
    args: texts,
    jars: texts,
    pyFiles: texts,
    files: texts,
    modules: texts,
    resources: v.optional(resources),
    groups: v.optional(v.array(v.object({ name: v.optional(v.string()), resources: v.optional(resources) }))),
    // An object, unlike the list in the submission of a SQL job.
    conf: v.optional(
      v.pipe(
        v.unknown(),
        v.check((conf) => !Array.isArray(conf)),
        v.record(v.string(), v.unknown()),
      ),
    ),
    driverMemory: v.optional(v.string()),
    executorMemory: v.optional(v.string()),
    driverCores: count,
    executorCores: count,
    numExecutors: count,
    auto_recovery: v.optional(v.boolean(), false),
    max_retry_times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)), 20),
    obs_bucket: v.optional(v.string()),
    catalog_name: v.optional(v.string()),
    image: v.optional(v.string()),
    feature: v.optional(v.string()),
    spark_version: v.optional(v.string()),
    execution_agency_urn: v.optional(v.string()),
  }),
  v.check(
    ({ queue, cluster_name }) => queue === undefined || cluster_name === undefined,
    'queue and cluster_name cannot coexist',
  ),
);

const OWN_SIZES = ['driverMemory', 'driverCores', 'executorMemory', 'executorCores', 'numExecutors'] as const;

/** "Creating a Batch Processing Job". */
export function createBatch(service: SparkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(creation, body);
  if (fields === undefined) return refusal;
  const queue = (fields.queue ?? fields.cluster_name ?? 'default').toLowerCase();
  const unknown = refuseUnknownQueue(service, queue);
  if (unknown !== undefined) return unknown;

  const { spark, random, now, assumptions } = service;
  const isCustomized = OWN_SIZES.some((size) => fields[size] !== undefined);
  const batch: EmulatedBatch = {
    id: newUuid(random, (id) => spark.get(id) !== undefined),
    name: fields.name,
    queue,
    owner: 'emulator',
    scType: isCustomized ? 'CUSTOMIZED' : fields.sc_type,
    life: lifeOf(service, fields),
    request: JSON.parse(body.toString()) as Record<string, unknown>,
    ...(fields.image !== undefined && { image: fields.image }),
    ...(fields.feature !== undefined && { feature: fields.feature }),
    ...(fields.spark_version !== undefined && { sparkVersion: fields.spark_version }),
  };
  spark.add(batch);
  return { status: 200, body: { ...toSession(batch, now(), assumptions), log: [] } };
}

/** Plans the life of a batch: `failureShare` of them fail, and a failed one is retried if the request says so. */
function lifeOf(
  { now, random, delays, failureShare }: SparkService,
  request: v.InferOutput<typeof creation>,
): EmulatedBatch['life'] {
  const createdAt = now();
  const runsFrom = createdAt + delays.startMs;
  // "The unit must be provided. Otherwise, the startup fails."
  const hasUnit = (memory: string | undefined) => memory === undefined || /^\d+\s*[kmgt]b?$/i.test(memory);
  if (!hasUnit(request.driverMemory) || !hasUnit(request.executorMemory)) {
    return [
      { from: createdAt, state: 'starting' },
      { from: runsFrom, state: 'dead' },
    ];
  }

  const [shortest, longest] = delays.runMs;
  const endOfRun = (from: number) => from + Math.floor(shortest + random() * (longest - shortest));
  const recoveries: { from: number; until: number }[] = [];
  let endsAt = endOfRun(runsFrom);
  let hasFailed = random() < failureShare;
  while (hasFailed && request.auto_recovery && recoveries.length < request.max_retry_times) {
    const until = endsAt + delays.startMs;
    recoveries.push({ from: endsAt, until });
    endsAt = endOfRun(until);
    hasFailed = random() < failureShare;
  }
  return batchLife({ createdAt, runsFrom, recoveries, endsAt, endsAs: hasFailed ? 'dead' : 'success' });
}
