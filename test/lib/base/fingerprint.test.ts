import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../../lib/base/fingerprint.ts';

const SALES = "SELECT region, sum(amount) FROM sales WHERE day = '2026-01-01' AND id IN (1, 2, 3)";

describe('fingerprint', () => {
  // Reports of one version are compared with those of the next.
  it('has sixteen hexadecimal digits, and stays the same from release to release', () => {
    expect(fingerprint(SALES)).toBe('09a00adefb655f04');
  });

  it.each([
    { name: 'another text', other: SALES.replace('2026-01-01', '1999-12-31') },
    { name: 'a text with quotes in it', other: SALES.replace('2026-01-01', "it''s \\' here") },
    { name: 'a number for the text', other: SALES.replace("'2026-01-01'", '1.5e3') },
    { name: 'a longer list', other: SALES.replace('1, 2, 3', "4,5,\n6, 7,'8'") },
    { name: 'a shorter list', other: SALES.replace('1, 2, 3', '1') },
    { name: 'other spaces', other: SALES.replaceAll(' ', ' \n\t ') },
    { name: 'no spaces around signs', other: SALES.replace(' = ', '=') },
    { name: 'another case', other: SALES.toLowerCase() },
    { name: 'a comment at the end', other: `${SALES} -- for the dashboard` },
    { name: 'a comment in a line of its own', other: `-- dashboard 7\n${SALES}` },
    { name: 'a comment within', other: SALES.replace('FROM', '/* job 42; -- */ FROM') },
  ])('is the same with $name', ({ other }) => {
    expect(fingerprint(other)).toBe(fingerprint(SALES));
  });

  it.each([
    { name: 'another table', other: SALES.replace('sales', 'sales2') },
    { name: 'another column', other: SALES.replace('region', 'country') },
    { name: 'another condition', other: SALES.replace(' = ', ' > ') },
    { name: 'one column more', other: SALES.replace('region,', 'region, day,') },
    { name: 'a comment that hides a part', other: SALES.replace('AND', '-- AND') },
    { name: 'nothing left', other: '' },
    { name: 'a name in double quotes for the text', other: SALES.replace("'2026-01-01'", '"x"') },
    { name: 'a list of names for the list', other: SALES.replace('1, 2, 3', 'a, b') },
  ])('differs with $name', ({ other }) => {
    expect(fingerprint(other)).not.toBe(fingerprint(SALES));
  });

  it.each([
    { name: 'a text is a number', one: "a = 'x'", other: 'a = 7', same: true },
    { name: 'an empty text is a text', one: "a = ''", other: "a = 'x'", same: true },
    { name: 'a text that ends in a quote is one text', one: "a = 'it''s'", other: "a = 'x'", same: true },
    { name: 'two texts in a row are two', one: "a 'x' 'y'", other: "a 'x'", same: false },
    { name: 'a quote within the other kind is no end', one: `a = 'say "x'`, other: "a = 'x'", same: true },
    { name: 'a text quote within a name is no text', one: `from "it's" b`, other: `from "it'x" b`, same: false },
    { name: 'an escaped quote is no end', one: "a = 'it\\'s' b", other: "a = 'x' b", same: true },
    { name: 'an escaped backslash ends before the quote', one: "a = 'x\\\\' b", other: "a = 'x' b", same: true },
    { name: 'a comment within a text is text', one: "a = '-- x' b", other: "a = 'x' b", same: true },
    { name: 'a quote within a comment is comment', one: "a /* it's */ b", other: 'a b', same: true },
    { name: 'a comment of one sign is not yet closed', one: 'a /*/ b */ c', other: 'a c', same: true },
    { name: 'an empty comment is closed', one: 'a /**/ b', other: 'a b', same: true },
    { name: 'what follows the comment of a line counts', one: 'a -- x\nb', other: 'a b', same: true },
    { name: 'one hyphen is no comment', one: 'a - b', other: 'a', same: false },
    { name: 'one slash is no comment', one: 'a / b', other: 'a', same: false },
    { name: 'a quoted name is a name', one: 'from `Sales`', other: 'from `sales`', same: true },
    { name: 'a quoted name is no text', one: 'from `sales`', other: 'from `orders`', same: false },
    { name: 'a name in double quotes is a name', one: 'from "Sales"', other: 'from "sales"', same: true },
    { name: 'a name in double quotes is no text', one: 'from "sales"', other: 'from "orders"', same: false },
    {
      name: 'each part of a name in double quotes counts',
      one: 'from "hive"."sales"."orders_eu"',
      other: 'from "hive"."sales"."orders_us"',
      same: false,
    },
    { name: 'a name in double quotes is not the bare one', one: 'from "a b"', other: 'from a b', same: false },
    { name: 'a blank in a quoted name counts', one: 'from `a b`', other: 'from `a  b`', same: false },
    { name: 'a hyphen in a quoted name hides no digit', one: 'from `t-1`', other: 'from `t-2`', same: false },
    { name: 'two hyphens in a quoted name are no comment', one: 'from `a--b`', other: 'from `a--c`', same: false },
    { name: 'a quote in a quoted name begins no text', one: "from `a'b`, c", other: "from `a'b`, d", same: false },
    { name: 'a backquote twice does not end the name', one: 'from `a``b` c', other: 'from `a``x` c', same: false },
    {
      name: 'a backslash does not keep a backquote open',
      one: "from `a\\`, 'b'",
      other: "from `a\\`, 'c'",
      same: true,
    },
    {
      name: 'a backslash at the end of a value hides no table',
      one: "split(p, '\\') from orders_eu where x = '1'",
      other: "split(p, '\\') from orders_us where x = '1'",
      same: false,
    },
    {
      name: 'a backslash at the end of a name hides no table',
      one: 'a as "p\\", b as "q" from orders_eu as "c"',
      other: 'a as "p\\", b as "q" from orders_us as "c"',
      same: false,
    },
    {
      name: 'what is whole with and without a backslash that escapes counts in both',
      one: "a '\\' from t1 where b = 'c' and d = '\\'",
      other: "a '\\' from t2 where b = 'c' and d = '\\'",
      same: false,
    },
    { name: 'values with a backslash that ends none are values', one: "a = 'C:\\d' b", other: "a = 'x' b", same: true },
    { name: 'a carriage return ends the comment of a line', one: '-- x\rfrom t1', other: '-- x\rfrom t2', same: false },
    { name: 'a backslash keeps double quotes open', one: `a "x\\"y" 'b'`, other: `a "x\\"y" 'c'`, same: true },
    { name: 'a name that begins with digits is a name', one: 'from 2024_t', other: 'from 2025_t', same: false },
    { name: 'a name in a schema of digits is a name', one: 'from 1.a', other: 'from 2.a', same: false },
    { name: 'a name may hold a dollar behind digits', one: 'from 1$a', other: 'from 2$a', same: false },
    { name: 'a number with a fraction and an exponent is one', one: 'a 1.5e-3 b', other: 'a 7 b', same: true },
    { name: 'a number ends with a point', one: 'a > 1. b', other: 'a > 2 b', same: true },
    { name: 'a number with its type behind it is one', one: 'a > 10L', other: 'a > 1.5BD', same: true },
    { name: 'a number before a quoted name is none', one: 'from 1`a`', other: 'from 2`a`', same: false },
    { name: 'a point after a name belongs to it', one: 'a.b', other: 'a . b', same: false },
    { name: 'a name with a digit in it is a name', one: 'from t1', other: 'from t2', same: false },
    { name: 'a variable is a name', one: 'set $a', other: 'set $b', same: false },
    { name: 'a word is not two', one: 'ab', other: 'a b', same: false },
    { name: 'a list without brackets is no list', one: 'a 1, 2', other: 'a 1', same: false },
    { name: 'a list of one is a list', one: 'in (1)', other: "in ('a', 'b')", same: true },
    { name: 'every list is', one: 'in (1, 2) in (3)', other: 'in (1) in (2, 3)', same: true },
    { name: 'a list within a list is', one: 'in ((1, 2), (3))', other: 'in ((1), (3, 4, 5))', same: true },
    { name: 'a list with a name in it is no list', one: 'in (1, 2, a)', other: 'in (1, a)', same: false },
    { name: 'an empty pair of brackets is no list', one: 'f()', other: 'f(1)', same: false },
  ])('goes by the shape: $name', ({ one, other, same }) => {
    expect(fingerprint(one) === fingerprint(other)).toBe(same);
  });

  it.each([
    { open: "a 'open b", closed: "a 'open b'" },
    { open: 'a "open b', closed: 'a "open b"' },
    { open: 'a `open b', closed: 'a `open b`' },
    { open: 'a "', closed: 'a ""' },
    { open: "a 'b\\", closed: "a 'b'" },
    { open: "a 'b''", closed: "a 'b'" },
    { open: 'a /* open b', closed: 'a' },
    { open: 'a /*/', closed: 'a' },
    { open: 'a -- open b', closed: 'a' },
  ])('ends a quoted text that is never closed with the statement: $open', ({ open, closed }) => {
    expect(fingerprint(open)).toBe(fingerprint(closed));
  });

  // Quadratic work on such a text would be ten thousand million steps.
  it.each([
    "\\'",
    "''",
    "'",
    '"',
    '""',
    '1_',
    '1.',
    '1e',
    '`a`.',
    '/*',
    '*/',
    '--',
    '(1,',
    '(',
    '"\\',
    'a',
    '1',
    ' ',
    '`',
    '((1)',
  ])('looks at each character once, however often %j comes', (part) => {
    expect(fingerprint(part.repeat(100_000))).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is the same whatever the values, and differs when anything else does', () => {
    const value = fc.oneof(
      fc.nat().map(String),
      fc.string({ unit: fc.constantFrom('a', '-', '*', '/', '(', ' ', ',') }).map((text) => `'${text}'`),
    );
    const space = fc.constantFrom(' ', '\n', ' /* note */ ', ' -- note\n', '\t ');
    const word = fc.constantFrom('select', 'FROM', 'Sales', '=', '<', 't1', '`x`');
    const statement = fc.array(fc.oneof(word, fc.constant(null)), { minLength: 1, maxLength: 8 });
    const rendering = fc.record({
      values: fc.array(value, { minLength: 8, maxLength: 8 }),
      spaces: fc.array(space, { minLength: 8, maxLength: 8 }),
      isLower: fc.boolean(),
    });
    type Rendering = typeof rendering extends fc.Arbitrary<infer T> ? T : never;
    const render = (parts: (string | null)[], { values, spaces, isLower }: Rendering) =>
      parts
        .map((part, i) => (isLower ? part?.toLowerCase() : part) ?? values[i])
        .reduce<string>((text, part, i) => `${text}${spaces[i]}${part}`, '');

    fc.assert(
      fc.property(statement, rendering, rendering, word, (parts, one, other, last) => {
        expect(fingerprint(render(parts, one))).toBe(fingerprint(render(parts, other)));
        expect(fingerprint(`${render(parts, one)} ${last}`)).not.toBe(fingerprint(render(parts, one)));
      }),
    );
  });
});
