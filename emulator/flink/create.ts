import * as v from 'valibot';
import type { Answer } from '../base/answer.ts';
import { invalid, parseBody, QUEUE_NAME, tagList } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { refuseUnknownQueue } from '../queues/queues.ts';
import type { EmulatedFlinkJob, FlinkService } from './jobs.ts';
import { successOf } from './verbs.ts';

const text = v.optional(v.string());
const flag = v.optional(v.boolean());
const from = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)));

/** "The value can contain 0 to 128 characters". */
export const queueField = v.pipe(
  v.string(),
  v.check((name) => name === '' || QUEUE_NAME.test(name)),
);
// One of the vendor's pages says 512, the other 2,048.
export const descriptionField = v.pipe(v.string(), v.maxLength(2_048));
export const sqlBodyField = v.pipe(v.string(), v.maxLength(1_024 * 1_024));
export const RUN_MODES = ['shared_cluster', 'exclusive_cluster', 'edge_node'] as const;

const common = {
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(57)),
  desc: v.optional(descriptionField),
  queue_name: v.optional(queueField, ''),
  tags: v.optional(tagList),
};

const MODES = { 1: 'exactly_once', 2: 'at_least_once' } as const;

/** Fields that go into `job_config` unchanged. */
const commonConfig = {
  cu_number: from(2, 400),
  manager_cu_number: from(1),
  parallel_number: from(1, 2_000),
  tm_cus: from(1),
  tm_slot_num: from(0),
  log_enabled: flag,
  obs_bucket: text,
  smn_topic: text,
  restart_when_exception: flag,
  resume_checkpoint: flag,
  resume_max_num: from(-1),
  checkpoint_path: text,
  runtime_config: text,
  flink_version: text,
  image: text,
  feature: v.optional(v.picklist(['basic', 'custom'])),
  checkpoint_enabled: flag,
  checkpoint_interval: from(0),
  // The table has numbers, the example words.
  checkpoint_mode: v.optional(
    v.union([
      v.picklist(Object.values(MODES)),
      v.pipe(
        v.picklist([1, 2]),
        v.transform((mode) => MODES[mode]),
      ),
    ]),
  ),
  execution_agency_urn: text,
  flink_log_config: text,
  resource_config_version: v.optional(v.picklist(['v1', 'v2'])),
  resource_config: v.optional(v.record(v.string(), v.unknown())),
};

export const sqlConfig = v.object({
  ...commonConfig,
  idle_state_retention: from(0),
  dirty_data_strategy: v.optional(v.pipe(v.string(), v.regex(/^(0|1|2:.+)$/))),
  udf_jar_url: text,
  edge_group_ids: v.optional(v.array(v.string())),
  operator_config: text,
  static_estimator_config: text,
});

const sqlFields = v.object({
  ...common,
  template_id: from(1),
  sql_body: v.optional(sqlBodyField, ''),
  run_mode: v.optional(v.picklist(RUN_MODES), 'shared_cluster'),
  job_type: v.optional(
    v.picklist(['flink_sql_job', 'flink_opensource_sql_job', 'flink_sql_edge_job']),
    'flink_sql_job',
  ),
});

export const jarConfig = v.object({
  ...commonConfig,
  entrypoint: text,
  dependency_jars: v.optional(v.array(v.string())),
  dependency_files: v.optional(v.array(v.string())),
});

const jarFields = v.object({ ...common, main_class: text, entrypoint_args: text });

/** "Creating a SQL Job": makes a draft. `run-flink-jobs` starts it. */
export function createSqlJob(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(sqlFields, body);
  if (fields === undefined) return refusal;
  const config = parseBody(sqlConfig, body);
  if (config.fields === undefined) return config.refusal;
  return (
    refuseSize(service, fields.queue_name, config.fields) ??
    create(service, fields, config.fields, {
      type: fields.job_type,
      sqlBody: fields.sql_body,
      runMode: fields.run_mode,
    })
  );
}

/**
 * "Creating a Flink Jar job". In its example `is_success` is a Boolean, unlike in all others. Both Go SDKs read a text, and
 * the live run of TestAccDliFlinkJarJob_basic passes (pull request 5204 of terraform-provider-huaweicloud).
 */
export function createJarJob(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(jarFields, body);
  if (fields === undefined) return refusal;
  const config = parseBody(jarConfig, body);
  if (config.fields === undefined) return config.refusal;
  return (
    refuseSize(service, fields.queue_name, config.fields) ??
    create(service, fields, config.fields, {
      type: 'flink_jar_job',
      runMode: 'exclusive_cluster',
      ...(fields.main_class !== undefined && { mainClass: fields.main_class }),
      ...(fields.entrypoint_args !== undefined && { entrypointArgs: fields.entrypoint_args }),
    })
  );
}

/** Refuses what "cannot exceed the number of CUs in the bound queue" or "be greater than four times the compute units". */
export function refuseSize(
  { queues }: FlinkService,
  queueName: string,
  config: {
    cu_number?: number | undefined;
    manager_cu_number?: number | undefined;
    parallel_number?: number | undefined;
  },
): Answer | undefined {
  const { cu_number: cus = 2, manager_cu_number: managerCus = 1, parallel_number: parallel = 1 } = config;
  const queue = queues.get(queueName);
  const isShared = queue === undefined || queue.resourceMode === 0;
  if (!isShared && cus > queue.cuCount) return invalid('cu_number', `at most the ${queue.cuCount} CUs of the queue`);
  const most = 4 * (cus - managerCus);
  return parallel > most ? invalid('parallel_number', `at most ${most} for these CUs`) : undefined;
}

function create(
  service: FlinkService,
  fields: v.InferOutput<v.ObjectSchema<typeof common, undefined>>,
  config: Record<string, unknown>,
  more: Pick<EmulatedFlinkJob, 'type'> & Partial<EmulatedFlinkJob>,
): Answer {
  const queue = fields.queue_name.toLowerCase();
  const unknown = queue === '' ? undefined : refuseUnknownQueue(service, queue);
  if (unknown !== undefined) return unknown;

  const { flink, now } = service;
  const job: EmulatedFlinkJob = {
    id: flink.nextId(),
    name: fields.name,
    queue,
    owner: 'emulator',
    config,
    life: [{ from: now(), state: 'job_init' }],
    ...(fields.desc !== undefined && { description: fields.desc }),
    ...(fields.tags !== undefined && { tags: fields.tags }),
    ...more,
  };
  flink.add(job);
  const isJar = job.type === 'flink_jar_job';
  return {
    status: 200,
    body: {
      ...successOf(service, isJar ? 'A Flink job is created successfully.' : 'A DLI job is created successfully.'),
      job: { job_id: job.id, status_name: 'job_init', status_desc: '' },
    },
  };
}
