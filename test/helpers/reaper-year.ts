import { metricsOf } from '../../lib/sweep/record/metrics.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import type { MetricData } from './cloudwatch.ts';
import { MINUTE } from './world.ts';

/*
 * A year of a deployed reaper as CloudWatch sees it: the data of each tick of the schedule, by the minute.
 */

/** The first day of the year, a Thursday. */
export const NEW_YEAR = Date.UTC(2026, 0, 1);
export const YEAR_MINUTES = 365 * 24 * 60;
const TARGETS = 3;

export const minuteOf = (time: string): number => (Date.parse(time) - NEW_YEAR) / MINUTE;

/** The ticks of a rate: one at once, and then one each period. */
export function everyMinutes(minutes: number): number[] {
  return Array.from({ length: Math.ceil(YEAR_MINUTES / minutes) }, (_, i) => i * minutes);
}

interface WallClock {
  weekday: string;
  hour: number;
  minute: number;
}

/**
 * Quarters of an hour by the clock of a time zone. As in Scheduler, a time that comes twice in autumn ticks once, and a time
 * that the clock leaves out in spring does not tick.
 */
export function quartersWhere(timeZone: string, isDue: (clock: WallClock) => boolean): number[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const seen = new Set<string>();
  return everyMinutes(15).filter((minute) => {
    const parts = format.formatToParts(NEW_YEAR + minute * MINUTE);
    const read = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
    const wall = ['month', 'day', 'hour', 'minute'].map(read).join(' ');
    if (seen.has(wall)) return false;
    seen.add(wall);
    return isDue({ weekday: read('weekday'), hour: Number(read('hour')), minute: Number(read('minute')) });
  });
}

/** The effects of a tick. */
export interface Tick {
  /** Scheduler's attempts to start the dispatch. */
  attempts: number;
  dispatch: 'done' | 'stale' | 'failed' | 'not-started';
  expected: number;
  swept: number;
  /** Messages of the queue that were older than a period. */
  droppedMessages: number;
  /** Sweeps and dispatches without a report. */
  exceptions: number;
  /** Report of the sweeps that made one. */
  report: Partial<SweepReport>;
  isStoppedByHand: boolean;
  /** How long a sweep takes. */
  sweepMinutes: number;
  /** Failed invocations of `notify`. */
  notifyErrors: number;
}

/** The fields of a good sweep's report that the metrics use. */
export const GOOD_REPORT = {
  status: 'ok',
  dryRun: false,
  jobs: [],
  counts: {
    seen: 9,
    overdue: 2,
    toCancel: 2,
    cancelled: 2,
    alreadyTerminal: 0,
    unconfirmed: 0,
    failed: 0,
    skipped: {},
  },
  apiCalls: { list: 3, status: 2, cancel: 2, retries: 0, throttled: 0, again: 0 },
} as unknown as SweepReport;

/** A job that is still alive a day after its limit. */
export const oldJob = (fields: Partial<JobReport>): JobReport =>
  ({ decision: 'cancel', outcome: 'unconfirmed', overLimitMs: 24 * 60 * MINUTE, ...fields }) as JobReport;

export interface Outage {
  name: string;
  /** ISO 8601. */
  from: string;
  until: string;
  /** Differences of each tick that is due in this time. */
  tick: Partial<Tick>;
  /** The queue in which a message waits during this time. */
  waitsIn?: 'EmergencyQueue' | 'EmergencyDeadLetterQueue' | 'SweepDeadLetterQueue' | 'DeadLetterQueue';
  /** The alarms that go off, by the last part of their names. */
  raises: string[];
}

interface YearOptions {
  /** Minutes at which the schedule ticks. */
  ticks: readonly number[];
  periodMinutes: number;
  outages?: readonly Outage[];
  random: () => number;
}

/** Writes what the functions, Scheduler and SQS write in a year. */
export function writeYear(data: MetricData, { ticks, periodMinutes, outages = [], random }: YearOptions): void {
  const spans = outages.map((outage) => ({
    tick: outage.tick,
    from: minuteOf(outage.from),
    until: minuteOf(outage.until),
  }));
  for (const minute of ticks) {
    // Most sweeps are quick, and some take long.
    const longest = Math.min(13, periodMinutes * 0.8);
    const sweepMinutes = random() < 0.9 ? random() * Math.min(2, longest) : random() * longest;
    const outage = spans.find(({ from, until }) => minute >= from && minute < until);
    const tick: Tick = {
      attempts: 1,
      dispatch: 'done',
      expected: TARGETS,
      swept: TARGETS,
      droppedMessages: 0,
      exceptions: 0,
      report: {},
      isStoppedByHand: false,
      sweepMinutes,
      // Now and then a webhook is busy for a moment.
      notifyErrors: minute % 997 === 0 ? 1 : 0,
      ...outage?.tick,
    };
    writeTick(data, tick, { minute, periodMinutes, random });
  }
  for (const { from, until, waitsIn } of outages) {
    if (waitsIn === undefined) continue;
    for (let minute = minuteOf(from); minute < minuteOf(until); minute++) {
      data.put(`ApproximateNumberOfMessagesVisible ${waitsIn}`, minute, 1);
      data.put(`ApproximateAgeOfOldestMessage ${waitsIn}`, minute, 60 * (minute - minuteOf(from)));
    }
  }
}

function writeTick(
  data: MetricData,
  tick: Tick,
  { minute, periodMinutes, random }: { minute: number; periodMinutes: number; random: () => number },
): void {
  const write = (at: number, values: Record<string, number>, writtenAt = at) => {
    for (const name in values) data.put(name, Math.floor(at), values[name] ?? 0, Math.floor(writtenAt));
  };
  for (let i = 0; i < tick.attempts; i++) write(minute, { 'InvocationAttemptCount ScheduleGroup': 1 });

  const dispatchedAt = minute + random();
  if (tick.exceptions > 0) write(dispatchedAt, { PolicyException: tick.exceptions });
  if (tick.dispatch === 'stale') write(dispatchedAt, { TicksDropped: 1 });
  if (tick.dispatch !== 'done') return;
  // These two have the time of the tick.
  write(minute, { TargetsExpected: tick.expected }, dispatchedAt);
  const metrics = metricsOf(
    { ...GOOD_REPORT, ...tick.report },
    { periodMs: periodMinutes * MINUTE, isStoppedByHand: tick.isStoppedByHand },
  );
  if (tick.notifyErrors > 0) write(dispatchedAt, { 'Errors NotifyLambdaFunction': tick.notifyErrors });
  for (let i = 0; i < tick.droppedMessages; i++) write(dispatchedAt, { TicksDropped: 1 });
  for (let i = 0; i < tick.swept; i++) {
    const endedAt = dispatchedAt + random() + tick.sweepMinutes;
    write(minute, { TargetsSwept: 1 }, endedAt);
    // The other targets' reports would say the same.
    if (i > 0) continue;
    write(endedAt, metrics);
    write(endedAt, { 'Duration SweepLambdaFunction': tick.sweepMinutes * MINUTE });
  }
}
