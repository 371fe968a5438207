import { describe, expect, it } from 'vitest';
import { compileMatcher, compileTagMatcher } from '../../../lib/policy/matcher.ts';
import { PatternError } from '../../../lib/policy/pattern.ts';

describe('compileMatcher', () => {
  it.each([
    ['adhoc', 'adhoc', true],
    ['adhoc', 'adhoc2', false],
    ['adhoc_*', 'adhoc_7', true],
    ['/hoc/', 'adhoc_7', true],
    ['/^hoc/', 'adhoc', false],
    ['/HOC/i', 'adhoc', true],
    ['/HOC/', 'adhoc', false],
    ['/', '/', true],
    ['//', '//', true],
    ['/a/b', '/a/b', true],
    ['/a/g', '/a/g', true],
    ['/a\n.b/', 'xa\n.bx', true],
    ['/a/i/', 'xa/ix', true],
    ['/a/i/', 'xA/Ix', false],
    ['x/a/', 'a', false],
    ['/a/x', 'a', false],
    ['/a', 'a', false],
  ])('%j matches %j: %j', (text, value, expected) => {
    expect(compileMatcher(text)).toMatchObject({ text });
    expect(compileMatcher(text).matches(value)).toBe(expected);
  });

  it('refuses a pattern that it cannot match without backtracking', () => {
    expect(() => compileMatcher('/(?=a)b/')).toThrow(PatternError);
  });

  it('does not know of a value that is too large to be looked through', () => {
    expect(compileMatcher('*').matches('x'.repeat(65_536))).toBe(true);
    expect(compileMatcher('*').matches('x'.repeat(65_537))).toBeUndefined();
    expect(compileMatcher('/x/').matches('x'.repeat(65_537))).toBeUndefined();
  });
});

describe('compileTagMatcher', () => {
  const tags = new Map([
    ['team', 'bi'],
    ['keep', ''],
    ['a', 'b=c'],
  ]);

  it.each([
    ['team=bi', true],
    ['team=b', false],
    ['team=*', false],
    ['team', true],
    ['tea', false],
    ['keep=', true],
    ['keep', true],
    ['team=', false],
    ['a=b=c', true],
    ['a=b', false],
    ['=bi', false],
    ['', false],
  ])('finds %j: %j', (text, expected) => {
    expect(compileTagMatcher(text).text).toBe(text);
    expect(compileTagMatcher(text).matches(tags)).toBe(expected);
  });

  it('knows a tag of no name', () => {
    expect(compileTagMatcher('=bi').matches(new Map([['', 'bi']]))).toBe(true);
    expect(compileTagMatcher('=bi').matches(new Map([['', 'etl']]))).toBe(false);
  });
});
