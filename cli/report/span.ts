import { parseDuration } from '../../lib/base/duration.ts';
import { parseInstant } from '../../lib/policy/instant.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** The span of a report, epoch ms. */
export interface Span {
  since: number | undefined;
  until: number | undefined;
}

/** The flags of the span, as typed. */
export interface SpanFlags {
  since?: string;
  until?: string;
}

/**
 * Reads a span. A day is one of the time zone: `--since` is its beginning, `--until` its end.
 *
 * @param byDefault the beginning where no flag names it. @throws {SettingsError} that names the flag.
 */
export function readSpan(flags: SpanFlags, timeZone: string, now: number, byDefault: string | undefined): Span {
  const { since: begin = byDefault, until: end } = flags;
  const since = begin === undefined ? undefined : instantOf('--since', begin, timeZone, now);
  const until = end === undefined ? undefined : instantOf('--until', end, timeZone, now);
  if (since !== undefined && since >= Math.min(until ?? now, now)) {
    const problem = until === undefined || until > now ? 'is not in the past' : 'is not before --until';
    throw new SettingsError('--since', problem);
  }
  return { since, until };
}

/** @throws {SettingsError} for a name that is not in the IANA database. */
export function assertTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (error) {
    const problem = `there is no time zone ${timeZone}; expected a name such as Europe/Berlin, or UTC`;
    throw new SettingsError('--time-zone', problem, { cause: error });
  }
}

function instantOf(flag: '--since' | '--until', text: string, timeZone: string, now: number): number {
  const back = durationOrNot(text);
  if (back !== undefined) return now - back;
  const at = parseInstant(text, 'beginning');
  if (at === undefined) {
    const forms = 'a day such as 2026-10-01, a time with its zone, or a duration back from now such as 30d';
    throw new SettingsError(flag, `expected ${forms}`);
  }
  if (text.length > DAY_LENGTH) return at;
  return beginningOf(flag === '--since' ? at : at + DAY_MS, timeZone);
}

const DAY_LENGTH = '2026-10-01'.length;
const DAY_MS = 86_400_000;

function durationOrNot(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/**
 * Returns when a day begins in a time zone: at midnight or, if the clock skips midnight, at its first moment.
 *
 * @param day the same day in UTC, epoch ms.
 */
function beginningOf(day: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const wallAt = (at: number) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  // A clock may be changed on that day, so both of its offsets are tried.
  const tried = [day - DAY_MS, day + DAY_MS].map((at) => day - (wallAt(at) - at)).sort((a, b) => a - b);
  return tried.find((at) => wallAt(at) >= day) ?? day;
}
