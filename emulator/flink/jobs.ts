import { type Life, obey, type Stage, stageAt } from '../base/life.ts';
import type { Tag } from '../base/query.ts';
import { Store } from '../base/store.ts';
import type { QueueService } from '../queues/queues.ts';

export type FlinkStatus =
  | 'job_init'
  | 'job_submitting'
  | 'job_submit_fail'
  | 'job_running'
  | 'job_running_exception'
  | 'job_downloading'
  | 'job_idle'
  | 'job_canceling'
  | 'job_cancel_success'
  | 'job_cancel_fail'
  | 'job_savepointing'
  | 'job_arrearage_stopped'
  | 'job_arrearage_recovering'
  | 'job_finish';

export const FLINK_TYPES = [
  'flink_sql_job',
  'flink_opensource_sql_job',
  'flink_sql_edge_job',
  'flink_jar_job',
] as const;

/** A Flink job with its life written down until somebody runs or stops it. It was created when its life begins. */
export interface EmulatedFlinkJob {
  /** A whole number from 1. */
  id: number;
  name: string;
  type: (typeof FLINK_TYPES)[number];
  /** "" on a shared cluster. */
  queue: string;
  owner: string;
  life: Life<FlinkStatus>;
  description?: string;
  sqlBody?: string;
  runMode?: 'shared_cluster' | 'exclusive_cluster' | 'edge_node';
  mainClass?: string;
  entrypointArgs?: string;
  executionGraph?: string;
  /** What differs from a job's usual `job_config`. */
  config?: Record<string, unknown>;
  tags?: Tag[];
  /** The parent of an edge job. */
  rootId?: number;
  /** `default` unless told. */
  enterpriseProject?: string;
  /** When each was complete, epoch ms, the earliest first. */
  savepoints?: { at: number; path: string }[];
  /** When it restarted by itself after an exception, epoch ms. */
  restartsAt?: number[];
  /** `finish`: the job wins the race. `fail`: it ends in job_cancel_fail. `ignore`: it is job_canceling for ever. */
  onStop?: 'stop' | 'finish' | 'fail' | 'ignore';
  /** What its savepoints come to, and how long each takes; as the emulator says unless told. */
  onSavepoint?: 'success' | 'failure';
  savepointMs?: number;
  /** Shown in place of the real status. */
  shownStatus?: string;
  /** Fields left out of every answer. */
  hiddenFields?: string[];
}

/** How a stop or a savepoint goes. */
export interface StopPlan {
  cancelMs: number;
  savepointMs: number;
  savepointOutcome: 'success' | 'failure';
}

const OVER: readonly FlinkStatus[] = [
  ...(['job_submit_fail', 'job_running_exception', 'job_cancel_success', 'job_finish'] as const),
  'job_arrearage_stopped',
];

/** job_cancel_fail is not among them: the job "may still be running". Nor is a draft. */
export const isFlinkOver = (status: FlinkStatus): boolean => OVER.includes(status);

/** The console stops jobs that are being submitted or run; what a failed stop leaves behind can only be stopped again. */
export const isStoppable = (status: FlinkStatus): boolean =>
  status === 'job_submitting' || status === 'job_running' || status === 'job_cancel_fail';

export function flinkStatusAt({ life }: EmulatedFlinkJob, now: number): FlinkStatus {
  return stageAt(life, now).state;
}

/** When its present run began; undefined before the first, and while it is submitted again. */
export function startOf({ life }: EmulatedFlinkJob, now: number): number | undefined {
  let startedAt: number | undefined;
  for (const { from, state } of life) {
    if (from > now) break;
    if (state === 'job_submitting') startedAt = undefined;
    else if (state === 'job_running') startedAt ??= from;
  }
  return startedAt;
}

/** The last complete one. It is "deleted automatically after the job is restarted". */
export function savepointOf({ life, savepoints = [] }: EmulatedFlinkJob, now: number): string | undefined {
  const last = savepoints.findLast(({ at }) => at <= now);
  const isRestarted = life.some(
    ({ from, state }) => state === 'job_submitting' && from <= now && from >= (last?.at ?? 0),
  );
  return isRestarted ? undefined : last?.path;
}

/** Accepted is not done: the job is job_canceling for a while, and may end by itself before. */
export function requestStop(job: EmulatedFlinkJob, now: number, plan: StopPlan): void {
  job.life = obey(job.life, now, ending(job, now, plan.cancelMs), isFlinkOver);
}

/** First the savepoint, then the stop. A savepoint that fails leaves the job running. */
export function requestStopWithSavepoint(job: EmulatedFlinkJob, now: number, plan: StopPlan): void {
  saveThen(job, now, plan, (savedAt) => ending(job, savedAt, plan.cancelMs));
}

/** The job runs on, whatever the savepoint comes to. */
export function requestSavepoint(job: EmulatedFlinkJob, now: number, plan: StopPlan, path?: string): void {
  saveThen(job, now, plan, (savedAt) => [{ from: savedAt, state: 'job_running' }], path);
}

function saveThen(
  job: EmulatedFlinkJob,
  now: number,
  plan: StopPlan,
  goOn: (savedAt: number) => Life<FlinkStatus>,
  path = `obs://emulator/savepoints/${job.id}/${now}`,
): void {
  const savedAt = now + (job.savepointMs ?? plan.savepointMs);
  const isGood = (job.onSavepoint ?? plan.savepointOutcome) === 'success';
  const failed: Life<FlinkStatus> = [
    { from: savedAt, state: 'job_running', description: 'The savepoint failed; the job is still running.' },
  ];
  const next = isGood ? goOn(savedAt) : failed;
  job.life = obey(job.life, now, [{ from: now, state: 'job_savepointing' }, ...next], isFlinkOver);
  // A job that is over before has nothing left to save.
  const isStillThere = job.life.some(({ from, state }) => from === savedAt && state === next[0].state);
  if (isGood && isStillThere) job.savepoints = [...(job.savepoints ?? []), { at: savedAt, path }];
}

function ending({ onStop }: EmulatedFlinkJob, from: number, cancelMs: number): Life<FlinkStatus> {
  const canceling: Stage<FlinkStatus> = { from, state: 'job_canceling' };
  switch (onStop) {
    case 'finish':
      return [{ from, state: 'job_finish' }];
    case 'ignore':
      return [canceling];
    case 'fail':
      return [
        canceling,
        { from: from + cancelMs, state: 'job_cancel_fail', description: 'The job cannot be stopped.' },
      ];
    default:
      return [canceling, { from: from + cancelMs, state: 'job_cancel_success' }];
  }
}

/** The Flink jobs of one project, the oldest first. */
export class FlinkStore extends Store<EmulatedFlinkJob> {
  #lastId = 100;

  constructor() {
    super(
      ({ id }) => String(id),
      ({ life }) => life[0].from,
    );
  }

  override add(job: EmulatedFlinkJob): void {
    this.#lastId = Math.max(this.#lastId, job.id);
    super.add(job);
  }

  /** Higher than all before, deleted ones included. */
  nextId(): number {
    return this.#lastId + 1;
  }
}

/** What the Flink routes need. */
export type FlinkService = QueueService & { flink: FlinkStore };
