import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { flagField, invalid, newUuid, parseBody, QUEUE_NAME, reader, refuseUnknownId, UUID } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { refuseUnknownQueue } from '../queues/queues.ts';
import { planRun, typeOfStatement } from './create.ts';
import { type EmulatedJob, type SqlService, statusAt } from './jobs.ts';

/** "This API can be used to view only the first 1000 result records" ("Previewing SQL Job Query Results"). */
const MAX_ROWS = 1_000;

/** "Previewing SQL Job Query Results": those of a query that is FINISHED. */
export function previewResult(service: SqlService, request: RouteRequest): Answer {
  const [id = ''] = request.params;
  const queue = reader(request)('queue-name');
  if (queue !== undefined && !QUEUE_NAME.test(queue)) return invalid('queue-name', 'letters, digits and underscores');
  const { job, refusal } = findQuery(service, id);
  if (job === undefined) return refusal;
  const { schema, rows } = job.result ?? { schema: [], rows: [] };
  return {
    status: 200,
    body: {
      is_success: true,
      message: '',
      job_id: job.id,
      job_type: job.type,
      row_count: rows.length,
      input_size: 0,
      schema,
      rows: rows.slice(0, MAX_ROWS),
    },
  };
}

const exportFields = v.object({
  data_path: v.pipe(v.string(), v.startsWith('obs://')),
  data_type: v.picklist(['csv', 'json']),
  compress: v.optional(v.picklist(['none', 'gzip', 'bzip2', 'deflate']), 'none'),
  queue_name: v.optional(v.pipe(v.string(), v.regex(QUEUE_NAME)), 'default'),
  export_mode: v.optional(v.picklist(['ErrorIfExists', 'Overwrite']), 'ErrorIfExists'),
  with_column_header: v.optional(flagField, false),
  limit_num: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  encoding_type: v.optional(v.picklist(['utf-8', 'gb2312', 'gbk'])),
  quote_char: v.optional(v.pipe(v.string(), v.length(1))),
  escape_char: v.optional(v.pipe(v.string(), v.length(1))),
});

/** "Exporting Query Results": an EXPORT job of its own. Nothing is written to OBS. */
export function exportResult(service: SqlService, { body, params: [id = ''] }: RouteRequest): Answer {
  const { fields, refusal: wrongBody } = parseBody(exportFields, body);
  if (fields === undefined) return wrongBody;
  const { job: query, refusal } = findQuery(service, id);
  if (query === undefined) return refusal;
  const queue = fields.queue_name.toLowerCase();
  const unknownQueue = refuseUnknownQueue(service, queue);
  if (unknownQueue !== undefined) return unknownQueue;

  const job: EmulatedJob = {
    id: newUuid(service.random, (taken) => service.sql.get(taken) !== undefined),
    type: 'EXPORT',
    queue,
    owner: 'emulator',
    statement: '',
    ...planRun(service),
    mode: 'async',
    ...(query.database !== undefined && { database: query.database }),
    transfer: {
      data_path: fields.data_path,
      data_type: fields.data_type,
      compress: fields.compress,
      export_mode: fields.export_mode,
      with_column_header: fields.with_column_header,
    },
  };
  service.sql.add(job);
  return { status: 200, body: { is_success: true, message: '', job_id: job.id, job_mode: 'async' } };
}

const checkFields = v.object({
  sql: v.pipe(v.string(), v.nonEmpty()),
  currentdb: v.optional(v.string()),
});

/** "Checking SQL Syntax". The emulator reads no SQL, so every statement is right. */
export function checkSql(_service: SqlService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(checkFields, body);
  if (fields === undefined) return refusal;
  return {
    status: 200,
    body: { is_success: true, message: 'the sql is ok', job_type: typeOfStatement(fields.sql) },
  };
}

/** Finds the query that has a result: "Currently, you can only query execution results of jobs of the QUERY type". */
function findQuery(
  service: SqlService,
  id: string,
): { job: EmulatedJob; refusal?: never } | { job?: never; refusal: Answer } {
  if (!UUID.test(id)) return { refusal: invalid('job_id', 'a UUID') };
  const job = service.sql.get(id);
  if (job === undefined) return { refusal: refuseUnknownId(service, 'job', id) };
  const status = statusAt(job, service.now());
  if (job.type === 'QUERY' && status === 'FINISHED') return { job };
  const message = `There is no result of a job of type ${job.type} in status ${status}`;
  return { refusal: dliError(400, service.assumptions.sqlResultOfOthers, message) };
}
