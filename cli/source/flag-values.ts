import { parseDuration } from '../../lib/base/duration.ts';
import { parseInstant } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** `7d` is a week from now; anything else stays as it is, for the schema to read. */
export function instantText(text: string, now: number): string {
  try {
    return new Date(now + parseDuration(text)).toISOString();
  } catch {
    return text;
  }
}

/**
 * The end that a flag names: a day, which counts to its end, a time with its zone, or how long from now.
 *
 * @returns epoch ms. @throws {SettingsError} for anything else, and for what is over already.
 */
export function endOf(flag: string, text: string, now: number): number {
  const until = parseInstant(instantText(text, now));
  if (until === undefined) {
    const forms = 'a day such as 2027-02-01, a time with its zone, or how long, such as 7d';
    throw new SettingsError(flag, `expected ${forms}`);
  }
  if (until <= now) throw new SettingsError(flag, 'is over already; name a later day or time');
  return until;
}
