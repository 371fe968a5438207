import * as v from 'valibot';
import type { Answer } from '../base/answer.ts';
import { invalid, newUuid, parseBody, QUEUE_NAME, tagList, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { refuseUnknownQueue } from '../queues/queues.ts';
import type { EmulatedJob, SqlService } from './jobs.ts';

export const ENGINES = ['spark', 'hetuEngine'] as const;
/** "SQL jobs running longer than 12 hours are cancelled by default". */
const DEFAULT_TIMEOUT_MS = 12 * 3_600_000;

const identifier = v.pipe(v.string(), v.regex(QUEUE_NAME));
const submission = v.object({
  sql: v.pipe(v.string(), v.nonEmpty(), v.maxLength(500_000)),
  currentdb: v.optional(identifier),
  current_catalog: v.optional(v.pipe(v.string(), v.maxLength(128))),
  queue_name: v.optional(identifier, 'default'),
  conf: v.optional(v.array(v.string())),
  tags: v.optional(tagList, []),
  engine_type: v.optional(v.picklist(ENGINES)),
});

/** "Submitting a SQL Job (Recommended)". */
export function submitJob(service: SqlService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(submission, body);
  return fields === undefined ? refusal : submit(service, fields);
}

/** "Submitting a SQL Job (Discarded)", from the documents of 2021, with the queue in the path. */
export function submitJobToQueue(service: SqlService, { body, params: [queue = ''] }: RouteRequest): Answer {
  if (!QUEUE_NAME.test(queue)) return invalid('queue_name', 'letters, digits and underscores');
  const { fields, refusal } = parseBody(submission, body);
  return fields === undefined ? refusal : submit(service, { ...fields, queue_name: queue });
}

function submit(service: SqlService, fields: v.InferOutput<typeof submission>): Answer {
  const { sql: jobs, random } = service;
  const { sql: statement, currentdb, conf, tags, engine_type: engine } = fields;
  const queue = fields.queue_name.toLowerCase();
  const refusal = refuseUnknownQueue(service, queue);
  if (refusal !== undefined) return refusal;

  const settings = settingsOf(conf ?? []);
  const type = typeOfStatement(statement);
  // DCL always runs synchronously. DDL does so only on request.
  const isSync = type === 'DCL' || (type === 'DDL' && settings.get('dli.sql.sqlasync.enabled') === 'false');
  const job: EmulatedJob = {
    id: newUuid(random, (id) => jobs.get(id) !== undefined),
    type,
    queue,
    statement,
    owner: 'emulator',
    ...planRun(service, isSync),
    timeoutMs: timeoutOf(settings.get('dli.sql.job.timeout')),
    mode: isSync ? 'sync' : 'async',
    ...(tags.length > 0 && { tags }),
    ...(conf !== undefined && { conf }),
    ...(currentdb !== undefined && { database: currentdb }),
    ...(engine !== undefined && { engine }),
  };
  jobs.add(job);
  return {
    status: 200,
    body: {
      is_success: true,
      message: '',
      job_id: job.id,
      job_type: type,
      job_mode: job.mode,
      schema: [],
      rows: [],
    },
  };
}

/** Plans the run of a job that is submitted now. A synchronous one is over at once. */
export function planRun({ now, random, delays, failureShare }: SqlService, isSync = false) {
  const submittedAt = now();
  const runsFrom = submittedAt + (isSync ? 0 : delays.startMs);
  const [shortest, longest] = delays.runMs;
  return {
    submittedAt,
    runsFrom,
    endsAt: runsFrom + (isSync ? 0 : Math.floor(shortest + random() * (longest - shortest))),
    endsAs: random() < failureShare ? ('FAILED' as const) : ('FINISHED' as const),
  };
}

export function typeOfStatement(sql: string): string {
  const word = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? '';
  if (word === 'INSERT' || word === 'UPDATE' || word === 'DELETE') return word;
  if (word === 'GRANT' || word === 'REVOKE') return 'DCL';
  return ['CREATE', 'DROP', 'ALTER', 'TRUNCATE', 'DESC', 'DESCRIBE', 'SHOW'].includes(word) ? 'DDL' : 'QUERY';
}

/** Reads the lines of `conf`: `key = value` or `key=value`. */
export function settingsOf(conf: readonly string[]): Map<string, string> {
  return new Map(
    conf.map((line) => {
      const [key = '', ...value] = line.split('=');
      return [key.trim(), value.join('=').trim()];
    }),
  );
}

/**
 * Returns the timeout of a job in ms.
 *
 * @param seconds the setting, in seconds by "Submitting a SQL Job (Recommended)". A published client says milliseconds.
 */
function timeoutOf(seconds: string | undefined): number {
  const whole = toInteger(seconds ?? '');
  return whole === undefined || whole === 0 ? DEFAULT_TIMEOUT_MS : whole * 1_000;
}
