import { Cron } from 'croner';

/** Whole days in the calendar of a time zone, month after month. docs/decisions/0005-recurring-freezes.md says why croner. */
export interface Recurrence {
  holdsAt: (now: number) => boolean;
  /** Epoch ms: the end of the days that have begun at this instant; infinite if they never end. */
  endOf: (now: number) => number;
  /** Epoch ms: the beginning of the next such day; infinite if there is none. */
  nextAfter: (now: number) => number;
}

export interface RecurrenceFields {
  /** Days of the month, 1 to 31, or -1 to -28 from its end; by default every day. */
  days?: readonly number[] | undefined;
  /** 1 to 12; by default every month. */
  months?: readonly number[] | undefined;
  /** Its name in the IANA database. */
  timeZone: string;
}

/** More days than a year has. Days that go on for so long never end. */
const MOST_DAYS = 400;

/**
 * A day begins at its midnight in the time zone or, if the clock skips midnight, at its first moment.
 *
 * @param fields checked already.
 */
export function createRecurrence({ days, months, timeZone }: RecurrenceFields): Recurrence {
  const inMonths = months === undefined ? '*' : months.join(',');
  const cron = (time: string, dayOfMonth: string, month: string) =>
    new Cron(`${time} ${dayOfMonth} ${month} *`, { timezone: timeZone, mode: '6-part' });
  const fromStart = days === undefined ? '*' : days.filter((day) => day > 0).join(',');
  /** Days before the last day of the month; all of them are in the same month. */
  const beforeLast = (days ?? []).filter((day) => day < 0).map((day) => -day - 1);
  const anyTime = {
    fromStart: fromStart === '' ? undefined : cron('* * *', fromStart, inMonths),
    last: cron('* * *', 'L', inMonths),
  };
  const midnight = {
    fromStart: fromStart === '' ? undefined : cron('0 0 0', fromStart, inMonths),
    last: cron('0 0 0', 'L', inMonths),
    every: cron('0 0 0', '*', '*'),
  };

  /** The midnight at which that many more days have begun. croner's own dayOffset counts 24 hours for each day. */
  const midnightAhead = (at: Date, count: number) =>
    count === 0 ? at : (midnight.every.nextRuns(count, at).at(-1) ?? at);
  const midnightBefore = (at: Date, count: number) =>
    count === 0 ? at : (midnight.every.previousRuns(count, at).at(-1) ?? at);

  const isOn = (at: Date): boolean =>
    anyTime.fromStart?.match(at) === true || beforeLast.some((count) => anyTime.last.match(midnightAhead(at, count)));

  return {
    holdsAt: (now) => isOn(new Date(now)),
    endOf: (now) => {
      let at: Date | null = new Date(now);
      for (let day = 0; day < MOST_DAYS && at !== null; day++) {
        at = midnight.every.nextRun(at);
        if (at !== null && !isOn(at)) return at.getTime();
      }
      return Number.POSITIVE_INFINITY;
    },
    nextAfter: (now) => {
      const after = new Date(now);
      const starts = [
        midnight.fromStart?.nextRun(after) ?? undefined,
        // Two months, since in the first one the day may be over already.
        ...midnight.last.nextRuns(2, after).flatMap((last) => beforeLast.map((count) => midnightBefore(last, count))),
      ];
      const ahead = starts.flatMap((at) => (at !== undefined && at > after ? [at.getTime()] : []));
      return Math.min(...ahead);
    },
  };
}
