import { createHmac, hash } from 'node:crypto';

/**
 * The signature of Huawei Cloud's API gateway. It differs from AWS SigV4: the secret key is the HMAC key itself, there is no
 * scope line, and the canonical path ends in a slash that the request does not need.
 *
 * @see https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html
 */
export const ALGORITHM = 'SDK-HMAC-SHA256';

const EMPTY_BODY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface SignableRequest {
  method: string;
  /** Percent-decoded, from the first slash on. */
  path: string;
  /** Decoded pairs, in any order; a repeated name is two pairs. */
  query: readonly (readonly [name: string, value: string])[];
  /** All headers are signed, except names with an underscore, which the gateway drops. */
  headers: Readonly<Record<string, string>>;
  /** The bytes on the wire; empty for none. */
  body: string | Uint8Array;
}

export interface SigningKeys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Letters, digits and `-_.~`, which RFC 3986 calls unreserved. */
const UNRESERVED = /^[\w.~-]*$/;

/** Encodes a text as in RFC 3986: only unreserved characters stay. `encodeURIComponent` leaves five more. */
export function encodeRfc3986(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Returns the path and query that go on the wire, encoded the way they are signed. */
export function requestTarget(path: string, query: SignableRequest['query']): string {
  const encodedPath = path.split('/').map(encodeRfc3986).join('/');
  const encodedQuery = query.map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`).join('&');
  return encodedQuery === '' ? encodedPath : `${encodedPath}?${encodedQuery}`;
}

/** Writes an instant as `YYYYMMDDTHHMMSSZ`, the form of the X-Sdk-Date header. */
export function formatSdkDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** Signs a request. @throws {TypeError} if the headers hold no X-Sdk-Date, which is a part of the signature. */
export function sign(request: SignableRequest, { accessKeyId, secretAccessKey }: SigningKeys) {
  const headers = canonicalHeaders(request.headers);
  const date = headers.find(([name]) => name === 'x-sdk-date')?.[1];
  if (date === undefined) throw new TypeError('sign: the request has no X-Sdk-Date header');

  const signedHeaders = headers.map(([name]) => name).join(';');
  const canonicalRequest = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.map(([name, value]) => `${name}:${value}\n`).join(''),
    signedHeaders,
    payloadHash(request.body),
  ].join('\n');
  const stringToSign = [ALGORITHM, date, sha256(canonicalRequest)].join('\n');
  const signature = createHmac('sha256', secretAccessKey).update(stringToSign).digest('hex');

  return {
    canonicalRequest,
    stringToSign,
    signature,
    authorization: `${ALGORITHM} Access=${accessKeyId}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  };
}

function canonicalPath(path: string): string {
  const encoded = path.split('/').map(encodeRfc3986).join('/');
  return encoded.endsWith('/') ? encoded : `${encoded}/`;
}

function canonicalQuery(query: SignableRequest['query']): string {
  return query
    .toSorted((a, b) => compareCodePoints(a[0], b[0]) || compareCodePoints(a[1], b[1]))
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .join('&');
}

function canonicalHeaders(headers: SignableRequest['headers']): [name: string, value: string][] {
  return Object.entries(headers)
    .filter(([name]) => !name.includes('_'))
    .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim()])
    .sort(([a], [b]) => compareCodePoints(a, b));
}

/** Returns the SHA-256 of the body's bytes in lower-case hex. */
function payloadHash(body: string | Uint8Array): string {
  return body.length === 0 ? EMPTY_BODY_SHA256 : sha256(body);
}

function sha256(data: string | Uint8Array): string {
  return hash('sha256', data);
}

/** Compares code points, as the gateway does. JavaScript compares UTF-16 units, which puts U+1F600 before U+FF01. */
function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  if (UNRESERVED.test(a) && UNRESERVED.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
