// How often a schedule ticks and how long it pauses. EventBridge Scheduler defines its expression:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
const { Cron } = require('croner');

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNITS_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** A year and a month from a fixed day, so that two packages of the same project are the same. */
const FROM = new Date(Date.UTC(2026, 0, 7));
const UNTIL = new Date(FROM.getTime() + 400 * DAY_MS);
const FORMS = 'expected a rate such as rate(15 minutes), or six fields such as cron(0/15 7-19 ? * MON-FRI *)';

/**
 * @returns the shortest and the longest time between two ticks.
 * @throws {Error} for an expression that Scheduler would refuse, or that ends or never ticks.
 */
module.exports = function cadenceOf(expression, timeZone) {
  assertTimeZone(timeZone);
  const [, value, unit] = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit !== undefined) {
    const periodMs = value * UNITS_MS[unit];
    // Scheduler's days are days of the time zone's clock, and one of them has 25 hours.
    return { periodMs, longestPauseMs: periodMs + (unit === 'day' ? longestClockChange(timeZone) : 0) };
  }

  const [, fields] = /^cron\((.*)\)$/.exec(expression) ?? [];
  if (fields === undefined) throw new Error(FORMS);
  assertFields(fields);
  const byTheClock = readCron(fields, 'UTC');
  const gapsMs = gapsOf(byTheClock.nextRuns(500, FROM));
  if (gapsMs.length === 0) throw new Error('this cron expression never ticks');
  const longestMs = longestPause(byTheClock, Math.max(...gapsMs));
  const changeMs = longestClockChange(timeZone);
  return {
    periodMs: Math.min(...gapsMs),
    // In autumn an hour comes twice, but its ticks come only once. In spring an hour is missing, and so are its ticks.
    longestPauseMs: changeMs === 0 ? longestMs : longestPause(readCron(fields, timeZone), longestMs + changeMs),
  };
};

function assertTimeZone(timeZone) {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new Error(`the time zone ${timeZone} is not known; expected a name such as Europe/Berlin`);
  }
}

/** Refuses what Scheduler refuses but croner accepts. */
function assertFields(fields) {
  const [, , dayOfMonth, , dayOfWeek, year, ...more] = fields.split(' ');
  if (year === undefined || more.length > 0) throw new Error(FORMS);
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new Error('expected a question mark as the day of the month or as the day of the week, but not as both');
  }
  if (year !== '*') throw new Error('expected * as the year: no alarm can watch a schedule that ends');
}

function readCron(fields, timezone) {
  const options = { timezone, mode: '7-part', alternativeWeekdays: true, sloppyRanges: true };
  // A range of seconds. If each field is a single value, croner adds a tick for a time that the clock leaves out.
  return new Cron(`0-0 ${fields}`, options);
}

function gapsOf(runs) {
  return runs.slice(1).map((run, i) => run - runs[i]);
}

/** @param knownMs a pause that is known to exist. A pause of less than an hour repeats each hour, so it is always known. */
function longestPause(cron, knownMs) {
  let longestMs = knownMs;
  let at = cron.nextRun(FROM);
  while (at < UNTIL) {
    const reachMs = Math.max(longestMs, HOUR_MS);
    // Steps from one tick to the last one within reach. No pause between them is longer than the reach.
    const [last] = cron.previousRuns(1, new Date(at.getTime() + reachMs + 1));
    const next = last > at ? last : cron.nextRun(at);
    longestMs = Math.max(longestMs, next - at > reachMs ? next - at : 0);
    at = next;
  }
  return longestMs;
}

/** @returns how far the clocks of a time zone go forward and back; 0 if they do not. */
function longestClockChange(timeZone) {
  const noons = (zone) => readCron('0 12 1,15 * ? *', zone).nextRuns(30, FROM);
  const local = noons(timeZone);
  const offsetsMs = noons('UTC').map((noon, i) => noon - local[i]);
  return Math.max(...offsetsMs) - Math.min(...offsetsMs);
}
