import type { Clock } from '../base/clock.ts';
import { TimeoutError } from '../http/errors.ts';
import { TurnMissed } from '../http/pacer.ts';
import type { Network } from '../http/proxy.ts';
import { createRetryBudget, parseRetryAfter, type RetryOptions, retry } from '../http/retry.ts';
import { within } from '../http/timeout.ts';
import { createTransport, type HttpResponse } from '../http/transport.ts';
import { createAuthenticator, type UnsignedRequest } from './auth.ts';
import { createAuthGate } from './auth-gate.ts';
import type { CredentialSource } from './credentials.ts';
import {
  DliError,
  DliNotSentError,
  DliRefusedBeforeError,
  DliResponseError,
  isAnswer,
  isRetryable,
  refusalIn,
  toDliError,
} from './errors.ts';
import type { TokenCache } from './iam-token.ts';
import { createDliPacer, type DliPacer, type DliTurn, type Priority } from './pacing.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { type ClockReading, createServiceTime } from './service-time.ts';
import { requestTarget } from './sign.ts';
import { type AnswerContext, readSuccess, readVerdicts } from './wire.ts';

export interface ConnectionOptions {
  /** Scheme, host and port, such as `https://dli.eu-west-101.myhuaweicloud.eu`. */
  endpoint: URL;
  projectId: string;
  credentials: CredentialSource;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Epoch ms by `clock`; no call or wait begins that would outlive it. */
  deadlineAt?: number | undefined;
  /** Once aborted, no call or wait begins; what is under way is finished, so that its answer is known. */
  signal?: AbortSignal | undefined;
  /** Of all clients under one credential in a process; one of its own unless given. */
  shared?: SharedState | undefined;
  onCall?: ((event: DliCallEvent) => void) | undefined;
  /** Default 5 s, TLS included. */
  connectTimeoutMs?: number | undefined;
  /** Default 15 s, from the request to the last byte of its answer. */
  answerTimeoutMs?: number | undefined;
  /** Default 32. */
  maxConnections?: number | undefined;
  /** Default 4, the first one included. Refusals for being too many do not count: those the pacer waits out. */
  maxAttempts?: number | undefined;
}

/** What clients under one credential have in common: its rate limit, its tokens if it is a password, and the way out. */
export interface SharedState {
  pacer: DliPacer;
  /** By project id: a token is good for one project. */
  tokens: Map<string, TokenCache>;
  /** By project id, as IAM told them. */
  projectNames: Map<string, string>;
  /** Refusals of all credentials in this process. */
  refusals: Refusals;
  network: Network;
}

/** @returns always the same one for the same project. */
export function tokenCacheFor({ tokens }: Pick<SharedState, 'tokens'>, projectId: string): TokenCache {
  const cache = tokens.get(projectId) ?? {};
  tokens.set(projectId, cache);
  return cache;
}

/** @returns always the same state for the same key. */
export type SharedStates = (key: string) => SharedState;

/** To be kept for as long as the process lives, since what has been learned stays true. */
export function createSharedStates(clock: Clock, network: Network = {}): SharedStates {
  const states = new Map<string, SharedState>();
  const common = { refusals: createRefusals(clock), network };
  return (key) => {
    const state = states.get(key) ?? createSharedState(clock, MAX_CONNECTIONS, common);
    states.set(key, state);
    return state;
  };
}

function createSharedState(
  clock: Clock,
  maxConcurrent: number,
  common: Pick<SharedState, 'refusals' | 'network'> = { refusals: createRefusals(clock), network: {} },
): SharedState {
  return { ...common, pacer: createDliPacer({ clock, maxConcurrent }), tokens: new Map(), projectNames: new Map() };
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

/** One operation on DLI. */
export interface Call<T> {
  kind: Priority;
  /** The place in line of another call that waits for this one; by default one of its own, by its kind. */
  turn?: DliTurn | undefined;
  /** For errors, such as "cancel job 5b3c6e1e-…". */
  operation: string;
  request: UnsignedRequest;
  /** Whether the answer is a verdict or a list of them. None may be a no, and `parse` is given the first. Default false. */
  hasVerdicts?: boolean | undefined;
  /** Texts in the answer that are longer, as JSON writes them, come out as null. By default none is. */
  maxTextBytes?: number | undefined;
  /** Gets the JSON object of a success; the connection refuses every other answer. */
  parse: (body: Record<string, unknown>, about: AnswerContext) => T;
  /** Epoch ms; the connection's own deadline holds as well. */
  notAfter?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called with each answer as it came, before it is known whether it is a success. */
  onAnswer?: ((answer: Pick<HttpResponse, 'status' | 'body'>) => void) | undefined;
  /** Called after each exchange, with its error if it failed. */
  onExchange?: ((error: DliError | undefined) => void) | undefined;
  /**
   * Whether what was prepared has become too old while the call waited for its turn; it is then prepared again, once. It is
   * told how far apart calls are at present, ms.
   */
  isStale?: ((intervalMs: number) => boolean) | undefined;
}

export interface Answered<T> {
  value: T;
  requestId: string | undefined;
}

/** The way to DLI: signs, paces, sends, tells a success from a refusal, and repeats what is worth it. */
export interface Connection {
  /**
   * With retries. `prepare` runs before each exchange; calls that it makes in the turn that it is given come right before
   * it, however many others wait.
   *
   * @throws {DliError} of the last attempt.
   */
  send<T>(call: Call<T>, prepare?: (turn: DliTurn) => Promise<void>): Promise<Answered<T>>;
  /** The first answer's Date header and our clock at that moment; undefined until there was one. */
  clockReading(): ClockReading | undefined;
  /** Opens connections for so many calls beforehand. */
  warmUp(callCount: number): void;
  /** Nothing is sent from then on, and what is under way fails. */
  close(): void;
}

/** At 250 ms a call these carry 128 calls a second. */
export const MAX_CONNECTIONS = 32;

const DEFAULTS = { connectTimeoutMs: 5_000, answerTimeoutMs: 15_000, maxConnections: MAX_CONNECTIONS, maxAttempts: 4 };

/** First wait up to 300 ms, no wait over 8 s; what the server asks for, up to 30 s, is waited out. */
const BACKOFF = { baseMs: 300, capMs: 8_000 };
const RETRY_AFTER_CAP_MS = 30_000;
const RETRY_BUDGET = { initial: 50, perSuccess: 0.1 };
/**
 * With pauses of up to ten seconds a call is held up for nine minutes. Windows are a minute as a rule, and five minutes where
 * 200 calls are allowed in as many (huaweicloud/terraform-provider-huaweicloud#1335).
 */
const MAX_REFUSALS = 60;

/** @throws {TypeError} for an endpoint that is not https (or http to this machine). */
export function createConnection(options: ConnectionOptions): Connection {
  const { endpoint, clock, random, signal, onCall, deadlineAt = Number.POSITIVE_INFINITY } = options;
  const connectTimeoutMs = options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs;
  const answerTimeoutMs = options.answerTimeoutMs ?? DEFAULTS.answerTimeoutMs;
  const maxConnections = options.maxConnections ?? DEFAULTS.maxConnections;

  const shared = options.shared ?? createSharedState(clock, maxConnections);
  const { pacer, refusals, network } = shared;
  const transport = createTransport({ endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections, network });
  const cache = tokenCacheFor(shared, options.projectId);
  const auth = createAuthenticator(options.credentials, {
    host: endpoint.host,
    projectId: options.projectId,
    cache,
    refusals,
    network,
    clock,
    connectTimeoutMs,
    answerTimeoutMs,
  });
  const time = createServiceTime(clock);
  /** Aborted when nothing more may be sent: after close, or when the credential has failed for good. */
  const ended = new AbortController();
  const renewalLimitMs = connectTimeoutMs + answerTimeoutMs;
  const gate = createAuthGate({
    renew: async () => time.correct() || within(auth.refresh(), renewalLimitMs),
    onFailure: (error) => {
      ended.abort();
      auth.refused(error);
    },
    onProof: () => auth.accepted(),
  });
  const budget = createRetryBudget(RETRY_BUDGET);

  /** One exchange: signed afresh, sent, counted, read. */
  async function exchange<T>(call: Call<T>, attempt: number): Promise<Answered<T>> {
    const { operation, request } = call;
    let response: HttpResponse | undefined;
    const notify = (error: DliError | undefined) => {
      call.onExchange?.(error);
      try {
        onCall?.({ call: call.kind, attempt, status: response?.status, error });
      } catch {
        // Whoever listens in must not change what a call came to.
      }
    };
    const refused = await withinDeadline(operation, auth.refusedBefore());
    if (refused !== undefined) throw new DliRefusedBeforeError(operation, refused);
    const headers = await withinDeadline(operation, auth.headersFor(request, time.now()));
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
      const about = { operation, status: response.status, requestId: header(response, 'x-request-id') };
      const peer = { host: endpoint.host, credential: options.credentials.name };
      const retryAfterMs = parseRetryAfter(header(response, 'retry-after'), answeredAt, RETRY_AFTER_CAP_MS);
      const read = call.hasVerdicts ? readVerdicts : readSuccess;
      const value = call.parse(read({ ...about, peer, retryAfterMs, body: response.body }), about);
      notify(undefined);
      return { value, requestId: about.requestId };
    } catch (cause) {
      const error = toDliError(operation, cause);
      if (error instanceof DliError) notify(error);
      throw error;
    }
  }

  /** A credential's source that hangs must not hang the call. */
  async function withinDeadline<T>(operation: string, promise: Promise<T>): Promise<T> {
    try {
      return await within(promise, Math.min(deadlineAt - clock.now(), renewalLimitMs));
    } catch (error) {
      throw error instanceof TimeoutError ? new DliNotSentError(operation, 'deadline') : error;
    }
  }

  async function send<T>(call: Call<T>, prepare?: (turn: DliTurn) => Promise<void>): Promise<Answered<T>> {
    const turn = call.turn ?? turnOf(call);
    let exchanges = 0;

    /** Waits for its turn as often as the gateway says that there are too many. */
    const sendPaced = async (): Promise<Answered<T>> => {
      // However slow the pace, what was prepared for the turn right before is as new as can be.
      let isRenewed = false;
      for (let refusals = 0; ; ) {
        await prepare?.(turn);
        try {
          return await pacer.run(turn, () => {
            if (!isRenewed && call.isStale?.(pacer.intervalMs())) throw new Stale();
            // Inside the turn, so that whatever waits in line meets a credential that has failed meanwhile.
            return gate.pass(() => exchange(call, ++exchanges));
          });
        } catch (error) {
          isRenewed = error instanceof Stale;
          if (isRenewed) continue;
          if (error instanceof TurnMissed) {
            throw gate.failure() ?? new DliNotSentError(call.operation, turn.signal?.aborted ? 'stopped' : 'deadline');
          }
          if (refusalIn(error) === undefined || refusals >= MAX_REFUSALS) throw error;
          refusals += 1;
        }
      }
    };

    const retryOptions: RetryOptions = {
      ...BACKOFF,
      maxAttempts: options.maxAttempts ?? DEFAULTS.maxAttempts,
      deadlineAt: turn.notAfter,
      signal: turn.signal,
      budget,
      isRetryable,
      retryAfterMs: (error) => (error instanceof DliResponseError ? error.retryAfterMs : undefined),
    };
    return retry(sendPaced, retryOptions, { clock, random });
  }

  function turnOf({ kind, notAfter = deadlineAt, signal: stopped }: Call<unknown>): DliTurn {
    return {
      priority: kind,
      notAfter: Math.min(notAfter, deadlineAt),
      signal: AbortSignal.any([signal, stopped, ended.signal].filter((one) => one !== undefined)),
      refusalIn,
      isAnswer,
    };
  }

  return {
    send,
    clockReading: time.first,
    warmUp: (callCount) => {
      if (!pacer.isLimited()) transport.warmUp(callCount);
    },
    close: () => {
      ended.abort();
      transport.close();
    },
  };
}

/** What was prepared became too old while the call waited; nothing was sent. */
class Stale extends Error {}

function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
