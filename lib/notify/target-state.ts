import * as v from 'valibot';
import type { SweepStatus } from '../sweep/record/report.ts';

/** What the lines of the schedule said of a target, and what of it was sent. Times are epoch ms. */
export interface TargetState {
  /** The time of the newest line. */
  seenAt: number;
  /** What recipients take the target to be in: the last status that was sent, without single sweeps that say nothing of it. */
  last: SweepStatus | null;
  /** When each status was last sent. */
  sentAt: Partial<Record<SweepStatus, number>>;
  /** The sweeps that were stopped or failed, since the last message that said ok. */
  trouble: Trouble | null;
  /** The first line of the dry run that goes on; null in a live target. */
  dryRunSince: number | null;
}

/** The first and the last sweep of a trouble. */
export interface Trouble {
  firstAt: number;
  lastAt: number;
}

/** What a line says of its target. */
export interface StatusLine {
  status: SweepStatus;
  at: number;
  dryRun: boolean;
}

const HOUR_MS = 3_600_000;
/** The same status is not sent again within this time, so that a target that comes and goes sends two messages an hour at most. */
const REST_MS = HOUR_MS;
/** An hour less than a day, so that the message of a day does not come later each day. */
const DAILY_MS = 23 * HOUR_MS;
const FIRST_WEEK_MS = 7 * 24 * HOUR_MS;

export const UNSEEN_TARGET: TargetState = { seenAt: 0, last: null, sentAt: {}, trouble: null, dryRunSince: null };

const isTrouble = (status: SweepStatus): boolean => status === 'stopped' || status === 'failed';

/** Whether a stop or a failure was sent, and not yet its end. */
const isOpen = ({ last }: TargetState): boolean => last !== null && last !== 'ok';

/**
 * Returns whether the status of a line is to be sent. A stop or a failure is sent when it begins and once a day while it stands, and
 * its end is sent. A sweep that was capped or partial stands for itself. It is sent once a day, and when it follows a stop, since it
 * shows that sweeps run again.
 *
 * No status is sent twice within an hour. One that comes back sooner waits until the hour is over, and is sent then if it still
 * stands. So recipients know of any stop, failure or end that has stood for an hour.
 */
export function isNews(state: TargetState, { status, at }: StatusLine): boolean {
  if (at <= state.seenAt) return false;
  const agoMs = at - (state.sentAt[status] ?? Number.NEGATIVE_INFINITY);
  if (agoMs < REST_MS) return false;
  if (status === 'ok') return isOpen(state);
  if (agoMs >= DAILY_MS) return true;
  return isTrouble(status) ? state.last !== status : state.last === 'stopped';
}

/**
 * Returns the state after a line. A line that is older than the newest changes only what was sent, if it was.
 *
 * @param isSent whether its status was sent.
 */
export function afterLine(state: TargetState, line: StatusLine, isSent: boolean): TargetState {
  const next = line.at <= state.seenAt ? state : seen(state, line);
  if (!isSent) return next;
  const { status, at } = line;
  const sentAt = { ...next.sentAt, [status]: Math.max(at, next.sentAt[status] ?? at) };
  if (status === 'ok') return { ...next, last: status, sentAt, trouble: null };
  if (isTrouble(status)) return { ...next, last: status, sentAt, trouble: next.trouble ?? { firstAt: at, lastAt: at } };
  return { ...next, last: next.last === 'stopped' ? status : next.last, sentAt };
}

function seen(state: TargetState, { status, at, dryRun }: StatusLine): TargetState {
  const { trouble, dryRunSince } = state;
  return {
    ...state,
    seenAt: at,
    // An end that is not sent yet does not end the trouble, since recipients know nothing of it.
    trouble: isTrouble(status)
      ? { firstAt: trouble?.firstAt ?? at, lastAt: at }
      : isOpen(state) || status !== 'ok'
        ? trouble
        : null,
    dryRunSince: dryRun ? (dryRunSince ?? at) : endOf(status, dryRunSince),
  };
}

/** A live sweep ends a dry run. A sweep that could not run says that it failed, and does not know whether it would have been live. */
const endOf = (status: SweepStatus, dryRunSince: number | null): number | null =>
  status === 'failed' ? dryRunSince : null;

/** Returns whether the victims of a dry run are still to be sent: only in its first week, since they change little after it. */
export const isFirstWeek = ({ dryRunSince }: TargetState, { at }: Pick<StatusLine, 'at'>): boolean =>
  dryRunSince === null || at - dryRunSince < FIRST_WEEK_MS;

const time = v.pipe(v.number(), v.minValue(0));
const status = v.picklist(['ok', 'failed', 'partial', 'capped', 'stopped']);

const stateSchema: v.GenericSchema<unknown, TargetState> = v.object({
  seenAt: time,
  last: v.nullable(status),
  sentAt: v.record(status, time) as v.GenericSchema<unknown, TargetState['sentAt']>,
  trouble: v.nullable(v.object({ firstAt: time, lastAt: time })),
  dryRunSince: v.nullable(time),
});

/** Reads a state as it is kept. One that cannot be read counts as none: then some messages come once more. */
export function readState(text: string | undefined): TargetState {
  if (text === undefined) return UNSEEN_TARGET;
  try {
    return v.parse(stateSchema, JSON.parse(text));
  } catch {
    return UNSEEN_TARGET;
  }
}
