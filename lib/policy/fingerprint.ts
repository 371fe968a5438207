import { createHash } from 'node:crypto';

/**
 * The same for statements that differ only in their values, lists of values, spaces, comments and case: what a dashboard
 * sends again and again. It tells nothing of the statement, so it may be logged.
 *
 * @returns 16 hexadecimal digits.
 */
export function fingerprint(statement: string): string {
  const shape = tokens(statement)
    .join(' ')
    .replace(/\( \?(?: , \?)* \)/g, '( ? )');
  return createHash('sha256').update(shape).digest('hex').slice(0, 16);
}

/** One pass, and no character is looked at twice: a statement may be long, and its author hostile. */
function tokens(statement: string): string[] {
  const found: string[] = [];
  let at = 0;
  const upTo = (end: number): string => {
    const token = statement.slice(at, end);
    at = end;
    return token;
  };
  while (at < statement.length) {
    const char = statement.charAt(at);
    if (/\s/.test(char)) at += 1;
    else if (statement.startsWith('--', at)) upTo(endBehind(statement, '\n', at));
    else if (statement.startsWith('/*', at)) upTo(endBehind(statement, '*/', at + 2));
    else if (char === "'" || char === '"') {
      upTo(endOfLiteral(statement, at));
      found.push('?');
    } else if (/[\w`$]/.test(char)) {
      const word = upTo(endOfWord(statement, at));
      found.push(/^\d/.test(word) ? '?' : word.toLowerCase());
    } else found.push(upTo(at + 1));
  }
  return found;
}

function endBehind(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? text.length : at + end.length;
}

/** With a backslash before a quote, or a quote twice, it goes on. */
function endOfLiteral(text: string, from: number): number {
  const quote = text[from];
  let at = from + 1;
  while (at < text.length) {
    if (text[at] === '\\') at += 2;
    else if (text[at] !== quote) at += 1;
    else if (text[at + 1] === quote) at += 2;
    else return at + 1;
  }
  return text.length;
}

/** Letters, digits and `_ $ .`; so `1.5e3` is one word too. */
function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\w`$.]/.test(text.charAt(at))) at += 1;
  return at;
}
