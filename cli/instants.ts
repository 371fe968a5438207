import { parseDuration } from '../lib/duration.ts';

/** `7d` is a week from now; anything else stays as it is, for the schema to read. */
export function instantText(text: string, now: number): string {
  try {
    return new Date(now + parseDuration(text)).toISOString();
  } catch {
    return text;
  }
}
