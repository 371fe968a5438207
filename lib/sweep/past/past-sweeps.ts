import type { WrittenLine } from '../record/log-lines.ts';

/*
 * What the sweeps of a target have done before, as their log has it. It is the only memory that there is, so a brake that
 * counts over several sweeps counts here.
 */

/** One live sweep of the past. */
export interface PastSweep {
  /** Epoch ms: its end; of one that has not ended, when its victims were chosen. */
  at: number;
  /** Undefined for a sweep that has not ended and does not say. */
  isEmergency: boolean | undefined;
  /** False for one that is under way, or that died. */
  isFinished: boolean;
  /** Jobs that it cancelled; all that it chose, if it has not ended. */
  cancelled: number;
  /** Jobs that were asked to stop and not seen to, by id. They may have stopped since, and may be asked by each sweep. */
  unconfirmed: readonly string[];
  /** More of these, whose ids are not known. */
  unconfirmedUnknown: number;
  /** Jobs that it chose to cancel, by id: each may have been asked to stop, and may end by that later. */
  chosen: readonly string[];
  /** By what it went; null where it does not say. */
  settingsHash: string | null;
  /** Whether it asked any job to stop, and was not stopped before its end. */
  hasActed: boolean;
}

/**
 * The live sweeps of a target, and of any other on its project, from `since` to `until`, which is now by default, both epoch
 * ms. A target that is new, or has another name, would begin without a past otherwise.
 *
 * @throws {SettingsError} if that cannot be known.
 */
export type ReadRecord = (asked: {
  target: string;
  projectId: string;
  since: number;
  until?: number | undefined;
  signal: AbortSignal;
}) => Promise<PastSweep[]>;

/** The lines that the record is made of. */
export const RECORD_LINES = ['victims chosen', 'job not seen to stop', 'sweep finished'] as const;

/** A line with the time, epoch ms, at which the log has it. */
export type RecordLine = WrittenLine & { at: number };

/** Whose past it is: that of a target, and of any other on its project. Lines of an earlier version tell no project. */
export interface RecordOwner {
  target: string;
  /** Undefined if it is not known. */
  projectId: string | undefined;
}

/** The live sweeps of an owner, of the lines of a whole stage. @throws {Error} as {@link toPastSweeps}. */
export function pastOf({ target, projectId }: RecordOwner, lines: readonly RecordLine[]): PastSweep[] {
  const isOwn = ({ fields }: RecordLine) =>
    fields.target === target || (projectId !== undefined && fields.projectId === projectId);
  return toPastSweeps(lines.filter(isOwn));
}

/**
 * The live sweeps that lines tell of, in no order. Pure.
 *
 * @throws {Error} for a line that does not tell what it should: what it leaves out may be what matters.
 */
export function toPastSweeps(lines: readonly RecordLine[]): PastSweep[] {
  // Lambda may deliver an event twice, and both carry its sweep id. One message may name several targets.
  const byRun = Map.groupBy(lines, ({ fields: { sweepId, awsRequestId, target } }) =>
    [sweepId, awsRequestId, target].join(' '),
  );
  return [...byRun.values()].flatMap((own) => toOwnSweeps(own));
}

/** One sweep, unless a message names a target twice. */
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
    throw new Error('the end of a sweep in its log does not tell what it did');
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
      chosen: idsOf(chosenLines(lines)),
      settingsHash: settingsHash ?? null,
      hasActed: cancelled + alreadyTerminal + unseen + failed > 0 && (stoppedBy ?? null) === null,
    },
  ];
}

const chosenLines = (lines: readonly RecordLine[]) =>
  lines.filter((line): line is Line<'victims chosen'> => line.msg === 'victims chosen' && line.fields.skipped === null);

const idsOf = (chosen: readonly Line<'victims chosen'>[]): string[] =>
  chosen.flatMap(({ fields: { victims = [] } }) => victims.map(({ jobId }) => jobId));

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** All that it chose may be cancelled, or may yet be. */
function toUnfinished(lines: readonly RecordLine[]): PastSweep[] {
  const chosen = chosenLines(lines);
  const [first] = chosen;
  if (first === undefined) return [];
  const { count, trigger } = first.fields;
  if (!isCount(count)) throw new Error('the choice of a sweep in its log does not tell how many it chose');
  return [
    {
      at: first.at,
      isEmergency: trigger === undefined ? undefined : trigger === 'emergency',
      isFinished: false,
      cancelled: count,
      unconfirmed: [],
      unconfirmedUnknown: 0,
      chosen: idsOf(chosen),
      settingsHash: null,
      hasActed: false,
    },
  ];
}

/** A sweep is a Lambda's 15 minutes at most, so what it chose is cancelled no later. */
export const LONGEST_SWEEP_MS = 15 * 60_000;

/**
 * How many jobs were cancelled after `since`, epoch ms, or may have been: an upper bound. A job that is asked again and again
 * and never seen to stop counts once.
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

/** Whether a sweep that went by the same settings asked jobs to stop, and came to its end. */
export function hasActedBy(sweeps: readonly PastSweep[], settingsHash: string): boolean {
  return sweeps.some((one) => one.hasActed && one.settingsHash === settingsHash);
}
