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

/** A Flink job. Its life begins with its creation and is fixed in advance, until a call runs or stops it. */
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
  /** When a call last changed its fields, epoch ms. */
  updatedAt?: number;
  /** Fields that differ from the usual `job_config`. */
  config?: Record<string, unknown>;
  tags?: Tag[];
  /** The parent of an edge job. */
  rootId?: number;
  /** Default: `default`. */
  enterpriseProject?: string;
  /** The savepoints, the earliest first. `at` is when it was complete, epoch ms. */
  savepoints?: { at: number; path: string }[];
  /** Times at which it restarted by itself after an exception, epoch ms. */
  restartsAt?: number[];
  /** `finish`: the job wins the race. `fail`: it ends in job_cancel_fail. `ignore`: it is job_canceling for ever. */
  onStop?: 'stop' | 'finish' | 'fail' | 'ignore';
  /** Result of its savepoints. Default: the emulator's. */
  onSavepoint?: 'success' | 'failure';
  /** Time that each takes. Default: the emulator's. */
  savepointMs?: number;
  /** Shown in place of the real status. */
  shownStatus?: string;
  /** Fields left out of every answer. */
  hiddenFields?: string[];
}

/** How long a stop and a savepoint take, and how a savepoint ends. */
export interface StopPlan {
  cancelMs: number;
  savepointMs: number;
  savepointOutcome: 'success' | 'failure';
  /** Status of a job that was stopped. */
  stopped: 'job_cancel_success' | 'job_init';
}

const OVER: readonly FlinkStatus[] = [
  ...(['job_submit_fail', 'job_running_exception', 'job_cancel_success', 'job_finish'] as const),
  'job_arrearage_stopped',
];

/** Whether a job has ended. A draft has not, nor one in job_cancel_fail, which "may still be running". */
export const isFlinkOver = (status: FlinkStatus): boolean => OVER.includes(status);

/** Whether a job has ended, if it was stopped. */
const isStopped = (status: FlinkStatus): boolean => status === 'job_init' || isFlinkOver(status);

/** Whether a job can be stopped: while it is submitted or runs, as in the console, and again after a failed stop. */
export const isStoppable = (status: FlinkStatus): boolean =>
  status === 'job_submitting' || status === 'job_running' || status === 'job_cancel_fail';

/** Returns the status of a job at a moment. */
export function flinkStatusAt({ life }: EmulatedFlinkJob, now: number): FlinkStatus {
  return stageAt(life, now).state;
}

/**
 * When the present run of a job began.
 *
 * @returns undefined before its first run, while it is submitted again, and once a stop has made a draft of it.
 */
export function startOf({ life }: EmulatedFlinkJob, now: number): number | undefined {
  let startedAt: number | undefined;
  for (const { from, state } of life) {
    if (from > now) break;
    if (state === 'job_submitting' || state === 'job_init') startedAt = undefined;
    else if (state === 'job_running') startedAt ??= from;
  }
  return startedAt;
}

/** Returns the path of the last complete savepoint, which is "deleted automatically after the job is restarted". */
export function savepointOf({ life, savepoints = [] }: EmulatedFlinkJob, now: number): string | undefined {
  const last = savepoints.findLast(({ at }) => at <= now);
  const isRestarted = life.some(
    ({ from, state }) => state === 'job_submitting' && from <= now && from >= (last?.at ?? 0),
  );
  return isRestarted ? undefined : last?.path;
}

/** Accepts a stop. The job is job_canceling for a while, and may end by itself before that. */
export function requestStop(job: EmulatedFlinkJob, now: number, plan: StopPlan): void {
  job.life = obey(job.life, now, ending(job, now, plan), isStopped);
}

/** Accepts a savepoint with a stop after it. If the savepoint fails, the job runs on. */
export function requestStopWithSavepoint(job: EmulatedFlinkJob, now: number, plan: StopPlan): void {
  save(job, now, { plan, goOn: (savedAt) => ending(job, savedAt, plan) });
}

/** Accepts a savepoint. The job runs on, even if the savepoint fails. */
export function requestSavepoint(job: EmulatedFlinkJob, now: number, plan: StopPlan, path?: string): void {
  save(job, now, { plan, goOn: (savedAt) => [{ from: savedAt, state: 'job_running' }], path });
}

interface SaveOrder {
  plan: StopPlan;
  /** The stages after a savepoint that succeeds. */
  goOn: (savedAt: number) => Life<FlinkStatus>;
  path?: string | undefined;
}

function save(job: EmulatedFlinkJob, now: number, { plan, goOn, path }: SaveOrder): void {
  const savedAt = now + (job.savepointMs ?? plan.savepointMs);
  const isGood = (job.onSavepoint ?? plan.savepointOutcome) === 'success';
  const failed: Life<FlinkStatus> = [
    { from: savedAt, state: 'job_running', description: 'The savepoint failed; the job is still running.' },
  ];
  const next = isGood ? goOn(savedAt) : failed;
  job.life = obey(job.life, now, [{ from: now, state: 'job_savepointing' }, ...next], isStopped);
  // A job that ends before that has nothing to save.
  const isStillThere = job.life.some(({ from, state }) => from === savedAt && state === next[0].state);
  if (!isGood || !isStillThere) return;
  const savepoint = { at: savedAt, path: path ?? `obs://emulator/savepoints/${job.id}/${now}` };
  job.savepoints = [...(job.savepoints ?? []), savepoint];
}

function ending({ onStop }: EmulatedFlinkJob, from: number, { cancelMs, stopped }: StopPlan): Life<FlinkStatus> {
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
      return [canceling, { from: from + cancelMs, state: stopped }];
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

  /** Returns an id higher than all ids so far, those of deleted jobs included. */
  nextId(): number {
    return this.#lastId + 1;
  }
}

/** What the Flink routes need. */
export type FlinkService = QueueService & { flink: FlinkStore };
