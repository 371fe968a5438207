import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { agentOptionsFor, type HttpProxy } from './proxy.ts';

interface TunnelOptions {
  /** By default there is no tunnel. */
  proxy: HttpProxy | undefined;
  /** For the connection to the proxy, its answer, and TLS within the tunnel. */
  timeoutMs: number;
  errorAs: (end: 'timeout' | 'closed') => Error;
}

type Ready = (error: Error | null, socket: Duplex) => void;

/** A connection that was opened beforehand. */
interface WarmConnection {
  isGone: () => boolean;
  /** Returns it if it can be handed out at once; otherwise calls back when there is one, or none. */
  take: (ready: Ready) => Duplex | undefined;
  destroy: () => void;
}

/** An agent that may open its connections before anybody asks for them. */
export function createWarmAgent(isTls: boolean, options: http.AgentOptions, tunnel: TunnelOptions) {
  const agent = isTls
    ? // What carries a credential goes to no server that cannot prove who it is, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      new https.Agent({ ...options, ...agentOptionsFor(tunnel.proxy), rejectUnauthorized: true })
    : new http.Agent(options);
  const connect = agent.createConnection.bind(agent);
  const warm: WarmConnection[] = [];
  /** Each ends a tunnel that is being opened. */
  const ends = new Set<(error: Error) => void>();
  let opened = 0;

  /** A tunnel is handed over when TLS is up within it. Until then the call has no socket, so that only we can end it. */
  const connectThrough: typeof connect = (address, ready) => {
    const finish: Ready = (error, socket) => {
      clearTimeout(timer);
      if (ends.delete(end)) ready?.(error, socket);
    };
    const raw = connect(address, finish);
    const end = (error: Error) => {
      if (raw) finish(error, raw);
      raw?.destroy();
    };
    const timer = setTimeout(() => end(tunnel.errorAs('timeout')), tunnel.timeoutMs);
    ends.add(end);
    return undefined;
  };
  const open = tunnel.proxy === undefined ? connect : connectThrough;

  agent.createConnection = (address, ready) => {
    for (let one = warm.pop(); one !== undefined; one = warm.pop()) {
      if (!one.isGone()) return one.take((error, socket) => ready?.(error, socket));
    }
    opened += 1;
    return open(address, ready);
  };
  return Object.assign(agent, {
    warmUp: (count: number, address: https.RequestOptions) => {
      // Without a proxy Node would call back when it connects, with nothing.
      const begin = (ready: Ready) => (tunnel.proxy === undefined ? connect(address) : connectThrough(address, ready));
      for (; opened < count; opened++) warm.push(warmConnection(begin));
    },
    destroy: () => {
      for (const one of warm.splice(0)) one.destroy();
      for (const end of ends) end(tunnel.errorAs('closed'));
      http.Agent.prototype.destroy.call(agent);
    },
  });
}

function warmConnection(open: (ready: Ready) => Duplex | null | undefined): WarmConnection {
  let socket: Duplex | undefined;
  let hasFailed = false;
  let taker: Ready | undefined;
  const keep = (opened: Duplex) => {
    socket = opened;
    opened.on('error', () => opened.destroy());
  };
  const direct = open((error, tunnelled) => {
    if (taker !== undefined) return taker(error, tunnelled);
    keep(tunnelled);
    hasFailed = error !== null;
    if (hasFailed) tunnelled.destroy();
  });
  if (direct) keep(direct);
  return {
    isGone: () => hasFailed || socket?.destroyed === true,
    take: (ready) => {
      if (socket === undefined) taker = ready;
      return socket;
    },
    destroy: () => void socket?.destroy(),
  };
}
