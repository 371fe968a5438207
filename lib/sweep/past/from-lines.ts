import type { JobLine, WrittenLine } from '../record/log-lines.ts';
import type { PastJob, PastSweep, PastWarning, WarningOver } from './past-sweeps.ts';

/*
 * What earlier sweeps did, by the lines that they wrote. Most sweeps read no record, so this is apart from past-sweeps.ts, which the
 * function loads at its start.
 */

/** The lines that make up the record. */
export const RECORD_LINES = [
  'victims chosen',
  'job cancelled',
  'job not seen to stop',
  'job may be cancelled',
  'warning over',
  'sweep finished',
] as const;

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
