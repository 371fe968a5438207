import { createHash } from 'node:crypto';
import { compareText } from '../../lib/base/text.ts';
import { type Answer, dliError } from '../base/answer.ts';
import {
  hasTagLike,
  invalid,
  matching,
  pageOf,
  QUEUE_NAME,
  reader,
  refuseUnknownWord,
  toInteger,
} from '../base/query.ts';
import type { Route, RouteRequest } from '../base/service.ts';
import type { EmulatedQueue, QueueService } from './queues.ts';

export const QUEUE_ROUTES: readonly Route<QueueService>[] = [
  { name: 'list-queues', method: 'GET', version: '/v1.0', pattern: /^\/queues\/?$/, run: listQueues },
  { name: 'show-queue', method: 'GET', version: '/v1.0', pattern: /^\/queues\/([^/]+)\/?$/, run: showQueue },
];

const ORDERS: Readonly<Record<string, (a: EmulatedQueue, b: EmulatedQueue) => number>> = {
  queue_name_asc: (a, b) => compareText(a.name, b.name),
  queue_name_desc: (a, b) => compareText(b.name, a.name),
  cu_asc: (a, b) => a.cuCount - b.cuCount,
  cu_desc: (a, b) => b.cuCount - a.cuCount,
};
const BOOLEANS = ['true', 'false'];

/** "Querying All Queues". Default for `queue_type`: those for SQL. In its example, flags are texts. */
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
    is_restarting: flag(queue.isRestarting ?? false),
    platform: 'x86_64',
    labels: queue.labels ?? '',
    cidr_in_vpc: '10.0.0.0/8',
    cidr_in_subnet: '10.0.0.0/24',
    cidr_in_mgntsubnet: '10.23.128.0/24',
    used_cu: queue.usedCu ?? 0,
    engine: queue.engine ?? 'spark',
    ...(get('with-charge-info') === 'true' && { charging_mode: queue.chargingMode ?? 1 }),
  }));
  return { status: 200, body: { is_success: flag(true), message: '', queues: rows } };
}

/** "Viewing Details of a Queue". Four names are in camel case, the others as in the list. */
function showQueue({ queues }: QueueService, { params: [name = ''] }: RouteRequest): Answer {
  if (!QUEUE_NAME.test(name)) return invalid('queue_name', 'letters, digits and underscores');
  const queue = queues.get(name);
  if (queue === undefined) return dliError(400, 'DLI.0002', `There is no queue named ${name.toLowerCase()}`);
  return {
    status: 200,
    body: {
      is_success: true,
      message: '',
      queueName: queue.name,
      queueType: queue.type,
      cuCount: queue.cuCount,
      ...commonFields(queue),
      chargingMode: queue.chargingMode ?? 1,
    },
  };
}

function commonFields(queue: EmulatedQueue): Record<string, unknown> {
  return {
    owner: queue.owner ?? 'emulator',
    description: queue.description ?? '',
    create_time: queue.createdAt,
    resource_id: resourceIdOf(queue),
    enterprise_project_id: '0',
    resource_mode: queue.resourceMode ?? 1,
    resource_type: queue.resourceType ?? 'vm',
    queue_resource_type: queue.resourceType ?? 'vm',
    feature: queue.feature ?? 'basic',
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
