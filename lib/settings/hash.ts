import { createHash } from 'node:crypto';
import { compareText } from '../base/text.ts';

/** Long enough to distinguish the settings of a target, and short enough to read aloud. */
const HASH_LENGTH = 16;

/**
 * Hashes the content of documents. The order of keys, spaces and the versions of parameters make no difference. Versions
 * cannot replace the hash, since a parameter that is deleted and created again has version 1 again.
 *
 * @param documents JSON texts by their names.
 */
export function hashOf(documents: Readonly<Record<string, string>>): string {
  const content = Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, readOrNot(text)]));
  return createHash('sha256').update(JSON.stringify(content, inOrder)).digest('hex').slice(0, HASH_LENGTH);
}

/** Parses a text; returns the text itself if it is not JSON. */
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
