import type { LogLine } from './sweep-log.ts';

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

export interface ScheduleStatus {
  lastTickAt: string | null;
  isAlive: boolean;
}

/** Each target that is swept ends with one of these lines. @see functions/sweep.ts and lib/sweep-group.ts */
export const ENDS = ['sweep finished', 'sweep could not run', 'target not swept'];

export function lastSweepOf(target: string, ends: readonly LogLine[]): LastSweep | null {
  const line = ends.findLast(({ fields }) => fields.target === target);
  if (line === undefined) return null;
  const { msg, fields } = line;
  const frame = { at: new Date(line.at).toISOString(), trigger: triggerOf(line) };
  if (msg !== 'sweep finished') {
    const error = msg === 'target not swept' ? `not swept, ${String(fields.reason)}` : String(fields.error);
    const status = msg === 'target not swept' ? 'not swept' : 'could not run';
    return { ...frame, sweepId: null, status, dryRun: null, cancelled: null, error };
  }
  const { sweepId, status, dryRun, counts } = fields;
  const cancelled = (counts as { cancelled?: unknown } | undefined)?.cancelled;
  return {
    ...{ ...frame, sweepId: String(sweepId), status: String(status), dryRun: dryRun === true },
    ...{ cancelled: typeof cancelled === 'number' ? cancelled : null, error: null },
  };
}

/** A sweep that came to no report tells only whose message it was. */
function triggerOf({ fields: { trigger, dispatchId } }: Pick<LogLine, 'fields'>): string {
  if (typeof trigger === 'string') return trigger;
  return typeof dispatchId === 'string' && dispatchId.startsWith('tick-') ? 'schedule' : 'manual';
}

const MINUTE_MS = 60_000;
/** Of functions of an earlier version, which did not say. */
const USUAL_PERIOD_MINUTES = 60;

/** Alive if its last tick is no older than two of its periods; whether the sweeps then went well is another question. */
export function judgeSchedule(ends: readonly Pick<LogLine, 'at' | 'fields'>[], now: number): ScheduleStatus {
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
