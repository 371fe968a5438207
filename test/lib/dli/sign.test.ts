import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRfc3986, formatSdkDate, requestTarget, type SignableRequest, sign } from '../../../lib/dli/sign.ts';

interface Vector {
  name: string;
  ak: string;
  sk: string;
  method: string;
  url: string;
  pathDecoded: string;
  queryDecoded: [name: string, value: string][];
  headers: Record<string, string>;
  body: string;
  canonicalRequest: string;
  stringToSign: string;
  signature: string;
  authorization: string;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../fixtures/signing-vectors.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] };

const KEYS = { accessKeyId: 'AKEXAMPLE', secretAccessKey: 'SKexample' };
const REQUEST: SignableRequest = {
  method: 'GET',
  path: '/v1.0/p/jobs',
  query: [],
  headers: { host: 'dli.example.com', 'x-sdk-date': '20260105T090000Z' },
  body: '',
};

describe('sign', () => {
  it.each(vectors)('signs as the gateway does: $name', (vector) => {
    const { method, pathDecoded: path, queryDecoded: query, headers, body, ak, sk } = vector;

    const signed = sign({ method, path, query, headers, body }, { accessKeyId: ak, secretAccessKey: sk });

    const { canonicalRequest, stringToSign, signature, authorization } = vector;
    expect(signed).toEqual({ canonicalRequest, stringToSign, signature, authorization });
  });

  it('signs the same bytes alike, as text and as bytes', () => {
    const body = '{"sql":"select \'用户\'"}';

    expect(sign({ ...REQUEST, body: Buffer.from(body) }, KEYS)).toEqual(sign({ ...REQUEST, body }, KEYS));
  });

  it('does not mind the order of headers and query', () => {
    const names = fc.constantFrom('a', 'A', 'b', 'ab', 'a-b', 'a!', '😀', '！', 'x');
    const query = fc.array(fc.tuple(names, names), { maxLength: 8 });
    const headerNames = fc.subarray(['x-project-id', 'x-language', 'content-type', 'x-security-token']);
    const shuffled = <T>(items: T[]) => fc.shuffledSubarray(items, { minLength: items.length });
    const twoOrders = fc.tuple(query, headerNames).chain(([pairs, headers]) =>
      fc.record({
        pairs: fc.constant(pairs),
        otherPairs: shuffled(pairs),
        headers: fc.constant(headers),
        otherHeaders: shuffled(headers),
      }),
    );
    const withHeaders = (some: string[]) => ({
      ...Object.fromEntries(some.map((name) => [name, name])),
      ...REQUEST.headers,
    });

    fc.assert(
      fc.property(twoOrders, ({ pairs, otherPairs, headers, otherHeaders }) => {
        const one = sign({ ...REQUEST, query: pairs, headers: withHeaders(headers) }, KEYS);
        const other = sign({ ...REQUEST, query: otherPairs, headers: withHeaders(otherHeaders) }, KEYS);

        expect(other).toEqual(one);
      }),
    );
  });

  it('sorts by code point, where JavaScript would compare halves of characters', () => {
    const { canonicalRequest } = sign(
      {
        ...REQUEST,
        query: [
          ['😀', '1'],
          ['！', '2'],
        ],
      },
      KEYS,
    );

    expect(canonicalRequest.split('\n')[2]).toBe('%EF%BC%81=2&%F0%9F%98%80=1');
  });

  it('sorts a repeated name by its values', () => {
    const { canonicalRequest } = sign(
      {
        ...REQUEST,
        query: [
          ['a', '2'],
          ['a', '10'],
          ['a', ''],
        ],
      },
      KEYS,
    );

    expect(canonicalRequest.split('\n')[2]).toBe('a=&a=10&a=2');
  });

  it('leaves out headers with an underscore, which the gateway drops', () => {
    const headers = { ...REQUEST.headers, x_trace: '1' };

    expect(sign({ ...REQUEST, headers }, KEYS)).toEqual(sign(REQUEST, KEYS));
  });

  it('refuses a request without a date', () => {
    expect(() => sign({ ...REQUEST, headers: { host: 'dli.example.com' } }, KEYS)).toThrow(TypeError);
    expect(() => sign({ ...REQUEST, headers: { host: 'dli.example.com' } }, KEYS)).toThrow('no X-Sdk-Date header');
  });
});

describe('requestTarget', () => {
  it.each(vectors)('encodes what goes on the wire: $name', ({ pathDecoded, queryDecoded, url }) => {
    const { pathname, search } = new URL(url);

    expect(requestTarget(pathDecoded, queryDecoded)).toBe(`${pathname}${search}`);
  });
});

describe('encodeRfc3986', () => {
  it.each([
    ['AZaz09-_.~', 'AZaz09-_.~'],
    [' +/', '%20%2B%2F'],
    ["!'()*", '%21%27%28%29%2A'],
    ['é😀', '%C3%A9%F0%9F%98%80'],
    ['\ud800', '%EF%BF%BD'],
  ])('writes %j as %s', (text, encoded) => {
    expect(encodeRfc3986(text)).toBe(encoded);
  });
});

describe('formatSdkDate', () => {
  it('drops what is finer than a second', () => {
    expect(formatSdkDate(Date.parse('2026-01-05T09:00:00.999Z'))).toBe('20260105T090000Z');
  });
});
