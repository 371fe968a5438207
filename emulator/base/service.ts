import type { Answer } from './answer.ts';
import type { AssumptionName, Assumptions } from './assumptions.ts';

/** How long things take, in ms of the emulator's clock. */
export interface Delays {
  /** Time from an accepted cancel or stop to the end of the job. */
  cancelMs: number;
  /** Time that a savepoint takes. */
  savepointMs: number;
  /** Time from the submission to the start of the run. */
  startMs: number;
  /** Run time of a submitted job, spread evenly between the two. Flink jobs run for ever. */
  runMs: readonly [shortest: number, longest: number];
}

/** What every route can use of the emulator. The routes of an engine add the stores that they need. */
export interface Service {
  now: () => number;
  /** In [0, 1). */
  random: () => number;
  delays: Delays;
  /** Result of a savepoint of a Flink job, unless the job has a result of its own. */
  savepointOutcome: 'success' | 'failure';
  /** Share of the submitted jobs that fail in the end; in [0, 1]. */
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

/** The names that a fault can use in `on`. */
export type RouteName =
  | 'list-sql-jobs'
  | 'submit-sql-job'
  | 'show-sql-job-status'
  | 'show-sql-job-detail'
  | 'show-sql-job-progress'
  | 'cancel-sql-job'
  | 'preview-sql-job-result'
  | 'export-sql-job-result'
  | 'check-sql'
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
  | 'delete-flink-job'
  | 'update-flink-sql-job'
  | 'update-flink-jar-job'
  | 'trigger-flink-savepoint'
  | 'show-flink-execution-graph'
  | 'create-flink-stream-graph'
  | 'authorize-buckets'
  | 'list-resource-tags'
  | 'add-resource-tags'
  | 'delete-resource-tags'
  | 'list-queues'
  | 'show-queue'
  | 'create-queue'
  | 'delete-queue'
  | 'update-queue-cidr'
  | 'run-queue-action'
  | 'list-queue-properties'
  | 'create-queue-properties'
  | 'update-queue-properties'
  | 'delete-queue-properties'
  | 'list-pool-queues'
  | 'associate-queue'
  | 'set-scaling-policies'
  | 'show-quotas'
  | 'upload-packages'
  | 'upload-file-packages'
  | 'upload-jar-packages'
  | 'upload-python-packages'
  | 'list-packages'
  | 'show-package'
  | 'delete-package'
  | 'change-package-owner'
  /** Routes of IAM. They are not in the list of DLI's routes. */
  | 'show-project'
  | 'list-projects';

/**
 * `faithful`: the form and the effect of a call that succeeds are those of a document, or of a client that works with the
 * real service. `assumed`: a part of them is only the likeliest choice.
 */
export type Standing = 'faithful' | 'assumed';

/** @typeParam S the service with the stores that the route needs. */
export interface Route<S extends Service> {
  name: RouteName;
  method: string;
  version: '/v1' | '/v1.0' | '/v2.0' | '/v3';
  /** The path after the project id, such as `/jobs/{job_id}/status`. */
  path: string;
  run: (service: S, request: RouteRequest) => Answer;
  standing: Standing;
  /** What is known of its answers, and from which document, SDK or pull request. Shown in docs/emulator.md. */
  evidence: string;
  /** The questions on which an answer depends. */
  assumes?: readonly AssumptionName[];
}
