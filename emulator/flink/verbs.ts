import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { pastOf, type Stage } from '../base/life.ts';
import { invalid, parseBody, refuseCancel, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import {
  type EmulatedFlinkJob,
  type FlinkService,
  type FlinkStatus,
  flinkStatusAt,
  isFlinkOver,
  isStoppable,
  requestSavepoint,
  requestStop,
  requestStopWithSavepoint,
  type StopPlan,
  savepointOf,
} from './jobs.ts';

const jobIds = v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(1))), v.nonEmpty());

type Refusal = { error_code: string; error_msg: string };
const refuse = (code: string, message: string): Refusal => ({ error_code: code, error_msg: message });

/**
 * "Stopping Jobs in Batches". The answer has one verdict for each job, without an id, in the order of the ids:
 *
 *     [{"is_success":"true","message":"…"},{"error_code":"DLI.15002","error_msg":"…"}]
 *
 * One refusal makes the whole answer a 400. The other jobs still stop.
 */
export function stopJobs(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(
    v.object({ job_ids: jobIds, trigger_savepoint: v.optional(v.boolean(), false) }),
    body,
  );
  if (fields === undefined) return refusal;
  const { now } = service;
  const stop = (job: EmulatedFlinkJob) => {
    const status = flinkStatusAt(job, now());
    const denied = refuseCancel(service, job.queue);
    if (denied !== undefined) return denied.body as Refusal;
    // A job that does not run has nothing to save.
    const canStop = fields.trigger_savepoint ? status === 'job_running' : isStoppable(status);
    if (!canStop) return refuse('DLI.15002', `A job in status ${status} cannot be stopped or savepointed`);
    if (fields.trigger_savepoint) requestStopWithSavepoint(job, now(), planOf(service));
    else requestStop(job, now(), planOf(service));
    return undefined;
  };
  const message = 'The request for stopping DLI jobs is delivered successfully.';
  return inShort(service, judgeEach(service, fields.job_ids, { act: stop, message }));
}

/** "Running Jobs in Batches". A job can run if it is a draft or has ended. */
export function runJobs(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(
    v.object({ job_ids: jobIds, resume_savepoint: v.optional(v.boolean(), false) }),
    body,
  );
  if (fields === undefined) return refusal;
  const run = (job: EmulatedFlinkJob) => {
    const now = service.now();
    const status = flinkStatusAt(job, now);
    if (status !== 'job_init' && !isFlinkOver(status)) {
      return refuse('DLI.0007', `A job in status ${status} cannot be run`);
    }
    if (job.type !== 'flink_jar_job' && (job.sqlBody ?? '').trim() === '') {
      return refuse('DLI.13005', 'The SQL statement is empty');
    }
    if (fields.resume_savepoint && savepointOf(job, now) === undefined) {
      return refuse('DLI.13017', 'The job has no savepoint or checkpoint');
    }
    startRun(service, job);
    return undefined;
  };
  const message = 'The request for submitting DLI jobs is delivered successfully.';
  return judgeEach(service, fields.job_ids, { act: run, message });
}

/** "Deleting Jobs in Batches". A job can be deleted "at any state". */
export function deleteJobs(service: FlinkService, { body }: RouteRequest): Answer {
  const { fields, refusal } = parseBody(v.object({ job_ids: jobIds }), body);
  if (fields === undefined) return refusal;
  const erase = (job: EmulatedFlinkJob) => {
    service.flink.remove(job);
    return undefined;
  };
  const verb: Verb = { act: erase, message: 'The job is deleted successfully.', unknownCode: 'DLI.17001' };
  return inShort(service, judgeEach(service, fields.job_ids, verb));
}

/** "Deleting a Job". A job can be deleted "at any state", as in a batch. The code of an unknown id is that of the batch. */
export function deleteJob(service: FlinkService, { params: [id = ''] }: RouteRequest): Answer {
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const job = service.flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.17001', `The job does not exist: ${id}`);
  service.flink.remove(job);
  return { status: 200, body: successOf(service, 'The job is successfully deleted.') };
}

/** ExecuteFlinkJobSavepoint in the API Explorer. The job runs on. */
export function triggerSavepoint(service: FlinkService, { body, params: [id = ''] }: RouteRequest): Answer {
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const { fields, refusal } = parseBody(
    v.object({
      action: v.picklist(['TRIGGER']),
      savepoint_path: v.optional(v.pipe(v.string(), v.startsWith('obs://'))),
    }),
    body,
  );
  if (fields === undefined) return refusal;
  const job = service.flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.16001', `The job does not exist: ${id}`);
  const status = flinkStatusAt(job, service.now());
  if (status !== 'job_running') {
    return dliError(400, 'DLI.15002', `A job in status ${status} cannot be stopped or savepointed`);
  }
  requestSavepoint(job, service.now(), planOf(service), fields.savepoint_path);
  return {
    status: 200,
    body: successOf(service, 'The request for triggering the savepoint is delivered successfully.'),
  };
}

interface Verb {
  /** Acts on one job. @returns the refusal; undefined if the job takes it. */
  act: (job: EmulatedFlinkJob) => Refusal | undefined;
  /** Message of a verdict without refusal. */
  message: string;
  /** Code for an id of no job. Default: as assumed. */
  unknownCode?: string;
}

/** Returns one verdict for each id, in their order. */
function judgeEach(service: FlinkService, ids: readonly number[], { act, message, unknownCode }: Verb) {
  const code = unknownCode ?? service.assumptions.flinkUnknownInBatch;
  const verdicts = ids.map((id) => {
    const job = service.flink.get(String(id));
    const refusal = job === undefined ? refuse(code, `The job does not exist: ${id}`) : act(job);
    return refusal ?? successOf(service, message);
  });
  const refused = verdicts.filter((verdict) => 'error_code' in verdict).length;
  const isMixed = refused > 0 && refused < verdicts.length;
  const status = isMixed ? service.assumptions.flinkMixedStatus : refused > 0 ? 400 : 200;
  return { status, body: verdicts };
}

/** Shortens verdicts that agree. The documented examples of stop and delete have one verdict for two jobs; run has two. */
function inShort({ assumptions }: FlinkService, verdicts: ReturnType<typeof judgeEach>): Answer {
  const isUnanimous = verdicts.body.every((verdict) => 'is_success' in verdict);
  if (!isUnanimous || assumptions.flinkVerdicts === 'each') return verdicts;
  const [first] = verdicts.body;
  return { status: 200, body: assumptions.flinkVerdicts === 'one' ? [first] : first };
}

/** Returns the fields of every answer that reports a success. */
export function successOf({ assumptions }: FlinkService, message: string) {
  return { is_success: assumptions.flinkSuccess === 'text' ? 'true' : true, message };
}

/** Starts a job. It runs until a call stops it, unless it is one of those that fail. */
function startRun({ now, random, delays, failureShare }: FlinkService, job: EmulatedFlinkJob): void {
  const runsFrom = now() + delays.startMs;
  const stages: Stage<FlinkStatus>[] = [
    { from: now(), state: 'job_submitting' },
    { from: runsFrom, state: 'job_running' },
  ];
  if (random() < failureShare) {
    const [shortest, longest] = delays.runMs;
    const failsAt = runsFrom + Math.floor(shortest + random() * (longest - shortest));
    if (job.config?.restart_when_exception === true) job.restartsAt = [...(job.restartsAt ?? []), failsAt];
    else stages.push({ from: failsAt, state: 'job_running_exception', description: 'The job failed.' });
  }
  job.life = [...pastOf(job.life, now()), ...stages];
}

function planOf({ delays, savepointOutcome, assumptions }: FlinkService): StopPlan {
  return { ...delays, savepointOutcome, stopped: assumptions.flinkStopped };
}
