import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { createBody } from './body.ts';
import { assertEndpoint } from './endpoint.ts';
import { hostInWords, NetworkError, type Route, TimeoutError, toTransportError } from './errors.ts';
import { isBypassed, type Network } from './proxy.ts';
import { timerMs } from './timeout.ts';
import { createWarmAgent } from './warm-agent.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Path and query exactly as they go on the wire; a signature covers them, so nothing may rewrite them. */
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** Time left for the whole call, the wait for a free connection included; may be infinite. */
  timeoutMs: number;
  /** Texts in the answer's JSON that are longer than this, as JSON writes them, come out as null. Default: no limit. */
  maxTextBytes?: number | undefined;
}

export interface HttpResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Sends one call and returns one answer: no retries, no opinion about the status. */
export interface Transport {
  /** The server in messages, with the proxy on the way to it. */
  host: string;
  /**
   * @throws {NetworkError} the connection could not be made, or broke.
   * @throws {TimeoutError} connecting or answering took too long.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Opens connections beforehand, up to `count` in all. One that fails is forgotten; the next call will show why. */
  warmUp(count: number): void;
  /** Closes all connections. A call under way fails, and so does every later one. */
  close(): void;
}

export interface TransportOptions {
  /** Scheme, host and port. Plain http is for loopback only: the requests carry credentials. */
  endpoint: URL;
  /** Limit for connecting: from asking for a connection until it can carry a request, TLS included. */
  connectTimeoutMs: number;
  /** Limit for answering: from the request on its way until the last byte of the answer. */
  answerTimeoutMs: number;
  maxConnections: number;
  network?: Network | undefined;
}

/** Largest body, without its longest texts. A listing is smaller. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The gateway takes headers of up to 32 KB each, and sends IAM tokens in one. Node's own limit is 16 KB for all. */
const maxHeaderSize = 64 * 1024;

/** @throws {TypeError} see {@link assertEndpoint}. */
export function createTransport(options: TransportOptions): Transport {
  const { endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections, network = {} } = options;
  assertEndpoint(endpoint);
  const isTls = endpoint.protocol === 'https:';
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
  const server: Server = { isTls, agent, hostname, port: endpoint.port };

  return {
    host: hostInWords(route),
    send: (request) =>
      isClosed
        ? Promise.reject(new NetworkError('CLOSED', false, { route }))
        : exchange(request, { server, route, connectTimeoutMs, answerTimeoutMs }),
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

/** The server that requests go to. */
interface Server {
  isTls: boolean;
  agent: http.Agent;
  hostname: string;
  port: string;
}

interface ExchangeOptions extends Pick<TransportOptions, 'connectTimeoutMs' | 'answerTimeoutMs'> {
  server: Server;
  route: Route;
}

/** Sends one request and reads its answer, each phase within its time. */
function exchange(request: HttpRequest, options: ExchangeOptions): Promise<HttpResponse> {
  const { server, route, connectTimeoutMs, answerTimeoutMs } = options;
  const { timeoutMs, maxTextBytes = Number.POSITIVE_INFINITY } = request;
  return new Promise((resolve, reject) => {
    let isConnected = false;
    let isSettled = false;
    let phaseTimer: NodeJS.Timeout | undefined;
    const call = open(server, request);

    const settle = (end: () => void) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(phaseTimer);
      clearTimeout(wholeTimer);
      end();
    };
    // Rejects by itself: a call that is already dead, as after an upgrade that was not asked for, emits no error.
    const fail = (error: unknown) =>
      settle(() => {
        reject(toTransportError(error, isConnected, route));
        call.destroy();
      });
    // Every call closes at its end. To make an error costs more than to ask.
    const failIfClosedEarly = () => {
      if (!isSettled) fail(new NetworkError('CLOSED', isConnected, { route }));
    };
    const giveUpAfter = (phase: 'connect' | 'answer', ms: number) =>
      setTimeout(() => fail(new TimeoutError(phase, ms, route)), ms);
    // Covers all phases, the wait for a free connection included.
    const wholeTimer = setTimeout(
      () => fail(new TimeoutError(isConnected ? 'answer' : 'connect', timeoutMs, route)),
      timerMs(timeoutMs),
    );
    const awaitAnswer = () => {
      isConnected = true;
      clearTimeout(phaseTimer);
      phaseTimer = giveUpAfter('answer', answerTimeoutMs);
    };

    call.on('error', fail);
    call.on('close', failIfClosedEarly);
    // The clock for connecting starts with the socket, not with the call: a call may wait in line for a free one.
    call.on('socket', (socket) => {
      if (isUsable(socket)) return awaitAnswer();
      phaseTimer = giveUpAfter('connect', connectTimeoutMs);
      socket.once(server.isTls ? 'secureConnect' : 'connect', awaitAnswer);
    });
    call.on('response', (answer) => {
      receive(answer, maxTextBytes, {
        end: (response) => settle(() => resolve(response)),
        tooLarge: () => fail(new NetworkError('BODY_TOO_LARGE', true, { route })),
        error: fail,
      });
    });
    call.end(request.body);
  });
}

function open({ isTls, ...server }: Server, { method, target, headers }: HttpRequest): http.ClientRequest {
  return (isTls ? https : http).request({ ...server, method, path: target, headers, maxHeaderSize });
}

/** Collects the body of an answer. */
function receive(
  answer: http.IncomingMessage,
  maxTextBytes: number,
  on: { end: (response: HttpResponse) => void; tooLarge: () => void; error: (error: unknown) => void },
): void {
  const received = createBody(maxTextBytes);
  answer.on('data', (chunk: Buffer) => {
    received.add(chunk);
    if (received.size() > MAX_BODY_BYTES) on.tooLarge();
  });
  answer.on('error', on.error);
  answer.on('end', () => {
    const { statusCode: status = 0, headers } = answer;
    on.end({ status, headers, body: received.text() });
  });
}

/** Whether a request can go out at once: connected, and over TLS with the handshake done. */
function isUsable(socket: Socket): boolean {
  const isShakingHands = 'secureConnecting' in socket && socket.secureConnecting === true;
  return !socket.connecting && !isShakingHands;
}
