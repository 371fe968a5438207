import type { JobLine, WrittenLine } from '../record/log-lines.ts';
import type { JobWarning } from '../record/report.ts';

/*
 * This folder reads what earlier sweeps did, from the lines they wrote to the log: there is no other memory. This file counts,
 * cloudwatch-log.ts fetches the lines, and read-record.ts loads that file only when it is needed.
 */

/** An earlier live sweep. */
export interface PastSweep {
  /** Epoch ms: its end. If it has not ended, the instant when its victims were chosen. */
  at: number;
  /** Undefined if the sweep has not ended and does not say. */
  isEmergency: boolean | undefined;
  /** False for a sweep that is under way, or that died. */
  isFinished: boolean;
  /** The number of jobs that it cancelled; of all that it chose, if it has not ended. */
  cancelled: number;
  /** Ids of jobs that were asked to stop and not seen to stop. They may have stopped since, and later sweeps may ask again. */
  unconfirmed: readonly string[];
  /** The number of further such jobs, whose ids are not known. */
  unconfirmedUnknown: number;
  /** The jobs that it was seen to cancel, as far as their lines are on record. */
  cancelledJobs: readonly PastJob[];
  /** The jobs that it said may be cancelled soon, as far as their lines are on record. */
  warned: readonly PastWarning[];
  /** Jobs that it said are in danger no more. */
  warningsOver: readonly WarningOver[];
  /** Null if it does not say, as is the project. */
  target: string | null;
  projectId: string | null;
  /** Ids of jobs that it chose to cancel. Each may have been asked to stop, and may end later for that reason. */
  chosen: readonly string[];
  /** Identifies its settings; null if it does not say. */
  settingsHash: string | null;
  /** Whether it asked a job to stop, and was not stopped before its end. */
  hasActed: boolean;
}

/** What a job of an earlier sweep was. Null is what is not known. */
export interface PastJob {
  jobId: string;
  engine: string | null;
  name: string | null;
  queue: string | null;
  owner: string | null;
  fingerprint: string | null;
}

/** A warning counts no more: the job no longer runs, or an exemption keeps it. */
interface WarningOver {
  jobId: string;
  /** Epoch ms. */
  at: number;
}

/** A job that an earlier sweep said may be cancelled soon. */
export interface PastWarning extends PastJob, JobWarning {
  /** Epoch ms. */
  at: number;
}

/**
 * Reads the live sweeps of a target, and of any other target on its project, from `since` to `until`, both epoch ms. `until` is
 * now by default. Without the project, a target that is new or renamed would have no past.
 *
 * @throws {SettingsError} if the record cannot be read.
 */
export type ReadRecord = (asked: {
  target: string;
  projectId: string;
  since: number;
  until?: number | undefined;
  signal: AbortSignal;
}) => Promise<PastSweep[]>;

/** The lines that make up the record. */
export const RECORD_LINES = [
  'victims chosen',
  'job cancelled',
  'job not seen to stop',
  'job may be cancelled',
  'warning over',
  'sweep finished',
] as const;

/** Whether two texts are the id of one job: DLI does not always write it in the same case. */
export const isSameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A line with its time in the log, epoch ms. */
export type RecordLine = WrittenLine & { at: number };

/** The owner of a past: a target, and any other on its project. Lines of an earlier version have no project. */
export interface RecordOwner {
  target: string;
  /** Undefined if it is not known. */
  projectId: string | undefined;
}

/** Returns the live sweeps of an owner, from the lines of a whole stage. @throws {Error} as {@link toPastSweeps}. */
export function pastOf({ target, projectId }: RecordOwner, lines: readonly RecordLine[]): PastSweep[] {
  const isOwn = ({ fields }: RecordLine) =>
    fields.target === target || (projectId !== undefined && fields.projectId === projectId);
  return toPastSweeps(lines.filter(isOwn));
}

/**
 * Returns the live sweeps that wrote these lines, in no order. Pure.
 *
 * @throws {Error} for a line without a field that it needs: what is missing may be what matters.
 */
export function toPastSweeps(lines: readonly RecordLine[]): PastSweep[] {
  // Lambda may deliver an event twice, with the same sweep id. One message may name several targets.
  const byRun = Map.groupBy(lines, ({ fields: { sweepId, awsRequestId, target } }) =>
    [sweepId, awsRequestId, target].join(' '),
  );
  return [...byRun.values()].flatMap((own) => toOwnSweeps(own));
}

/** Returns one sweep, or two if a message names a target twice. */
function toOwnSweeps(lines: readonly RecordLine[]): PastSweep[] {
  const ends = lines.filter((line) => line.msg === 'sweep finished');
  if (ends.length === 0) return toUnfinished(lines);
  return ends.flatMap((end) => toFinished(end, lines));
}

type Line<M extends RecordLine['msg']> = Extract<RecordLine, { msg: M }>;

function toFinished({ at, fields }: Line<'sweep finished'>, lines: readonly RecordLine[]): PastSweep[] {
  const { dryRun, trigger, stoppedBy, settingsHash } = fields;
  if (dryRun === true) return [];
  const { cancelled, alreadyTerminal, unconfirmed: unseen, failed } = { ...fields.counts };
  if (
    trigger === undefined ||
    !isCount(cancelled) ||
    !isCount(alreadyTerminal) ||
    !isCount(unseen) ||
    !isCount(failed)
  ) {
    throw new Error('the last line of a sweep in the log does not say what the sweep did');
  }
  const unconfirmed = new Set(
    lines.flatMap((line) => (line.msg === 'job not seen to stop' ? (line.fields.jobId ?? []) : [])),
  );
  return [
    {
      at,
      isEmergency: trigger === 'emergency',
      isFinished: true,
      cancelled,
      unconfirmed: [...unconfirmed],
      unconfirmedUnknown: Math.max(unseen - unconfirmed.size, 0),
      cancelledJobs: cancelledIn(lines),
      warned: warnedIn(lines),
      warningsOver: overIn(lines),
      target: fields.target ?? null,
      projectId: fields.projectId ?? null,
      chosen: idsOf(chosenLines(lines)),
      settingsHash: settingsHash ?? null,
      hasActed: cancelled + alreadyTerminal + unseen + failed > 0 && (stoppedBy ?? null) === null,
    },
  ];
}

const cancelledIn = (lines: readonly RecordLine[]): PastJob[] =>
  lines.flatMap((line) => (line.msg === 'job cancelled' ? toPastJob(line.fields) : []));

/** Each of these lines has its job and its warning. */
const warnedIn = (lines: readonly RecordLine[]): PastWarning[] =>
  lines.flatMap(({ at, msg, fields }) => {
    if (msg !== 'job may be cancelled' || fields.warning == null) return [];
    const { warning } = fields;
    return toPastJob(fields).map((job) => ({ ...job, ...warning, at }));
  });

const overIn = (lines: readonly RecordLine[]): WarningOver[] =>
  lines.flatMap(({ at, msg, fields }) =>
    msg === 'warning over' && fields.jobId !== undefined ? [{ jobId: fields.jobId, at }] : [],
  );

function toPastJob(fields: Partial<JobLine>): PastJob[] {
  const { jobId, engine = null, name = null, queue = null, owner = null, fingerprint = null } = fields;
  return jobId === undefined ? [] : [{ jobId, engine, name, queue, owner, fingerprint }];
}

const chosenLines = (lines: readonly RecordLine[]) =>
  lines.filter((line): line is Line<'victims chosen'> => line.msg === 'victims chosen' && line.fields.skipped === null);

const idsOf = (chosen: readonly Line<'victims chosen'>[]): string[] =>
  chosen.flatMap(({ fields: { victims = [] } }) => victims.map(({ jobId }) => jobId));

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** Takes all jobs that it chose for cancelled: they are, or may yet be. */
function toUnfinished(lines: readonly RecordLine[]): PastSweep[] {
  const chosen = chosenLines(lines);
  const [first] = chosen;
  if (first === undefined) return [];
  const { count, trigger } = first.fields;
  if (!isCount(count))
    throw new Error('the line of the log with the victims of a sweep does not say how many it chose');
  return [
    {
      at: first.at,
      isEmergency: trigger === undefined ? undefined : trigger === 'emergency',
      isFinished: false,
      cancelled: count,
      unconfirmed: [],
      unconfirmedUnknown: 0,
      cancelledJobs: cancelledIn(lines),
      warned: warnedIn(lines),
      warningsOver: overIn(lines),
      target: first.fields.target ?? null,
      projectId: first.fields.projectId ?? null,
      chosen: idsOf(chosen),
      settingsHash: null,
      hasActed: false,
    },
  ];
}

/** A Lambda runs for 15 minutes at most, so a sweep cancels nothing later. */
export const LONGEST_SWEEP_MS = 15 * 60_000;

/**
 * Returns how many jobs were cancelled after `since`, epoch ms, or may have been: an upper bound. A job that is asked again and
 * again and never seen to stop counts once.
 */
export function countKills(
  sweeps: readonly PastSweep[],
  { since, isEmergency }: { since: number; isEmergency: boolean },
): number {
  const counted = sweeps.filter((one) => {
    const isOfKind = one.isEmergency === undefined || one.isEmergency === isEmergency;
    return isOfKind && one.at + (one.isFinished ? 0 : LONGEST_SWEEP_MS) > since;
  });
  const unconfirmed = new Set(counted.flatMap((one) => one.unconfirmed));
  return counted.reduce((sum, one) => sum + one.cancelled + one.unconfirmedUnknown, unconfirmed.size);
}

/** Whether a sweep with the same settings asked jobs to stop, and came to its end. */
export function hasActedBy(sweeps: readonly PastSweep[], settingsHash: string): boolean {
  return sweeps.some((one) => one.hasActed && one.settingsHash === settingsHash);
}
