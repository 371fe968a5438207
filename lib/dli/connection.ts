import type { Clock } from '../base/clock.ts';
import { within } from '../http/timeout.ts';
import { createTransport } from '../http/transport.ts';
import { createAuthenticator } from './auth.ts';
import { createAuthGate } from './auth-gate.ts';
import type { CredentialSource } from './credentials.ts';
import { createExchange, type DliCallEvent } from './exchange.ts';
import { createSend, type Send } from './send.ts';
import { type ClockReading, createServiceTime } from './service-time.ts';
import { createSharedState, MAX_CONNECTIONS, type SharedState, tokenCacheFor } from './shared-state.ts';

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
  /** State of all clients under one credential in a process. Default: a state of its own. */
  shared?: SharedState | undefined;
  onCall?: ((event: DliCallEvent) => void) | undefined;
  /** Default 5 s, TLS included. */
  connectTimeoutMs?: number | undefined;
  /** Default 15 s, from the request to the last byte of its answer. */
  answerTimeoutMs?: number | undefined;
  /** Default 32. */
  maxConnections?: number | undefined;
  /** Default 4, the first one included. Refusals for too many calls do not count: the pacer waits those out. */
  maxAttempts?: number | undefined;
}

/** A connection to DLI. It signs, paces and sends calls, refuses every answer but a success, and repeats what is worth it. */
export interface Connection {
  send: Send;
  /** Returns the first answer's Date header and our clock at that moment; undefined before the first answer. */
  clockReading(): ClockReading | undefined;
  /** Opens connections for so many calls beforehand. */
  warmUp(callCount: number): void;
  /** Returns the limit that refusals have taught; undefined as long as there was none. */
  callsPerMinute(): number | undefined;
  /** Closes the connection: nothing is sent from then on, and what is under way fails. */
  close(): void;
}

const DEFAULTS = { connectTimeoutMs: 5_000, answerTimeoutMs: 15_000, maxConnections: MAX_CONNECTIONS };

/** @throws {TypeError} for an endpoint that is not https (or http to this machine). */
export function createConnection(options: ConnectionOptions): Connection {
  const { endpoint, projectId, clock, random, signal, deadlineAt = Number.POSITIVE_INFINITY } = options;
  const connectTimeoutMs = options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs;
  const answerTimeoutMs = options.answerTimeoutMs ?? DEFAULTS.answerTimeoutMs;
  const maxConnections = options.maxConnections ?? DEFAULTS.maxConnections;

  const shared = options.shared ?? createSharedState(clock, maxConnections);
  const { pacer, refusals, network } = shared;
  const transport = createTransport({ endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections, network });
  const auth = createAuthenticator(options.credentials, {
    host: endpoint.host,
    projectId,
    cache: tokenCacheFor(shared, projectId),
    refusals,
    network,
    clock,
    connectTimeoutMs,
    answerTimeoutMs,
  });
  const time = createServiceTime(clock);
  /** Aborted when nothing more may be sent: after close, or when the credential has failed for good. */
  const ended = new AbortController();
  const credentialTimeoutMs = connectTimeoutMs + answerTimeoutMs;
  const gate = createAuthGate({
    renew: async () => time.correct() || within(auth.refresh(), credentialTimeoutMs),
    onFailure: (error) => {
      ended.abort();
      auth.refused(error);
    },
    onProof: () => auth.accepted(),
  });
  const exchange = createExchange({
    peer: { host: endpoint.host, credential: options.credentials.name },
    transport,
    auth,
    time,
    clock,
    deadlineAt,
    credentialTimeoutMs,
    onCall: options.onCall,
  });
  const signals = signal === undefined ? [ended.signal] : [signal, ended.signal];
  const callsPerMinute = () => (pacer.isLimited() ? Math.round(60_000 / pacer.intervalMs()) : undefined);

  return {
    send: createSend({
      exchange,
      pacer,
      gate,
      clock,
      random,
      deadlineAt,
      signals,
      maxAttempts: options.maxAttempts,
      host: transport.host,
      callsPerMinute,
      onWait: network.onWait,
    }),
    clockReading: time.first,
    warmUp: (callCount) => {
      if (!pacer.isLimited()) transport.warmUp(callCount);
    },
    callsPerMinute,
    close: () => {
      ended.abort();
      transport.close();
    },
  };
}
