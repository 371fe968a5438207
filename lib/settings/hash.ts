import { createHash } from 'node:crypto';
import { compareText } from '../base/compare-text.ts';

/** Long enough to tell the settings of a target apart, and short enough to read out. */
const HASH_LENGTH = 16;

/**
 * The same for documents of the same content: neither the order of keys, nor spaces, nor the version of a parameter matters.
 * One that is deleted and made again has version 1 again, so versions would not tell.
 *
 * @param documents JSON, by their names.
 */
export function hashOf(documents: Readonly<Record<string, string>>): string {
  const content = Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, readOrNot(text)]));
  return createHash('sha256').update(JSON.stringify(content, inOrder)).digest('hex').slice(0, HASH_LENGTH);
}

/** A text that is no JSON stands for itself. */
function readOrNot(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compareText(a, b)));
}
