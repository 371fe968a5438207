/** The server that was called, for messages. */
export interface Route {
  /** With its port, if that is not the usual one. */
  host: string;
  /** The proxy on the way to it, if there is one. */
  proxy?: string | undefined;
}

/** The connection could not be made, or broke. `sent` is false only if no byte of the request can have reached the server. */
export class NetworkError extends Error {
  override name = 'NetworkError';
  /** Error code of the system or of Node, such as ENOTFOUND; `PROXY_407` if the proxy refused with that status. */
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

/** Connecting or answering took too long. */
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

export function hostInWords({ host, proxy }: Route): string {
  return proxy === undefined ? host : `${host} through the proxy ${proxy}`;
}

const inWords = (preposition: string, route: Route | undefined) =>
  route === undefined ? '' : `${preposition} ${hostInWords(route)}`;

/** Makes an error of this file of an error that Node threw. */
export function toTransportError(error: unknown, sent: boolean, route: Route): Error {
  if (error instanceof TimeoutError || error instanceof NetworkError) return error;
  return new NetworkError(codeIn(error), sent, { cause: error, route });
}

function codeIn(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return 'UNKNOWN';
  const status = 'statusCode' in error ? error.statusCode : undefined;
  // The proxy's own answer to CONNECT.
  return error.code === 'ERR_PROXY_TUNNEL' && typeof status === 'number' ? `PROXY_${status}` : error.code;
}
