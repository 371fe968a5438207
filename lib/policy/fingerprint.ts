import { createHash } from 'node:crypto';

/**
 * The same for statements that differ only in their values, lists of values, spaces, comments and case: what a dashboard
 * sends again and again. It tells nothing of the statement, so it may be logged.
 *
 * What stands between double quotes or backquotes is taken for a name, so that statements on two tables never count as
 * one: hetuEngine quotes names with `"`, Spark SQL with a backquote. In Spark SQL `"x"` may be a value as well; such
 * statements are told apart by it.
 *
 * In Spark SQL a backslash keeps a quote from ending a value, in hetuEngine it is a plain character. A statement that is
 * whole in both readings is told apart by both.
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

/** Those in which every quote is closed; otherwise that of Spark SQL. */
function readingsOf(statement: string): string[][] {
  const spark = tokens(statement, { escapes: true });
  if (!/\\['"]/.test(statement)) return [spark.found];
  const whole = [spark, tokens(statement, { escapes: false })].filter(({ isWhole }) => isWhole);
  return whole.length === 0 ? [spark.found] : whole.map(({ found }) => found);
}

const SPACE = /\s+/y;
/** With what Spark SQL allows behind a number, such as `10L` and `1.5BD`. A word that goes on, as `2024_q1` does, is a name. */
const NUMBER = /\d+(?:\.\d*)?(?:e[+-]?\d+)?(?:bd|[lsydf])?(?![\w$.`"])/iy;
/** To the end of its line, which may be that of an old Mac. */
const LINE_COMMENT = /--[^\r\n]*/y;
/** Letters, digits and `_ $ .` */
const WORD = /[\w$][\w$.]*/y;

/** One pass, and no character is looked at more than twice: a statement may be long, and its author hostile. */
function tokens(statement: string, { escapes }: { escapes: boolean }): { found: string[]; isWhole: boolean } {
  const found: string[] = [];
  let isWhole = true;
  let at = 0;
  const upTo = (end: number): string => {
    const token = statement.slice(at, end);
    at = end;
    return token;
  };
  /** @returns undefined if that is not what stands here. */
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
      // One that never closes is taken for closed at the end.
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
 * With a quote twice it goes on; with a backslash before the quote too, but for a backquote.
 *
 * @param escapes whether a backslash does that.
 * @returns undefined if it never closes.
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
