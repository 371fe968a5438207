import type { Clock } from '../base/clock.ts';
import { TimeoutError } from '../http/errors.ts';
import { parseRetryAfter } from '../http/retry.ts';
import { within } from '../http/timeout.ts';
import type { HttpResponse, Transport } from '../http/transport.ts';
import type { Authenticator, UnsignedRequest } from './auth.ts';
import { DliError, DliNotSentError, DliRefusedBeforeError, type Peer, toDliError } from './errors.ts';
import type { DliTurn, Priority } from './pacing.ts';
import type { ServiceTime } from './service-time.ts';
import { requestTarget } from './sign.ts';
import { type AnswerContext, readSuccess, readVerdicts } from './wire.ts';

/** One operation on DLI. */
export interface Call<T> {
  kind: Priority;
  /** The place in line of another call that waits for this one. Default: a place of its own, by its kind. */
  turn?: DliTurn | undefined;
  /** For errors, such as "cancel job 5b3c6e1e-…". */
  operation: string;
  request: UnsignedRequest;
  /** Whether the answer is a verdict or a list of them. All have to be a yes, and `parse` gets the first. Default false. */
  hasVerdicts?: boolean | undefined;
  /** Texts in the answer that are longer than this, as JSON writes them, come out as null. Default: no limit. */
  maxTextBytes?: number | undefined;
  /** Gets the JSON object of a success; every other answer is refused before. */
  parse: (body: Record<string, unknown>, about: AnswerContext) => T;
  /** Epoch ms; the connection's own deadline holds as well. */
  notAfter?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called with each answer as it came, before it is known whether it is a success. */
  onAnswer?: ((answer: Pick<HttpResponse, 'status' | 'body'>) => void) | undefined;
  /** Called after each exchange, with its error if it failed. */
  onExchange?: ((error: DliError | undefined) => void) | undefined;
  /**
   * Whether what was prepared became too old while the call waited for its turn. It is then prepared again, once.
   *
   * @param intervalMs the present time between two calls.
   */
  isStale?: ((intervalMs: number) => boolean) | undefined;
}

export interface Answered<T> {
  value: T;
  requestId: string | undefined;
}

/** One HTTP exchange with DLI, for counting and tracing. It never carries headers, bodies or credentials. */
export interface DliCallEvent {
  call: Priority;
  /** The first is 1. */
  attempt: number;
  /** HTTP status; undefined if no answer came. */
  status: number | undefined;
  error: DliError | undefined;
}

export interface ExchangeOptions {
  peer: Peer;
  transport: Transport;
  auth: Authenticator;
  time: ServiceTime;
  clock: Clock;
  /** Epoch ms. */
  deadlineAt: number;
  /** Longest wait for a credential. */
  credentialTimeoutMs: number;
  onCall: ((event: DliCallEvent) => void) | undefined;
}

/**
 * Makes one exchange of a call: the request is signed, sent and counted, and its answer is read.
 *
 * @param onSend called right before it is sent, when its credential is there.
 */
export type Exchange = <T>(call: Call<T>, attempt: number, onSend: () => void) => Promise<Answered<T>>;

/** Longest wait that a server may ask for. */
const RETRY_AFTER_CAP_MS = 30_000;

export function createExchange(options: ExchangeOptions): Exchange {
  const { peer, transport, auth, time, clock, deadlineAt, credentialTimeoutMs, onCall } = options;

  async function headersFor({ operation, request }: Call<unknown>): Promise<Record<string, string>> {
    const refused = await auth.refusedBefore();
    if (refused !== undefined) throw new DliRefusedBeforeError(operation, refused);
    return auth.headersFor(request, time.now());
  }

  /** Ends a call whose credential cannot be read in time. */
  async function headersInTime(call: Call<unknown>): Promise<Record<string, string>> {
    try {
      return await within(headersFor(call), Math.min(deadlineAt - clock.now(), credentialTimeoutMs));
    } catch (error) {
      throw error instanceof TimeoutError ? new DliNotSentError(call.operation, 'deadline') : error;
    }
  }

  function read<T>(
    { operation, hasVerdicts, parse }: Call<T>,
    response: HttpResponse,
    answeredAt: number,
  ): Answered<T> {
    const about = { operation, status: response.status, requestId: header(response, 'x-request-id') };
    const retryAfterMs = parseRetryAfter(header(response, 'retry-after'), answeredAt, RETRY_AFTER_CAP_MS);
    const readObject = hasVerdicts ? readVerdicts : readSuccess;
    const value = parse(readObject({ ...about, peer, retryAfterMs, body: response.body }), about);
    return { value, requestId: about.requestId };
  }

  return async (call, attempt, onSend) => {
    const { operation, request } = call;
    let response: HttpResponse | undefined;
    const notify = (error: DliError | undefined) => {
      call.onExchange?.(error);
      try {
        onCall?.({ call: call.kind, attempt, status: response?.status, error });
      } catch {
        // A listener that fails must not change the result of the call.
      }
    };
    const headers = await headersInTime(call);
    onSend();
    try {
      response = await transport.send({
        method: request.method,
        target: requestTarget(request.path, request.query),
        headers,
        body: request.body,
        timeoutMs: deadlineAt - clock.now(),
        maxTextBytes: call.maxTextBytes,
      });
      const answeredAt = clock.now();
      time.read(header(response, 'date'), answeredAt);
      call.onAnswer?.(response);
      const answered = read(call, response, answeredAt);
      notify(undefined);
      return answered;
    } catch (cause) {
      const error = toDliError(operation, cause);
      if (error instanceof DliError) notify(error);
      throw error;
    }
  };
}

function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
