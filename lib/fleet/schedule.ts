import { Cron } from 'croner';
import type { AnnouncedSince } from '../sweep/tell/calendar.ts';

interface Schedule {
  /** An expression of EventBridge Scheduler, such as `rate(15 minutes)` or `cron(0/15 7-19 ? * MON-FRI *)`. */
  expression: string;
  timeZone: string;
  /** The shortest time between two ticks. */
  periodMs: number;
}

/** Three ticks say the same, since some may be lost: after three lost ticks the alarm `targets-missed` goes off. */
const TICKS = 3;

/**
 * Returns the last three intervals between ticks, up to one that was due. A mark in any of them is announced, also after a pause of
 * the schedule: so the three ticks after a mark announce it, without any memory.
 */
export function announcedSince({ expression, timeZone, periodMs }: Schedule, dueAt: number): AnnouncedSince {
  const [, fields] = /^cron\((.*)\)$/.exec(expression) ?? [];
  const before = fields === undefined ? undefined : ticksBefore(fields, timeZone, dueAt);
  return { after: before?.at(TICKS - 1)?.getTime() ?? dueAt - TICKS * periodMs, upTo: dueAt };
}

/** Reads the fields as deploy/cadence.cjs does, which refuses what Scheduler refuses. */
function ticksBefore(fields: string, timezone: string, dueAt: number): Date[] {
  const options = { timezone, mode: '7-part', alternativeWeekdays: true, sloppyRanges: true } as const;
  return new Cron(`0-0 ${fields}`, options).previousRuns(TICKS, new Date(dueAt));
}
