import { timingSafeEqual } from 'node:crypto';
import { ALGORITHM, sign } from '../../lib/dli/sign.ts';
import { type Answer, gatewayError } from '../base/answer.ts';
import type { Iam } from './iam.ts';
import type { TemporaryKeys } from './temporary-keys.ts';

export interface GatewayRequest {
  method: string;
  /** Path and query as they came over the wire. */
  target: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
  requestId: string;
}

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary keys are only good together with their token. */
  securityToken?: string | undefined;
}

export interface GatewayOptions {
  keys: readonly AccessKey[];
  temporaryKeys: TemporaryKeys;
  iam: Iam;
  now: () => number;
  /** The real time: a signature made by it is as good. */
  wall: () => number;
}

/** "The signature is valid for 15 minutes" (API Gateway, signing algorithm). */
const TOLERANCE_MS = 15 * 60_000;
const LOCK_AFTER_FAILURES = 5;
const LOCK_MS = 5 * 60_000;

/**
 * Checks signatures as the vendor's gateway does: exactly the headers named in SignedHeaders, query and path decoded and
 * encoded again (the official Node SDK puts `!'()*` raw on the wire), ±15 minutes, and a lock after five failures.
 */
export function createGateway({ keys, temporaryKeys, iam, now, wall }: GatewayOptions) {
  const failures = new Map<string, { count: number; lockedUntil: number }>();

  /** @returns who sent the request, by the name that its rate limit is kept under; or the refusal. */
  return function authenticate(request: GatewayRequest, projectId?: string): { user: string } | { refusal: Answer } {
    const refuse = (message: string, code = 'APIGW.0301') => ({
      refusal: gatewayError(401, code, message, request.requestId),
    });

    const token = first(request.headers['x-auth-token']);
    if (token !== undefined) return iam.check(token, projectId, request.requestId);
    const header = first(request.headers.authorization);
    if (header === undefined) return refuse('Incorrect IAM authentication information: x-auth-token not found');
    const parts = /^SDK-HMAC-SHA256 Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    );
    if (!parts)
      return refuse(`Incorrect IAM authentication information: authorization is not of the form ${ALGORITHM}`);
    const [, accessKeyId = '', signedHeaders = '', signature = ''] = parts;

    const key = keys.find((one) => one.accessKeyId === accessKeyId) ?? temporaryKeys.find(accessKeyId);
    if (key === undefined) {
      return refuse(
        `Incorrect IAM authentication information: Get secretKey failed,ak:${accessKeyId},err:ak not exist`,
      );
    }
    const record = failures.get(accessKeyId) ?? { count: 0, lockedUntil: 0 };
    failures.set(accessKeyId, record);
    if (now() < record.lockedUntil) {
      return refuse('Incorrect IAM authentication information: AK access failed to reach the limit,forbidden');
    }

    const problem = verify(request, key, signedHeaders.split(';'), signature, [now(), wall()]);
    if (problem === undefined) {
      record.count = 0;
      return { user: accessKeyId };
    }
    record.count += 1;
    if (record.count >= LOCK_AFTER_FAILURES) {
      record.count = 0;
      record.lockedUntil = now() + LOCK_MS;
    }
    return refuse(problem.message, problem.code);
  };
}

function verify(
  request: GatewayRequest,
  key: AccessKey,
  signedHeaders: readonly string[],
  signature: string,
  clocks: readonly number[],
): { message: string; code?: string } | undefined {
  const date = first(request.headers['x-sdk-date']);
  if (date === undefined || !signedHeaders.includes('x-sdk-date')) {
    return { message: 'Incorrect IAM authentication information: X-Sdk-Date is missing or not signed' };
  }
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!clocks.some((now) => Math.abs(now - signedAt) <= TOLERANCE_MS)) {
    const serverTime = new Date(clocks[0] ?? 0).toISOString();
    return {
      code: 'APIGW.0303',
      message: `Incorrect app authentication information: signature expired, signature time:${date}, server time:${serverTime}`,
    };
  }
  if (key.securityToken !== undefined && first(request.headers['x-security-token']) !== key.securityToken) {
    return { message: 'Incorrect IAM authentication information: decrypt token fail' };
  }

  const { path, query } = decodeTarget(request.target);
  const headers = Object.fromEntries(signedHeaders.map((name) => [name, first(request.headers[name]) ?? '']));
  const expected = sign({ method: request.method, path, query, headers, body: request.body }, key);
  if (timingSafeEqual(Buffer.from(expected.signature), Buffer.from(signature))) return undefined;
  // Newer gateways show their own canonical request, line feeds as bars: the best help there is for a wrong signer.
  const shown = expected.canonicalRequest.replaceAll('\n', '|').replace(/(x-security-token:)[^|]*/, '$1***');
  return { message: `Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:${shown}` };
}

/** A `+` stays a plus: the signature encodes a space as %20. */
export function decodeTarget(target: string): { path: string; query: [name: string, value: string][] } {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark + 1);
  const query = search
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
    });
  return { path: path.split('/').map(decode).join('/'), query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
