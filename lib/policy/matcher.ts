import { matchesGlob } from './glob.ts';
import { compilePattern } from './pattern.ts';

/** One wanted value of a selector. */
export interface Matcher {
  /** As the policy writes it. */
  text: string;
  /** @returns undefined if the value is too large to be looked through. */
  matches(value: string): boolean | undefined;
}

/** A statement may have 500,000 characters. One that is longer than this is matched by no pattern: it stays unknown. */
const MAX_VALUE_LENGTH = 65_536;

const PATTERN = /^\/(.+)\/(i?)$/s;

/**
 * `adhoc_*` is a glob for the whole value; `/adhoc_\d+/` and `/select/i` are patterns that are looked for within it.
 *
 * @throws {PatternError}
 */
export function compileMatcher(text: string): Matcher {
  const [, source, flags] = PATTERN.exec(text) ?? [];
  const test =
    source === undefined
      ? (value: string) => matchesGlob(text, value)
      : compilePattern(source, { ignoreCase: flags === 'i' });
  return { text, matches: (value) => (value.length > MAX_VALUE_LENGTH ? undefined : test(value)) };
}

/** `team=bi` is that tag with that value, `team` the tag with any. Both are exact: DLI's own filter of tags is not. */
export function compileTagMatcher(text: string): TagMatcher {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  return { text, matches: (tags) => tags.has(key) && (value === undefined || tags.get(key) === value) };
}

export interface TagMatcher {
  text: string;
  matches(tags: ReadonlyMap<string, string>): boolean;
}
