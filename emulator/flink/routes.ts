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
import { createJarJob, createSqlJob } from './create.ts';
import { createStreamGraph, showExecutionGraph } from './graphs.ts';
import { type EmulatedFlinkJob, FLINK_TYPES, type FlinkService, flinkStatusAt } from './jobs.ts';
import { toDetail, toRow } from './rows.ts';
import { addTags, deleteTags, listTags } from './tags.ts';
import { authorizeBuckets, updateJarJob, updateSqlJob } from './update.ts';
import { deleteJob, deleteJobs, runJobs, stopJobs, triggerSavepoint } from './verbs.ts';

const version = '/v1.0';

export const FLINK_ROUTES: readonly Route<FlinkService>[] = [
  {
    name: 'list-flink-jobs',
    method: 'GET',
    version,
    path: '/streaming/jobs',
    run: listJobs,
    standing: 'faithful',
    evidence:
      '"Querying the Job List"; Terraform `dli_flinksql_jobs`, called by the Python and Go SDKs and by golangsdk',
    assumes: ['nameFilter', 'flinkSuccess'],
  },
  {
    name: 'show-flink-job',
    method: 'GET',
    version,
    path: '/streaming/jobs/{job_id}',
    run: showJob,
    standing: 'faithful',
    evidence: '"Querying Job Details"; Terraform `dli_flinksql_job`, which knows `DLI.16001` for an unknown id',
    assumes: ['flinkSuccess'],
  },
  {
    name: 'create-flink-sql-job',
    method: 'POST',
    version,
    path: '/streaming/sql-jobs',
    run: createSqlJob,
    standing: 'faithful',
    evidence: '"Creating a SQL Job"; Terraform `dli_flinksql_job`, with nulls (pull request 5204)',
    assumes: ['flinkSuccess', 'unknownQueue'],
  },
  {
    name: 'create-flink-jar-job',
    method: 'POST',
    version,
    path: '/streaming/flink-jobs',
    run: createJarJob,
    standing: 'faithful',
    evidence: '"Creating a Flink Jar job"; Terraform `dli_flinkjar_job`. `is_success` is a text in both Go SDKs',
    assumes: ['flinkSuccess', 'unknownQueue'],
  },
  {
    name: 'update-flink-sql-job',
    method: 'PUT',
    version,
    path: '/streaming/sql-jobs/{job_id}',
    run: updateSqlJob,
    standing: 'faithful',
    evidence: '"Updating a SQL Job"; Terraform `dli_flinksql_job`. A running job takes every change',
    assumes: ['flinkSuccess', 'unknownQueue'],
  },
  {
    name: 'update-flink-jar-job',
    method: 'PUT',
    version,
    path: '/streaming/flink-jobs/{job_id}',
    run: updateJarJob,
    standing: 'faithful',
    evidence: '"Updating a Flink Jar Job"; Terraform `dli_flinkjar_job`. A running job takes every change',
    assumes: ['flinkSuccess', 'unknownQueue'],
  },
  {
    name: 'run-flink-jobs',
    method: 'POST',
    version,
    path: '/streaming/jobs/run',
    run: runJobs,
    standing: 'faithful',
    evidence: '"Running Jobs in Batches"; Terraform `dli_flinksql_job`',
    assumes: ['flinkMixedStatus', 'flinkUnknownInBatch', 'flinkSuccess'],
  },
  {
    name: 'stop-flink-jobs',
    method: 'POST',
    version,
    path: '/streaming/jobs/stop',
    run: stopJobs,
    standing: 'faithful',
    evidence: '"Stopping Jobs in Batches"; Terraform `dli_flinksql_job`',
    assumes: [
      'flinkVerdicts',
      'flinkMixedStatus',
      'flinkUnknownInBatch',
      'flinkSuccess',
      'flinkStopped',
      'deniedStatus',
    ],
  },
  {
    name: 'delete-flink-jobs',
    method: 'POST',
    version,
    path: '/streaming/jobs/delete',
    run: deleteJobs,
    standing: 'faithful',
    evidence: '"Deleting Jobs in Batches"; called by the Python SDK',
    assumes: ['flinkVerdicts', 'flinkMixedStatus', 'flinkSuccess'],
  },
  {
    name: 'delete-flink-job',
    method: 'DELETE',
    version,
    path: '/streaming/jobs/{job_id}',
    run: deleteJob,
    standing: 'faithful',
    evidence: '"Deleting a Job"; Terraform `dli_flinksql_job`',
    assumes: ['flinkSuccess'],
  },
  {
    name: 'trigger-flink-savepoint',
    method: 'POST',
    version,
    path: '/streaming/jobs/{job_id}/savepoint',
    run: triggerSavepoint,
    standing: 'faithful',
    evidence: 'ExecuteFlinkJobSavepoint of the API Explorer; Terraform `dli_flinksql_job_savepoint`',
    assumes: ['flinkSuccess'],
  },
  {
    name: 'show-flink-execution-graph',
    method: 'GET',
    version,
    path: '/streaming/jobs/{job_id}/execute-graph',
    run: showExecutionGraph,
    standing: 'assumed',
    evidence:
      '"Querying the Job Execution Plan" for the form; no page says which of its states belongs to which status',
    assumes: ['flinkSuccess'],
  },
  {
    name: 'create-flink-stream-graph',
    method: 'POST',
    version: '/v3',
    path: '/streaming/jobs/{job_id}/gen-graph',
    run: createStreamGraph,
    standing: 'assumed',
    evidence: '"Generating a Static Stream Graph for a Flink SQL Job" for the form; the graph has no nodes',
  },
  {
    name: 'authorize-buckets',
    method: 'POST',
    version,
    path: '/dli/obs-authorize',
    run: authorizeBuckets,
    standing: 'faithful',
    evidence:
      '"Authorizing DLI to Access OBS (Deprecated)"; Terraform `dli_flinksql_job` with `obs_bucket`. All buckets exist',
    assumes: ['flinkSuccess'],
  },
  {
    name: 'list-resource-tags',
    method: 'GET',
    version: '/v3',
    path: '/{resource_type}/{resource_id}/tags',
    run: listTags,
    standing: 'assumed',
    evidence: 'ShowResourceTags of the Python SDK; Terraform `dli_flinksql_job`. Only for `dli_flink_job`',
  },
  {
    name: 'add-resource-tags',
    method: 'POST',
    version: '/v3',
    path: '/{resource_type}/{resource_id}/tags/create',
    run: addTags,
    standing: 'assumed',
    evidence: 'BatchCreateResourceTags of the Python SDK; golangsdk expects 204. Only for `dli_flink_job`',
  },
  {
    name: 'delete-resource-tags',
    method: 'POST',
    version: '/v3',
    path: '/{resource_type}/{resource_id}/tags/delete',
    run: deleteTags,
    standing: 'assumed',
    evidence: 'BatchDeleteResourceTags of the Python SDK; golangsdk expects 204. Only for `dli_flink_job`',
  },
];

const STATUSES = [
  'job_init',
  'job_submitting',
  'job_submit_fail',
  'job_running',
  'job_running_exception',
  'job_downloading',
  'job_idle',
  'job_canceling',
  'job_cancel_success',
  'job_cancel_fail',
  'job_savepointing',
  'job_arrearage_stopped',
  'job_arrearage_recovering',
  'job_finish',
];

/** "Querying the Job List". Default: ten jobs, the newest first. */
function listJobs({ flink, now, assumptions }: FlinkService, request: RouteRequest): Answer {
  const get = reader(request);
  const limit = toInteger(get('limit') ?? '10');
  const offset = get('offset') ?? '0';
  const rootId = get('root_job_id');
  const name = get('name');
  const queue = get('queue_name');
  const order = get('order') ?? 'desc';
  const showsDetail = get('show_detail') === 'true';

  if (limit === undefined || limit > 100) return invalid('limit', '0 to 100');
  if (/^-\d+$/.test(offset)) return dliError(400, 'DLI.23001', 'The offset must not be less than 0');
  const first = toInteger(offset);
  if (first === undefined) return invalid('offset', '0 or more');
  if (rootId !== undefined && !/^-?\d{1,15}$/.test(rootId)) return invalid('root_job_id', 'an integer');
  if (name !== undefined && name.length > 57) return invalid('name', 'up to 57 characters');
  if (queue !== undefined && !QUEUE_NAME.test(queue)) return invalid('queue_name', 'letters, digits and underscores');
  const allowed = { job_type: FLINK_TYPES, status: STATUSES, order: ['asc', 'desc'], show_detail: ['true', 'false'] };
  const refusal = refuseUnknownWord(get, allowed);
  if (refusal !== undefined) return refusal;

  const at = now();
  const [type, status, owner] = [get('job_type'), get('status'), get('user_name')];
  const [tags, project] = [get('tags'), get('sys_enterprise_project_name')];
  const found = matching<EmulatedFlinkJob>(flink.all(), [
    [status, (job) => flinkStatusAt(job, at) === status],
    [type, (job) => job.type === type],
    [queue, (job) => job.queue === queue?.toLowerCase()],
    [name, (job) => (assumptions.nameFilter === 'part' ? job.name.includes(name ?? '') : job.name === name)],
    [owner, (job) => job.owner === owner],
    [rootId, (job) => (job.rootId ?? -1) === Number(rootId)],
    // "Without this parameter … all jobs that are no edge jobs, and edge parent jobs, without edge child jobs" (the comment of
    // root_job_id in the Python SDK's ListFlinkJobsRequest, in Chinese).
    [rootId === undefined ? 'parents' : undefined, (job) => job.rootId === undefined],
    [tags, (job) => hasTagLike(job.tags, tags ?? '')],
    [project, (job) => (job.enterpriseProject ?? 'default') === project],
  ]);
  // The store is in this order already.
  const ordered = order === 'asc' ? found : found.toReversed();
  const jobs = pageOf(ordered, first, limit).map((job) =>
    showsDetail ? toDetail(job, at, request.projectId) : toRow(job, at),
  );
  return {
    status: 200,
    body: {
      is_success: assumptions.flinkSuccess === 'text' ? 'true' : true,
      message: 'Querying of the job list succeeds.',
      job_list: { total_count: found.length, jobs },
    },
  };
}

/** "Querying Job Details". */
function showJob({ flink, now, assumptions }: FlinkService, { projectId, params: [id = ''] }: RouteRequest): Answer {
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const job = flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.16001', `The job does not exist: ${id}`);
  return {
    status: 200,
    body: {
      is_success: assumptions.flinkSuccess === 'text' ? 'true' : true,
      message: 'Job detail query succeeds.',
      job_detail: toDetail(job, now(), projectId),
    },
  };
}
