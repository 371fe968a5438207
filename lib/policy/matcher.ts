import { MAX_STATEMENT_LENGTH } from '../base/job.ts';
import { canMatch, compilePattern, PatternError } from './pattern.ts';

/** One wanted value of a selector. */
export interface Matcher {
  /** As the policy writes it. */
  text: string;
  /** @returns undefined if the value is too large to be looked through, or takes more steps than are allowed. */
  matches(value: string, maxSteps?: number): boolean | undefined;
}

/** A value that is longer is matched by no pattern: it stays unknown. */
export const MAX_VALUE_LENGTH = MAX_STATEMENT_LENGTH;

/**
 * The most steps that one value is worth, some 30 ms: enough for any pattern on a statement of a few thousand characters,
 * and for a plain one on the longest.
 */
export const MAX_STEPS_PER_VALUE = 1_000_000;

const PATTERN = /^\/(.+)\/(i?)$/s;

/** Whether a text means a pattern, and not a glob. */
export const isPattern = (text: string): boolean => PATTERN.test(text);

/**
 * Whether it is a pattern that no text can match. One that is wrong otherwise is told of when it is compiled.
 *
 * @param alphabet the characters that a text may hold; any unless told.
 */
export function isPatternOfNothing(text: string, alphabet?: string): boolean {
  const [, source, flags] = PATTERN.exec(text) ?? [];
  try {
    return source !== undefined && !canMatch(source, { ignoreCase: flags === 'i', alphabet });
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return false;
  }
}

/** The same text may be written in two ways: é is one character, or an e and an accent. Both sides are compared as one. */
const normal = (text: string): string => text.normalize('NFC');

/**
 * `adhoc_*` is a glob for the whole value; `/adhoc_\d+/` and `/select/i` are patterns that are looked for within it.
 *
 * @throws {PatternError}
 */
export function compileMatcher(text: string): Matcher {
  const wanted = normal(text);
  const [, source, flags] = PATTERN.exec(wanted) ?? [];
  const test =
    source === undefined
      ? (value: string, maxSteps: number) => matchesGlob(wanted, value, maxSteps)
      : compilePattern(source, { ignoreCase: flags === 'i' });
  return {
    text,
    matches: (value, maxSteps = MAX_STEPS_PER_VALUE) =>
      value.length > MAX_VALUE_LENGTH ? undefined : test(normal(value), maxSteps),
  };
}

/**
 * Whether a value matches a glob, where `*` is any run of characters and `?` is one; case matters.
 * On a mismatch only the last `*` is widened, so the work is bounded by both lengths multiplied and no pattern can hang
 * a sweep.
 *
 * @returns undefined if that cannot be told in so many steps.
 */
export function matchesGlob(wanted: string, value: string, maxSteps = Number.POSITIVE_INFINITY): boolean | undefined {
  const [glob, text] = [charactersOf(wanted), charactersOf(value)];
  let g = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  for (let steps = 1; t < text.length; steps++) {
    if (steps > maxSteps) return undefined;
    if (glob[g] === '*') {
      star = g++;
      starText = t;
    } else if (glob[g] === '?' || glob[g] === text[t]) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** Some characters, such as 𠮷, are two units of a text. Most texts have none, and are taken as they are. */
const charactersOf = (text: string): string | string[] => (/[\ud800-\udfff]/.test(text) ? Array.from(text) : text);

/** As {@link compileMatcher}, for names of queues, in which case means nothing to DLI ("Viewing Details of a Queue"). */
export function compileQueueMatcher(text: string): Matcher {
  const matcher = compileMatcher(text);
  return {
    text,
    matches: (name, maxSteps) => matcher.matches(name, maxSteps) || matcher.matches(name.toLowerCase(), maxSteps),
  };
}

/** `team=bi` is that tag with that value, `team` the tag with any. Both are exact: DLI's own filter of tags is not. */
export function compileTagMatcher(text: string): TagMatcher {
  const { key, value } = splitTag(normal(text));
  return {
    text,
    matches: (tags) =>
      [...tags].some(
        ([ownKey, ownValue]) => normal(ownKey) === key && (value === undefined || normal(ownValue) === value),
      ),
  };
}

/** @returns no value for a tag of any. */
export function splitTag(text: string): { key: string; value: string | undefined } {
  const equals = text.indexOf('=');
  if (equals < 0) return { key: text, value: undefined };
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

export interface TagMatcher {
  text: string;
  matches(tags: ReadonlyMap<string, string>): boolean;
}
