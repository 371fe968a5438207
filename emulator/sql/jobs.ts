import { Store } from '../base/store.ts';
import type { QueueService } from '../queues/queues.ts';

/** A SQL job. Its whole life is fixed in advance, and its status depends on the moment of the look. */
export interface EmulatedJob {
  id: string;
  type: string;
  queue: string;
  owner: string;
  statement: string;
  tags?: { key: string; value: string }[];
  /** Epoch ms, as all times here. It is also the start_time: DLI's documents do not tell submission and start apart. */
  submittedAt: number;
  runsFrom: number;
  endsAt: number;
  endsAs: 'FINISHED' | 'FAILED';
  /**
   * How long it may run before DLI itself cancels it, in ms. Default: no timeout. A job submitted over the API has 12 hours,
   * or what it sets as `dli.sql.job.timeout`.
   */
  timeoutMs?: number;
  /** When an accepted cancel takes effect. The job runs on until then. */
  cancelledAt?: number;
  /** `finish`: the job wins the race against its cancel. `ignore`: it never stops. */
  onCancel?: 'stop' | 'finish' | 'ignore';
  mode?: 'async' | 'sync';
  engine?: 'spark' | 'hetuEngine';
  database?: string;
  table?: string;
  /** Settings as submitted, each as `key = value`. */
  conf?: string[];
  /** Shown once the job is over, such as the reason of a failure. */
  message?: string;
  /** Core-milliseconds. The API shows it as a text, and only for some jobs; likewise `outputBytes`. */
  cpuCost?: number;
  outputBytes?: number;
  /** What a finished QUERY has found. Default: no columns and no rows. */
  result?: {
    /** Each column as its name and type, such as `{"c1":"int"}`. */
    schema: Record<string, string>[];
    rows: unknown[][];
  };
  /** What an IMPORT or EXPORT moves. Only the details show it. */
  transfer?: Transfer;
  /** Shown in place of the real status, to play a service with a new status. */
  shownStatus?: string;
  /** Fields left out of every answer, to play a service that omits them. */
  hiddenFields?: string[];
}

/** Fields with the names of "Querying Job Details". A missing one is left out, or is "" where the page requires it. */
export interface Transfer {
  data_path?: string;
  data_type?: 'csv' | 'json';
  export_mode?: 'ErrorIfExists' | 'Overwrite';
  with_column_header?: boolean;
  delimiter?: string;
  quote_char?: string;
  escape_char?: string;
  date_format?: string;
  timestamp_format?: string;
  compress?: string;
}

export type SqlStatus = 'LAUNCHING' | 'RUNNING' | 'SCALING' | 'FINISHED' | 'FAILED' | 'CANCELLED';

/** Returns the status of a job at a moment. */
export function statusAt(job: EmulatedJob, now: number): SqlStatus {
  const stopsAt = stopOf(job);
  if (now >= stopsAt && stopsAt < job.endsAt) return 'CANCELLED';
  if (now >= job.endsAt) return job.endsAs;
  if (now < job.runsFrom) return 'LAUNCHING';
  return job.type === 'SCALE_QUEUE' ? 'SCALING' : 'RUNNING';
}

/** When an order or the timeout would stop the job. It may end by itself before that. */
function stopOf({ cancelledAt = Infinity, runsFrom, timeoutMs = Infinity }: EmulatedJob): number {
  return Math.min(cancelledAt, runsFrom + timeoutMs);
}

/** When a job ended. @returns undefined if it has not ended yet. */
export function endOf(job: EmulatedJob, now: number): number | undefined {
  const endsAt = Math.min(stopOf(job), job.endsAt);
  return now >= endsAt ? endsAt : undefined;
}

export const isOver = (status: SqlStatus): boolean =>
  status === 'FINISHED' || status === 'FAILED' || status === 'CANCELLED';

/** The SQL jobs of one project, the oldest first. */
export class JobStore extends Store<EmulatedJob> {
  constructor() {
    super(
      ({ id }) => id,
      ({ submittedAt }) => submittedAt,
    );
  }
}

/** Accepts a cancel. The job runs on for `delayMs`, and may end by itself before that. */
export function requestCancel(job: EmulatedJob, now: number, delayMs: number): void {
  if (job.onCancel === 'ignore' || job.cancelledAt !== undefined) return;
  if (job.onCancel === 'finish') job.endsAt = now;
  else job.cancelledAt = now + delayMs;
}

/** What the SQL routes need. */
export type SqlService = QueueService & { sql: JobStore };
