import { FLINK_TYPES, isJobId, type Job, type JobState } from '../base/job.ts';
import type { ReadCall } from '../dli/calls.ts';
import { DliProtocolError } from '../dli/errors.ts';
import { type AnswerContext, isNumberAsText, isRecord, toCount, toNumber, toTags, toText } from '../dli/wire.ts';
import { type EngineAdapter, type Reading, toReading } from './engine.ts';
import { liveByOffset, type Page } from './paging.ts';
import { readBackOneByOne } from './read-back.ts';

/*
 * Flink jobs. Streaming jobs are long by design, so only rules that name the engine touch them. In these calls `is_success`
 * is a text, ids are numbers, and a stop answers with a list of verdicts, under 200 and under 400.
 */

/** "Querying the Job List", status. All others are drafts, transitions or unpaid bills, and are not touched. */
const STATES: Readonly<Record<string, JobState>> = {
  job_submitting: 'queued',
  job_running: 'running',
  job_savepointing: 'stopping',
  job_canceling: 'stopping',
  job_cancel_fail: 'stop-failed',
  job_cancel_success: 'cancelled',
  job_finish: 'finished',
  job_submit_fail: 'failed',
  job_running_exception: 'failed',
};

const LIVE_STATUSES = ['job_submitting', 'job_running'] as const;

/** "Querying the Job List", limit: default 10, at most 100. */
const PAGE_SIZE = 100;

/**
 * A change within this time of its start counts as the start itself. A later change of a running job may be a savepoint
 * that failed or an edit; no field says which.
 */
const STARTED_WITHIN_MS = 60_000;

export const flinkEngine: EngineAdapter = {
  createReads: (dli) => ({
    ...liveByOffset(dli, { jobs: 'Flink jobs', statuses: LIVE_STATUSES, pageSize: PAGE_SIZE, call: listCall }),
    show: (id) => dli.get(showCall(id)),

    // Only the details have the last change and the compute units; only the list has the owner.
    examine: async (job) => {
      const detail = await dli.get(showCall(job.id));
      const { status, state, startedAt, since, updatedAt, askedAt, cus } = detail;
      return { ...job, status, state, startedAt, since, updatedAt, askedAt, cus };
    },

    readBack: readBackOneByOne(
      async (job) => toStopReading(await dli.get(showCall(job.id)), job),
      () => dli.get(listCall('job_running', 0, PAGE_SIZE)),
    ),
  }),

  toJob: toFlinkJob,

  createCancels: (dli) => ({
    /** @see "Stopping Jobs in Batches": POST …/streaming/jobs/stop {"job_ids":[128],"trigger_savepoint":true} */
    cancel: async ({ id, startedAt }, { savepoint, mayStillBeAsked, notAfter, signal }) =>
      dli.order({
        method: 'POST',
        operation: `stop Flink job ${id}`,
        version: 'v1.0',
        path: '/streaming/jobs/stop',
        // One id per call, since verdicts carry no id. A job that does not run yet has nothing to save.
        body: ({ state }) =>
          JSON.stringify({ job_ids: [toWireId(id)], trigger_savepoint: savepoint && state === 'running' }),
        hasVerdicts: true,
        notAfter,
        signal,
        read: showCall(id),
        readsFirst: true,
        // A job that is started again keeps its id, but is another run.
        mayStillBeAsked: (read) => read.startedAt === startedAt && mayStillBeAsked(read),
      }),
    // Each request would write another savepoint.
    mayAskAgain: false,
  }),
};

/**
 * States that mean the end of a job only if it was asked to stop. A job in `job_init` does not run, like a draft: the
 * vendor's Terraform provider waits for it, or for `job_cancel_success`, when it stops a job. A job in
 * `job_arrearage_stopped` was stopped by DLI itself, for an unpaid bill.
 *
 * @see "Querying the Job List", status; terraform-provider-huaweicloud, resource_huaweicloud_dli_flinksql_job.go
 */
const ENDS_OF_ASKED: Readonly<Record<string, Pick<Extract<Reading, { kind: 'terminal' }>, 'state' | 'evidence'>>> = {
  job_init: { state: 'cancelled', evidence: 'own-record' },
  job_arrearage_stopped: { state: 'failed' },
};

/**
 * Reads what became of a job that was asked to stop. If it still runs and DLI has changed it since, its savepoint may have
 * failed, and the stop with it. If it has another start, it is another run: the one that was asked to stop is over,
 * whatever ended it.
 */
function toStopReading(now: Job, asked: Job): Reading {
  const { status = '', startedAt, updatedAt } = now;
  const isAnotherRun = startedAt !== undefined && asked.startedAt !== undefined && startedAt !== asked.startedAt;
  if (now.state === 'running' && isAnotherRun) return { kind: 'terminal', state: 'finished', status: 'RESTARTED' };
  if (Object.hasOwn(ENDS_OF_ASKED, status) && ENDS_OF_ASKED[status] !== undefined) {
    return { kind: 'terminal', status, ...ENDS_OF_ASKED[status] };
  }
  const hasChanged = updatedAt !== undefined && asked.updatedAt !== undefined && updatedAt > asked.updatedAt;
  if (now.state !== 'running' || !hasChanged) return toReading(now);
  return { kind: 'gave-up', status, cause: 'savepoint' };
}

function toWireId(id: string): number {
  if (!isJobId(id, 'flink')) throw new TypeError('Flink job id: expected a positive whole number');
  return Number(id);
}

const listCall = (status: string, offset: number, limit: number): ReadCall<Page> => ({
  kind: 'list',
  operation: `list ${status} Flink jobs, from ${offset}`,
  version: 'v1.0',
  path: '/streaming/jobs',
  query: [
    ['limit', String(limit)],
    ['offset', String(offset)],
    // The oldest first, so that a job that is created meanwhile pushes no other down.
    ['order', 'asc'],
    ['status', status],
  ],
  parse: parsePage,
});

const showCall = (id: string): ReadCall<Job> => ({
  kind: 'status',
  operation: `read Flink job ${id}`,
  version: 'v1.0',
  path: `/streaming/jobs/${toWireId(id)}`,
  parse: (body, about) => parseDetail(body, about, id),
});

/** `{"is_success":"true","message":"…","job_list":{"total_count":26,"jobs":[…]}}` */
function parsePage({ job_list: list }: Record<string, unknown>, about: AnswerContext): Page {
  if (!isRecord(list) || !Array.isArray(list.jobs)) {
    throw new DliProtocolError(about.operation, 'without a list of jobs', about);
  }
  const total = toCount(list.total_count);
  if (total === undefined) throw new DliProtocolError(about.operation, 'without total_count', about);
  return { jobs: list.jobs.map(toFlinkJob), total };
}

/** `{"is_success":"true","message":"…","job_detail":{…}}` */
function parseDetail({ job_detail: detail }: Record<string, unknown>, about: AnswerContext, id: string): Job {
  if (!isRecord(detail)) throw new DliProtocolError(about.operation, 'without job_detail', about);
  const job = toFlinkJob(detail);
  if (job.id !== '' && job.id !== id) throw new DliProtocolError(about.operation, 'about another job', about);
  return { ...job, id };
}

/**
 * `{"job_id":146,"name":"clicks","user_name":"ana","job_type":"flink_sql_job","status":"job_running",
 * "create_time":1785500000000,"start_time":1785500100000,"queue_name":"flink_q",…}`; details have `update_time` and
 * `job_config`, and no `user_name`. Its SQL text ends here.
 *
 * @see "Querying the Job List", "Querying Job Details"
 */
function toFlinkJob(row: unknown): Job {
  const fields = isRecord(row) ? row : {};
  const status = toText(fields.status);
  const type = toText(fields.job_type);
  // 0 in the list, or null in the details, means that it has not started.
  const startedAt = toNumber(fields.start_time) || undefined;
  const updatedAt = toNumber(fields.update_time);
  const state = (status !== undefined && Object.hasOwn(STATES, status) && STATES[status]) || 'unknown';
  const isChangedLater =
    state === 'running' &&
    startedAt !== undefined &&
    updatedAt !== undefined &&
    updatedAt > startedAt + STARTED_WITHIN_MS;
  return {
    engine: 'flink',
    id: typeof fields.job_id === 'number' ? String(fields.job_id) : (toText(fields.job_id) ?? ''),
    name: toText(fields.name),
    queue: toText(fields.queue_name),
    // `username` in 2021.
    owner: toText(fields.user_name) ?? toText(fields.username),
    type,
    protection: FLINK_TYPES.some((known) => known === type) ? 'none' : 'unknown',
    database: null,
    statement: null,
    // A job may have tags that rows do not show, as in the documents: absent or null does not mean no tags.
    tags: fields.tags === undefined || fields.tags === null ? undefined : toTags(fields.tags),
    status,
    state,
    startedAt,
    updatedAt,
    isStartText: isNumberAsText(fields.start_time) || undefined,
    // A draft may lie for months, so its creation does not say how long it has been submitted. Its start is a lower bound.
    since: { running: startedAt, waiting: undefined, submitted: startedAt },
    askedAt: isChangedLater ? updatedAt : undefined,
    cus: cusOf(fields.job_config),
  };
}

/** "Querying Job Details", job_config: real_cu_number is 0 if cu_number holds, whose default is 2. */
function cusOf(config: unknown): number | undefined {
  if (!isRecord(config)) return undefined;
  return toNumber(config.real_cu_number) || toNumber(config.cu_number) || undefined;
}
