/**
 * A DLI job of any engine. A field that DLI left out, or that cannot be read, is undefined and never a default. A field that
 * the jobs of an engine never have is null.
 */
export interface Job {
  engine: Engine;
  /** DLI's own id; empty if the listing row had none. */
  id: string;
  name: string | undefined | null;
  queue: string | undefined;
  /** Name of the IAM user who submitted the job. */
  owner: string | undefined;
  type: string | undefined | null;
  protection: Protection;
  /** SQL rows carry it for imports and exports only. */
  database: string | undefined | null;
  /** Empty for a job without tags; undefined if they cannot be read. */
  tags: ReadonlyMap<string, string> | undefined;
  /**
   * The SQL text, if it was asked for and is no longer than {@link MAX_STATEMENT_LENGTH}. It is a secret of its author, and
   * never leaves the sweep.
   */
  statement: string | undefined | null;
  /** DLI's word for the state, as it came. */
  status: string | undefined;
  state: JobState;
  /** Start of its age, epoch ms by DLI's clock: the submission or the start, whichever the engine gives. */
  startedAt: number | undefined;
  /** The start came as a text, although DLI's documents have a number. That it means the same is a guess. */
  isStartText?: boolean | undefined;
  since: Since;
  /** Time of a change by DLI while the job ran, epoch ms: it may have been asked to stop in vain, or someone edited it. */
  askedAt?: number | undefined;
  /** Time of the last change by DLI, epoch ms. */
  updatedAt?: number | undefined;
  /** Compute units that the job holds; undefined if the API does not say. */
  cus?: number | undefined;
}

/** The tags of a job without any: one for all of them, which are most jobs. */
export const NO_TAGS: ReadonlyMap<string, string> = new Map();

/** A job of any state, as a list of the past shows it. */
export interface PastJob {
  /** In its last state. */
  job: Job;
  /** Epoch ms; undefined if the job has not ended, or if DLI does not say when. */
  endedAt: number | undefined;
}

/** Rules do not look at longer statements. A statement may have 500,000 characters ("Submitting a SQL Job"). */
export const MAX_STATEMENT_LENGTH = 65_536;

export const ENGINE_NAMES = ['sql', 'spark', 'flink'] as const;
export type Engine = (typeof ENGINE_NAMES)[number];

/** Start of each clock, epoch ms; undefined if the engine does not give it. */
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

/** How a type of job is protected from rules. */
export const PROTECTIONS = [
  'none',
  /** A job of this type that is cancelled half-way can leave partial data, so a rule has to name the type. */
  'unless-named',
  /** No rule may touch it. */
  'always',
  /** This code does not know the type. */
  'unknown',
] as const;
export type Protection = (typeof PROTECTIONS)[number];

const TERMINAL_STATES = ['finished', 'failed', 'cancelled'] as const;
export type TerminalState = (typeof TERMINAL_STATES)[number];

export const JOB_STATES = [
  'queued',
  'running',
  /** An infrastructure operation on a queue, shown as a job. */
  'operation',
  /** It was asked to stop, by anyone, and has not stopped yet. */
  'stopping',
  /** It was asked to stop, could not be stopped, and may still be running. */
  'stop-failed',
  ...TERMINAL_STATES,
  /** This code does not know the status. Such a job is never cancelled. */
  'unknown',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const isLive = (state: JobState): state is 'queued' | 'running' => state === 'queued' || state === 'running';

export const isTerminal = (state: JobState): state is TerminalState => TERMINAL_STATES.some((one) => one === state);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** "Querying All Jobs", job_id: any case. "Querying the Job List" of Flink: an int64, but JavaScript numbers end at 2^53. */
const JOB_IDS: Record<Engine, RegExp> = { sql: UUID, spark: UUID, flink: /^[1-9][0-9]{0,14}$/ };

/** Whether a text is the id of a job. Only such an id may be put into a path; any other text could address something else. */
export const isJobId = (id: string, engine: Engine = 'sql'): boolean => JOB_IDS[engine].test(id);

/** Whether a text may be a project id: letters and digits, up to 64, by the documents; 32 hex digits in practice. */
export const isProjectId = (id: string): boolean => /^[A-Za-z0-9]{1,64}$/.test(id);

/**
 * Whether a text may be the name of a project: up to 64 characters. The first project of a region has the name of the
 * region; any other is `<region>_<name>`.
 *
 * @see IAM API reference, "Creating a Project"; it does not say which characters are allowed
 */
export const isProjectName = (name: string): boolean => /^\S(?:.{0,62}\S)?$/.test(name);
