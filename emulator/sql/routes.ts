import { type Answer, dliError } from '../base/answer.ts';
import {
  type Filter,
  hasTagLike,
  invalid,
  matchingPage,
  QUEUE_NAME,
  reader,
  refuseCancel,
  refuseUnknownId,
  refuseUnknownWord,
  sortedBy,
  toInteger,
  UUID,
} from '../base/query.ts';
import type { Route, RouteRequest } from '../base/service.ts';
import { ENGINES, settingsOf, submitJob, submitJobToQueue } from './create.ts';
import { type EmulatedJob, endOf, isOver, requestCancel, type SqlService, statusAt } from './jobs.ts';
import { showProgress } from './progress.ts';
import { checkSql, exportResult, previewResult } from './results.ts';
import { tableOf, toRow } from './rows.ts';

const version = '/v1.0';

export const SQL_ROUTES: readonly Route<SqlService>[] = [
  {
    name: 'list-sql-jobs',
    method: 'GET',
    version,
    path: '/jobs',
    run: listJobs,
    standing: 'faithful',
    evidence: '"Querying All Jobs"; called by the Python, Go and Node SDKs and by golangsdk',
  },
  {
    name: 'submit-sql-job',
    method: 'POST',
    version,
    path: '/jobs/submit-job',
    run: submitJob,
    standing: 'faithful',
    evidence: '"Submitting a SQL Job (Recommended)"; Terraform `dli_sql_job`, Airflow',
    assumes: ['unknownQueue'],
  },
  {
    name: 'show-sql-job-status',
    method: 'GET',
    version,
    path: '/jobs/{job_id}/status',
    run: showStatus,
    standing: 'faithful',
    evidence: '"Querying Job Status"; Terraform `dli_sql_job`, Airflow',
    assumes: ['unknownId'],
  },
  {
    name: 'show-sql-job-detail',
    method: 'GET',
    version,
    path: '/jobs/{job_id}/detail',
    run: showDetail,
    standing: 'faithful',
    evidence: '"Querying Job Details", for imports and exports; Terraform `dli_sql_job`',
    assumes: ['unknownId', 'sqlDetailOfOthers'],
  },
  {
    name: 'show-sql-job-progress',
    method: 'GET',
    version: '/v1',
    path: '/jobs/{job_id}/progress',
    run: showProgress,
    standing: 'faithful',
    evidence: '"Querying the Job Execution Progress"; every job has four sub-jobs of ten tasks',
    assumes: ['unknownId'],
  },
  {
    name: 'cancel-sql-job',
    method: 'DELETE',
    version,
    path: '/jobs/{job_id}',
    run: cancelJob,
    standing: 'faithful',
    evidence: '"Canceling a Job (Recommended)"; Terraform `dli_sql_job`',
    assumes: ['sqlCancelOfEnded', 'sqlCancelOfCancelled', 'unknownId', 'deniedStatus'],
  },
  {
    name: 'preview-sql-job-result',
    method: 'GET',
    version,
    path: '/jobs/{job_id}/preview',
    run: previewResult,
    standing: 'faithful',
    evidence: '"Previewing SQL Job Query Results"; Airflow, Kestra. The rows are those of the world',
    assumes: ['unknownId', 'sqlResultOfOthers'],
  },
  {
    name: 'export-sql-job-result',
    method: 'POST',
    version,
    path: '/jobs/{job_id}/export-result',
    run: exportResult,
    standing: 'faithful',
    evidence: '"Exporting Query Results"; Terraform `dli_sql_job_result_export`. Nothing is written to OBS',
    assumes: ['unknownId', 'sqlResultOfOthers', 'unknownQueue'],
  },
  {
    name: 'check-sql',
    method: 'POST',
    version,
    path: '/jobs/check-sql',
    run: checkSql,
    standing: 'assumed',
    evidence: '"Checking SQL Syntax" for the form; the SQL is not read, so every statement is right',
  },
  {
    name: 'cancel-sql-job-on-queue',
    method: 'DELETE',
    version,
    path: '/queues/{queue_name}/jobs/{job_id}',
    run: cancelJobOnQueue,
    standing: 'faithful',
    evidence: '"Canceling a Job (Discarded)", 2021',
    assumes: ['sqlCancelOfEnded', 'sqlCancelOfCancelled', 'unknownId', 'deniedStatus'],
  },
  {
    name: 'submit-sql-job-to-queue',
    method: 'POST',
    version,
    path: '/queues/{queue_name}/jobs/submit-job',
    run: submitJobToQueue,
    standing: 'faithful',
    evidence: '"Submitting a SQL Job (Discarded)", 2021',
    assumes: ['unknownQueue'],
  },
];

const STATUSES = [
  'RUNNING',
  'SCALING',
  'LAUNCHING',
  'FINISHED',
  'FAILED',
  'CANCELLED',
  'COMPUTED',
  'SUSPENDED',
  'ACTIVE',
  'DELETED',
  'CREATING',
];
const TYPES = [
  'DDL',
  'DCL',
  'IMPORT',
  'EXPORT',
  'QUERY',
  'INSERT',
  'DATA_MIGRATION',
  'UPDATE',
  'DELETE',
  'RESTART_QUEUE',
  'SCALE_QUEUE',
  'ALL',
];
const ORDERS = ['duration_desc', 'duration_asc', 'start_time_desc', 'start_time_asc'];

/** "Querying All Jobs". Each page is computed when it is read, so the pages of a list do not show the same moment. */
function listJobs({ sql, now }: SqlService, request: RouteRequest): Answer {
  const get = reader(request);
  const pageSize = toInteger(get('page-size') ?? '50');
  const page = toInteger(get('current-page') ?? '1');
  const start = toInteger(get('start') ?? '0');
  const end = toInteger(get('end') ?? '0');
  const status = get('job-status');
  const order = get('order') ?? 'start_time_desc';
  const type = get('job-type');
  const jobTypes = request.query.get('job_types');
  const types = typesOf(type, jobTypes);
  const pattern = get('sql_pattern');
  const queue = get('queue_name');
  const database = get('db_name');
  // The vendor's pages differ in the spelling.
  const engine = get('engine-type') ?? get('engine_type');

  if (pageSize === undefined || pageSize < 1 || pageSize > 100) return invalid('page-size', '1 to 100');
  if (page === undefined || page < 1 || page > 100) return invalid('current-page', '1 to 100');
  if (start === undefined) return invalid('start', 'milliseconds');
  if (end === undefined) return invalid('end', 'milliseconds');
  const refusal = refuseUnknownWord(get, {
    'job-status': STATUSES,
    'job-type': TYPES,
    order: ORDERS,
    'engine-type': ENGINES,
    engine_type: ENGINES,
  });
  if (refusal !== undefined) return refusal;
  if (jobTypes?.some((named) => !TYPES.includes(named))) return invalid('job_types', TYPES.join(', '));
  if (queue !== undefined && !QUEUE_NAME.test(queue)) return invalid('queue_name', 'letters, digits and underscores');
  if (pattern !== undefined && pattern.length > 1_024) return invalid('sql_pattern', 'up to 1,024 characters');
  if (database !== undefined && database.length > 16) return invalid('db_name', 'up to 16 characters');

  const at = now();
  const fragment = pattern?.toLowerCase();
  const tags = get('tags');
  const filters: Filter<EmulatedJob>[] = [
    [status, (job) => statusAt(job, at) === status],
    // Both bounds, `start` and `end`, are on the start time. Terraform sends 0 for "no bound".
    [start || undefined, (job) => job.submittedAt > start],
    [end || undefined, (job) => job.submittedAt < end],
    [types, (job) => types?.includes(job.type) === true],
    [queue, (job) => job.queue === queue?.toLowerCase()],
    [get('owner'), (job) => job.owner === get('owner')],
    [get('job-id'), (job) => job.id === get('job-id')],
    [database, (job) => job.database === database],
    [get('table_name'), (job) => job.table === get('table_name')],
    [engine, (job) => (job.engine ?? 'spark') === engine],
    [fragment, (job) => job.statement.toLowerCase().includes(fragment ?? '')],
    [tags, (job) => hasTagLike(job.tags, tags ?? '')],
  ];
  const { rows, count } = matchingPage(inOrder(sql.all(), order, at), filters, {
    isReversed: order === 'start_time_desc',
    offset: (page - 1) * pageSize,
    size: pageSize,
  });
  return {
    status: 200,
    body: { is_success: true, message: '', job_count: count, jobs: rows.map((job) => toRow(job, at)) },
  };
}

/** "Querying Job Status". It has no end_time and no engine_type, and `is_success` says whether the query succeeded, not the job. */
function showStatus(service: SqlService, { params: [id = ''] }: RouteRequest): Answer {
  if (!UUID.test(id)) return invalid('job_id', 'a UUID');
  const job = service.sql.get(id);
  if (job === undefined) return refuseUnknownId(service, 'job', id);
  const { end_time: _, engine_type: __, ...row } = toRow(job, service.now());
  const names = job.type === 'QUERY' ? tableOf(job) : {};
  const userConf = job.conf && { user_conf: JSON.stringify(Object.fromEntries(settingsOf(job.conf))) };
  return {
    status: 200,
    body: { is_success: true, message: '', ...row, job_mode: job.mode ?? 'async', ...names, ...userConf },
  };
}

/** "Querying Job Details": what an import or export moves, without a status. For other jobs, nothing is documented. */
function showDetail(service: SqlService, { params: [id = ''] }: RouteRequest): Answer {
  if (!UUID.test(id)) return invalid('job_id', 'a UUID');
  const job = service.sql.get(id);
  if (job === undefined) return refuseUnknownId(service, 'job', id);
  const isTransfer = job.type === 'IMPORT' || job.type === 'EXPORT';
  if (!isTransfer && service.assumptions.sqlDetailOfOthers === 'DLI.0007') {
    return dliError(400, 'DLI.0007', `The operation is not supported: the job is of type ${job.type}`);
  }
  const { owner, start_time, duration } = toRow(job, service.now());
  return {
    status: 200,
    body: {
      is_success: true,
      message: '',
      job_id: job.id,
      owner,
      start_time,
      duration,
      data_path: '',
      data_type: isTransfer ? 'csv' : '',
      database_name: job.database ?? '',
      table_name: job.table ?? '',
      ...job.transfer,
      ...(job.tags !== undefined && { tags: job.tags }),
    },
  };
}

/** "Canceling a Job (Recommended)". Its answer for a job that is over or unknown is not documented. */
function cancelJob(service: SqlService, { params: [id = ''] }: RouteRequest): Answer {
  if (!UUID.test(id)) return invalid('job_id', 'a UUID');
  const job = service.sql.get(id);
  if (job === undefined) return refuseUnknownId(service, 'job', id);
  const denied = refuseCancel(service, job.queue);
  if (denied !== undefined) return denied;

  const { now, assumptions } = service;
  const status = statusAt(job, now());
  const code = status === 'CANCELLED' ? assumptions.sqlCancelOfCancelled : assumptions.sqlCancelOfEnded;
  if (isOver(status) && code !== 'accepted') {
    return dliError(400, code, `The operation is not supported: the job is ${status}`);
  }
  if (!isOver(status)) requestCancel(job, now(), service.delays.cancelMs);
  return { status: 200, body: { is_success: true, message: '' } };
}

/** "Canceling a Job (Discarded)", from the documents of 2021. */
function cancelJobOnQueue(service: SqlService, request: RouteRequest): Answer {
  const [queue = '', id = ''] = request.params;
  if (!QUEUE_NAME.test(queue)) return invalid('queue_name', 'letters, digits and underscores');
  const job = service.sql.get(id);
  if (job !== undefined && job.queue !== queue.toLowerCase()) return refuseUnknownId(service, 'job', id);
  return cancelJob(service, { ...request, params: [id] });
}

/** By start time, they stay the oldest first. */
function inOrder(jobs: readonly EmulatedJob[], order: string, now: number): readonly EmulatedJob[] {
  if (order === 'start_time_asc' || order === 'start_time_desc') return jobs;
  const ageOf = (job: EmulatedJob) => (endOf(job, now) ?? now) - job.submittedAt;
  return sortedBy(jobs, ageOf, order === 'duration_asc' ? 1 : -1);
}

/** Returns the wanted types: the intersection, if both parameters are given. */
function typesOf(jobType: string | undefined, jobTypes: string[] | undefined): string[] | undefined {
  const single = jobType === undefined || jobType === 'ALL' ? undefined : [jobType];
  if (single === undefined) return jobTypes;
  return jobTypes === undefined ? single : single.filter((type) => jobTypes.includes(type));
}
