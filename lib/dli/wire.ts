import { DliProtocolError, DliResponseError, findErrorCode, findRateHint } from './errors.ts';
import type { Job, JobState, Protection } from './job.ts';

/** Which answer it was, for an error about it. */
export interface AnswerContext {
  /** Such as "read job 5b3c6e1e-…". */
  operation: string;
  /** HTTP status. */
  status: number;
  requestId: string | undefined;
}

/** One answer as it came; whether it is a success is not known yet. */
export interface WireAnswer extends AnswerContext {
  retryAfterMs: number | undefined;
  body: string;
}

export interface SqlJobPage {
  jobs: Job[];
  /** How many jobs match the filter in all, not how many are on this page. */
  jobCount: number;
}

/**
 * SQL statuses, spelled as the documents do and as they mistype them ("FINISH" in the status API, "CANCELED" in
 * Terraform's documentation). COMPUTED, SUSPENDED, ACTIVE, DELETED and CREATING appear in a filter's list only, are
 * explained nowhere, and stay unknown.
 */
const SQL_STATES: Record<string, JobState> = {
  LAUNCHING: 'queued',
  RUNNING: 'running',
  SCALING: 'operation',
  FINISHED: 'finished',
  FINISH: 'finished',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  CANCELED: 'cancelled',
};

/**
 * `{"is_success":true,"message":"","job_count":1,"jobs":[{"job_id":"5b3c…","job_type":"QUERY","queue_name":"etl",
 * "owner":"ana","start_time":1785540000000,"status":"RUNNING",…}]}`
 *
 * The statement, which rows carry in full, ends here unless it is asked for.
 *
 * @throws {DliProtocolError} if the list or its count is missing: an unreadable page is not an empty one.
 * @see "Querying All Jobs" (ListSqlJobs)
 */
export function parseSqlJobPage(
  { jobs, job_count: jobCount }: Record<string, unknown>,
  about: AnswerContext,
  withStatements = false,
): SqlJobPage {
  if (!Array.isArray(jobs)) throw new DliProtocolError(about.operation, 'without a list of jobs', about);
  if (typeof jobCount !== 'number' || !Number.isSafeInteger(jobCount) || jobCount < 0) {
    throw new DliProtocolError(about.operation, 'without job_count', about);
  }
  return { jobs: jobs.map((row) => toSqlJob(row, withStatements)), jobCount };
}

/**
 * `{"is_success":true,"message":"","job_id":"5b3c…","status":"RUNNING",…}`; `is_success` is about the question, and
 * stays true for a failed job.
 *
 * @throws {DliProtocolError} if the answer is about another job.
 * @see "Querying Job Status" (ShowSqlJobStatus)
 */
export function parseSqlJobStatus(
  body: Record<string, unknown>,
  about: AnswerContext,
  jobId: string,
  withStatement = false,
): Job {
  const job = toSqlJob(body, withStatement);
  if (job.id !== '' && job.id.toLowerCase() !== jobId.toLowerCase()) {
    throw new DliProtocolError(about.operation, 'about another job', about);
  }
  return { ...job, id: jobId };
}

/**
 * Returns the JSON object of a success. A 200 may still say no, with `is_success` as a boolean or, on some endpoints, as a
 * string. Spark's successes have no `is_success`.
 *
 * @throws {DliResponseError} for any status but 2xx, and for an answer that says no.
 * @throws {DliProtocolError} for a 2xx without a JSON object.
 */
export function readSuccess(answer: WireAnswer): Record<string, unknown> {
  const body = readBody(answer);
  if (!isRecord(body)) throw new DliProtocolError(answer.operation, 'with a body that is not a JSON object', answer);
  refuseUnsuccessful(answer, body);
  return body;
}

/**
 * Returns the first verdict of a success: `[{"is_success":"true","message":"…"}]`, or one such object, as in 2021. There is
 * one verdict for each id that was sent, and none of them may be a refusal. A refusal may also come as a 400 with a list.
 *
 * @throws {DliResponseError} as {@link readSuccess}, and for a verdict with an error code.
 * @throws {DliProtocolError} for a 2xx without a verdict.
 * @see "Stopping Jobs in Batches"
 */
export function readVerdicts(answer: WireAnswer): Record<string, unknown> {
  const body = readBody(answer);
  const verdicts: unknown[] = Array.isArray(body) ? body : [body];
  const [first] = verdicts;
  if (!isRecord(first) || !verdicts.every(isRecord)) {
    throw new DliProtocolError(answer.operation, 'without a verdict', answer);
  }
  for (const verdict of verdicts) {
    const { operation, status, requestId } = answer;
    const errorCode = findErrorCode(verdict);
    if (errorCode !== undefined) throw new DliResponseError(operation, { status, requestId, errorCode });
    refuseUnsuccessful(answer, verdict);
  }
  return first;
}

/** Returns what the JSON of a 2xx holds; undefined if it is no JSON. */
function readBody({ operation, status, requestId, retryAfterMs, body: text }: WireAnswer): unknown {
  const body = parseJson(text);
  if (status >= 200 && status <= 299) return body;
  const rateHint = status === 429 ? findRateHint(body) : undefined;
  const errorCode = findErrorCode(body);
  throw new DliResponseError(operation, { status, requestId, retryAfterMs, rateHint, errorCode });
}

function refuseUnsuccessful({ operation, status, requestId }: AnswerContext, verdict: Record<string, unknown>): void {
  const success = verdict.is_success;
  if (success === undefined || success === true || success === 'true') return;
  const errorCode = findErrorCode(verdict);
  throw new DliResponseError(operation, { status, requestId, errorCode, summary: 'with is_success: false' });
}

function toSqlJob(row: unknown, withStatement: boolean): Job {
  const fields = isRecord(row) ? row : {};
  const status = toText(fields.status);
  const type = toText(fields.job_type);
  const startedAt = toNumber(fields.start_time);
  return {
    engine: 'sql',
    id: toText(fields.job_id) ?? '',
    name: null,
    queue: toText(fields.queue_name),
    owner: toText(fields.owner),
    type,
    protection: protectionOf(type),
    database: toText(fields.database_name),
    tags: toTags(fields.tags),
    statement: withStatement ? toText(fields.statement) : undefined,
    status,
    state: (status !== undefined && Object.hasOwn(SQL_STATES, status) && SQL_STATES[status]) || 'unknown',
    startedAt,
    // The documents use start_time for submission and start alike ("Querying All Jobs", start_time and order).
    since: { running: startedAt, waiting: startedAt, submitted: startedAt },
  };
}

/** "Querying All Jobs", job_type; DATA_MIGRATION from the newer pages. */
export const SQL_READS = ['QUERY'] as const;
export const SQL_WRITES = ['DDL', 'DCL', 'IMPORT', 'EXPORT', 'INSERT', 'DATA_MIGRATION', 'UPDATE', 'DELETE'] as const;
/** Operations on a queue, shown as jobs; cancelling one would cancel somebody's scaling. */
const SQL_OPERATIONS = ['RESTART_QUEUE', 'SCALE_QUEUE'] as const;

const SQL_PROTECTIONS = new Map<string, Protection>([
  ...SQL_READS.map((type): [string, Protection] => [type, 'none']),
  ...SQL_WRITES.map((type): [string, Protection] => [type, 'unless-named']),
  ...SQL_OPERATIONS.map((type): [string, Protection] => [type, 'always']),
]);

const protectionOf = (type: string | undefined): Protection => SQL_PROTECTIONS.get(type ?? '') ?? 'unknown';

const NO_TAGS: ReadonlyMap<string, string> = new Map();

/** `[{"key":"team","value":"bi"}]`; optional, and taken to be absent for a job without tags. */
export function toTags(value: unknown): ReadonlyMap<string, string> | undefined {
  if (value === undefined) return NO_TAGS;
  if (!Array.isArray(value)) return undefined;
  const tags = new Map<string, string>();
  for (const tag of value) {
    if (!isRecord(tag) || typeof tag.key !== 'string' || typeof tag.value !== 'string') return undefined;
    tags.set(tag.key, tag.value);
  }
  return tags;
}

export function toNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** @returns undefined for anything that is not JSON; a 504 from a proxy is HTML or empty. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
