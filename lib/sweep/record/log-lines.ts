import type { CodeVersion } from '../../base/code-version.ts';
import { createLog, type Log } from '../../base/log.ts';
import { describeError } from '../../dli/advice.ts';
import type { DliCallEvent } from '../../dli/exchange.ts';
import type { LimitName } from '../../policy/clocks.ts';
import type { Message } from './message.ts';
import type { SkipReason } from './outcome.ts';
import type { JobReport, SweepReport, SweptProject } from './report.ts';

/*
 * The log is the memory of the reaper. The deployed functions write it, and so does a live sweep by hand, into a log group of its
 * own. `status`, `doctor`, `why`, `--remote`, the saved queries and the dashboard read it.
 * This is the contract between what writes a line and what reads it.
 */

/** Each line by its `msg`, with its fields. */
export interface LogLines {
  /** The first line of a live sweep by hand, before the person is asked. `count` is null if the victims are not known yet. */
  'sweep by hand': { targets: readonly string[]; count: number | null; requestReason: string | null };
  /** The person did not confirm it, so nothing was cancelled. */
  'sweep by hand given up': { targets: readonly string[] };
  /** Written before the first cancel, with a hundred victims a line. `count` is the number of all. */
  'victims chosen': { count: number; skipped: SkipReason | null; victims: ChosenVictim[] };
  'job cancelled': JobLine;
  'job already terminal': JobLine;
  'job not seen to stop': JobLine;
  'job not cancelled': JobLine;
  'job not asked to stop': JobLine;
  'job overdue': JobLine;
  /** Soon, or it was not warned of long enough. */
  'job may be cancelled': JobLine;
  /** A line of level debug if the job is within its limits. */
  'job kept': JobLine;
  /** A job that was warned of is in danger no more. */
  'warning over': { jobId: string; because: 'ended' | 'kept' };
  /** A line of level debug, because the summary has the notices too. */
  notice: { notice: string };
  /** What the function `notify` is to send, to one recipient. */
  message: Plain<Message>;
  /** The last line of a sweep. `jobsLogged` is the number of its lines of jobs, without those of level debug. */
  'sweep finished': Summary & { jobsLogged: number };
  /** `target` is there for a target of a message. */
  'sweep could not run': { target?: string; error: string };
  'target not swept': { target: string; reason: NotSwept };
  'switch unreadable': { parameter: string; error: string };
  'dli call failed': Plain<Omit<DliCallEvent, 'error'>> & { error: string };

  'dispatch finished': Plain<DispatchSummary> & { trigger: string };
  'dispatch could not run': { error: string };
  'tick dropped': { dispatchId: string; ageMs: number; periodMs: number };
  'no targets': { dispatchId: string; error: string };
  'target unreadable': { dispatchId: string; target: string; error: string };
  /** The target can be read, but another target is on its project. */
  'target not sent': { dispatchId: string; target: string; error: string };
  'message not sent': { dispatchId: string; credentials: string; targets: readonly string[] };

  /** `parameter` is the route. `jobs` is the number of jobs in it. */
  'message published': { parameter: string; to: Message['to']; target: string; jobs: number };
  /** `parameter` is the fallback that takes it; null if the stage has no route at all, so it goes nowhere. */
  'message without route': { parameter: string | null; to: Message['to']; owner: string | null; target: string };
  'message not published': { parameter: string; to: Message['to']; target: string; error: string };
  'events published': { events: number };
  /** `error` is the same for all of them. */
  'events not published': { events: number; error: string };
  /** `lines` is the number of lines that are not for `notify`, or of another version of it. */
  'lines skipped': { lines: number; reason: string };
  'route unreadable': { parameter: string; error: string };
}

export type LineName = keyof LogLines;
export type SweepLog = Log<LogLines>;

export const silentLog: SweepLog = createLog(() => {});

/** A line as it is read again. Any field may be missing, since functions of another version may have written it. */
export type WrittenLine = {
  [M in LineName]: { msg: M; fields: Partial<LineFrame & LineContext & LogLines[M]> };
}[LineName];

/** Further fields of every line of a sweep, or of the message that it belongs to. */
export interface LineContext {
  sweepId?: string;
  target?: string;
  /** The project that is swept, once the target has been read. */
  region?: string | null;
  projectId?: string;
  /** IAM's name, or that of the settings: the report's `project` says which. */
  projectName?: string | null;
  /** What started it: the request on the lines of a sweep, the message on all other lines. */
  trigger?: string;
  /** These come with a message from the queue. */
  dispatchId?: string;
  credentials?: string;
  /** Who swept by hand, as AWS names them. Lines of a function have none. */
  recordedBy?: string;
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

/** The first fields of every line of the deployed functions. */
export interface LineFrame {
  level: string;
  msg: string;
  /**
   * ISO 8601, UTC. Lambda's JSON format takes the time of a line from this name, and the level of a line without it is INFO.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
   */
  timestamp: string;
  stage: string;
  /** The period of the schedule, so that a reader can tell whether it is late. */
  periodMinutes: number;
  awsRequestId: string | undefined;
  /** Only on the {@link LAST_LINES}. Lines of earlier versions have none. */
  code?: CodeVersion | undefined;
}

type AroundSummary = Exclude<keyof (LineFrame & LineContext & LogLines['sweep finished']), keyof SweepReport>;

const AROUND: Record<AroundSummary, true> = {
  level: true,
  msg: true,
  timestamp: true,
  stage: true,
  periodMinutes: true,
  awsRequestId: true,
  code: true,
  dispatchId: true,
  credentials: true,
  recordedBy: true,
  region: true,
  projectId: true,
  projectName: true,
  jobsLogged: true,
};

/** The fields of a line that are no part of the report. Lines of earlier versions have `time` in place of `timestamp`. */
export const AROUND_SUMMARY = [...Object.keys(AROUND), 'time'];
export const AROUND_JOB = [...AROUND_SUMMARY, 'sweepId', 'target', 'trigger', 'why'];

/** The lines of jobs, one for each outcome and decision. */
export const JOB_LINES = [
  'job cancelled',
  'job already terminal',
  'job not seen to stop',
  'job not cancelled',
  'job not asked to stop',
  'job overdue',
  'job may be cancelled',
  'job kept',
] as const satisfies LineName[];
export type JobLineName = (typeof JOB_LINES)[number];

/** Each target that is swept ends with one of these lines. */
export const ENDS = ['sweep finished', 'sweep could not run', 'target not swept'] as const satisfies LineName[];

/** The last line of a sweep or a dispatch, which says by which code it was. */
export const LAST_LINES: ReadonlySet<string> = new Set<LineName>([
  ...ENDS,
  'dispatch finished',
  'dispatch could not run',
]);

/**
 * The report of a job, and why it was decided so: a `LoggedExplanation` as JSON text. Logs Insights can search and show a text. It
 * would flatten an object, and finds no more than 200 fields in a line. Lines of earlier versions have the object itself.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
 */
export type JobLine = Plain<JobReport> & { why?: string };

/** The report without its jobs. Long lists are cut, and a notice says so: a line has room for 256 KB. */
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

/** Why a target was not swept. `stale` is a tick that is older than a period, `expired` any other request that is too old. */
export type NotSwept = 'credential-refused' | 'deadline' | 'stale' | 'expired';

/** The result of a dispatch. `dispatchId` is on every line that its sweeps write. */
export interface DispatchSummary {
  dispatchId: string;
  /** The number of targets that were asked for. */
  expected: number;
  /** The number of those that are on the queue now. */
  sent: number;
  credentials: number;
  messages: number;
  dropped: boolean;
}

/** The same fields as a type without a name, which a line of a log needs. */
type Plain<T> = { [K in keyof T]: T[K] };
