import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../lib/policy/glob.ts';

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

  it('comes to an end with a pattern that would keep a backtracking matcher busy for ever', () => {
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
