/** A DLI job as the sweep sees it. What DLI did not say, or said unreadably, is undefined: never a default. */
export interface Job {
  engine: Engine;
  /** DLI's own id; empty if the listing row had none. */
  id: string;
  queue: string | undefined;
  /** Name of the IAM user who submitted it. */
  owner: string | undefined;
  type: string | undefined;
  /** SQL rows carry it for imports and exports only. */
  database: string | undefined;
  /** Empty for a job without tags; undefined if they cannot be read. */
  tags: ReadonlyMap<string, string> | undefined;
  /** The SQL text, only if it was asked for: it is long, and a secret of its author. It never leaves the sweep. */
  statement: string | undefined;
  /** DLI's word, as it came. */
  status: string | undefined;
  state: JobState;
  /** Epoch ms, DLI's clock. For SQL the documents use submission and start alike. */
  startedAt: number | undefined;
}

export type Engine = 'sql';

export type JobState =
  | 'queued'
  | 'running'
  /** An infrastructure operation on a queue, shown as a job. */
  | 'operation'
  | TerminalState
  /** A status this code does not know. Never acted upon. */
  | 'unknown';

export type TerminalState = 'finished' | 'failed' | 'cancelled';

export const isLive = (state: JobState): state is 'queued' | 'running' => state === 'queued' || state === 'running';

export const isTerminal = (state: JobState): state is TerminalState =>
  state === 'finished' || state === 'failed' || state === 'cancelled';

/** 8-4-4-4-12 hex digits, any case: the form of SQL job ids ("Querying All Jobs", job_id). */
const SQL_JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Only such an id may enter a path; anything else could address something that is not a job. */
export const isJobId = (id: string): boolean => SQL_JOB_ID.test(id);

/** Documented as letters and digits, up to 64; 32 hex digits in practice. */
export const isProjectId = (id: string): boolean => /^[A-Za-z0-9]{1,64}$/.test(id);
