import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, parseJsonText, TextError, withoutMark } from '../../../lib/base/text.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('decodeText', () => {
  it('gives every text in UTF-8 as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0') && !text.startsWith('\ufeff'));
        expect(decodeText(utf8(text))).toBe(text);
      }),
    );
  });

  it('drops one byte-order mark before it, and no other', () => {
    expect(decodeText(utf8('\ufeffa'))).toBe('a');
    expect(decodeText(utf8('\ufeff\ufeffa'))).toBe('\ufeffa');
    expect(decodeText(utf8('a\ufeff'))).toBe('a\ufeff');
  });

  it.each([
    { name: 'GBK in the first line', bytes: [0xba, 0xcb], line: 1 },
    { name: 'GBK in the third line', bytes: [0x61, 0x0a, 0xe6, 0xa0, 0xb8, 0x0a, 0xba, 0xcb, 0x0a], line: 3 },
    { name: 'a character that the end of the line cuts off', bytes: [0x0a, 0xe6, 0xa0, 0x0a, 0xb8], line: 2 },
    { name: 'a character that the end of the text cuts off', bytes: [0x61, 0x0a, 0xe6, 0xa0], line: 2 },
  ])('refuses $name, and names the line', ({ bytes, line }) => {
    expect(() => decodeText(Uint8Array.from(bytes))).toThrow(
      new TextError(`is not UTF-8 (line ${line}); save it as UTF-8`),
    );
  });

  it.each([
    { name: 'UTF-16 as Windows has it', bytes: [0xff, 0xfe, 0x61, 0x00] },
    { name: 'UTF-16 the other way round', bytes: [0xfe, 0xff, 0x00, 0x61] },
    { name: 'UTF-16 of characters that have no zero in them', bytes: [0xff, 0xfe, 0x38, 0x68] },
    { name: 'UTF-16 without its mark', bytes: [0x61, 0x00, 0x62, 0x00] },
  ])('refuses $name by its name', ({ bytes }) => {
    expect(() => decodeText(Uint8Array.from(bytes))).toThrow(
      new TextError('is UTF-16, or not a text; save it as UTF-8'),
    );
  });

  it('throws errors that go by their own name', () => {
    expect(new TextError('x').name).toBe('TextError');
  });
});

describe('withoutMark', () => {
  it.each([
    ['\ufeff{}', '{}'],
    ['{}', '{}'],
    ['\ufeff\ufeff', '\ufeff'],
    ['a\ufeff', 'a\ufeff'],
    ['', ''],
  ])('makes of %j %j', (text, expected) => {
    expect(withoutMark(text)).toBe(expected);
  });
});

describe('parseJsonText', () => {
  it('gives what any JSON says', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
        const document: unknown = JSON.parse(text);
        expect(parseJsonText(JSON.stringify(document, null, indent))).toEqual(document);
      }),
    );
  });

  it.each([
    { name: 'the same key in two objects', text: '[{"a":1},{"a":{"a":2}}]' },
    { name: 'a value that is called as a key is', text: '{"a":"b","b":["a","a"]}' },
    { name: 'a text that looks like keys', text: '{"a":"\\"b\\":1,\\"b\\":2"}' },
  ])('takes $name', ({ text }) => {
    expect(parseJsonText(text)).toEqual(JSON.parse(text));
  });

  it.each([
    { name: 'side by side', text: '{"a":1,"a":1}' },
    { name: 'with blanks', text: '{"a" : 1, "b": {}, "a" : 2}' },
    { name: 'in an inner object', text: '[1,{"x":[],"y":{"a":{},"b":"}","a":{}}}]' },
    { name: 'once with an escape', text: '{"ab":1,"\\u0061b":2}' },
  ])('refuses a key that is there twice, $name', ({ text }) => {
    expect(() => parseJsonText(text)).toThrow(new TextError('a key is there twice in one object; keep one of them'));
  });
});
