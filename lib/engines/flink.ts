import { FLINK_TYPES, isJobId, type Job, type JobState } from '../base/job.ts';
import type { ReadCall } from '../dli/calls.ts';
import { DliProtocolError } from '../dli/errors.ts';
import { type AnswerContext, isNumberAsText, isRecord, toCount, toNumber, toTags, toText } from '../dli/wire.ts';
import { type EngineAdapter, type Reading, toReading, tryReading } from './engine.ts';
import { liveByOffset, type Page } from './paging.ts';

/*
 * Flink jobs. Streaming jobs are long by design, so they are touched only by rules that name the engine. `is_success` is
 * a text here, ids are numbers, and a stop answers with a list of verdicts, under 200 and under 400.
 */

/** "Querying the Job List", status. Those that are not here are drafts, transitions or bills, and not to be touched. */
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

/** "Querying the Job List", limit: 10 unless asked for, 100 at most. */
const PAGE_SIZE = 100;

/**
 * A job's own start changes it as well. A later change of a running job may be a savepoint that failed, or somebody who
 * edited it: nothing tells the one from the other.
 */
const STARTED_WITHIN_MS = 60_000;

export const flinkEngine: EngineAdapter = {
  createReads: (dli) => ({
    ...liveByOffset(dli, { jobs: 'Flink jobs', statuses: LIVE_STATUSES, pageSize: PAGE_SIZE, call: listCall }),
    show: (id) => dli.get(showCall(id)),

    // Only the details tell when it last changed, and what it holds; only the list tells its owner.
    examine: async (job) => {
      const detail = await dli.get(showCall(job.id));
      const { status, state, startedAt, since, updatedAt, askedAt, cus } = detail;
      return { ...job, status, state, startedAt, since, updatedAt, askedAt, cus };
    },

    readBack: async (jobs) => {
      const read = async (job: Job): Promise<[string, Reading]> => [
        job.id,
        await tryReading(async () => toStopReading(await dli.get(showCall(job.id)), job)),
      ];
      return new Map(await Promise.all(jobs.map(read)));
    },
  }),

  createCancels: (dli) => ({
    /** @see "Stopping Jobs in Batches": POST …/streaming/jobs/stop {"job_ids":[128],"trigger_savepoint":true} */
    cancel: async ({ id, startedAt }, { savepoint, mayStillBeAsked, notAfter, signal }) =>
      dli.order({
        method: 'POST',
        operation: `stop Flink job ${id}`,
        version: 'v1.0',
        path: '/streaming/jobs/stop',
        // One id a call: verdicts carry no id. A job that does not run yet has nothing to save.
        body: ({ state }) =>
          JSON.stringify({ job_ids: [toWireId(id)], trigger_savepoint: savepoint && state === 'running' }),
        hasVerdicts: true,
        notAfter,
        signal,
        read: showCall(id),
        readsFirst: true,
        // A job that is started again keeps its id, and is another run.
        mayStillBeAsked: (read) => read.startedAt === startedAt && mayStillBeAsked(read),
      }),
    // A savepoint that is asked for twice is written twice.
    mayAskAgain: false,
  }),
};

/**
 * States that are an end once a job has been asked to stop, and no state to ask it in. `job_init` is a job that does not
 * run, as a draft does not: the vendor's Terraform provider waits for it, or for `job_cancel_success`, when it stops a job.
 * `job_arrearage_stopped` is one that DLI has stopped by itself, for an unpaid bill.
 *
 * @see "Querying the Job List", status; terraform-provider-huaweicloud, resource_huaweicloud_dli_flinksql_job.go
 */
const ENDS_OF_ASKED: Readonly<Record<string, Pick<Extract<Reading, { kind: 'terminal' }>, 'state' | 'evidence'>>> = {
  job_init: { state: 'cancelled', evidence: 'own-record' },
  job_arrearage_stopped: { state: 'failed' },
};

/**
 * A job that runs on, and that DLI has changed since it was asked, may have lost its savepoint, and so its stop. One that
 * has another start is another run: the one that was asked to stop is over, by whatever.
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
    // The oldest first, so that a job that is created meanwhile pushes nobody down.
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
  // 0 in the list, null in the details: it has not started.
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
    // A job may have tags, and the documented rows do not show them: none seen, or null, is not none there.
    tags: fields.tags === undefined || fields.tags === null ? undefined : toTags(fields.tags),
    status,
    state,
    startedAt,
    updatedAt,
    isStartText: isNumberAsText(fields.start_time) || undefined,
    // A draft may lie for months, so its creation says nothing of how long it has been submitted; its start is a bound.
    since: { running: startedAt, waiting: undefined, submitted: startedAt },
    askedAt: isChangedLater ? updatedAt : undefined,
    cus: cusOf(fields.job_config),
  };
}

/** "Querying Job Details", job_config: real_cu_number is 0 where cu_number holds, which is 2 unless set. */
function cusOf(config: unknown): number | undefined {
  if (!isRecord(config)) return undefined;
  return toNumber(config.real_cu_number) || toNumber(config.cu_number) || undefined;
}
