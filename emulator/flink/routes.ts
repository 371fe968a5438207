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
import { type EmulatedFlinkJob, FLINK_TYPES, type FlinkService, flinkStatusAt } from './jobs.ts';
import { toDetail, toRow } from './rows.ts';
import { deleteJobs, runJobs, stopJobs, triggerSavepoint } from './verbs.ts';

const version = '/v1.0';

export const FLINK_ROUTES: readonly Route<FlinkService>[] = [
  { name: 'list-flink-jobs', method: 'GET', version, pattern: /^\/streaming\/jobs\/?$/, run: listJobs },
  { name: 'show-flink-job', method: 'GET', version, pattern: /^\/streaming\/jobs\/([^/]+)\/?$/, run: showJob },
  { name: 'create-flink-sql-job', method: 'POST', version, pattern: /^\/streaming\/sql-jobs\/?$/, run: createSqlJob },
  { name: 'create-flink-jar-job', method: 'POST', version, pattern: /^\/streaming\/flink-jobs\/?$/, run: createJarJob },
  { name: 'run-flink-jobs', method: 'POST', version, pattern: /^\/streaming\/jobs\/run\/?$/, run: runJobs },
  { name: 'stop-flink-jobs', method: 'POST', version, pattern: /^\/streaming\/jobs\/stop\/?$/, run: stopJobs },
  { name: 'delete-flink-jobs', method: 'POST', version, pattern: /^\/streaming\/jobs\/delete\/?$/, run: deleteJobs },
  {
    name: 'trigger-flink-savepoint',
    method: 'POST',
    version,
    pattern: /^\/streaming\/jobs\/([^/]+)\/savepoint\/?$/,
    run: triggerSavepoint,
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
