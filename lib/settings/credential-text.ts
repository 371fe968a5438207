/** Invisible characters that come along when a text is copied, by the names that they are known by. */
const INVISIBLE: Record<string, string> = {
  '\u00a0': 'a no-break space',
  '\u200b': 'a zero-width space',
  '\ufeff': 'a byte-order mark',
};

/**
 * What keeps a text from being a key or a token, which is sent in a header: these are letters, digits and signs of ASCII. No
 * part of the text is in the words.
 *
 * @returns undefined if nothing does.
 */
export function problemOfKey(text: string): string | undefined {
  const common = problemOfName(text);
  if (common !== undefined) return common;
  if (/^["'`]|["'`]$/.test(text)) return 'is in quotes; take them away';
  if (/\s/.test(text)) return 'has a blank in it; take it away';
  return /^[\x21-\x7e]*$/.test(text)
    ? undefined
    : 'has a character in it that no key has, since no header can carry it; copy the key again';
}

/** What keeps a text from being the name of a user or an account. */
export function problemOfName(text: string): string | undefined {
  const inner = problemOfPassword(text);
  if (inner !== undefined) return inner;
  return text === text.trim() ? undefined : 'begins or ends with a blank; take it away';
}

/** What keeps a text from being a password, which is sent in a body and may hold nearly everything that one can type. */
export function problemOfPassword(text: string): string | undefined {
  if (/[\r\n]\s*$/.test(text)) return 'ends in a line break; take it away';
  if (/[\r\n]/.test(text)) return 'has a line break in it; take it away';
  const odd = /[\p{Cc}\p{Cf}\u00a0]/u.exec(text)?.[0];
  if (odd === undefined) return undefined;
  return `has ${INVISIBLE[odd] ?? 'a character'} in it that cannot be seen; take it away, or copy the text again`;
}
