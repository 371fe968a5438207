import { createLog, type Log } from '../../base/log.ts';
import type { DliCallEvent } from '../../dli/connection.ts';
import { describeError } from '../../dli/errors.ts';
import type { LimitName } from '../../policy/clocks.ts';
import type { LoggedExplanation } from './explanation.ts';
import type { SkipReason } from './outcome.ts';
import type { JobReport, SweepReport, SweptProject } from './report.ts';

/*
 * The log is the memory of the deployed functions: `status`, `doctor`, `--remote`, the saved queries and the dashboard
 * read it again. This is the contract between those that write a line and those that read it.
 */

/** Each line by its `msg`, with its fields. */
export interface LogLines {
  /** Before the first cancel, a hundred victims a line; `count` is of all. */
  'victims chosen': { count: number; skipped: SkipReason | null; victims: ChosenVictim[] };
  'job cancelled': JobLine;
  'job already terminal': JobLine;
  'job not seen to stop': JobLine;
  'job not cancelled': JobLine;
  'job not asked to stop': JobLine;
  'job overdue': JobLine;
  'job kept': JobLine;
  notice: { notice: string };
  /** The last line of a sweep. `jobsLogged` lines of jobs, above debug, belong to it. */
  'sweep finished': Summary & { jobsLogged: number };
  /** `target` is missing where the event itself could not be understood. */
  'sweep could not run': { target?: string; error: string };
  'target not swept': { target: string; reason: NotSwept };
  'switch unreadable': { parameter: string; error: string };
  'dli call failed': Plain<Omit<DliCallEvent, 'error'>> & { error: string };

  'dispatch finished': Plain<DispatchSummary> & { trigger: string };
  'dispatch could not run': { error: string };
  'tick dropped': { dispatchId: string; ageMs: number; periodMs: number };
  'no targets': { dispatchId: string; error: string };
  'target unreadable': { dispatchId: string; target: string; error: string };
  /** One that can be read, and must not be swept: another target is on its project. */
  'target not sent': { dispatchId: string; target: string; error: string };
  'message not sent': { dispatchId: string; credentials: string; targets: readonly string[] };
}

export type LineName = keyof LogLines;
export type SweepLog = Log<LogLines>;

export const silentLog: SweepLog = createLog(() => {});

/** A line as it is read again. Everything may be missing, since functions of another version may have written it. */
export type WrittenLine = {
  [M in LineName]: { msg: M; fields: Partial<LineFrame & LineContext & LogLines[M]> };
}[LineName];

/** What every line of a sweep, or of the message that it belongs to, has besides. */
export interface LineContext {
  sweepId?: string;
  target?: string;
  /** Of the project that is swept, once the target has been read. */
  region?: string | null;
  projectId?: string;
  /** By IAM or by the settings: the report's `project` says which. */
  projectName?: string | null;
  /** What started it: the request on the lines of a sweep, the message on all other lines. */
  trigger?: string;
  /** These come with a message from the queue. */
  dispatchId?: string;
  credentials?: string;
}

/** The project that a sweep goes to, as fields of its lines. */
export type ProjectFields = Required<Pick<LineContext, 'region' | 'projectId' | 'projectName'>>;

export function projectFields({ region, id, name }: SweptProject): ProjectFields {
  return { region, projectId: id, projectName: name };
}

/** The text of a line's `error` field: the name of the error, its message, and what to do about it. */
export function errorField(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${describeError(error)}` : describeError(error);
}

/** What every line of the deployed functions begins with. */
export interface LineFrame {
  level: string;
  msg: string;
  /** ISO 8601, UTC. */
  time: string;
  stage: string;
  /** The period of the schedule, so that a reader can tell whether it is late. */
  periodMinutes: number;
  awsRequestId: string | undefined;
}

/** What a line has around the report that it is a part of. */
export const AROUND_SUMMARY = [
  'level',
  'msg',
  'time',
  'stage',
  'periodMinutes',
  'awsRequestId',
  'dispatchId',
  'credentials',
  'region',
  'projectId',
  'projectName',
  'jobsLogged',
] as const satisfies (keyof (LineFrame & LineContext & LogLines['sweep finished']))[];
export const AROUND_JOB = [...AROUND_SUMMARY, 'sweepId', 'target', 'trigger', 'why'] as const;

/** The lines of jobs, one for each outcome and decision. */
export const JOB_LINES = [
  'job cancelled',
  'job already terminal',
  'job not seen to stop',
  'job not cancelled',
  'job not asked to stop',
  'job overdue',
  'job kept',
] as const satisfies LineName[];
export type JobLineName = (typeof JOB_LINES)[number];

/** Each target that is swept ends with one of these lines. */
export const ENDS = ['sweep finished', 'sweep could not run', 'target not swept'] as const satisfies LineName[];

/** What a job's line says beside its report. */
export type JobLine = Plain<JobReport> & { why?: LoggedExplanation | undefined };

/** Its lists may be cut short, which is then one of its notices: a line has room for 256 KB. */
export type Summary = Plain<Omit<SweepReport, 'jobs'>>;

export interface ChosenVictim {
  jobId: string;
  queue: string | undefined;
  owner: string | undefined;
  rule: string;
  clock: LimitName;
  limitMs: number;
  readingMs: number | undefined;
}

/** `stale` for a tick that is older than a period; `expired` for anything else that was asked for too long ago. */
export type NotSwept = 'credential-refused' | 'deadline' | 'stale' | 'expired';

/** What a dispatch came to; `dispatchId` is on every line that the sweeps write. */
export interface DispatchSummary {
  dispatchId: string;
  /** Targets that were asked for. */
  expected: number;
  /** Of these, the ones that are on the queue now. */
  sent: number;
  credentials: number;
  messages: number;
  dropped: boolean;
}

/** The same fields, without the name of the interface. */
type Plain<T> = { [K in keyof T]: T[K] };
