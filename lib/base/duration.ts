import * as v from 'valibot';
import { messageOf } from './error-words.ts';

/** Milliseconds per unit, largest first: the order in which a compound duration is written. */
const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

const COMPOUND = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/**
 * Reads a duration: `90s`, `45m`, `2h`, `7d`, `2w` and compounds from the largest unit down, such as `2h45m`.
 *
 * @returns whole milliseconds; `0s` is 0, so a caller that needs a positive duration checks that itself.
 * @throws {RangeError} for anything else. A bare number is refused too: 24 could mean hours or days.
 */
export function parseDuration(text: string): number {
  const parts = text === '' ? null : COMPOUND.exec(text);
  if (!parts) {
    const hint = /^\d+$/.test(text) ? `; write the unit, such as ${text}m` : '';
    throw new RangeError(`not a duration: write a number with a unit s, m, h, d or w, such as 90m or 2h45m${hint}`);
  }

  const totalMs = Object.values(UNITS).reduce((sum, unitMs, i) => sum + Number(parts[i + 1] ?? 0) * unitMs, 0);
  if (!Number.isSafeInteger(totalMs)) throw new RangeError('not a duration: too large');
  return totalMs;
}

/** The inverse of {@link parseDuration} for whole seconds, which is as fine as a duration can be written. */
export function formatDuration(ms: number): string {
  let restMs = Math.floor(ms / UNITS.s) * UNITS.s;
  let text = '';
  for (const [unit, unitMs] of Object.entries(UNITS)) {
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text || '0s';
}

/**
 * A schema for a field that holds a duration with its unit. The result is in milliseconds.
 *
 * @param example for the error message, such as `90m or 2h45m`.
 */
export const durationField = (example: string) =>
  v.pipe(
    v.string(`expected a duration with a unit, such as ${example}`),
    // An editor that has the JSON Schema checks the same.
    v.metadata({ pattern: '^(?=\\d)(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$' }),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parseDuration(dataset.value);
      } catch (error) {
        addIssue({ message: messageOf(error) });
        return NEVER;
      }
    }),
  );
