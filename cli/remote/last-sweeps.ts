import type { CodeVersion } from '../../lib/base/code-version.ts';
import type { EndLine, LogLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import { pastOf, type RecordOwner } from '../../lib/sweep/past/from-lines.ts';
import { countKills } from '../../lib/sweep/past/past-sweeps.ts';
import { type Repeat, repeatsOf } from '../../lib/sweep/past/repeats.ts';

/** The result of a target's last sweep, by its log. */
export interface LastSweep {
  /** Null if there is no report, like all fields below that only a report holds. */
  sweepId: string | null;
  at: string;
  trigger: string;
  /** The ARN of the person who swept by hand; null for a function. */
  recordedBy: string | null;
  /** The status in its report, or `could not run`, or `not swept`. */
  status: string;
  dryRun: boolean | null;
  cancelled: number | null;
  /** Why there is no report; null if there is one. */
  error: string | null;
}

const DAY_MS = 86_400_000;

/** Counts the kills of 24 hours as the next sweep of a target does, without emergencies. @returns null if the log does not show them. */
export function killsInDay(owner: RecordOwner, lines: readonly LogLine[], now: number): number | null {
  try {
    return countKills(pastOf(owner, lines), { since: now - DAY_MS, isEmergency: false });
  } catch {
    return null;
  }
}

/** Returns what the sweeps of a target cancelled more than once in 24 hours. @returns null if the log does not show it. */
export function repeatsInDay(owner: RecordOwner, lines: readonly LogLine[], now: number): Repeat[] | null {
  try {
    return repeatsOf(pastOf(owner, lines), now);
  } catch {
    return null;
  }
}

export interface ScheduleStatus {
  lastTickAt: string | null;
  isAlive: boolean;
}

export function lastSweepOf(target: string, ends: readonly EndLine[]): LastSweep | null {
  const line = ends.findLast(({ fields }) => fields.target === target);
  if (line === undefined) return null;
  const { recordedBy = null } = line.fields;
  const frame = { at: new Date(line.at).toISOString(), trigger: triggerOf(line), recordedBy };
  const failed = { ...frame, sweepId: null, dryRun: null, cancelled: null };
  switch (line.msg) {
    case 'sweep finished': {
      const { sweepId, status, dryRun, counts } = line.fields;
      return {
        ...frame,
        sweepId: String(sweepId),
        status: String(status),
        dryRun: dryRun === true,
        cancelled: counts?.cancelled ?? null,
        error: null,
      };
    }
    case 'target not swept':
      return { ...failed, status: 'not swept', error: `not swept, ${line.fields.reason}` };
    case 'sweep could not run':
      return { ...failed, status: 'could not run', error: String(line.fields.error) };
    default:
      return line satisfies never;
  }
}

/** Returns the code of the function that swept last. A sweep by hand is by the code of a person's machine. */
export function codeOf(ends: readonly EndLine[]): CodeVersion | null {
  return ends.findLast(({ fields }) => fields.recordedBy === undefined)?.fields.code ?? null;
}

const triggerOf = ({ fields }: EndLine): string => fields.trigger ?? 'manual';

const MINUTE_MS = 60_000;
/** The period for functions of earlier versions, which do not log theirs. */
const USUAL_PERIOD_MINUTES = 60;

/** Says whether the schedule runs: its last tick is at most two periods old. The results of the sweeps do not matter. */
export function judgeSchedule(ends: readonly EndLine[], now: number): ScheduleStatus {
  const last = ends
    // Only a function ticks, and anyone may write to the record of sweeps by hand.
    .filter((line) => line.record !== 'by-hand' && triggerOf(line) === 'schedule')
    .toSorted((a, b) => a.at - b.at)
    .at(-1);
  if (last === undefined) return { lastTickAt: null, isAlive: false };
  const { periodMinutes = USUAL_PERIOD_MINUTES } = last.fields;
  return {
    lastTickAt: new Date(last.at).toISOString(),
    isAlive: now - last.at <= 2 * Number(periodMinutes) * MINUTE_MS,
  };
}
