import { timingSafeEqual } from 'node:crypto';
import { ALGORITHM, sign } from '../../lib/dli/sign.ts';
import { type Answer, gatewayError } from '../base/answer.ts';
import { decodeTarget, type HttpRequest } from '../base/request.ts';
import type { Iam } from './iam.ts';
import type { TemporaryKeys } from './temporary-keys.ts';

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  /** Set for a temporary key, which is only good together with this token. */
  securityToken?: string | undefined;
}

export interface AuthenticationOptions {
  keys: readonly AccessKey[];
  temporaryKeys: TemporaryKeys;
  iam: Iam;
  now: () => number;
  /** The real time. A signature made by it is also accepted. */
  wall: () => number;
}

/**
 * Finds out who sent a request.
 *
 * @param projectId the project of the call; undefined if the call is for none.
 * @returns the user, which is the name that its rate limit is kept under; or the refusal.
 */
export type Authenticate = (request: HttpRequest, projectId?: string) => { user: string } | { refusal: Answer };

/** "The signature is valid for 15 minutes" (API Gateway, signing algorithm). */
const TOLERANCE_MS = 15 * 60_000;
const LOCK_AFTER_FAILURES = 5;
const LOCK_MS = 5 * 60_000;

/**
 * Checks tokens and signatures as the vendor's gateway does. Only the headers named in SignedHeaders count. Query and path
 * are decoded and encoded again, because the official Node SDK puts `!'()*` raw on the wire. A date may be off by
 * `TOLERANCE_MS`. After `LOCK_AFTER_FAILURES` failures a key is locked for `LOCK_MS`.
 */
export function createAuthentication({ keys, temporaryKeys, iam, now, wall }: AuthenticationOptions): Authenticate {
  const failures = new Map<string, { count: number; lockedUntil: number }>();

  return function authenticate(request, projectId) {
    const refuse = ({ message, code = 'APIGW.0301' }: Problem) => ({
      refusal: gatewayError(401, code, message, request.requestId),
    });

    const token = first(request.headers['x-auth-token']);
    if (token !== undefined) return iam.check(token, projectId, request.requestId);
    const header = first(request.headers.authorization);
    if (header === undefined) return refuse(iamProblem('x-auth-token not found'));
    const signature = parseAuthorization(header);
    if (signature === undefined) return refuse(iamProblem(`authorization is not of the form ${ALGORITHM}`));

    const { accessKeyId } = signature;
    const key = keys.find((one) => one.accessKeyId === accessKeyId) ?? temporaryKeys.find(accessKeyId);
    if (key === undefined) return refuse(iamProblem(`Get secretKey failed,ak:${accessKeyId},err:ak not exist`));
    const record = failures.get(accessKeyId) ?? { count: 0, lockedUntil: 0 };
    failures.set(accessKeyId, record);
    if (now() < record.lockedUntil) return refuse(iamProblem('AK access failed to reach the limit,forbidden'));

    const problem = findDateProblem(request, signature, [now(), wall()]) ?? findKeyProblem(request, signature, key);
    if (problem === undefined) {
      record.count = 0;
      return { user: accessKeyId };
    }
    record.count += 1;
    if (record.count >= LOCK_AFTER_FAILURES) {
      record.count = 0;
      record.lockedUntil = now() + LOCK_MS;
    }
    return refuse(problem);
  };
}

interface Problem {
  message: string;
  code?: string;
}

const iamProblem = (what: string): Problem => ({ message: `Incorrect IAM authentication information: ${what}` });

interface Signature {
  accessKeyId: string;
  signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  digest: string;
}

function parseAuthorization(header: string): Signature | undefined {
  const parts = /^SDK-HMAC-SHA256 Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(header);
  if (parts === null) return undefined;
  const [, accessKeyId = '', signedHeaders = '', digest = ''] = parts;
  return { accessKeyId, signedHeaders: signedHeaders.split(';'), digest };
}

/** @param clocks epoch ms each; the date has to agree with one of them. */
function findDateProblem(
  request: HttpRequest,
  { signedHeaders }: Signature,
  clocks: readonly [now: number, wall: number],
): Problem | undefined {
  const date = first(request.headers['x-sdk-date']);
  if (date === undefined || !signedHeaders.includes('x-sdk-date')) {
    return iamProblem('X-Sdk-Date is missing or not signed');
  }
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (clocks.some((now) => Math.abs(now - signedAt) <= TOLERANCE_MS)) return undefined;
  const serverTime = new Date(clocks[0]).toISOString();
  return {
    code: 'APIGW.0303',
    message: `Incorrect app authentication information: signature expired, signature time:${date}, server time:${serverTime}`,
  };
}

function findKeyProblem(
  request: HttpRequest,
  { signedHeaders, digest }: Signature,
  key: AccessKey,
): Problem | undefined {
  if (key.securityToken !== undefined && first(request.headers['x-security-token']) !== key.securityToken) {
    return iamProblem('decrypt token fail');
  }
  const { path, query } = decodeTarget(request.target);
  const headers = Object.fromEntries(signedHeaders.map((name) => [name, first(request.headers[name]) ?? '']));
  const expected = sign({ method: request.method, path, query, headers, body: request.body }, key);
  if (timingSafeEqual(Buffer.from(expected.signature), Buffer.from(digest))) return undefined;
  // Newer gateways show their own canonical request, with bars for line feeds. It is the best help for a wrong signer.
  const shown = expected.canonicalRequest.replaceAll('\n', '|').replace(/(x-security-token:)[^|]*/, '$1***');
  return iamProblem(`verify aksk signature fail, canonicalRequest:${shown}`);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
