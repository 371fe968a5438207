import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { flagField, invalid, parseBody, QUEUE_NAME, tagList } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { type EmulatedQueue, findQueue, type QueueService, type QueueWork } from './queues.ts';

const text = v.optional(v.string());

const creation = v.object({
  queue_name: v.pipe(v.string(), v.regex(QUEUE_NAME)),
  queue_type: v.optional(v.picklist(['sql', 'general']), 'sql'),
  description: v.optional(v.string(), ''),
  // "The options are 16, 64, and 256"; newer pages know queues of 4 CUs, and of any multiple of 16 by scaling.
  cu_count: v.pipe(v.number(), v.integer(), v.minValue(1)),
  charging_mode: v.optional(v.picklist([1])),
  enterprise_project_id: text,
  platform: v.optional(v.picklist(['x86_64', 'aarch64'])),
  resource_mode: v.optional(v.picklist([0, 1])),
  labels: v.optional(v.array(v.string())),
  feature: v.optional(v.picklist(['basic', 'ai'])),
  tags: v.optional(tagList),
  elastic_resource_pool_name: text,
  engine: v.optional(v.picklist(['spark', 'hetuEngine'])),
});

/** "Creating a Queue". DLI.0006 is "object exists" in the table of error codes. */
export function createQueue({ queues, now }: QueueService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(creation, body);
  if (fields === undefined) return refusal;
  const name = fields.queue_name.toLowerCase();
  if (queues.get(name) !== undefined) return dliError(400, 'DLI.0006', `The queue ${name} already exists`);
  const { resource_mode, feature, tags, engine, platform } = fields;
  const queue: EmulatedQueue = {
    name,
    type: fields.queue_type,
    cuCount: fields.cu_count,
    createdAt: now(),
    description: fields.description,
    ...(resource_mode !== undefined && { resourceMode: resource_mode }),
    ...(feature !== undefined && { feature }),
    ...(tags !== undefined && { tags }),
    ...(engine !== undefined && { engine }),
    ...(platform !== undefined && { platform }),
    ...(fields.labels !== undefined && { labels: fields.labels.join(',') }),
    ...(fields.enterprise_project_id !== undefined && { enterpriseProjectId: fields.enterprise_project_id }),
    ...(fields.elastic_resource_pool_name !== undefined && { elasticResourcePool: fields.elastic_resource_pool_name }),
  };
  queues.add(queue);
  return { status: 200, body: { is_success: true, message: '', queue_name: name } };
}

/** "Deleting a Queue". "If a task is being executed in a specified queue, the queue cannot be deleted." */
export function deleteQueue(service: QueueService & QueueWork, { params: [name = ''] }: RouteRequest): Answer {
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  const busy = refuseBusy(service, queue);
  if (busy !== undefined) return busy;
  service.queues.remove(queue);
  return { status: 200, body: { is_success: true, message: '' } };
}

/** UpdateQueueCidr of the Python SDK. Airflow's operator says that a queue with live jobs cannot be changed. */
export function updateCidr(service: QueueService & QueueWork, { body, params: [name = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(
    v.object({ cidr_in_vpc: v.pipe(v.string(), v.regex(/^[\d.]+\/\d{1,2}$/)) }),
    body,
  );
  if (fields === undefined) return wrongBody;
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  const busy = refuseBusy(service, queue);
  if (busy !== undefined) return busy;
  queue.cidr = fields.cidr_in_vpc;
  return { status: 200, body: { is_success: true, message: '' } };
}

const action = v.object({
  action: v.picklist(['restart', 'scale_out', 'scale_in']),
  force: v.optional(flagField, false),
  // "The value of cu_count must be a multiple of 16."
  cu_count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(16), v.multipleOf(16))),
});

/** "Restarting, Scaling Out, and Scaling In Queues". A forced restart is a job of its own, and all is done at once. */
export function runAction(service: QueueService & QueueWork, { body, params: [name = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(action, body);
  if (fields === undefined) return wrongBody;
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  if (fields.action === 'restart') return restart(service, queue, fields.force);
  if (queue.elasticResourcePool !== undefined) {
    return dliError(400, 'DLI.0007', 'The queue is in an elastic resource pool and cannot be scaled');
  }
  if (fields.cu_count === undefined) return invalid('cu_count', 'given to scale a queue');
  const cuCount = queue.cuCount + (fields.action === 'scale_out' ? 1 : -1) * fields.cu_count;
  if (cuCount <= 0) return invalid('cu_count', `less than the ${queue.cuCount} CUs of the queue`);
  queue.cuSpec ??= queue.cuCount;
  queue.cuCount = cuCount;
  return { status: 200, body: { queue_name: queue.name, result: true } };
}

function restart({ submitRestart }: QueueWork, queue: EmulatedQueue, isForced: boolean): Answer {
  // "Only queues for SQL jobs can be restarted."
  if (queue.type !== 'sql') return dliError(400, 'DLI.0007', 'Only queues for SQL jobs can be restarted');
  if (!isForced) return { status: 200, body: { is_success: true, message: 'Restart success' } };
  const message =
    'Submit restart job success, it need some time to cancel jobs, please wait for a while and check job status';
  return { status: 200, body: { is_success: true, message, job_id: submitRestart(queue.name) } };
}

/** "Querying Quotas", with the types of its table. The limits are invented, since every account has its own. */
export function showQuotas({ queues }: QueueService): Answer {
  const used: Record<string, number> = {
    CU: queues.all().reduce((sum, { cuCount }) => sum + cuCount, 0),
    QUEUE: queues.all().length,
  };
  const resources = Object.entries(QUOTAS).map(([type, quota]) => ({
    type,
    min: 0,
    max: 100_000,
    quota,
    used: used[type] ?? 0,
  }));
  return { status: 200, body: { is_success: true, quotas: { resources } } };
}

const QUOTAS = {
  CU: 2_500,
  QUEUE: 100,
  DATABASE: 1_000,
  TABLE: 10_000,
  TEMPLATE: 1_000,
  SL_PKG_RESOURCE: 1_000,
  SL_SESSION: 1_000,
  JOB_CU: 1_000,
  IAM_USER: 1_000,
  ELASTIC_RESOURCE_POOL: 10,
};

function refuseBusy({ hasLiveJobs, assumptions }: QueueService & QueueWork, queue: EmulatedQueue): Answer | undefined {
  if (!hasLiveJobs(queue.name)) return undefined;
  return dliError(400, assumptions.busyQueue, `There are live jobs on the queue ${queue.name}`);
}
