import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { createBody } from './body.ts';
import { isBypassed, type Network } from './proxy.ts';
import { createSilenceWatch } from './silence.ts';
import { createWarmAgent } from './warm-agent.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Path and query exactly as they go on the wire; a signature covers them, so nothing may rewrite them. */
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** What is left for the whole call, the wait for a free connection included; may be infinite. */
  timeoutMs: number;
  /** Texts in the answer's JSON that are longer, as they are written there, come out as null. By default none is. */
  maxTextBytes?: number | undefined;
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

/** Which server was called, for messages. */
export interface Route {
  /** With its port, if that is not the usual one. */
  host: string;
  /** The proxy on the way to it, if there is one. */
  proxy?: string | undefined;
}

/** `sent` is false only if no byte of the request can have reached the server. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  /** Error code of the system or of Node, such as ENOTFOUND; `PROXY_407` where the proxy refused with that status. */
  readonly code: string;
  readonly sent: boolean;
  readonly route: Route | undefined;
  constructor(code: string, sent: boolean, { route, ...options }: ErrorOptions & { route?: Route } = {}) {
    super(
      sent ? `connection${inWords(' to', route)} lost (${code})` : `cannot connect${inWords(' to', route)} (${code})`,
      options,
    );
    this.code = code;
    this.sent = sent;
    this.route = route;
  }
}

export class TimeoutError extends Error {
  override name = 'TimeoutError';
  readonly sent: boolean;
  readonly route: Route | undefined;
  constructor(phase: 'connect' | 'answer', timeoutMs: number, route?: Route) {
    super(
      phase === 'connect'
        ? `no connection${inWords(' to', route)} within ${timeoutMs} ms`
        : `no answer${inWords(' from', route)} within ${timeoutMs} ms`,
    );
    this.sent = phase === 'answer';
    this.route = route;
  }
}

function hostInWords({ host, proxy }: Route): string {
  return proxy === undefined ? host : `${host} through the proxy ${proxy}`;
}

const inWords = (preposition: string, route: Route | undefined) =>
  route === undefined ? '' : `${preposition} ${hostInWords(route)}`;

export interface TransportOptions {
  /** Scheme, host and port. Plain http is for loopback only: the requests carry credentials. */
  endpoint: URL;
  /** From asking for a connection until it can carry a request, TLS included. */
  connectTimeoutMs: number;
  /** From the request on its way until the last byte of the answer. */
  answerTimeoutMs: number;
  maxConnections: number;
  network?: Network | undefined;
}

/** Largest body, without its longest texts. A listing is smaller. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The gateway takes headers of up to 32 KB each, and sends IAM tokens in one. Node's own limit is 16 KB for all. */
const maxHeaderSize = 64 * 1024;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** @param hostname with brackets if it is an IPv6 address. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname);

/** @throws {TypeError} for an endpoint that is neither https nor http to this machine. */
export function assertEndpoint(endpoint: URL): void {
  const isPlainToHere = endpoint.protocol === 'http:' && isLoopback(endpoint.hostname);
  if (endpoint.protocol !== 'https:' && !isPlainToHere) {
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
  const { endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections, network = {} } = options;
  assertEndpoint(endpoint);
  const isTls = endpoint.protocol === 'https:';
  const open = isTls ? https.request : http.request;
  const hostname = endpoint.hostname.replace(/^\[|\]$/g, '');
  // Plain http is for this machine only.
  const proxy =
    isTls && network.proxy !== undefined && !isBypassed(network.proxy, endpoint) ? network.proxy : undefined;
  const route: Route = { host: endpoint.host, proxy: proxy?.url.host };
  let isClosed = false;
  const agent = createWarmAgent(
    isTls,
    { keepAlive: true, maxSockets: maxConnections, scheduling: 'lifo' },
    {
      proxy,
      timeoutMs: connectTimeoutMs,
      errorAs: (end) =>
        end === 'closed'
          ? new NetworkError('CLOSED', false, { route })
          : new TimeoutError('connect', connectTimeoutMs, route),
    },
  );
  const silence = createSilenceWatch(hostInWords(route), network);

  return {
    send: ({ method, target, headers, body, timeoutMs, maxTextBytes = Number.POSITIVE_INFINITY }) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new NetworkError('CLOSED', false, { route }));
        let isConnected = false;
        let isSettled = false;
        let phaseTimer: NodeJS.Timeout | undefined;
        silence.begin();
        const call = open({ agent, hostname, port: endpoint.port, method, path: target, headers, maxHeaderSize });

        // Rejects by itself: a call that is already dead, after an upgrade that nobody asked for, tells of no error.
        const settle = (end: () => void) => {
          if (isSettled) return;
          isSettled = true;
          clearTimeout(phaseTimer);
          clearTimeout(wholeTimer);
          silence.end();
          end();
        };
        const fail = (error: unknown) =>
          settle(() => {
            reject(toTransportError(error, isConnected, route));
            call.destroy();
          });
        const giveUpAfter = (phase: 'connect' | 'answer', ms: number) =>
          setTimeout(() => fail(new TimeoutError(phase, ms, route)), ms);
        // Over all phases, waiting for a free connection included.
        const wholeTimer = setTimeout(
          () => fail(new TimeoutError(isConnected ? 'answer' : 'connect', timeoutMs, route)),
          Math.min(timeoutMs, LONGEST_TIMER_MS),
        );
        const awaitAnswer = () => {
          isConnected = true;
          clearTimeout(phaseTimer);
          phaseTimer = giveUpAfter('answer', answerTimeoutMs);
        };

        call.on('error', fail);
        call.on('close', () => fail(new NetworkError('CLOSED', isConnected, { route })));
        // The clock for connecting starts with the socket, not with the call: a call may wait in line for a free one.
        call.on('socket', (socket) => {
          if (isUsable(socket)) return awaitAnswer();
          phaseTimer = giveUpAfter('connect', connectTimeoutMs);
          socket.once(isTls ? 'secureConnect' : 'connect', awaitAnswer);
        });
        call.on('response', (answer) => {
          silence.heard();
          const received = createBody(maxTextBytes);
          answer.on('data', (chunk: Buffer) => {
            received.add(chunk);
            if (received.size() > MAX_BODY_BYTES) fail(new NetworkError('BODY_TOO_LARGE', true, { route }));
          });
          answer.on('error', fail);
          answer.on('end', () =>
            settle(() => {
              const { statusCode: status = 0, headers: answered } = answer;
              resolve({ status, headers: answered, body: received.text() });
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
        rejectUnauthorized: true,
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

function toTransportError(error: unknown, sent: boolean, route: Route): Error {
  if (error instanceof TimeoutError || error instanceof NetworkError) return error;
  return new NetworkError(codeIn(error), sent, { cause: error, route });
}

function codeIn(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return 'UNKNOWN';
  const status = 'statusCode' in error ? error.statusCode : undefined;
  // The proxy's own answer to CONNECT.
  return error.code === 'ERR_PROXY_TUNNEL' && typeof status === 'number' ? `PROXY_${status}` : error.code;
}
