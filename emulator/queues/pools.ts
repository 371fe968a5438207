import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { invalid, pageOf, parseBody, QUEUE_NAME, reader, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { type EmulatedQueue, findQueue, type QueueService, type ScalingPolicy } from './queues.ts';

/*
 * What Terraform's `dli_queue` asks about elastic resource pools. The pools themselves are not played: one is there as soon as
 * a queue is in it.
 */

/**
 * "Querying All Queues in an Elastic Resource Pool". A part of the name is enough for `queue_name`, and there are no pages
 * without `limit`: comments of resource_huaweicloud_dli_queue.go in the Terraform provider.
 */
export function listPoolQueues({ queues }: QueueService, request: RouteRequest): Answer {
  const [pool = ''] = request.params;
  const get = reader(request);
  const limit = toInteger(get('limit') ?? '100');
  const offset = toInteger(get('offset') ?? '0');
  const name = get('queue_name') ?? '';
  if (limit === undefined) return invalid('limit', '0 or more');
  if (offset === undefined) return invalid('offset', '0 or more');
  const found = queues.all().filter((queue) => queue.elasticResourcePool === pool && queue.name.includes(name));
  const page = get('limit') === undefined ? found : pageOf(found, offset, limit);
  return { status: 200, body: { is_success: true, message: '', queues: page.map(toRow), count: found.length } };
}

function toRow(queue: EmulatedQueue): Record<string, unknown> {
  return {
    queue_name: queue.name,
    enterprise_project_id: queue.enterpriseProjectId ?? '0',
    queue_type: queue.type,
    queue_scaling_policies: queue.scalingPolicies ?? [wholeDay(queue)],
    owner: queue.owner ?? 'emulator',
    create_time: queue.createdAt,
    engine: queue.engine ?? 'spark',
  };
}

/** "Each queue has at least one default policy for [00:00, 24:00]" (UpdateElasticResourcePoolQueue of the Python SDK). */
function wholeDay({ cuCount }: EmulatedQueue): ScalingPolicy {
  return { priority: 1, impact_start_time: '00:00', impact_stop_time: '24:00', min_cu: cuCount, max_cu: cuCount };
}

/** "Associating a Queue with an Elastic Resource Pool". */
export function associateQueue(service: QueueService, { body, params: [pool = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(v.object({ queue_name: v.string() }), body);
  if (fields === undefined) return wrongBody;
  if (!QUEUE_NAME.test(pool)) return invalid('elastic_resource_pool_name', 'letters, digits and underscores');
  const { queue, refusal } = findQueue(service, fields.queue_name);
  if (queue === undefined) return refusal;
  if (queue.elasticResourcePool !== undefined) {
    return dliError(400, 'DLI.0007', `The queue ${queue.name} is in an elastic resource pool already`);
  }
  queue.elasticResourcePool = pool;
  return { status: 200, body: { is_success: true, message: '' } };
}

const time = v.pipe(v.string(), v.regex(/^([01]\d|2[0-4]):[0-5]\d$/));
const policies = v.pipe(
  v.array(
    v.object({
      priority: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)),
      impact_start_time: time,
      impact_stop_time: time,
      min_cu: v.pipe(v.number(), v.integer(), v.minValue(0)),
      max_cu: v.pipe(v.number(), v.integer(), v.minValue(0)),
    }),
  ),
  v.nonEmpty(),
);

/** "Modifying the Scaling Policy of a Queue Associated with an Elastic Resource Pool". */
export function setScalingPolicies(service: QueueService, { body, params: [pool, name = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(v.object({ queue_scaling_policies: policies }), body);
  if (fields === undefined) return wrongBody;
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  if (queue.elasticResourcePool !== pool) return dliError(400, 'DLI.0002', `There is no queue ${name} in the pool`);
  queue.scalingPolicies = fields.queue_scaling_policies;
  return { status: 200, body: { is_success: true, message: '' } };
}
