import { UNSEEN } from '../base/json-text.ts';

const MOST_CHARACTERS = 200;

/**
 * Returns a name or a sentence as plain text. Others choose these texts: a line break could add lines, and in Slack angle brackets
 * make links and call whole channels.
 */
export function plain(text: string): string {
  const clean = text
    .replace(UNSEEN, ' ')
    .replace(/\p{Cc}+/gu, ' ')
    .replaceAll('<', '\u2039')
    .replaceAll('>', '\u203a');
  return clean.length > MOST_CHARACTERS ? `${clean.slice(0, MOST_CHARACTERS)}\u2026` : clean;
}

/** Returns a name for a command that people copy; undefined if a shell would take it for more than a name. */
export function argument(text: string | null): string | undefined {
  if (text === null || text.length > MOST_CHARACTERS) return undefined;
  if (/^[\w.@][\w.@-]*$/.test(text)) return text;
  // In single quotes a shell takes nothing but a single quote for more than it is.
  return /^[\w.@*?][\w.@*?=:/ -]*$/.test(text) ? `'${text}'` : undefined;
}

/** Returns a name for a command, or a placeholder. */
export const argumentOr = (text: string | null, placeholder: string): string => argument(text) ?? placeholder;

/**
 * Returns a time to the minute, in UTC, with its date if that is another than that of the message; undefined if it is none.
 *
 * @param of ISO 8601, or epoch ms.
 * @param sent when the message was written; ISO 8601.
 */
export function timeOf(of: string | number | null, sent: string | null): string | undefined {
  const [, day, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(isoOf(of) ?? '') ?? [];
  if (day === undefined) return undefined;
  return `${isoOf(sent)?.startsWith(day) ? '' : `${day} `}${minute} UTC`;
}

function isoOf(time: string | number | null): string | undefined {
  const date = new Date(time ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
