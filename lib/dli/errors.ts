import { NetworkError, TimeoutError } from '../http/errors.ts';
import type { RateHint, Refusal } from '../http/throttling.ts';
import { classify, type ErrorKind, mayHaveBeenExecuted } from './classify.ts';
import { REFUSAL_WORDS, type RefusalReason } from './error-body.ts';

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

/** The parts of an error answer. */
export interface Answer {
  status: number;
  errorCode?: string | undefined;
  requestId?: string | undefined;
  /** The wait that the server asked for; undefined if it asked for none. */
  retryAfterMs?: number | undefined;
  /** The limit that a 429 names. */
  rateHint?: RateHint | undefined;
  /** A few words of our own about the answer. The body's text stays out: gateways echo headers and DLI quotes SQL. */
  summary?: string | undefined;
  /** Why a credential was refused, if the answer says why. */
  refusal?: RefusalReason | undefined;
  /** Whether the body is JSON, as is all that the services themselves send. Default true. */
  isJson?: boolean | undefined;
  peer?: Peer | undefined;
}

/** The server that answered, and the credential that it answered to. */
export interface Peer {
  host: string;
  /** The place where the credential is kept, such as the name of a parameter; empty if that is not known. */
  credential: string;
}

/** DLI or its gateway answered, and the answer was no. */
export class DliResponseError extends DliError {
  override name = 'DliResponseError';
  readonly kind: ErrorKind;
  readonly isAmbiguous: boolean;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly rateHint: RateHint | undefined;
  readonly refusal: RefusalReason | undefined;
  readonly peer: Peer | undefined;

  constructor(operation: string, answer: Answer) {
    const { status, errorCode, requestId, refusal, isJson } = answer;
    const summary = answer.summary ?? (refusal && REFUSAL_WORDS[refusal]);
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

/** No connection could be made, or it broke. */
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

/** The call was not made: the deadline or a stop came before its turn. */
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

/** The answer is well-formed HTTP, but not an answer of DLI: a 200 without JSON, a listing without its list. */
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

/** Makes a {@link DliError} of an error of the connection; leaves any other as it is. */
export function toDliError(operation: string, error: unknown): unknown {
  if (error instanceof NetworkError) return new DliNetworkError(operation, error);
  if (error instanceof TimeoutError) return new DliTimeoutError(operation, error);
  return error;
}

/** Whether the same call may succeed when it is sent again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof DliError && error.kind === 'transient' && !(error instanceof DliNotSentError);
}

/** Returns what a refusal for too many calls says about the limit; undefined for any other error. */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof DliResponseError) || error.kind !== 'throttled') return undefined;
  return { hint: error.rateHint, retryAfterMs: error.retryAfterMs };
}

/** Whether the gateway let the call through, whatever DLI said. */
export function isAnswer(error: unknown): boolean {
  return error instanceof DliProtocolError || (error instanceof DliResponseError && error.kind !== 'authentication');
}

/** Whether no connection was there to send anything over. */
export function isNeverSent(error: unknown): boolean {
  return (error instanceof DliNetworkError || error instanceof DliTimeoutError) && !error.isAmbiguous;
}
