import {
  isJobId,
  isTerminal,
  type Job,
  type JobState,
  MAX_STATEMENT_LENGTH,
  type PastJob,
  type Protection,
  SQL_READS,
  SQL_WRITES,
} from '../base/job.ts';
import type { OrderCall, ReadCall } from './calls.ts';
import { DliProtocolError } from './errors.ts';
import { type AnswerContext, isNumberAsText, isRecord, toCount, toNumber, toTags, toText } from './wire.ts';

/** "Querying All Jobs": page-size range 1–100. */
export const MAX_PAGE_SIZE = 100;
/** "Querying All Jobs": current-page range 1–100, so one listing reaches 10,000 rows. */
export const MAX_PAGE = 100;

export interface SqlJobQuery {
  /** The service takes one status at a time. */
  status: 'LAUNCHING' | 'RUNNING' | 'CANCELLED';
  /** Epoch ms; jobs whose start time is later than this. */
  startedAfter?: number | undefined;
  /** Epoch ms; jobs whose start time is earlier than this. The service's name for it, `end`, says something else. */
  startedBefore?: number | undefined;
  /** 1-based, up to {@link MAX_PAGE}. */
  page: number;
  /** At most {@link MAX_PAGE_SIZE}. */
  pageSize: number;
  /** Whether jobs carry their statements, which are long. Default false. */
  withStatements?: boolean | undefined;
}

/** JSON may write a character in six bytes, as \u0000. */
const MAX_STATEMENT_BYTES = 6 * MAX_STATEMENT_LENGTH;

/** One page of SQL jobs, the oldest start first. */
export function sqlListCall(query: SqlJobQuery): ReadCall<SqlJobPage> {
  const { status, startedAfter, startedBefore, page, pageSize, withStatements } = query;
  const wire: [string, string][] = [
    ['current-page', String(page)],
    ['job-status', status],
    // Oldest first: with an upper bound on the start time, rows can then only leave the list, not push others down.
    ['order', 'start_time_asc'],
    ['page-size', String(pageSize)],
  ];
  if (startedBefore !== undefined) wire.push(['end', String(startedBefore)]);
  // 0 means no bound, and less is refused.
  if (startedAfter !== undefined && startedAfter > 0) wire.push(['start', String(startedAfter)]);
  return {
    kind: 'list',
    operation: `list ${status} jobs, page ${page}`,
    version: 'v1.0',
    path: '/jobs',
    query: wire,
    maxTextBytes: withStatements ? MAX_STATEMENT_BYTES : undefined,
    parse: (body, about) => parseSqlJobPage(body, about, withStatements),
  };
}

export interface SqlPastQuery extends Pick<SqlJobQuery, 'page' | 'startedAfter' | 'startedBefore' | 'withStatements'> {}

/** One page of SQL jobs of any state, the newest start first. */
export function sqlPastCall(query: SqlPastQuery): ReadCall<{ jobs: PastJob[]; jobCount: number }> {
  const { startedAfter, startedBefore, page, withStatements } = query;
  const wire: [string, string][] = [
    ['current-page', String(page)],
    ['order', 'start_time_desc'],
    ['page-size', String(MAX_PAGE_SIZE)],
  ];
  if (startedBefore !== undefined) wire.push(['end', String(startedBefore)]);
  if (startedAfter !== undefined && startedAfter > 0) wire.push(['start', String(startedAfter)]);
  return {
    kind: 'list',
    operation: `list past jobs, page ${page}`,
    version: 'v1.0',
    path: '/jobs',
    query: wire,
    maxTextBytes: withStatements ? MAX_STATEMENT_BYTES : undefined,
    parse: (body, about) => {
      const { jobs, jobCount } = parseSqlJobPage(body, about, withStatements);
      const rows = body.jobs as unknown[];
      return { jobs: jobs.map((job, i) => ({ job, endedAt: endOf(job, rows[i]) })), jobCount };
    },
  };
}

/** "Querying All Jobs", end_time and duration, both optional. Of a job that lives on, `duration` is its age. */
function endOf({ state, startedAt }: Job, row: unknown): number | undefined {
  if (!isTerminal(state) || !isRecord(row)) return undefined;
  const endTime = toNumber(row.end_time);
  if (endTime !== undefined && endTime > 0) return endTime;
  const duration = toNumber(row.duration);
  return startedAt === undefined || duration === undefined ? undefined : startedAt + duration;
}

/** @throws {TypeError} for a malformed id. */
export function sqlStatusCall(jobId: string, withStatement = false): ReadCall<Job> {
  return {
    kind: 'status',
    operation: `read job ${jobId}`,
    version: 'v1.0',
    path: `${jobPath(jobId)}/status`,
    maxTextBytes: withStatement ? MAX_STATEMENT_BYTES : undefined,
    parse: (body, about) => parseSqlJobStatus(body, about, jobId, withStatement),
  };
}

/**
 * @throws {TypeError} for a malformed id.
 * @see "Canceling a Job" (CancelSqlJob): DELETE /v1.0/{project_id}/jobs/{job_id}, no body, 200
 * `{"is_success":true,"message":""}`, both optional
 */
export function sqlCancelCall(jobId: string): OrderCall {
  return {
    method: 'DELETE',
    operation: `cancel job ${jobId}`,
    version: 'v1.0',
    path: jobPath(jobId),
    read: sqlStatusCall(jobId),
    // "Canceling a Job" refuses a job that has ended, so there is nothing to lose by asking.
    readsFirst: false,
  };
}

function jobPath(jobId: string): string {
  if (!isJobId(jobId)) throw new TypeError('job id: expected 8-4-4-4-12 hexadecimal digits');
  return `/jobs/${jobId}`;
}

export interface SqlJobPage {
  jobs: Job[];
  /** The number of jobs that match the filter, not only those on this page. */
  jobCount: number;
}

/**
 * SQL statuses, spelled as the documents do and as they mistype them ("FINISH" in the status API, "CANCELED" in
 * Terraform's documentation). COMPUTED, SUSPENDED, ACTIVE, DELETED and CREATING appear only in the list of a filter, and no
 * document explains them, so they stay unknown.
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
 * Rows hold their statements in full. A job gets its statement only if that was asked for.
 *
 * @throws {DliProtocolError} if the list or its count is missing: an unreadable page is not an empty one.
 * @see "Querying All Jobs" (ListSqlJobs)
 */
export function parseSqlJobPage(
  { jobs, job_count: count }: Record<string, unknown>,
  about: AnswerContext,
  withStatements = false,
): SqlJobPage {
  if (!Array.isArray(jobs)) throw new DliProtocolError(about.operation, 'without a list of jobs', about);
  const jobCount = toCount(count);
  if (jobCount === undefined) throw new DliProtocolError(about.operation, 'without job_count', about);
  return { jobs: jobs.map((row) => toSqlJob(row, withStatements)), jobCount };
}

/**
 * `{"is_success":true,"message":"","job_id":"5b3c…","status":"RUNNING",…}`; `is_success` is about the call, and
 * is true for a failed job as well.
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

/** Reads a row of a list, or the answer about one job. */
export function toSqlJob(row: unknown, withStatement: boolean): Job {
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
    statement: withStatement ? toStatement(fields.statement) : undefined,
    status,
    state: (status !== undefined && Object.hasOwn(SQL_STATES, status) && SQL_STATES[status]) || 'unknown',
    startedAt,
    isStartText: isNumberAsText(fields.start_time) || undefined,
    // The documents use start_time for submission and start alike ("Querying All Jobs", start_time and order).
    since: { running: startedAt, waiting: startedAt, submitted: startedAt },
  };
}

/** Reads a statement. One that rules would not look at is not held. */
function toStatement(value: unknown): string | undefined {
  const statement = toText(value);
  return statement !== undefined && statement.length > MAX_STATEMENT_LENGTH ? undefined : statement;
}

/** Operations on a queue, shown as jobs. To cancel one would be to cancel the scaling of a queue. */
const SQL_OPERATIONS = ['RESTART_QUEUE', 'SCALE_QUEUE'] as const;

const SQL_PROTECTIONS = new Map<string, Protection>([
  ...SQL_READS.map((type): [string, Protection] => [type, 'none']),
  ...SQL_WRITES.map((type): [string, Protection] => [type, 'unless-named']),
  ...SQL_OPERATIONS.map((type): [string, Protection] => [type, 'always']),
]);

const protectionOf = (type: string | undefined): Protection => SQL_PROTECTIONS.get(type ?? '') ?? 'unknown';
