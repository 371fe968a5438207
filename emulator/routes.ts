import type { Answer } from './base/answer.ts';
import type { Assumptions } from './base/assumptions.ts';
import type { FlinkStore } from './flink/jobs.ts';
import { FLINK_ROUTES } from './flink/routes.ts';
import type { QueueStore } from './queues/queues.ts';
import { QUEUE_ROUTES } from './queues/routes.ts';
import type { SparkStore } from './spark/jobs.ts';
import { SPARK_ROUTES } from './spark/routes.ts';
import type { JobStore } from './sql/jobs.ts';
import { SQL_ROUTES } from './sql/routes.ts';

/** How long things take, in ms of the emulator's clock. */
export interface Delays {
  /** From an accepted cancel or stop until the job is over. */
  cancelMs: number;
  /** How long a savepoint is being written. */
  savepointMs: number;
  /** From a submission to the run. */
  startMs: number;
  /** How long a submitted job runs: between the two, evenly. Flink jobs run for ever. */
  runMs: readonly [shortest: number, longest: number];
}

/** What a route may use of the emulator. */
export interface Service {
  now: () => number;
  /** In [0, 1). */
  random: () => number;
  sql: JobStore;
  spark: SparkStore;
  flink: FlinkStore;
  queues: QueueStore;
  delays: Delays;
  /** What a savepoint of a stopping Flink job comes to, unless the job says otherwise. */
  savepointOutcome: 'success' | 'failure';
  /** Of the submitted jobs, how many fail in the end; in [0, 1]. */
  failureShare: number;
  /** Queues on which the caller has no CANCEL_JOB. */
  deniedQueues: readonly string[];
  assumptions: Assumptions;
}

export interface RouteRequest {
  query: ReadonlyMap<string, string[]>;
  body: Buffer;
  projectId: string;
  /** What the path's pattern captured. */
  params: readonly string[];
}

/** The names that faults go by. */
export type RouteName =
  | 'list-sql-jobs'
  | 'submit-sql-job'
  | 'show-sql-job-status'
  | 'show-sql-job-detail'
  | 'show-sql-job-progress'
  | 'cancel-sql-job'
  | 'cancel-sql-job-on-queue'
  | 'submit-sql-job-to-queue'
  | 'list-spark-batches'
  | 'create-spark-batch'
  | 'show-spark-batch'
  | 'show-spark-batch-state'
  | 'show-spark-batch-log'
  | 'cancel-spark-batch'
  | 'list-flink-jobs'
  | 'create-flink-sql-job'
  | 'create-flink-jar-job'
  | 'show-flink-job'
  | 'run-flink-jobs'
  | 'stop-flink-jobs'
  | 'delete-flink-jobs'
  | 'trigger-flink-savepoint'
  | 'list-queues'
  | 'show-queue'
  /** IAM's, and so in no list of DLI's routes. */
  | 'show-project';

export interface Route {
  name: RouteName;
  method: string;
  version: '/v1' | '/v1.0' | '/v2.0';
  /** Matched against the path behind the project id. */
  pattern: RegExp;
  run: (service: Service, request: RouteRequest) => Answer;
}

export const ROUTES: readonly Route[] = [...SQL_ROUTES, ...SPARK_ROUTES, ...FLINK_ROUTES, ...QUEUE_ROUTES];
