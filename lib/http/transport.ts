import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Path and query exactly as they go on the wire; a signature covers them, so nothing may rewrite them. */
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** What is left for the whole call, the wait for a free connection included; may be infinite. */
  timeoutMs: number;
}

export interface HttpResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One call, one answer: no retries, no opinion about the status. */
export interface Transport {
  /**
   * @throws {NetworkError} the connection could not be made, or broke.
   * @throws {TimeoutError} connecting or answering took too long.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Opens connections beforehand, up to `count` in all; one that fails is forgotten, since a call will tell. */
  warmUp(count: number): void;
  /** Closes all connections: a call under way fails, and none is taken from then on. */
  close(): void;
}

/** `sent` is false only if no byte of the request can have reached the server. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  readonly code: string;
  readonly sent: boolean;
  constructor(code: string, sent: boolean, options?: ErrorOptions) {
    super(sent ? `connection lost (${code})` : `cannot connect (${code})`, options);
    this.code = code;
    this.sent = sent;
  }
}

export class TimeoutError extends Error {
  override name = 'TimeoutError';
  readonly sent: boolean;
  constructor(phase: 'connect' | 'answer', timeoutMs: number) {
    super(phase === 'connect' ? `no connection within ${timeoutMs} ms` : `no answer within ${timeoutMs} ms`);
    this.sent = phase === 'answer';
  }
}

export interface TransportOptions {
  /** Scheme, host and port. Plain http is for loopback only: the requests carry credentials. */
  endpoint: URL;
  /** From asking for a connection until it can carry a request, TLS included. */
  connectTimeoutMs: number;
  /** From the request on its way until the last byte of the answer. */
  answerTimeoutMs: number;
  maxConnections: number;
}

/** A page of 100 jobs may carry 100 statements of 500,000 characters; anything beyond is not a listing. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The gateway takes headers of up to 32 KB each, and sends IAM tokens in one. Node's own limit is 16 KB for all. */
const maxHeaderSize = 64 * 1024;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** @throws {TypeError} for an endpoint that is neither https nor http to this machine. */
export function assertEndpoint(endpoint: URL): void {
  const isLoopback = endpoint.protocol === 'http:' && LOOPBACK.test(endpoint.hostname);
  if (endpoint.protocol !== 'https:' && !isLoopback) {
    throw new TypeError(
      `endpoint ${endpoint.protocol}//${endpoint.host}: only https is allowed (plain http only to this machine, such as http://127.0.0.1:8080)`,
    );
  }
  const { pathname, search, hash, username, password } = endpoint;
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '' || password !== '') {
    throw new TypeError(`endpoint ${endpoint.protocol}//${endpoint.host}: give scheme, host and port only`);
  }
}

/** @throws {TypeError} see {@link assertEndpoint}. */
export function createTransport(options: TransportOptions): Transport {
  const { endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections } = options;
  assertEndpoint(endpoint);
  const isTls = endpoint.protocol === 'https:';
  const open = isTls ? https.request : http.request;
  const hostname = endpoint.hostname.replace(/^\[|\]$/g, '');
  let isClosed = false;
  const agent = createWarmAgent(isTls, { keepAlive: true, maxSockets: maxConnections, scheduling: 'lifo' });

  return {
    send: ({ method, target, headers, body, timeoutMs }) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new NetworkError('CLOSED', false));
        let isConnected = false;
        let isSettled = false;
        let phaseTimer: NodeJS.Timeout | undefined;
        const call = open({ agent, hostname, port: endpoint.port, method, path: target, headers, maxHeaderSize });

        // Rejects by itself: a call that is already dead, after an upgrade that nobody asked for, tells of no error.
        const settle = (end: () => void) => {
          if (isSettled) return;
          isSettled = true;
          clearTimeout(phaseTimer);
          clearTimeout(wholeTimer);
          end();
        };
        const fail = (error: unknown) =>
          settle(() => {
            reject(toTransportError(error, isConnected));
            call.destroy();
          });
        const giveUpAfter = (phase: 'connect' | 'answer', ms: number) =>
          setTimeout(() => fail(new TimeoutError(phase, ms)), ms);
        // Over all phases, waiting for a free connection included.
        const wholeTimer = setTimeout(
          () => fail(new TimeoutError(isConnected ? 'answer' : 'connect', timeoutMs)),
          Math.min(timeoutMs, LONGEST_TIMER_MS),
        );
        const awaitAnswer = () => {
          isConnected = true;
          clearTimeout(phaseTimer);
          phaseTimer = giveUpAfter('answer', answerTimeoutMs);
        };

        call.on('error', fail);
        call.on('close', () => fail(new NetworkError('CLOSED', isConnected)));
        // The clock for connecting starts with the socket, not with the call: a call may wait in line for a free one.
        call.on('socket', (socket) => {
          if (isUsable(socket)) return awaitAnswer();
          phaseTimer = giveUpAfter('connect', connectTimeoutMs);
          socket.once(isTls ? 'secureConnect' : 'connect', awaitAnswer);
        });
        call.on('response', (answer) => {
          const chunks: Buffer[] = [];
          let size = 0;
          answer.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            size += chunk.length;
            if (size > MAX_BODY_BYTES) fail(new NetworkError('BODY_TOO_LARGE', true));
          });
          answer.on('error', fail);
          answer.on('end', () =>
            settle(() => {
              const { statusCode: status = 0, headers: answered } = answer;
              resolve({ status, headers: answered, body: Buffer.concat(chunks).toString() });
            }),
          );
        });
        call.end(body);
      }),
    warmUp: (count) => {
      const port = Number(endpoint.port) || (isTls ? 443 : 80);
      agent.warmUp(Math.min(count, maxConnections), {
        host: hostname,
        port,
        // A server name must not be an address (RFC 6066).
        ...(isTls && isIP(hostname) === 0 && { servername: hostname }),
      });
    },
    close: () => {
      isClosed = true;
      agent.destroy();
    },
  };
}

/** Whether a request can go out at once: connected, and over TLS with the handshake done. */
function isUsable(socket: Socket): boolean {
  const isShakingHands = 'secureConnecting' in socket && socket.secureConnecting === true;
  return !socket.connecting && !isShakingHands;
}

/** An agent that may open its connections before anybody asks for them. */
function createWarmAgent(isTls: boolean, options: http.AgentOptions) {
  const agent = isTls ? new https.Agent(options) : new http.Agent(options);
  const connect = agent.createConnection.bind(agent);
  const warm: Duplex[] = [];
  let opened = 0;

  agent.createConnection = (...args) => {
    for (let socket = warm.pop(); socket !== undefined; socket = warm.pop()) if (!socket.destroyed) return socket;
    opened += 1;
    return connect(...args);
  };
  return Object.assign(agent, {
    warmUp: (count: number, address: { host: string; port: number; servername?: string }) => {
      for (; opened < count; opened++) {
        const socket = connect(address);
        if (!socket) return;
        socket.on('error', () => socket.destroy());
        warm.push(socket);
      }
    },
    destroy: () => {
      for (const socket of warm.splice(0)) socket.destroy();
      http.Agent.prototype.destroy.call(agent);
    },
  });
}

/** @throws {TimeoutError} if the promise takes longer; what it does then goes on unheard. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const ms = Math.min(Math.max(timeoutMs, 0), LONGEST_TIMER_MS);
    timer = setTimeout(() => reject(new TimeoutError('answer', timeoutMs)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function toTransportError(error: unknown, sent: boolean): Error {
  if (error instanceof TimeoutError || error instanceof NetworkError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
  return new NetworkError(code, sent, { cause: error });
}
