import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canMatch, compilePattern, PatternError } from '../../../lib/policy/pattern.ts';

describe('compilePattern', () => {
  it.each([
    ['', 'x', true],
    ['', '', true],
    ['b', 'abc', true],
    ['^b', 'abc', false],
    ['c$', 'abc', true],
    ['b$', 'abc', false],
    ['^$', '', true],
    ['^$', 'x', false],
    ['a.c', 'abc', true],
    ['a.c', 'a\nc', false],
    ['a|bc|', 'x', true],
    ['a|b|c', 'c', true],
    ['^(a|bc)$', 'bc', true],
    ['^(a|bc)$', 'ac', false],
    ['^(?:ab){2,3}$', 'ab', false],
    ['^(?:ab){2,3}$', 'abab', true],
    ['^(?:ab){2,3}$', 'ababab', true],
    ['^(?:ab){2,3}$', 'abababab', false],
    ['^a{2}$', 'a', false],
    ['^a{2}$', 'aa', true],
    ['^a{2}$', 'aaa', false],
    ['^a{2,}$', 'a', false],
    ['^a{2,}$', 'aa', true],
    ['^a{2,}$', 'aaaaa', true],
    ['^a{0,1}$', '', true],
    ['^a{0}$', '', true],
    ['^a{0}$', 'a', false],
    ['^ba{12}$', `b${'a'.repeat(12)}`, true],
    ['^ba{12}$', 'ba', false],
    ['^a{2,12}$', 'a'.repeat(12), true],
    ['^a{2,12}$', 'a'.repeat(13), false],
    ['^a+?b*?c??$', 'aab', true],
    ['^a{2}?$', 'aa', true],
    ['^a{2}?$', '', false],
    ['^a+b$', 'b', false],
    ['[a-c]x', 'bx', true],
    ['[a-c]x', 'ax', true],
    ['[a-c]x', 'cx', true],
    ['[a-c]x', 'dx', false],
    ['[a-c]x', '-x', false],
    ['[a-a]', 'a', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[^a]', '', false],
    ['[a-]', '-', true],
    ['[a-]', 'b', false],
    ['[-a]', '-', true],
    ['[--/]', '.', true],
    ['[a^]', '^', true],
    ['[.*]', 'x', false],
    ['[.*]', '*', true],
    ['[\\d_]', '7', true],
    ['[\\d_]', 'd', false],
    ['[\\]]', ']', true],
    ['[\\n]', '\n', true],
    ['[😀-😂]', '😁', true],
    ['^\\d\\D\\w\\W\\s\\S$', '1x_- y', true],
    ['\\d', 'd', false],
    ['\\D', '1', false],
    ['\\w', '-', false],
    ['\\W', '_', false],
    ['\\s', 's', false],
    ['\\S', ' ', false],
    ['\\bfoo\\b', 'a foo b', true],
    ['\\bfoo\\b', 'foo', true],
    ['\\bfoo\\b', 'afoo', false],
    ['\\bfoo\\b', 'foob', false],
    ['\\Boo', 'foo', true],
    ['\\Boo', 'oo', false],
    ['\\B', '', true],
    ['\\b', '', false],
    ['\\.\\*\\/\\_', '.*/_', true],
    ['\\.', 'x', false],
    ['^\\t\\n\\r$', '\t\n\r', true],
    ['\\t', 't', false],
    ['\\n', 'n', false],
    ['\\r', 'r', false],
    ['a{', 'a{', true],
    ['a{,2}', 'a{,2}', true],
    ['a{b}', 'a{b}', true],
    ['a}', 'a}', true],
    ['a]', 'a]', true],
    ['^.$', '💣', true],
    ['größe', 'die größe', true],
    ['A', 'a', false],
  ])('%j in %j: %j', (pattern, text, expected) => {
    expect(compilePattern(pattern)(text)).toBe(expected);
  });

  // JavaScript alone takes `[]` for a set of nothing.
  it.each([
    ['^[]a]$', ']', true],
    ['^[]a]$', 'a', true],
    ['^[^]a]$', ']', false],
    ['^[^]a]$', 'b', true],
  ])('reads a ] at the beginning of a set as a member: %j in %j: %j', (pattern, text, expected) => {
    expect(compilePattern(pattern)(text)).toBe(expected);
  });

  it.each([
    ['SELECT', 'a select b', true],
    ['select', 'a SELECT b', true],
    ['select', 'a delete b', false],
    ['[a-f]x', 'CX', true],
    ['[A-F]x', 'cX', true],
    ['[a-f]x', 'GX', false],
    ['[a-f][A-F]', '--', false],
    ['[^a]', 'A', false],
    ['[^a-c]', 'B', false],
    ['\\n', '\n', true],
    ['\\W', 'a', false],
    ['\\_', '_', true],
    ['straße', 'STRASSE', false],
    ['É', 'é', true],
  ])('%j in %j, whatever the case: %j', (pattern, text, expected) => {
    expect(compilePattern(pattern, { ignoreCase: true })(text)).toBe(expected);
  });

  it.each([
    ['(', 'a ( without its ) (at character 2)'],
    ['(a|b', 'a ( without its ) (at character 5)'],
    ['a)', 'a ) without its ( (at character 2)'],
    [')', 'a ) without its ( (at character 1)'],
    ['*a', 'nothing to repeat (at character 2)'],
    ['+a', 'nothing to repeat (at character 2)'],
    ['?a', 'nothing to repeat (at character 2)'],
    ['a|*', 'nothing to repeat (at character 4)'],
    ['a**', 'nothing to repeat (at character 3)'],
    ['a+*', 'nothing to repeat (at character 3)'],
    ['a*+', 'nothing to repeat (at character 3)'],
    ['a*??', 'nothing to repeat (at character 4)'],
    ['(?=a)', 'look-around and named groups are not supported (at character 3)'],
    ['(?!a)', 'look-around and named groups are not supported (at character 3)'],
    ['(?<=a)', 'look-around and named groups are not supported (at character 3)'],
    ['(?<n>a)', 'look-around and named groups are not supported (at character 3)'],
    ['(a)\\1', 'back-references are not supported (at character 6)'],
    ['\\0', 'back-references are not supported (at character 3)'],
    ['\\x41', '\\x is not supported (at character 3)'],
    ['\\u0041', '\\u is not supported (at character 3)'],
    ['\\p', '\\p is not supported (at character 3)'],
    ['\\Z', '\\Z is not supported (at character 3)'],
    ['[\\b]', '\\b is not supported (at character 4)'],
    ['[\\1]', '\\1 is not supported (at character 4)'],
    ['[', 'the pattern ends too early (at character 2)'],
    ['[a', 'the pattern ends too early (at character 3)'],
    ['[^', 'the pattern ends too early (at character 3)'],
    ['[]', 'the pattern ends too early (at character 3)'],
    ['[a-', 'the pattern ends too early (at character 4)'],
    ['[\\', 'the pattern ends too early (at character 3)'],
    ['\\', 'the pattern ends too early (at character 2)'],
    ['[z-a]', 'a range that ends before it begins (at character 5)'],
    ['[b-a]', 'a range that ends before it begins (at character 5)'],
    ['[!-\\d]', 'a range that ends before it begins (at character 5)'],
    ['a{3,2}', 'the bounds of a repetition are in the wrong order (at character 7)'],
    ['a{101}', 'a repetition of more than 100 (at character 7)'],
    ['a{0,101}', 'a repetition of more than 100 (at character 9)'],
    ['a{101,}', 'a repetition of more than 100 (at character 8)'],
    ['((a{50}){50}){50}', 'the pattern is too large (at character 18)'],
  ])('refuses %j: %s', (pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(new PatternError(message));
  });

  it('throws errors with their own name', () => {
    expect(new PatternError('x').name).toBe('PatternError');
  });

  it('repeats up to a hundred times', () => {
    expect(compilePattern('^a{100}$')('a'.repeat(100))).toBe(true);
    expect(compilePattern('^a{0,100}$')('a'.repeat(101))).toBe(false);
    expect(compilePattern('^a{100,}$')('a'.repeat(99))).toBe(false);
  });

  it('has room for 500 states and no more, two of them its own', () => {
    expect(compilePattern('a'.repeat(498))('a'.repeat(498))).toBe(true);
    expect(() => compilePattern('a'.repeat(499))).toThrow('the pattern is too large');
  });

  it.each([
    ['^(a+)+b$', 'a'.repeat(5_000), false],
    ['^(a|aa)+$', `${'a'.repeat(5_000)}b`, false],
    ['(a|a?)+$', `${'a'.repeat(5_000)}b`, true],
    ['(x*)*y', 'x'.repeat(5_000), false],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(5_000), false],
    ['(.*)*,(.*)*,(.*)*;', ','.repeat(5_000), false],
    ['^(a?){50}a{50}$', 'a'.repeat(50), true],
    ['^(a?){50}a{50}$', 'a'.repeat(49), false],
  ])('answers at once where a backtracking engine would take years: %j', (pattern, text, expected) => {
    expect(compilePattern(pattern)(text)).toBe(expected);
  });

  // A step for each character, and one for each state that is entered.
  it.each([
    { pattern: 'b', text: 'aaab', steps: 8, expected: true },
    { pattern: 'b', text: 'aaab', steps: 4, expected: true },
    { pattern: 'b', text: 'aaab', steps: 3, expected: undefined },
    { pattern: 'b', text: 'aaaa', steps: 5, expected: false },
    { pattern: 'b', text: 'aaaa', steps: 4, expected: undefined },
    { pattern: 'ab', text: 'ab', steps: 5, expected: true },
    { pattern: 'ab', text: 'ab', steps: 4, expected: undefined },
    { pattern: '(a|b)c', text: 'ab', steps: 13, expected: false },
    { pattern: '(a|b)c', text: 'ab', steps: 12, expected: undefined },
    { pattern: '\\bb', text: 'aab', steps: 3, expected: undefined },
    { pattern: '', text: '', steps: 1, expected: true },
    { pattern: '', text: '', steps: 0, expected: undefined },
  ])('looks for $pattern in $text for $steps steps: $expected', ({ pattern, text, steps, expected }) => {
    expect(compilePattern(pattern)(text, steps)).toBe(expected);
  });

  it('needs the same number of steps every time, and no more than states times length', () => {
    const find = compilePattern('(select|insert) .{0,90}from .{0,90}big_table');
    const text = 'select a from t '.repeat(500);
    const states = 500;

    expect(find(text, states * (text.length + 1))).toBe(false);
    expect(find(text, text.length)).toBeUndefined();
    expect(find(text, text.length)).toBeUndefined();
  });

  it("says what JavaScript's own engine says", () => {
    const character = fc.constantFrom('a', 'b', 'A', 'Z', '1', '_', '-');
    const set = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.array(fc.constantFrom('a', 'b', 'B', '1', 'a-b', 'Y-Z', '\\d', '\\w', '\\s', '\\W', '\\-', '^', '.'), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom('', '-'),
      )
      .map(([negation, members, hyphen]) => `[${negation}${members.join('').replace(/^\^/, '\\^')}${hyphen}]`);
    const classes = fc.constantFrom('.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\.', '\\n');
    const repetition = fc
      .tuple(fc.constantFrom('*', '+', '?', '{0}', '{2}', '{0,1}', '{1,2}', '{1,}'), fc.constantFrom('', '?'))
      .map((both) => both.join(''));
    const more = fc.option(repetition, { nil: '', freq: 2 });
    const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
      part: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'pattern' },
        fc.tuple(fc.oneof(character, set, classes), more).map((both) => both.join('')),
        fc.constantFrom('^', '$', '\\b', '\\B'),
        fc.tuple(fc.constantFrom('(', '(?:'), tie('pattern'), more).map(([open, inner, r]) => `${open}${inner})${r}`),
      ),
      pattern: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'pattern' },
        fc.array(tie('part'), { maxLength: 3, depthIdentifier: 'pattern' }).map((parts) => parts.join('')),
        fc.tuple(tie('pattern'), tie('pattern')).map((both) => both.join('|')),
      ),
    }));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', 'Z', '1', '_', '-', ' ', '.', '\n'), maxLength: 8 });

    fc.assert(
      fc.property(pattern, text, fc.boolean(), (source, value, ignoreCase) => {
        const mine = compilePattern(source, { ignoreCase })(value);

        expect(mine).toBe(new RegExp(source, ignoreCase ? 'i' : '').test(value));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('canMatch', () => {
  it.each([
    '',
    'a',
    '^a$',
    '^$',
    '$^',
    '(^a|b$)c|d',
    'a*^b',
    'a$b?',
    '(a$)?b',
    '\\b\\B',
    '[$^]a',
    '\\$a',
    '(^)*a',
    'x|a$b',
  ])('finds that %j may match', (source) => {
    expect(canMatch(source)).toBe(true);
  });

  it.each(['a$b', 'a^b', '^a^b', 'a+^b', '$.', 'x(a$|b$)y', '^$A', '(a|b)^', 'a$\\bb'])(
    'finds that %j matches nothing',
    (source) => {
      expect(canMatch(source)).toBe(false);
    },
  );

  it('never says that a pattern matches nothing if it matches something', () => {
    const source = fc
      .array(fc.constantFrom('a', 'b', '^', '$', '|', '(a$)?', '(^b)*', 'a*', '\\b', '.'))
      .map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, text, (pattern, value) => {
        if (compilePattern(pattern)(value)) expect(canMatch(pattern)).toBe(true);
      }),
    );
  });
});
