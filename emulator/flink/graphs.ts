import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type Answer, dliError } from '../base/answer.ts';
import { stageAt } from '../base/life.ts';
import { invalid, parseBody, toInteger } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { type FlinkService, type FlinkStatus, isFlinkOver, startOf } from './jobs.ts';
import { successOf } from './verbs.ts';

/** The states of Flink that "Querying the Job Execution Plan" lists. The page does not say which belongs to which status. */
const STATES: Record<FlinkStatus, string> = {
  job_init: 'CREATED',
  job_submitting: 'INITIALIZING',
  job_submit_fail: 'FAILED',
  job_running: 'RUNNING',
  job_running_exception: 'FAILED',
  job_downloading: 'INITIALIZING',
  job_idle: 'SUSPENDED',
  job_canceling: 'CANCELLING',
  job_cancel_success: 'CANCELED',
  job_cancel_fail: 'RUNNING',
  job_savepointing: 'RUNNING',
  job_arrearage_stopped: 'SUSPENDED',
  job_arrearage_recovering: 'RESTARTING',
  job_finish: 'FINISHED',
};

/** "Querying the Job Execution Plan". `end-time` is -1 while the job runs, as in the example. */
export function showExecutionGraph(service: FlinkService, { params: [id = ''] }: RouteRequest): Answer {
  const { now } = service;
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const job = service.flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.16001', `The job does not exist: ${id}`);
  const { from, state } = stageAt(job.life, now());
  const startedAt = startOf(job, now());
  const endedAt = isFlinkOver(state) ? from : undefined;
  return {
    status: 200,
    body: {
      ...successOf(service, 'The job execution stream graph is successfully queried.'),
      execute_graph: {
        jid: createHash('md5').update(String(job.id)).digest('hex'),
        // As in the example, whose job runs.
        name: '',
        isStoppable: false,
        state: STATES[state],
        'start-time': startedAt ?? -1,
        'end-time': endedAt ?? -1,
        duration: startedAt === undefined ? 0 : (endedAt ?? now()) - startedAt,
      },
    },
  };
}

/** "Generating a Static Stream Graph for a Flink SQL Job". The emulator reads no SQL, so its graph has no nodes. */
export function createStreamGraph(service: FlinkService, { body, params: [id = ''] }: RouteRequest): Answer {
  if (toInteger(id) === undefined) return invalid('job_id', 'a whole number');
  const { fields, refusal } = parseBody(
    v.object({
      sql_body: v.string(),
      // "Only flink_opensource_sql_job job is supported."
      job_type: v.optional(v.picklist(['flink_opensource_sql_job'])),
      graph_type: v.optional(v.picklist(['simple_graph', 'job_graph'])),
    }),
    body,
  );
  if (fields === undefined) return refusal;
  const job = service.flink.get(String(Number(id)));
  if (job === undefined) return dliError(400, 'DLI.16001', `The job does not exist: ${id}`);
  const jid = createHash('md5').update(fields.sql_body).digest('hex');
  const graph = { jid, name: job.name, nodes: [], operator_list: [] };
  return {
    status: 200,
    body: { message: '', is_success: true, error_code: '', stream_graph: JSON.stringify(graph) },
  };
}
