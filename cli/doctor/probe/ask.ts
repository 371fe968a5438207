import type { Clock } from '../../../lib/base/clock.ts';
import type { UnsignedRequest } from '../../../lib/dli/auth.ts';
import type { ErrorKind } from '../../../lib/dli/classify.ts';
import type { Connection } from '../../../lib/dli/connection.ts';
import { DliError, DliNotSentError, DliResponseError } from '../../../lib/dli/errors.ts';
import { type AnswerContext, isRecord, parseJson } from '../../../lib/dli/wire.ts';
import type { Recording } from './file.ts';
import { isCode, type Redactor } from './redact.ts';

/** One question to DLI. `call` and `shown` are recorded, so they must not hold a name or an id. */
export interface Question<T> {
  /** What the call does, such as "read a SQL job that does not exist". */
  call: string;
  method: UnsignedRequest['method'];
  version: 'v1.0' | 'v2.0';
  /** The part of the path behind the project id. */
  path: string;
  /** The path without names and ids, such as `/jobs/{job_id}/status`; by default the path itself. */
  shown?: string;
  /** Parameters. A third part is recorded in place of the value. */
  query?: readonly [name: string, value: string, shown?: string][];
  body?: string;
  /** Epoch ms after which no call or wait begins. */
  notAfter?: number;
  /** Once aborted, no call or wait begins. */
  signal?: AbortSignal;
  /** Reads a success. @throws {DliProtocolError} if it is not what was asked for. */
  parse?: (body: Record<string, unknown>, about: AnswerContext) => T;
}

/** What DLI answered to one question. */
export interface Answer<T = unknown> {
  isSuccess: boolean;
  /** HTTP status; undefined if no answer came. */
  status: number | undefined;
  /** The JSON of the answer, also of a refusal. */
  body: unknown;
  /** Error code of a refusal; undefined if its form is not known. */
  code: string | undefined;
  /** What a refusal means. */
  kind: ErrorKind | undefined;
  /** Whether the call may have had an effect although no success came back. */
  isAmbiguous: boolean;
  /** The result of `parse` for a success. */
  value: T | undefined;
}

/** How long one question may begin calls, retries included: a full minute of the gateway's flow control. */
const ASK_WITHIN_MS = 60_000;

/**
 * Asks DLI and records the answer. A refusal is an answer too.
 *
 * @throws {DliError} if the credential is refused, or no question was answered so far: further questions are useless.
 */
export type Ask = <T = unknown>(question: Question<T>) => Promise<Answer<T>>;

/** Asks with GET only. */
export type Read = <T = unknown>(question: Omit<Question<T>, 'method' | 'body'>) => Promise<Answer<T>>;

export const readWith =
  (ask: Ask): Read =>
  (question) =>
    ask({ ...question, method: 'GET' });

export function createAsk(
  connection: Connection,
  { projectId, clock, startedAt, redactor, recordings, notAfter = Number.POSITIVE_INFINITY }: AskOptions,
): Ask {
  return async <T>(question: Question<T>) => {
    const { call, method, version, path, shown = path, query = [], body, parse, signal } = question;
    const answer: Answer<T> = {
      isSuccess: false,
      status: undefined,
      body: undefined,
      code: undefined,
      kind: undefined,
      isAmbiguous: false,
      value: undefined,
    };
    const record = () => {
      const shownQuery = query.map(([name, value, instead = value]) => `${name}=${instead}`).join('&');
      recordings.push({
        call,
        request: `${method} /${version}/{project_id}${shown}${shownQuery && '?'}${shownQuery}`,
        afterMs: clock.now() - startedAt,
        status: answer.status ?? null,
        errorCode: answer.code ?? null,
        body: answer.status === undefined ? null : redactor.redact(answer.body),
      });
    };
    // A submission is sent only once, whatever the gateway answers.
    const isSubmitted = new AbortController();
    try {
      const { value } = await connection.send<T | undefined>({
        kind: method === 'GET' ? 'list' : 'cancel',
        operation: call,
        request: {
          method,
          path: `/${version}/${projectId}${path}`,
          query: query.map(([name, value]) => [name, value]),
          ...(body !== undefined && { body }),
        },
        notAfter: Math.min(clock.now() + ASK_WITHIN_MS, notAfter, question.notAfter ?? Number.POSITIVE_INFINITY),
        signal: AbortSignal.any([isSubmitted.signal, ...(signal === undefined ? [] : [signal])]),
        parse: (fields, about) => parse?.(fields, about),
        onAnswer: ({ status, body: text }) => {
          if (method === 'POST') isSubmitted.abort();
          answer.status = status;
          answer.body = parseJson(text);
        },
      });
      answer.value = value;
      answer.isSuccess = true;
    } catch (error) {
      if (!(error instanceof DliError)) throw error;
      answer.kind = error.kind;
      answer.isAmbiguous = error.isAmbiguous;
      if (error instanceof DliResponseError && error.errorCode !== undefined && isCode(error.errorCode)) {
        answer.code = error.errorCode;
      }
      const wasNeverThere = answer.status === undefined && recordings.every(({ status }) => status === null);
      if (error.kind === 'authentication' || wasNeverThere) {
        record();
        throw error;
      }
      // The call was not sent.
      if (error instanceof DliNotSentError && answer.status === undefined) return answer;
    }
    record();
    return answer;
  };
}

export interface AskOptions {
  projectId: string;
  clock: Clock;
  /** Epoch ms. */
  startedAt: number;
  redactor: Redactor;
  /** Receives every answer. */
  recordings: Recording[];
  /** Epoch ms after which no question is sent. */
  notAfter?: number;
}

/** A refusal in a few words, such as `400 DLI.0002`. */
export function wordsOf({ status, code }: Pick<Answer, 'status' | 'code'>): string {
  return status === undefined ? 'no answer' : [status, code].filter(Boolean).join(' ');
}

/** Returns the objects of a list; none if it is not a list. */
export function rowsOf(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
