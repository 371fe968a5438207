import { MAX_STATEMENT_LENGTH } from '../base/job.ts';
import { canMatch, charactersOf, compilePattern, PatternError } from './pattern.ts';

/** One wanted value of a selector. */
export interface Matcher {
  /** The value as the policy has it. */
  text: string;
  /** @returns undefined if the value is too long, or needs more steps than are allowed. */
  matches(value: string, maxSteps?: number): boolean | undefined;
}

/** A longer value is not searched: whether it matches is unknown. */
export const MAX_VALUE_LENGTH = MAX_STATEMENT_LENGTH;

/**
 * The most steps for one value, which take some 30 ms: enough for any pattern on a statement of a few thousand characters, and
 * for a simple pattern on the longest statement.
 */
export const MAX_STEPS_PER_VALUE = 1_000_000;

const PATTERN = /^\/(.+)\/(i?)$/s;

/** Whether a text is written as a pattern, and not as a glob. */
export const isPattern = (text: string): boolean => PATTERN.test(text);

/**
 * Whether a value is a pattern that no text can match. Any other error of the pattern is left to {@link compileMatcher}.
 *
 * @param alphabet the characters that a text may contain; by default all.
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

/** Unicode has two ways to write some characters: é may be one character, or an e and an accent. This makes them equal. */
const normal = (text: string): string => text.normalize('NFC');

/**
 * Compiles a glob such as `adhoc_*`, which matches the whole value, or a pattern such as `/adhoc_\d+/` or `/select/i`, which
 * matches any part of it.
 *
 * @throws {PatternError} for a pattern that cannot be compiled.
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
 * Whether a value matches a glob, in which `*` is any number of characters and `?` is one; case matters.
 *
 * On a mismatch only the last `*` takes one character more, so the work is at most the product of both lengths, and no glob
 * can hang a sweep.
 *
 * @returns undefined if the answer needs more steps.
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

/** Compiles a matcher for names of queues, for which DLI ignores case ("Viewing Details of a Queue"). @throws {PatternError} */
export function compileQueueMatcher(text: string): Matcher {
  const matcher = compileMatcher(text);
  return {
    text,
    matches: (name, maxSteps) => matcher.matches(name, maxSteps) || matcher.matches(name.toLowerCase(), maxSteps),
  };
}

/** Compiles `team=bi`, a tag with its value, or `team`, a tag with any value. Both are exact, unlike DLI's own filter. */
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

/** Splits a tag at its first `=`. @returns no value for a tag without one, which means any value. */
export function splitTag(text: string): { key: string; value: string | undefined } {
  const equals = text.indexOf('=');
  if (equals < 0) return { key: text, value: undefined };
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

export interface TagMatcher {
  text: string;
  matches(tags: ReadonlyMap<string, string>): boolean;
}
