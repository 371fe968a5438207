import { parseDuration } from '../../lib/base/duration.ts';
import { ENGINE_NAMES, isJobId } from '../../lib/base/job.ts';
import { parseInstant } from '../../lib/policy/instant.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** Turns `7d` into the time a week from now. Any other text stays as it is, for the schema to read. */
export function instantText(text: string, now: number): string {
  try {
    return new Date(now + parseDuration(text)).toISOString();
  } catch {
    return text;
  }
}

/**
 * Reads an end: a day, which counts to its end, a time with its zone, or a duration from now.
 *
 * @returns epoch ms. @throws {SettingsError} for anything else, and for a time in the past.
 */
export function endOf(flag: string, text: string, now: number): number {
  const until = parseInstant(instantText(text, now));
  if (until === undefined) {
    const forms = 'a day such as 2027-02-01, a time with its zone, or a duration such as 7d';
    throw new SettingsError(flag, `expected ${forms}`);
  }
  if (until <= now) throw new SettingsError(flag, 'is in the past; name a later day or time');
  return until;
}

/** @throws {SettingsError} if no engine has jobs with such an id. */
export function assertJobId(name: string, id: string): void {
  if (ENGINE_NAMES.some((engine) => isJobId(id, engine))) return;
  throw new SettingsError(name, 'expected 8-4-4-4-12 hexadecimal digits, or the number of a Flink job');
}
