import * as v from 'valibot';
import type { Answer } from '../base/answer.ts';
import { invalid, pageOf, parseBody, reader, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { findQueue, type QueueService } from './queues.ts';

/** "Querying Queue Properties". Terraform reads the keys that it wrote, such as `computeEngine.maxInstance`. */
export function listProperties(service: QueueService, request: RouteRequest): Answer {
  const get = reader(request);
  const offset = toInteger(get('offset') ?? '0');
  const limit = toInteger(get('limit') ?? '1000');
  if (offset === undefined) return invalid('offset', '0 or more');
  if (limit === undefined) return invalid('limit', '0 or more');
  const { queue, refusal } = findQueue(service, request.params[0] ?? '');
  if (queue === undefined) return refusal;
  const properties = Object.entries(queue.properties ?? {}).map(([key, value]) => ({ key, value }));
  return { status: 200, body: { is_success: true, message: '', properties: pageOf(properties, offset, limit) } };
}

const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

/** The keys and types of "Updating Queue Properties". */
const properties = v.object({
  'computeEngine.maxInstance': count,
  'computeEngine.maxPrefetchInstance': count,
  'computeEngine.spark.nativeEnabled': v.optional(v.string()),
  'job.maxConcurrent': count,
  'job.saveJobResultToJobBucket': v.optional(v.string()),
  'network.cidrInVpc': v.optional(v.string()),
});

/** "Updating Queue Properties". `network.cidrInVpc` is the network of the queue. */
export function setProperties(service: QueueService, { body, params: [name = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(v.object({ properties: v.optional(properties, {}) }), body);
  if (fields === undefined) return wrongBody;
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  const { 'network.cidrInVpc': cidr, ...others } = fields.properties;
  if (cidr !== undefined) queue.cidr = cidr;
  const texts = Object.entries(others).map(([key, value]) => [key, String(value)]);
  queue.properties = { ...queue.properties, ...(Object.fromEntries(texts) as Record<string, string>) };
  return { status: 200, body: { is_success: true, message: '' } };
}

/** DeleteQueueProperty of the Python SDK: `{"keys":["job.maxConcurrent"]}`. */
export function deleteProperties(service: QueueService, { body, params: [name = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(v.object({ keys: v.array(v.string()) }), body);
  if (fields === undefined) return wrongBody;
  const { queue, refusal } = findQueue(service, name);
  if (queue === undefined) return refusal;
  const left = Object.entries(queue.properties ?? {}).filter(([key]) => !fields.keys.includes(key));
  queue.properties = Object.fromEntries(left);
  return { status: 200, body: { is_success: true, message: '' } };
}
