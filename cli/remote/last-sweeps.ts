import type { EndLine, LogLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import { countKills, pastOf, type RecordOwner } from '../../lib/sweep/past/past-sweeps.ts';

/** How the last sweep of a target went, as its log has it. */
export interface LastSweep {
  /** Null if it came to no report, like all that only a report tells. */
  sweepId: string | null;
  at: string;
  trigger: string;
  /** Of its report; or `could not run`, or `not swept`. */
  status: string;
  dryRun: boolean | null;
  cancelled: number | null;
  /** Why it came to no report. */
  error: string | null;
}

const DAY_MS = 86_400_000;

/** How many kills of 24 hours a sweep of a target would count, emergencies apart; null where the lines do not tell. */
export function killsInDay(owner: RecordOwner, lines: readonly LogLine[], now: number): number | null {
  try {
    return countKills(pastOf(owner, lines), { since: now - DAY_MS, isEmergency: false });
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
  const frame = { at: new Date(line.at).toISOString(), trigger: triggerOf(line) };
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

const triggerOf = ({ fields }: EndLine): string => fields.trigger ?? 'manual';

const MINUTE_MS = 60_000;
/** Of functions of an earlier version, which did not say. */
const USUAL_PERIOD_MINUTES = 60;

/** Alive if its last tick is no older than two of its periods; whether the sweeps then went well is another question. */
export function judgeSchedule(ends: readonly EndLine[], now: number): ScheduleStatus {
  const last = ends
    .filter((line) => triggerOf(line) === 'schedule')
    .toSorted((a, b) => a.at - b.at)
    .at(-1);
  if (last === undefined) return { lastTickAt: null, isAlive: false };
  const { periodMinutes = USUAL_PERIOD_MINUTES } = last.fields;
  return {
    lastTickAt: new Date(last.at).toISOString(),
    isAlive: now - last.at <= 2 * Number(periodMinutes) * MINUTE_MS,
  };
}
