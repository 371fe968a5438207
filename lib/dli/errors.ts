import { messageOf } from '../base/error-words.ts';
import { NetworkError, TimeoutError } from '../http/errors.ts';
import type { RateHint } from '../http/rate-law.ts';
import { adviceOnAnswer, adviceOnNetwork } from './advice.ts';
import { classify, type ErrorKind, mayHaveBeenExecuted } from './classify.ts';
import { parseRateHint } from './pacing.ts';

/** Anything that kept a call to DLI from succeeding. `operation` reads like "cancel job 5b3c6e1e-…". */
export abstract class DliError extends Error {
  readonly operation: string;
  abstract readonly kind: ErrorKind;
  /** The call may have taken effect although no success came back. */
  abstract readonly isAmbiguous: boolean;

  constructor(operation: string, what: string, options?: ErrorOptions) {
    super(`${operation}: ${what}`, options);
    this.operation = operation;
  }
}

/** DLI or its gateway answered, and the answer was no. */
export class DliResponseError extends DliError {
  override name = 'DliResponseError';
  readonly kind: ErrorKind;
  readonly isAmbiguous: boolean;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly requestId: string | undefined;
  /** Asked for by the server; undefined if it did not. */
  readonly retryAfterMs: number | undefined;
  /** Of a 429 that names its limit. */
  readonly rateHint: RateHint | undefined;
  /** Why a credential was refused, as far as the gateway tells. */
  readonly refusal: Refusal | undefined;
  readonly peer: Peer | undefined;

  constructor(operation: string, answer: Answer) {
    const { status, errorCode, requestId, refusal, isJson } = answer;
    const summary = answer.summary ?? (refusal && REFUSALS[refusal]);
    const words = [status, errorCode, summary, requestId && `(request ${requestId})`];
    super(operation, words.filter(Boolean).join(' '));
    this.kind = classify(status, errorCode, isJson);
    this.refusal = refusal;
    this.peer = answer.peer;
    // A task that timed out behind the gateway comes as a 400, and may have been carried out all the same.
    this.isAmbiguous = this.kind === 'transient' || mayHaveBeenExecuted(status);
    this.status = status;
    this.errorCode = errorCode;
    this.requestId = requestId;
    this.retryAfterMs = answer.retryAfterMs;
    this.rateHint = answer.rateHint;
  }
}

/** No connection, or it broke. */
export class DliNetworkError extends DliError {
  override name = 'DliNetworkError';
  declare readonly cause: NetworkError;
  readonly kind = 'transient';
  readonly isAmbiguous: boolean;
  constructor(operation: string, cause: NetworkError) {
    super(operation, cause.message, { cause });
    this.isAmbiguous = cause.sent;
  }
}

/** Connecting or answering took too long. */
export class DliTimeoutError extends DliError {
  override name = 'DliTimeoutError';
  declare readonly cause: TimeoutError;
  readonly kind = 'transient';
  readonly isAmbiguous: boolean;
  constructor(operation: string, cause: TimeoutError) {
    super(operation, cause.message, { cause });
    this.isAmbiguous = cause.sent;
  }
}

/** The call was not made: its time was over, or somebody said stop, before its turn came. */
export class DliNotSentError extends DliError {
  override name = 'DliNotSentError';
  readonly kind = 'transient';
  readonly isAmbiguous = false;
  readonly reason: 'deadline' | 'stopped';
  constructor(operation: string, reason: 'deadline' | 'stopped') {
    super(operation, reason === 'deadline' ? 'not begun: the deadline came first' : 'not begun: stopped');
    this.reason = reason;
  }
}

/** The call was not made, since the same credential has been refused already, in another call of this process. */
export class DliRefusedBeforeError extends DliError {
  override name = 'DliRefusedBeforeError';
  declare readonly cause: DliError;
  readonly kind = 'authentication';
  readonly isAmbiguous = false;
  constructor(operation: string, cause: DliError) {
    const what = cause.message.replace(`${cause.operation}: `, '');
    super(operation, `not sent, since this credential was refused less than five minutes ago: ${what}`, { cause });
  }
}

/** Well-formed HTTP that is not DLI's: a 200 without JSON, a listing without its list. */
export class DliProtocolError extends DliError {
  override name = 'DliProtocolError';
  readonly kind = 'rejected';
  readonly isAmbiguous = true;
  readonly status: number;
  readonly requestId: string | undefined;
  constructor(operation: string, what: string, { status, requestId }: Pick<Answer, 'status' | 'requestId'>) {
    super(operation, [status, what, requestId && `(request ${requestId})`].filter(Boolean).join(' '));
    this.status = status;
    this.requestId = requestId;
  }
}

/** What somebody who meets the error can do about it; undefined where waiting is all there is. */
export function adviceOn(error: DliError): string | undefined {
  if (error instanceof DliNetworkError || error instanceof DliTimeoutError) return adviceOnNetwork(error.cause);
  if (error instanceof DliRefusedBeforeError) return adviceOn(error.cause);
  return adviceOnAnswer(error instanceof DliResponseError ? error : { kind: error.kind });
}

/** Whether the same call may succeed when it is sent again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof DliError && error.kind === 'transient' && !(error instanceof DliNotSentError);
}

/** What a refusal for too many calls tells of the limit; undefined for any other error. */
export function refusalIn(error: unknown) {
  if (!(error instanceof DliResponseError) || error.kind !== 'throttled') return undefined;
  return { hint: error.rateHint, retryAfterMs: error.retryAfterMs };
}

/** Whether the gateway let the call through, whatever DLI said. */
export function isAnswer(error: unknown): boolean {
  return error instanceof DliProtocolError || (error instanceof DliResponseError && error.kind !== 'authentication');
}

/** The message of whatever was thrown, with what to do about it where that is known. */
export function describeError(error: unknown, separator = '; '): string {
  const advice = error instanceof DliError ? adviceOn(error) : undefined;
  return advice === undefined ? messageOf(error) : messageOf(error) + separator + advice;
}

export interface Answer {
  status: number;
  errorCode?: string | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  rateHint?: RateHint | undefined;
  /** A few words of our own about the answer. The body's text stays out: gateways echo headers and DLI quotes SQL. */
  summary?: string | undefined;
  refusal?: Refusal | undefined;
  /** Whether the body is JSON, as all that the services themselves send. Default true. */
  isJson?: boolean | undefined;
  peer?: Peer | undefined;
}

/** Who answered, and to which credential. */
export interface Peer {
  host: string;
  /** Where the credential is kept, such as the name of a parameter; empty if that is not known. */
  credential: string;
}

export function toDliError(operation: string, error: unknown): unknown {
  if (error instanceof NetworkError) return new DliNetworkError(operation, error);
  if (error instanceof TimeoutError) return new DliTimeoutError(operation, error);
  return error;
}

const CODE = /^[A-Za-z][A-Za-z0-9]{1,15}\.[0-9]{1,8}$/;

/**
 * The error code in a body of any shape that DLI, its gateway, IAM or STS sends: flat (`error_code`, `errorCode`,
 * `code`), nested under any key, or in an array. First code found, outermost first.
 *
 * @returns undefined for HTML, an empty body, or a body without a code. IAM's bare numbers are not codes.
 */
export function findErrorCode(body: unknown): string | undefined {
  let level: unknown[] = [body];
  for (let depth = 0; depth < 4 && level.length > 0; depth++) {
    const objects = level.filter(
      (value): value is Record<string, unknown> => typeof value === 'object' && value !== null,
    );
    for (const object of objects) {
      for (const key of ['error_code', 'errorCode', 'code']) {
        const code = object[key];
        if (typeof code === 'string' && CODE.test(code)) return code;
      }
    }
    level = objects.flatMap((object) => Object.values(object).slice(0, 100));
  }
  return undefined;
}

/**
 * Why a credential was refused. The gateway tells it in the text alone, in fixed words that hold no secret; what surrounds
 * them may, so that our own words are shown in their place. A hint, and nothing depends on it.
 *
 * @see public reports of APIG.0301, such as jeessy2/ddns-go#844 and huaweicloud/huaweicloud-sdk-python#13
 */
const REFUSALS = {
  secret: 'the signature is wrong',
  key: 'there is no such access key',
  token: 'the token is not valid, or no more',
  clock: 'the signature is too old, or of the future',
  locked: 'the key is locked',
  // The advice is all there is to say.
  login: '',
} as const;

export type Refusal = keyof typeof REFUSALS;

const REFUSAL_TEXTS: readonly [RegExp, Refusal][] = [
  [/failed to reach the limit/i, 'locked'],
  [/signature expired/i, 'clock'],
  [/ak not exist/i, 'key'],
  [/verify aksk signature fail/i, 'secret'],
  [/decrypt token fail|token expires/i, 'token'],
];

/** Looks for the reason in the body of a 401. @returns undefined if it does not tell. */
export function findRefusal(body: unknown): Refusal | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const text = 'error_msg' in body && typeof body.error_msg === 'string' ? body.error_msg.slice(0, 1_000) : '';
  return REFUSAL_TEXTS.find(([pattern]) => pattern.test(text))?.[1];
}

/** The limit in the text of a 429: a hint, and nothing depends on it. */
export function findRateHint(body: unknown): RateHint | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const text = 'error_msg' in body ? body.error_msg : undefined;
  return typeof text === 'string' ? parseRateHint(text.slice(0, 1_000)) : undefined;
}
