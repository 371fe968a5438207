import { type Engine, FLINK_TYPES, type Since, SQL_READS, SQL_WRITES } from '../base/job.ts';

export const SELECTORS = ['queue', 'owner', 'jobType', 'status', 'tag', 'name', 'statement', 'database'] as const;
export type SelectorName = (typeof SELECTORS)[number];

/** What a policy has to know of an engine. How its jobs are listed, read and stopped is the business of its adapter. */
export interface EngineFacts {
  /** What its jobs are called in messages, such as `Spark batches`. */
  jobs: string;
  /** What its jobs can be selected by; a rule that asks for more is refused. */
  selectors: readonly SelectorName[];
  /** Statuses of live jobs, as the API spells them. */
  statuses: readonly string[];
  /** For `jobType`. */
  types: readonly string[];
  /** Which of `since` its jobs never tell, and what to do about it: for warnings. */
  untold: Partial<Record<keyof Since, string>>;
  /** Whether a stop can write a savepoint first. */
  hasSavepoints: boolean;
  /** Whether its lists can be cut by start time, so that jobs too young for any rule are not listed. */
  listsByStart: boolean;
}

export const ENGINE_FACTS: Readonly<Record<Engine, EngineFacts>> = {
  sql: {
    jobs: 'SQL jobs',
    selectors: ['queue', 'owner', 'jobType', 'status', 'tag', 'statement', 'database'],
    statuses: ['LAUNCHING', 'RUNNING'],
    types: [...SQL_READS, ...SQL_WRITES],
    untold: {},
    hasSavepoints: false,
    listsByStart: true,
  },
  spark: {
    jobs: 'Spark batches',
    selectors: ['queue', 'owner', 'status', 'name'],
    statuses: ['starting', 'running', 'recovering'],
    types: [],
    untold: { running: 'DLI does not tell since when a batch has been running; use maxTotalTime' },
    hasSavepoints: false,
    listsByStart: false,
  },
  flink: {
    jobs: 'Flink jobs',
    selectors: ['queue', 'owner', 'jobType', 'status', 'name'],
    statuses: ['job_submitting', 'job_running'],
    types: FLINK_TYPES,
    untold: { waiting: 'DLI does not tell since when a Flink job has been waiting' },
    hasSavepoints: true,
    listsByStart: false,
  },
};
