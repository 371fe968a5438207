import { createHash } from 'node:crypto';
import { compareText } from '../../lib/base/text.ts';
import type { Answer } from '../base/answer.ts';
import { hasTagLike, invalid, matching, pageOf, reader, refuseUnknownWord, toInteger } from '../base/query.ts';
import type { Route, RouteRequest } from '../base/service.ts';
import { associateQueue, listPoolQueues, setScalingPolicies } from './pools.ts';
import { deleteProperties, listProperties, setProperties } from './properties.ts';
import { type EmulatedQueue, findQueue, type QueueService, type QueueWork } from './queues.ts';
import { createQueue, deleteQueue, runAction, showQuotas, updateCidr } from './verbs.ts';

const version = '/v1.0';
const propertiesOfQueue = { version: '/v3', path: '/queues/{queue_name}/properties' } as const;

export const QUEUE_ROUTES: readonly Route<QueueService & QueueWork>[] = [
  {
    name: 'list-queues',
    method: 'GET',
    version,
    path: '/queues',
    run: listQueues,
    standing: 'faithful',
    evidence: '"Querying All Queues"; Terraform `dli_queue`, Airflow, and an answer that golangsdk captured',
    assumes: ['queueFlags'],
  },
  {
    name: 'show-queue',
    method: 'GET',
    version,
    path: '/queues/{queue_name}',
    run: showQueue,
    standing: 'faithful',
    evidence: '"Viewing Details of a Queue"; Terraform `dli_queue`',
  },
  {
    name: 'create-queue',
    method: 'POST',
    version,
    path: '/queues',
    run: createQueue,
    standing: 'faithful',
    evidence: '"Creating a Queue"; Terraform `dli_queue`, Airflow. It is there at once',
  },
  {
    name: 'delete-queue',
    method: 'DELETE',
    version,
    path: '/queues/{queue_name}',
    run: deleteQueue,
    standing: 'faithful',
    evidence: '"Deleting a Queue"; Terraform `dli_queue`, Airflow',
    assumes: ['busyQueue'],
  },
  {
    name: 'update-queue-cidr',
    method: 'PUT',
    version,
    path: '/queues/{queue_name}',
    run: updateCidr,
    standing: 'faithful',
    evidence: 'UpdateQueueCidr of the Python SDK; Terraform `dli_queue`, Airflow',
    assumes: ['busyQueue'],
  },
  {
    name: 'run-queue-action',
    method: 'PUT',
    version,
    path: '/queues/{queue_name}/action',
    run: runAction,
    standing: 'assumed',
    evidence:
      '"Restarting, Scaling Out, and Scaling In Queues" for the form; Terraform `dli_queue`. A restart cancels no job, and scaling is done at once',
  },
  {
    name: 'list-queue-properties',
    method: 'GET',
    ...propertiesOfQueue,
    run: listProperties,
    standing: 'assumed',
    evidence: '"Querying Queue Properties"; Terraform `dli_queue`. A queue has only the properties that were set',
  },
  {
    name: 'create-queue-properties',
    method: 'POST',
    ...propertiesOfQueue,
    run: setProperties,
    standing: 'assumed',
    evidence: 'CreateQueueProperty of the Python SDK; a property that is there is replaced',
  },
  {
    name: 'update-queue-properties',
    method: 'PUT',
    ...propertiesOfQueue,
    run: setProperties,
    standing: 'faithful',
    evidence: '"Updating Queue Properties"; Terraform `dli_queue`',
  },
  {
    name: 'delete-queue-properties',
    method: 'DELETE',
    ...propertiesOfQueue,
    run: deleteProperties,
    standing: 'faithful',
    evidence: 'DeleteQueueProperty of the Python SDK; Terraform `dli_queue`',
  },
  {
    name: 'list-pool-queues',
    method: 'GET',
    version: '/v3',
    path: '/elastic-resource-pools/{elastic_resource_pool_name}/queues',
    run: listPoolQueues,
    standing: 'assumed',
    evidence:
      '"Querying All Queues in an Elastic Resource Pool"; Terraform `dli_queue`. A pool is there as soon as a queue is in it',
  },
  {
    name: 'associate-queue',
    method: 'POST',
    version: '/v3',
    path: '/elastic-resource-pools/{elastic_resource_pool_name}/queues',
    run: associateQueue,
    standing: 'assumed',
    evidence: '"Associating a Queue with an Elastic Resource Pool"; Terraform `dli_queue`. Every pool is there',
  },
  {
    name: 'set-scaling-policies',
    method: 'PUT',
    version: '/v3',
    path: '/elastic-resource-pools/{elastic_resource_pool_name}/queues/{queue_name}',
    run: setScalingPolicies,
    standing: 'assumed',
    evidence:
      '"Modifying the Scaling Policy of a Queue Associated with an Elastic Resource Pool"; Terraform `dli_queue`. Nothing scales',
  },
  {
    name: 'show-quotas',
    method: 'GET',
    version: '/v3',
    path: '/quotas',
    run: showQuotas,
    standing: 'assumed',
    evidence:
      '"Querying Quotas" for the form; Terraform `dli_quotas`. The limits are invented, and nothing is refused for them',
  },
];

const ORDERS: Readonly<Record<string, (a: EmulatedQueue, b: EmulatedQueue) => number>> = {
  queue_name_asc: (a, b) => compareText(a.name, b.name),
  queue_name_desc: (a, b) => compareText(b.name, a.name),
  cu_asc: (a, b) => a.cuCount - b.cuCount,
  cu_desc: (a, b) => b.cuCount - a.cuCount,
};
const BOOLEANS = ['true', 'false'];

/**
 * "Querying All Queues". Default for `queue_type`: those for SQL. In its example, flags are texts. The answer in golangsdk's
 * fixtures.go has `charging_mode` and `queue_resource_type`, although golangsdk never asks `with-charge-info`.
 */
function listQueues({ queues, assumptions }: QueueService, request: RouteRequest): Answer {
  const get = reader(request);
  const pageSize = toInteger(get('page-size') ?? String(2 ** 31 - 1));
  const page = toInteger(get('current-page') ?? '1');
  const refusal = refuseUnknownWord(get, {
    queue_type: ['sql', 'general', 'all'],
    'with-priv': BOOLEANS,
    'with-charge-info': BOOLEANS,
    order: Object.keys(ORDERS),
  });
  if (refusal !== undefined) return refusal;
  if (pageSize === undefined || pageSize < 1 || pageSize >= 2 ** 31) return invalid('page-size', 'a positive integer');
  if (page === undefined || page < 1) return invalid('current-page', 'a positive integer');

  const type = get('queue_type') ?? 'sql';
  const tags = get('tags');
  const flag = (value: boolean) => (assumptions.queueFlags === 'text' ? String(value) : value);
  const found = matching<EmulatedQueue>(queues.all(), [
    [type === 'all' ? undefined : type, (queue) => queue.type === type],
    [tags, (queue) => hasTagLike(queue.tags, tags ?? '')],
  ]).sort(ORDERS[get('order') ?? 'queue_name_asc']);
  const rows = pageOf(found, (page - 1) * pageSize, pageSize).map((queue) => ({
    queue_id: idOf(queue),
    queue_name: queue.name,
    queue_type: queue.type,
    cu_count: queue.cuCount,
    ...commonFields(queue),
    queue_resource_type: queue.resourceType ?? 'vm',
    feature: queue.feature ?? 'basic',
    is_restarting: flag(queue.isRestarting ?? false),
    platform: queue.platform ?? 'x86_64',
    labels: queue.labels ?? '',
    cidr_in_vpc: queue.cidr ?? '10.0.0.0/8',
    cidr_in_subnet: '10.0.0.0/24',
    cidr_in_mgntsubnet: '10.23.128.0/24',
    used_cu: queue.usedCu ?? 0,
    engine: queue.engine ?? 'spark',
    charging_mode: chargingModeOf(queue),
  }));
  return { status: 200, body: { is_success: flag(true), message: '', queues: rows } };
}

/** "Viewing Details of a Queue". Four names are in camel case, the others as in the list. */
function showQueue(service: QueueService, { params: [name = ''] }: RouteRequest): Answer {
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  return {
    status: 200,
    body: {
      is_success: true,
      message: '',
      queue_id: idOf(queue),
      queueName: queue.name,
      queueType: queue.type,
      cuCount: queue.cuCount,
      ...commonFields(queue),
      chargingMode: chargingModeOf(queue),
    },
  };
}

/** "0: the system's default queue, billed by the amount of data scanned" ("Querying All Queues" in Chinese, table 4). */
function chargingModeOf({ name, chargingMode }: EmulatedQueue): number {
  return chargingMode ?? (name === 'default' ? 0 : 1);
}

function commonFields(queue: EmulatedQueue): Record<string, unknown> {
  return {
    owner: queue.owner ?? 'emulator',
    description: queue.description ?? '',
    create_time: queue.createdAt,
    resource_id: resourceIdOf(queue),
    enterprise_project_id: queue.enterpriseProjectId ?? '0',
    resource_mode: queue.resourceMode ?? 1,
    resource_type: queue.resourceType ?? 'vm',
    cu_spec: queue.cuSpec ?? queue.cuCount,
    ...(queue.cuScaleInLimit !== undefined && { cu_scale_in_limit: queue.cuScaleInLimit }),
    ...(queue.cuScaleOutLimit !== undefined && { cu_scale_out_limit: queue.cuScaleOutLimit }),
    ...(queue.elasticResourcePool !== undefined && { elastic_resource_pool_name: queue.elasticResourcePool }),
  };
}

const digestOf = ({ name }: EmulatedQueue) => createHash('sha256').update(name).digest('hex');

/** Returns a number made from the name alone, so that it is the same in every run. */
function idOf(queue: EmulatedQueue): number {
  return Number.parseInt(digestOf(queue).slice(0, 6), 16);
}

function resourceIdOf(queue: EmulatedQueue): string {
  return digestOf(queue).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
}
