import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { invalid, parseBody, tagList, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import type { EmulatedFlinkJob, FlinkService } from './jobs.ts';

/*
 * The tags of a resource, as Terraform reads and changes those of a Flink job (golangsdk, openstack/dli/v3/tags and
 * openstack/common/tags). The Python SDK has the same calls as ShowResourceTags, BatchCreateResourceTags and
 * BatchDeleteResourceTags. No page says which resource types there are; Terraform names `dli_flink_job`.
 */

export function listTags(service: FlinkService, { params }: RouteRequest): Answer {
  const { job, refusal } = findTagged(service, params);
  if (job === undefined) return refusal;
  const { tags = [] } = job;
  return { status: 200, body: { tags, count: tags.length } };
}

/** Adds tags. A key that is there gets the new value. */
export function addTags(service: FlinkService, request: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(v.object({ tags: tagList }), request.body);
  if (fields === undefined) return wrongBody;
  const { job, refusal } = findTagged(service, request.params);
  if (job === undefined) return refusal;
  const keys = new Set(fields.tags.map(({ key }) => key));
  job.tags = [...(job.tags ?? []).filter(({ key }) => !keys.has(key)), ...fields.tags];
  return { status: 204, body: undefined };
}

export function deleteTags(service: FlinkService, request: RouteRequest): Answer {
  // golangsdk leaves out an empty value.
  const schema = v.object({ tags: v.array(v.object({ key: v.string() })) });
  const { fields, refusal: wrongBody } = parseBody(schema, request.body);
  if (fields === undefined) return wrongBody;
  const { job, refusal } = findTagged(service, request.params);
  if (job === undefined) return refusal;
  const keys = new Set(fields.tags.map(({ key }) => key));
  job.tags = (job.tags ?? []).filter(({ key }) => !keys.has(key));
  return { status: 204, body: undefined };
}

function findTagged(
  { flink }: FlinkService,
  [type = '', id = '']: RouteRequest['params'],
): { job: EmulatedFlinkJob; refusal?: never } | { job?: never; refusal: Answer } {
  if (type !== 'dli_flink_job') return { refusal: invalid('resource_type', 'dli_flink_job') };
  if (toInteger(id) === undefined) return { refusal: invalid('resource_id', 'a whole number') };
  const job = flink.get(String(Number(id)));
  return job === undefined ? { refusal: dliError(400, 'DLI.16001', `The job does not exist: ${id}`) } : { job };
}
