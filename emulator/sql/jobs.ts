import { Store } from '../base/store.ts';
import type { QueueService } from '../queues/queues.ts';

/** A SQL job with its whole life written down in advance; what it shows depends on the moment it is looked at. */
export interface EmulatedJob {
  id: string;
  type: string;
  queue: string;
  owner: string;
  statement: string;
  tags?: { key: string; value: string }[];
  /** Epoch ms, as all instants here. Also its start_time: DLI's documents use submission and start alike. */
  submittedAt: number;
  runsFrom: number;
  endsAt: number;
  endsAs: 'FINISHED' | 'FAILED';
  /**
   * How long it may run before DLI itself cancels it, in ms. A job that is submitted has 12 hours unless it sets
   * `dli.sql.job.timeout`; one that is scripted has for ever unless this says otherwise.
   */
  timeoutMs?: number;
  /** Set by an accepted cancel; the job goes on until then. */
  cancelledAt?: number;
  /** `finish`: the job wins the race against its cancel. `ignore`: it never stops. */
  onCancel?: 'stop' | 'finish' | 'ignore';
  mode?: 'async' | 'sync';
  engine?: 'spark' | 'hetuEngine';
  database?: string;
  table?: string;
  /** `key = value` each, as submitted. */
  conf?: string[];
  /** Of a job that failed, for one. */
  message?: string;
  /** Core-milliseconds, and bytes. The API shows both as texts, and only for some jobs. */
  cpuCost?: number;
  outputBytes?: number;
  /** What an IMPORT or EXPORT moves; shown in its details only. */
  transfer?: Transfer;
  /** Shown in place of the real status, to play a service that has learned a new word. */
  shownStatus?: string;
  /** Fields left out of every answer, to play a service that forgets. */
  hiddenFields?: string[];
}

/** Under the names of "Querying Job Details"; those that are not given are left out, or "" where the page requires them. */
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

export function statusAt(job: EmulatedJob, now: number): SqlStatus {
  const stopsAt = stopOf(job);
  if (now >= stopsAt && stopsAt < job.endsAt) return 'CANCELLED';
  if (now >= job.endsAt) return job.endsAs;
  if (now < job.runsFrom) return 'LAUNCHING';
  return job.type === 'SCALE_QUEUE' ? 'SCALING' : 'RUNNING';
}

/** When it stops running by somebody's order or by its timeout, whether or not it ends before. */
function stopOf({ cancelledAt = Infinity, runsFrom, timeoutMs = Infinity }: EmulatedJob): number {
  return Math.min(cancelledAt, runsFrom + timeoutMs);
}

/** When it ended; undefined while it has not. */
export function endOf(job: EmulatedJob, now: number): number | undefined {
  const endsAt = Math.min(stopOf(job), job.endsAt);
  return now >= endsAt ? endsAt : undefined;
}

export const isOver = (status: SqlStatus): boolean =>
  status === 'FINISHED' || status === 'FAILED' || status === 'CANCELLED';

/** The jobs of one project, oldest first. */
export class JobStore extends Store<EmulatedJob> {
  constructor() {
    super(
      ({ id }) => id,
      ({ submittedAt }) => submittedAt,
    );
  }
}

/** Accepted is not done: the job runs on for `delayMs`, and may end by itself before. */
export function requestCancel(job: EmulatedJob, now: number, delayMs: number): void {
  if (job.onCancel === 'ignore' || job.cancelledAt !== undefined) return;
  if (job.onCancel === 'finish') job.endsAt = now;
  else job.cancelledAt = now + delayMs;
}

/** What the SQL routes need. */
export type SqlService = QueueService & { sql: JobStore };
