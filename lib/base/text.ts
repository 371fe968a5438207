import { isUtf8 } from 'node:buffer';

/** Removes the byte-order mark that some editors put before a text. */
export const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text);

/** A text cannot be used as it is; the message says why. */
export class TextError extends Error {
  override name = 'TextError';
}

/**
 * Decodes UTF-8, and drops a byte-order mark before it. It never replaces a byte: a pattern with a replaced character
 * would match nothing, and the jobs that it is to protect would be cancelled.
 *
 * @throws {TextError} for anything else, naming the line.
 */
export function decodeText(bytes: Uint8Array): string {
  // Plain text in UTF-16 is UTF-8 with a NUL behind each character.
  if (hasUtf16Mark(bytes) || bytes.includes(0)) throw new TextError('is UTF-16, or not a text; save it as UTF-8');
  if (!isUtf8(bytes)) throw new TextError(`is not UTF-8 (line ${firstBadLine(bytes)}); save it as UTF-8`);
  return new TextDecoder().decode(bytes);
}

function hasUtf16Mark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** Finds the first line that is not UTF-8. Each line can be tried alone: no character goes over the end of one. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, from);
    if (!isUtf8(bytes.subarray(from, end < 0 ? undefined : end))) return line;
    from = end < 0 ? bytes.length : end + 1;
  }
  return line;
}

const LINE_FEED = 0x0a;

/** Strings and brackets. A string is a key if a colon follows it. */
const JSON_PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/**
 * Reads JSON and refuses a key that an object holds twice: the first of the two would be lost without a word, and the jobs
 * that it is to protect would be cancelled.
 *
 * @throws {TextError} for a key that is there twice.
 * @throws {SyntaxError} for a text that is not JSON. Its message quotes the text.
 */
export function parseJsonText(text: string): unknown {
  const document: unknown = JSON.parse(text);
  const open: Set<unknown>[] = [];
  for (const [part, string, colon] of text.matchAll(JSON_PARTS)) {
    if (part === '{' || part === '[') open.push(new Set());
    else if (part === '}' || part === ']') open.pop();
    else if (string !== undefined && colon !== undefined) {
      const key: unknown = JSON.parse(string);
      if (open.at(-1)?.has(key)) throw new TextError('a key is there twice in one object; keep one of them');
      open.at(-1)?.add(key);
    }
  }
  return document;
}

/** Compares texts for a sort by their UTF-16 units, so that the order is the same on every machine. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Most sentences of one kind in a report: a log line has no room for a thousand. */
const MOST = 20;

/** Returns the first sentences, and how many more there are. @param what they are, such as `exemptions that have expired`. */
export function fewOf(sentences: readonly string[], what: string, most = MOST): string[] {
  if (sentences.length <= most) return [...sentences];
  return [...sentences.slice(0, most), `and ${sentences.length - most} more ${what}`];
}
