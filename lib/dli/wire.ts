import { NO_TAGS } from '../base/job.ts';
import { findErrorCode, findRateHint, findRefusalReason } from './error-body.ts';
import { DliProtocolError, DliResponseError, type Peer } from './errors.ts';

/** The answer that an error is about. */
export interface AnswerContext {
  /** Such as "read job 5b3c6e1e-…". */
  operation: string;
  /** HTTP status. */
  status: number;
  requestId: string | undefined;
}

/** One answer as it came, before it is known whether it is a success. */
export interface WireAnswer extends AnswerContext {
  retryAfterMs: number | undefined;
  body: string;
  peer?: Peer | undefined;
}

/**
 * Returns the JSON object of a success. A 200 may be a refusal, with `is_success` as a boolean or, on some endpoints, as a
 * string. Spark's successes have no `is_success`.
 *
 * @throws {DliResponseError} for any status but 2xx, and for an answer that says no.
 * @throws {DliProtocolError} for a 2xx without a JSON object.
 */
export function readSuccess(answer: WireAnswer): Record<string, unknown> {
  const body = readBody(answer);
  if (!isRecord(body)) throw new DliProtocolError(answer.operation, 'with a body that is not a JSON object', answer);
  refuseUnsuccessful(answer, body);
  return body;
}

/**
 * Returns the first verdict of a success: `[{"is_success":"true","message":"…"}]`, or one such object, as in 2021. There is
 * one verdict for each id that was sent, and each has to be a success. A refusal may also come as a 400 with a list.
 *
 * @throws {DliResponseError} as {@link readSuccess}, and for a verdict with an error code.
 * @throws {DliProtocolError} for a 2xx without a verdict.
 * @see "Stopping Jobs in Batches"
 */
export function readVerdicts(answer: WireAnswer): Record<string, unknown> {
  const body = readBody(answer);
  const verdicts: unknown[] = Array.isArray(body) ? body : [body];
  const [first] = verdicts;
  if (!isRecord(first) || !verdicts.every(isRecord)) {
    throw new DliProtocolError(answer.operation, 'without a verdict', answer);
  }
  for (const verdict of verdicts) {
    const { operation, status, requestId } = answer;
    const errorCode = findErrorCode(verdict);
    if (errorCode !== undefined) throw new DliResponseError(operation, { status, requestId, errorCode });
    refuseUnsuccessful(answer, verdict);
  }
  return first;
}

/** Returns the JSON value of a 2xx; undefined if the body is not JSON. */
function readBody({ operation, status, requestId, retryAfterMs, body: text, peer }: WireAnswer): unknown {
  const body = parseJson(text);
  if (status >= 200 && status <= 299) return body;
  const rateHint = status === 429 ? findRateHint(body) : undefined;
  const errorCode = findErrorCode(body);
  throw new DliResponseError(operation, {
    status,
    requestId,
    retryAfterMs,
    rateHint,
    errorCode,
    refusal: status === 401 ? findRefusalReason(body) : undefined,
    isJson: body !== undefined,
    peer,
  });
}

function refuseUnsuccessful({ operation, status, requestId }: AnswerContext, verdict: Record<string, unknown>): void {
  const success = verdict.is_success;
  if (success === undefined || success === true || success === 'true') return;
  const errorCode = findErrorCode(verdict);
  throw new DliResponseError(operation, { status, requestId, errorCode, summary: 'with is_success: false' });
}

/** Reads `[{"key":"team","value":"bi"}]`. The field is optional: absent or null means a job without tags. */
export function toTags(value: unknown): ReadonlyMap<string, string> | undefined {
  if (value === undefined || value === null) return NO_TAGS;
  if (!Array.isArray(value)) return undefined;
  const tags = new Map<string, string>();
  for (const tag of value) {
    if (!isRecord(tag) || typeof tag.key !== 'string' || typeof tag.value !== 'string') return undefined;
    tags.set(tag.key, tag.value);
  }
  return tags;
}

/** Digits as JSON writes a number that is not negative: no leading zero, sign, blank or exponent. */
const NUMBER_AS_TEXT = /^(0|[1-9]\d*)(\.\d+)?$/;

/**
 * Returns the number that a field holds, as a number or as a text: DLI writes `cpu_cost` and `output_byte` as texts
 * ("Querying Job Status"). Whole numbers beyond 2^53 are not known exactly, and no other text is a number for certain.
 */
export function toNumber(value: unknown): number | undefined {
  const number = isNumberAsText(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return Math.abs(number) > Number.MAX_SAFE_INTEGER ? undefined : number;
}

/** Whether a field holds a number as a text. */
export const isNumberAsText = (value: unknown): boolean => typeof value === 'string' && NUMBER_AS_TEXT.test(value);

/** Returns a count; undefined for anything that is not a whole number from 0 on. */
export function toCount(value: unknown): number | undefined {
  const number = toNumber(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** Reads JSON. @returns undefined for anything else: a 504 from a proxy is HTML or empty. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the text that a field holds; undefined if it is empty, null or not there. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
