import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileMatcher,
  compileQueueMatcher,
  compileTagMatcher,
  isPattern,
  matchesGlob,
  splitTag,
} from '../../../lib/policy/matcher.ts';
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

  it('does not know the answer for a value that is too long', () => {
    expect(compileMatcher('*').matches('x'.repeat(65_536))).toBe(true);
    expect(compileMatcher('*').matches('x'.repeat(65_537))).toBeUndefined();
    expect(compileMatcher('/x/').matches('x'.repeat(65_537))).toBeUndefined();
  });

  it('takes no more than a million steps for a value, or as many as it is given', () => {
    const hungry = compileMatcher('/(select|insert) .{0,90}from .{0,90}big_table/');
    const text = 'select a from t '.repeat(4_000);

    expect(hungry.matches(text)).toBeUndefined();
    expect(hungry.matches(text, 10_000_000)).toBe(false);
    expect(compileMatcher('*b').matches('ab', 1)).toBeUndefined();
    expect(compileMatcher('/b/').matches('ab', 1)).toBeUndefined();
  });

  it.each([
    { text: 'jos\u00e9', value: 'jose\u0301' },
    { text: 'jose\u0301', value: 'jos\u00e9' },
    { text: 'jos?', value: 'jose\u0301' },
    { text: '/^jos[\u00e9]$/', value: 'jose\u0301' },
    { text: '/^jose\u0301$/', value: 'jos\u00e9' },
  ])('treats the two ways to write a character as equal: $text and $value', ({ text, value }) => {
    expect(compileMatcher(text).matches(value)).toBe(true);
    expect(compileMatcher(text).text).toBe(text);
  });
});

describe('compileQueueMatcher', () => {
  it.each([
    ['prod_etl', 'prod_etl', true],
    ['prod_*', 'Prod_ETL', true],
    ['/prod/', 'Prod_ETL', true],
    ['/Prod/', 'Prod_ETL', true],
    ['/Prod/', 'prod_etl', false],
    ['etl', 'Prod_ETL', false],
  ])('finds %j in the queue %j, however DLI spells it: %j', (text, queue, expected) => {
    expect(compileQueueMatcher(text).text).toBe(text);
    expect(compileQueueMatcher(text).matches(queue)).toBe(expected);
  });

  it('may take the given number of steps for each of the two spellings', () => {
    expect(compileQueueMatcher('ab').matches('AB', 2)).toBe(true);
    expect(compileQueueMatcher('ab').matches('AB', 1)).toBeUndefined();
    expect(compileQueueMatcher('b').matches('b'.repeat(65_537))).toBeUndefined();
  });
});

describe('isPattern', () => {
  it.each([
    ['/a/', true],
    ['/a/i', true],
    ['/a\nb/', true],
    ['/a/g', false],
    ['//', false],
    ['a/', false],
  ])('tells a pattern from a glob: %j %j', (text, expected) => {
    expect(isPattern(text)).toBe(expected);
  });
});

describe('splitTag', () => {
  it.each([
    ['team=bi', { key: 'team', value: 'bi' }],
    ['team', { key: 'team', value: undefined }],
    ['team=', { key: 'team', value: '' }],
    ['a=b=c', { key: 'a', value: 'b=c' }],
    ['=bi', { key: '', value: 'bi' }],
  ])('splits %j', (text, expected) => {
    expect(splitTag(text)).toEqual(expected);
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

  it('matches a tag whose key is empty', () => {
    expect(compileTagMatcher('=bi').matches(new Map([['', 'bi']]))).toBe(true);
    expect(compileTagMatcher('=bi').matches(new Map([['', 'etl']]))).toBe(false);
  });

  it.each([
    { text: 'jos\u00e9=\u00e9', key: 'jose\u0301', value: 'e\u0301' },
    { text: 'jose\u0301=e\u0301', key: 'jos\u00e9', value: '\u00e9' },
  ])('treats the two ways to write a character as equal: $text', ({ text, key, value }) => {
    expect(compileTagMatcher(text).matches(new Map([[key, value]]))).toBe(true);
  });
});

describe('matchesGlob', () => {
  it.each([
    ['', ''],
    ['adhoc', 'adhoc'],
    ['*', ''],
    ['*', 'adhoc'],
    ['**', 'adhoc'],
    ['ad*', 'ad'],
    ['ad*', 'adhoc'],
    ['*hoc', 'adhoc'],
    ['a*c', 'abcbc'],
    ['*a*b', 'xaxbab'],
    ['?', 'a'],
    ['a?c', 'abc'],
    ['*?', 'a'],
    ['dev-*-?', 'dev-team-1'],
    ['a.c', 'a.c'],
    ['[a]', '[a]'],
    ['*', 'two\nlines'],
    ['a?c', 'a*c'],
    ['job-?', 'job-𠮷'],
    ['*𠮷?', 'a𠮷b'],
  ])('%j matches %j', (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(true);
  });

  it.each([
    ['', 'a'],
    ['adhoc', ''],
    ['adhoc', 'Adhoc'],
    ['adhoc', 'adhoc-2'],
    ['adhoc', 'my-adhoc'],
    ['ad*', 'bad'],
    ['*hoc', 'adhoc-2'],
    ['a*c', 'abcb'],
    ['?', ''],
    ['?', 'ab'],
    ['job-??', 'job-𠮷'],
    ['*?', ''],
    ['a.c', 'abc'],
    ['[ab]', 'a'],
    ['a|b', 'a'],
    ['\\*', '*'],
  ])('%j does not match %j', (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(false);
  });

  it('agrees with the anchored regular expression that means the same', () => {
    const letters = (...some: string[]) => fc.string({ unit: fc.constantFrom(...some), maxLength: 12 });
    fc.assert(
      fc.property(letters('a', 'b', '.', '(', '\n', '*', '?', '*'), letters('a', 'b', '.', '(', '\n'), (glob, text) => {
        const escaped = glob.replace(/[.(]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');

        expect(matchesGlob(glob, text)).toBe(new RegExp(`^${escaped}$`, 's').test(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends with a glob that would keep a backtracking matcher busy for ever', () => {
    expect(matchesGlob(`${'*a'.repeat(50)}b`, 'a'.repeat(5_000))).toBe(false);
  });

  it.each([
    { glob: 'a*c', text: 'abbc', steps: 5, expected: true },
    { glob: 'a*c', text: 'abbc', steps: 4, expected: undefined },
    { glob: 'ab', text: 'ab', steps: 2, expected: true },
    { glob: 'ab', text: 'ab', steps: 1, expected: undefined },
    { glob: 'b', text: 'ab', steps: 1, expected: false },
    { glob: 'b', text: 'ab', steps: 0, expected: undefined },
    { glob: '*', text: '', steps: 0, expected: true },
  ])('answers whether $glob matches $text in $steps steps: $expected', ({ glob, text, steps, expected }) => {
    expect(matchesGlob(glob, text, steps)).toBe(expected);
  });
});
