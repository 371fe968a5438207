/** The names of invisible characters that often come with copied text. */
const INVISIBLE: Record<string, string> = {
  '\u00a0': 'a no-break space',
  '\u200b': 'a zero-width space',
  '\ufeff': 'a byte-order mark',
};

/**
 * Says why a text cannot be a key or a token. These are sent in a header and consist of visible ASCII characters. The answer
 * contains no part of the text.
 *
 * @returns undefined if it can be one.
 */
export function problemOfKey(text: string): string | undefined {
  const common = problemOfName(text);
  if (common !== undefined) return common;
  if (/^["'`]|["'`]$/.test(text)) return 'is in quotes; remove them';
  if (/\s/.test(text)) return 'contains a space; remove it';
  return /^[\x21-\x7e]*$/.test(text)
    ? undefined
    : 'contains a character that no key has, since no header can carry it; copy the key again';
}

/** Says why a text cannot be the name of a user or an account; undefined if it can. */
export function problemOfName(text: string): string | undefined {
  const inner = problemOfPassword(text);
  if (inner !== undefined) return inner;
  return text === text.trim() ? undefined : 'begins or ends with a space; remove it';
}

/** Says why a text cannot be a password; undefined if it can. It is sent in a body and may hold almost any character. */
export function problemOfPassword(text: string): string | undefined {
  if (/[\r\n]\s*$/.test(text)) return 'ends with a line break; remove it';
  if (/[\r\n]/.test(text)) return 'contains a line break; remove it';
  const odd = /[\p{Cc}\p{Cf}\u00a0]/u.exec(text)?.[0];
  if (odd === undefined) return undefined;
  return `contains ${INVISIBLE[odd] ?? 'a character'} that cannot be seen; remove it, or copy the text again`;
}
