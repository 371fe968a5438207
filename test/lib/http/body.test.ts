import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBody } from '../../../lib/http/body.ts';

/** Returns the body of a text that arrives in parts of so many bytes. */
function received(text: string, { maxTextBytes = Number.POSITIVE_INFINITY, partBytes = 1_000 } = {}) {
  const body = createBody(maxTextBytes);
  const bytes = Buffer.from(text);
  let most = 0;
  for (let at = 0; at < bytes.length; at += partBytes) {
    body.add(bytes.subarray(at, at + partBytes));
    most = Math.max(most, body.size());
  }
  return { text: body.text(), size: body.size(), most };
}

/** The same JSON with its long texts, as they are written, replaced. */
function withoutLong(value: unknown, maxBytes: number): unknown {
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value)) - 2 > maxBytes ? null : value;
  if (Array.isArray(value)) return value.map((one) => withoutLong(one, maxBytes));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutLong(one, maxBytes)]));
}

describe('createBody', () => {
  it('is what came, byte by byte, if nothing is too long', () => {
    const text = 'grüß "中文" <html> \\" \u{1f600}';

    for (const partBytes of [1, 2, 3, 1_000]) expect(received(text, { partBytes }).text).toBe(text);
  });

  it.each([
    { name: 'exactly as long as it may be', text: '"123456"', expected: '"123456"' },
    { name: 'a byte longer', text: '"1234567"', expected: 'null' },
    { name: 'two bytes longer, in characters of three', text: '{"a":"中中中"}', expected: '{"a":null}' },
    { name: 'longer as it is written, by an escaped quote', text: '["12345\\"","b"]', expected: '[null,"b"]' },
    { name: 'ended by a quote behind an escaped backslash', text: '["1234\\\\","b"]', expected: '["1234\\\\","b"]' },
    { name: 'empty', text: '["","a"]', expected: '["","a"]' },
    { name: 'too long, between short ones', text: '["a","1234567","b"]', expected: '["a",null,"b"]' },
    { name: 'never ended, and short', text: '{"a":"12', expected: '{"a":"12' },
    { name: 'never ended, and too long', text: '{"a":"1234567', expected: '{"a":' },
  ])('holds $expected of a text that is $name', ({ text, expected }) => {
    for (const partBytes of [1, 2, 3, 5, 1_000]) {
      const body = received(text, { maxTextBytes: 6, partBytes });
      expect(body.text).toBe(expected);
      expect(body.size).toBe(Buffer.byteLength(expected));
    }
  });

  it('is the same JSON without its long texts, whichever way the parts are cut', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '\n', '中', '\u{1f600}', '{', ':', ','),
      maxLength: 20,
    });
    const row = fc.dictionary(fc.constantFrom('a', 'id'), fc.oneof(text, fc.integer(), fc.constant(null)));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text, row)),
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (value, maxTextBytes, partBytes) => {
          const body = received(JSON.stringify(value), { maxTextBytes, partBytes });

          expect(JSON.parse(body.text)).toEqual(withoutLong(value, maxTextBytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never holds more of a long text than the limit while it arrives', () => {
    const { text, most } = received(`["${'x'.repeat(1_000_000)}"]`, { maxTextBytes: 5_000 });

    expect(text).toBe('[null]');
    expect(most).toBeLessThan(6_000);
  });
});
