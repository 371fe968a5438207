import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { invalid, parseBody, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { refuseUnknownQueue } from '../queues/queues.ts';
import { descriptionField, jarConfig, queueField, RUN_MODES, refuseSize, sqlBodyField, sqlConfig } from './create.ts';
import type { EmulatedFlinkJob, FlinkService } from './jobs.ts';
import { successOf } from './verbs.ts';

const fieldsOfAll = {
  // "Length range: 0 to 57 characters".
  name: v.optional(v.pipe(v.string(), v.maxLength(57))),
  desc: v.optional(descriptionField),
  queue_name: v.optional(queueField),
  sql_body: v.optional(sqlBodyField),
  run_mode: v.optional(v.picklist(RUN_MODES)),
  main_class: v.optional(v.string()),
  entrypoint_args: v.optional(v.string()),
};

/** "Updating a SQL Job": changes the fields that are given. */
export function updateSqlJob(service: FlinkService, request: RouteRequest): Answer {
  return update(service, request, {
    isOfKind: ({ type }) => type !== 'flink_jar_job',
    kind: 'a SQL job',
    config: sqlConfig,
    message: 'The job is updated successfully.',
  });
}

/** "Updating a Flink Jar Job". In its example `is_success` is a Boolean, but both Go SDKs read a text. */
export function updateJarJob(service: FlinkService, request: RouteRequest): Answer {
  return update(service, request, {
    isOfKind: ({ type }) => type === 'flink_jar_job',
    kind: 'a Flink Jar job',
    config: jarConfig,
    message: 'The Flink job is updated successfully.',
  });
}

interface Kind {
  isOfKind: (job: EmulatedFlinkJob) => boolean;
  /** In words. */
  kind: string;
  config: typeof sqlConfig | typeof jarConfig;
  message: string;
}

/** What DLI refuses to change in a job that runs is not documented. Terraform stops a job first for most fields. */
function update(
  service: FlinkService,
  { body, params: [id = ''] }: RouteRequest,
  { isOfKind, kind, config: schema, message }: Kind,
): Answer {
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const { fields, refusal } = parseBody(v.object(fieldsOfAll), body);
  if (fields === undefined) return refusal;
  const config = parseBody(schema, body);
  if (config.fields === undefined) return config.refusal;
  const job = service.flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.16001', `The job does not exist: ${id}`);
  if (!isOfKind(job)) return invalid('job_id', `the id of ${kind}`);

  const queue = fields.queue_name?.toLowerCase() ?? job.queue;
  const newConfig = { ...job.config, ...config.fields };
  const wrongQueue = queue === '' ? undefined : refuseUnknownQueue(service, queue);
  const wrong = wrongQueue ?? refuseSize(service, queue, newConfig);
  if (wrong !== undefined) return wrong;

  job.queue = queue;
  job.config = newConfig;
  if (fields.name !== undefined && fields.name !== '') job.name = fields.name;
  if (fields.desc !== undefined) job.description = fields.desc;
  if (fields.sql_body !== undefined) job.sqlBody = fields.sql_body;
  if (fields.run_mode !== undefined) job.runMode = fields.run_mode;
  if (fields.main_class !== undefined) job.mainClass = fields.main_class;
  if (fields.entrypoint_args !== undefined) job.entrypointArgs = fields.entrypoint_args;
  job.updatedAt = service.now();
  return { status: 200, body: { ...successOf(service, message), job: { update_time: job.updatedAt } } };
}

/** "Authorizing DLI to Access OBS (Deprecated)". There is no OBS, so every bucket is there. */
export function authorizeBuckets(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(v.object({ obs_buckets: v.pipe(v.array(v.string()), v.nonEmpty()) }), body);
  if (fields === undefined) return refusal;
  const message = `The following OBS bucket is authorized successfully, ${fields.obs_buckets.join(', ')}.`;
  return { status: 200, body: successOf(service, message) };
}
