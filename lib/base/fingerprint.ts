import { createHash } from 'node:crypto';

/**
 * Hashes the shape of a statement. Statements that differ only in values, lists of values, spaces, comments and case have the
 * same fingerprint, such as the query that a dashboard sends again and again. It reveals nothing of the statement, so it may
 * be logged.
 *
 * Text in double quotes or backquotes counts as a name, so that statements on two tables never have the same fingerprint:
 * hetuEngine quotes names with `"`, Spark SQL with a backquote. In Spark SQL `"x"` may also be a value; statements that differ
 * in it then have different fingerprints.
 *
 * In Spark SQL a quote after a backslash does not end a value; in hetuEngine a backslash is a plain character. If every quote
 * of a statement is closed in both readings, its fingerprint comes from both.
 *
 * @returns 16 hexadecimal digits.
 * @see https://spark.apache.org/docs/latest/sql-ref-identifier.html, "Delimited Identifier"
 * @see https://trino.io/docs/current/language/types.html, "VARCHAR"
 */
export function fingerprint(statement: string): string {
  const shapes = readingsOf(statement).map((found) => found.join(' ').replace(/\( \?(?: , \?)* \)/g, '( ? )'));
  return createHash('sha256')
    .update([...new Set(shapes)].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

/** Returns the readings in which every quote is closed; if there is none, the reading of Spark SQL. */
function readingsOf(statement: string): string[][] {
  const spark = tokens(statement, { escapes: true });
  if (!/\\['"]/.test(statement)) return [spark.found];
  const whole = [spark, tokens(statement, { escapes: false })].filter(({ isWhole }) => isWhole);
  return whole.length === 0 ? [spark.found] : whole.map(({ found }) => found);
}

const SPACE = /\s+/y;
/** A number, with a suffix that Spark SQL allows, such as `10L` and `1.5BD`. A longer word, such as `2024_q1`, is a name. */
const NUMBER = /\d+(?:\.\d*)?(?:e[+-]?\d+)?(?:bd|[lsydf])?(?![\w$.`"])/iy;
/** A comment to the end of its line, which may be a lone carriage return. */
const LINE_COMMENT = /--[^\r\n]*/y;
/** Letters, digits and `_ $ .` */
const WORD = /[\w$][\w$.]*/y;

/** Splits a statement in one pass that looks at no character more than twice: it may be long, and its author hostile. */
function tokens(statement: string, { escapes }: { escapes: boolean }): { found: string[]; isWhole: boolean } {
  const found: string[] = [];
  let isWhole = true;
  let at = 0;
  const upTo = (end: number): string => {
    const token = statement.slice(at, end);
    at = end;
    return token;
  };
  /** Takes what the expression matches here. @returns undefined if it does not match. */
  const take = (what: RegExp): string | undefined => {
    what.lastIndex = at;
    return what.test(statement) ? upTo(what.lastIndex) : undefined;
  };
  while (at < statement.length) {
    const char = statement.charAt(at);
    if (take(SPACE) !== undefined) continue;
    if (take(LINE_COMMENT) !== undefined) continue;
    if (statement.startsWith('/*', at)) upTo(endBehind(statement, '*/', at + 2));
    else if (char === "'") {
      const end = endOfQuoted(statement, at, escapes);
      isWhole &&= end !== undefined;
      upTo(end ?? statement.length);
      found.push('?');
    } else if (char === '"' || char === '`') {
      const end = endOfQuoted(statement, at, escapes);
      isWhole &&= end !== undefined;
      const name = upTo(end ?? statement.length);
      // A name whose quote is never closed ends with the statement.
      found.push(name.length > 1 && name.endsWith(char) ? name.toLowerCase() : `${name.toLowerCase()}${char}`);
    } else if (take(NUMBER) !== undefined) found.push('?');
    else found.push(take(WORD)?.toLowerCase() ?? upTo(at + 1));
  }
  return { found, isWhole };
}

function endBehind(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? text.length : at + end.length;
}

/**
 * Finds the end of a quoted text. A doubled quote does not end it.
 *
 * @param escapes whether a quote after a backslash does not end it either; in backquotes it always does.
 * @returns undefined if the quote is never closed.
 */
function endOfQuoted(text: string, from: number, escapes: boolean): number | undefined {
  const quote = text[from];
  let at = from + 1;
  while (at < text.length) {
    if (escapes && text[at] === '\\' && quote !== '`') at += 2;
    else if (text[at] !== quote) at += 1;
    else if (text[at + 1] === quote) at += 2;
    else return at + 1;
  }
  return undefined;
}
