import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasUnseen, jsonOf } from '../../../lib/base/json-text.ts';

describe('jsonOf', () => {
  it.each([
    { name: 'a control character of ASCII', text: '\u0007', json: '"\\u0007"' },
    { name: 'DEL', text: '\u007f', json: '"\\u007f"' },
    { name: 'the one-character CSI', text: '\u009b2J', json: '"\\u009b2J"' },
    { name: 'the last control character', text: '\u009f\u00a0', json: '"\\u009f\u00a0"' },
    { name: 'a bidi override', text: 'a\u202eb', json: '"a\\u202eb"' },
    { name: 'line and paragraph separator', text: '\u2028\u2029', json: '"\\u2028\\u2029"' },
    { name: 'a soft hyphen and a zero-width space', text: '\u00ad\u200b', json: '"\\u00ad\\u200b"' },
    { name: 'a byte-order mark', text: '\ufeff', json: '"\\ufeff"' },
    { name: 'a tag character, beyond 16 bits', text: '\u{e0041}', json: '"\\udb40\\udc41"' },
    { name: 'what can be seen', text: 'grüß 中文 \u{1f600} ~', json: '"grüß 中文 \u{1f600} ~"' },
  ])('writes $name as $json', ({ text, json }) => {
    expect(jsonOf(text)).toBe(json);
    expect(JSON.parse(json)).toBe(text);
  });

  it('escapes the names of fields as well', () => {
    expect(jsonOf({ 'q\u202e': 1 })).toBe('{"q\\u202e":1}');
  });

  it('is read as the same value, and holds no invisible character', () => {
    const unit = fc.constantFrom(
      'a',
      '"',
      '\\',
      '中',
      '\u0000',
      '\u001b',
      '\u007f',
      '\u0085',
      '\u009b',
      '\u00ad',
      '\u061c',
      '\u200e',
      '\u2028',
      '\u202e',
      '\u2066',
      '\ufeff',
      '\u{e0041}',
    );
    const text = fc.string({ unit, maxLength: 10 });
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 3 }), (value) => {
        const json = jsonOf(value, 2);

        expect(JSON.parse(json)).toEqual(value);
        expect(json).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('hasUnseen', () => {
  it('finds such a character, however often it is asked', () => {
    expect(['a\u202e', 'a\u202e', '\u2028', 'a', ''].map(hasUnseen)).toEqual([true, true, true, false, false]);
  });
});
