/**
 * A DLI job of any engine as the sweep sees it. What DLI did not say, or said unreadably, is undefined: never a default.
 * What the jobs of an engine do not have at all is null.
 */
export interface Job {
  engine: Engine;
  /** DLI's own id; empty if the listing row had none. */
  id: string;
  name: string | undefined | null;
  queue: string | undefined;
  /** Name of the IAM user who submitted it. */
  owner: string | undefined;
  type: string | undefined | null;
  protection: Protection;
  /** SQL rows carry it for imports and exports only. */
  database: string | undefined | null;
  /** Empty for a job without tags; undefined if they cannot be read. */
  tags: ReadonlyMap<string, string> | undefined;
  /**
   * The SQL text, only if it was asked for, and if it is no longer than {@link MAX_STATEMENT_LENGTH}: it is long, and a
   * secret of its author. It never leaves the sweep.
   */
  statement: string | undefined | null;
  /** DLI's word, as it came. */
  status: string | undefined;
  state: JobState;
  /** Its age is counted from here: epoch ms, DLI's clock. Submission or start, whichever the engine tells. */
  startedAt: number | undefined;
  /** Its start came as a text, where DLI's documents have a number: that it means the same is a guess. */
  isStartText?: boolean | undefined;
  since: Since;
  /** When DLI changed it while it ran, epoch ms: it may have been asked to stop in vain, or somebody edited it. */
  askedAt?: number | undefined;
  /** When DLI last changed it, epoch ms. */
  updatedAt?: number | undefined;
  /** Compute units that it holds; undefined where the API does not tell. */
  cus?: number | undefined;
}

/** A statement may have 500,000 characters ("Submitting a SQL Job"). One that is longer than this is looked through by no rule. */
export const MAX_STATEMENT_LENGTH = 65_536;

export const ENGINE_NAMES = ['sql', 'spark', 'flink'] as const;
export type Engine = (typeof ENGINE_NAMES)[number];

/** From when each clock counts, epoch ms; undefined where the engine does not tell. */
export interface Since {
  running: number | undefined;
  waiting: number | undefined;
  submitted: number | undefined;
}

/** "Querying All Jobs", job_type; DATA_MIGRATION from the newer pages. */
export const SQL_READS = ['QUERY'] as const;
export const SQL_WRITES = ['DDL', 'DCL', 'IMPORT', 'EXPORT', 'INSERT', 'DATA_MIGRATION', 'UPDATE', 'DELETE'] as const;

/** "Querying the Job List" of Flink, job_type. */
export const FLINK_TYPES = [
  'flink_sql_job',
  'flink_opensource_sql_job',
  'flink_sql_edge_job',
  'flink_jar_job',
] as const;

/** What a rule has to say to touch a job of this type. */
export type Protection =
  | 'none'
  /** Cancelled half-way it can leave partial data, so a rule has to name its type. */
  | 'unless-named'
  /** No rule may touch it. */
  | 'always'
  /** A type that this code does not know. */
  | 'unknown';

export type JobState =
  | 'queued'
  | 'running'
  /** An infrastructure operation on a queue, shown as a job. */
  | 'operation'
  /** Somebody asked it to stop, and it has not stopped yet. */
  | 'stopping'
  /** It was asked to stop, could not be stopped, and may still be running. */
  | 'stop-failed'
  | TerminalState
  /** A status this code does not know. Never acted upon. */
  | 'unknown';

export type TerminalState = 'finished' | 'failed' | 'cancelled';

export const isLive = (state: JobState): state is 'queued' | 'running' => state === 'queued' || state === 'running';

export const isTerminal = (state: JobState): state is TerminalState =>
  state === 'finished' || state === 'failed' || state === 'cancelled';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** "Querying All Jobs", job_id: any case; "Querying the Job List" of Flink: an int64, and more than 2^53 no number here holds. */
const JOB_IDS: Record<Engine, RegExp> = { sql: UUID, spark: UUID, flink: /^[1-9][0-9]{0,14}$/ };

/** Only such an id may enter a path; anything else could address something that is not a job. */
export const isJobId = (id: string, engine: Engine = 'sql'): boolean => JOB_IDS[engine].test(id);

/** Documented as letters and digits, up to 64; 32 hex digits in practice. */
export const isProjectId = (id: string): boolean => /^[A-Za-z0-9]{1,64}$/.test(id);

/**
 * Up to 64 characters. The project that a region begins with bears the name of the region; any other is `<region>_<name>`.
 *
 * @see IAM API reference, "Creating a Project"; which characters it may hold is not told
 */
export const isProjectName = (name: string): boolean => /^\S(?:.{0,62}\S)?$/.test(name);
