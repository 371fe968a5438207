import { type Engine, FLINK_TYPES, type Since, SQL_READS, SQL_WRITES } from '../base/job.ts';

export const SELECTORS = ['queue', 'owner', 'jobType', 'status', 'tag', 'name', 'statement', 'database'] as const;
export type SelectorName = (typeof SELECTORS)[number];

/** What a policy needs to know about an engine. How to list, read and stop its jobs is known to the engine's adapter. */
export interface EngineFacts {
  /** The name of its jobs in messages, such as `Spark batches`. */
  jobs: string;
  /** The keys that can select its jobs; a rule with another key is refused. */
  selectors: readonly SelectorName[];
  /** Statuses of live jobs, as the API spells them. */
  statuses: readonly string[];
  /** Values for `jobType`. */
  types: readonly string[];
  /** Instants that DLI never gives for its jobs, each with the sentence that warns of it. */
  unknownSince: Partial<Record<keyof Since, string>>;
  /** Whether a stop can write a savepoint first. */
  hasSavepoints: boolean;
  /** Whether a list can be limited by start time, so that jobs too young for any rule are left out. */
  listsByStart: boolean;
  /** Whether each live job is in its lists. If not, one that is missing from them may still run. */
  listsAllLive: boolean;
  /** Whether its jobs are long by design, so that an emergency cancels them only if it names them or their engine. */
  isLongByDesign: boolean;
}

export const ENGINE_FACTS: Readonly<Record<Engine, EngineFacts>> = {
  sql: {
    jobs: 'SQL jobs',
    selectors: ['queue', 'owner', 'jobType', 'status', 'tag', 'statement', 'database'],
    statuses: ['LAUNCHING', 'RUNNING'],
    types: [...SQL_READS, ...SQL_WRITES],
    unknownSince: {},
    hasSavepoints: false,
    listsByStart: true,
    listsAllLive: true,
    isLongByDesign: false,
  },
  spark: {
    jobs: 'Spark batches',
    selectors: ['queue', 'owner', 'status', 'name'],
    statuses: ['starting', 'running', 'recovering'],
    types: [],
    unknownSince: { running: 'DLI does not say when a batch began to run; use maxTotalTime' },
    hasSavepoints: false,
    listsByStart: false,
    listsAllLive: true,
    isLongByDesign: false,
  },
  flink: {
    jobs: 'Flink jobs',
    selectors: ['queue', 'owner', 'jobType', 'status', 'name'],
    statuses: ['job_submitting', 'job_running'],
    types: FLINK_TYPES,
    unknownSince: { waiting: 'DLI does not say when a Flink job began to wait' },
    hasSavepoints: true,
    listsByStart: false,
    listsAllLive: false,
    isLongByDesign: true,
  },
};
