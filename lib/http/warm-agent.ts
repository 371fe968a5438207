import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { agentOptionsFor, type HttpProxy } from './proxy.ts';

interface TunnelOptions {
  /** The proxy to tunnel through; undefined for no tunnel. */
  proxy: HttpProxy | undefined;
  /** Limit for the connection to the proxy, its answer, and TLS within the tunnel together. */
  timeoutMs: number;
  errorAs: (end: 'timeout' | 'closed') => Error;
}

type Ready = (error: Error | null, socket: Duplex) => void;

/** A connection that was opened beforehand. */
interface WarmConnection {
  isGone: () => boolean;
  /** Returns the connection if there is one already; otherwise calls back when it is there, or has failed. */
  take: (ready: Ready) => Duplex | undefined;
  destroy: () => void;
}

/** Makes an agent that can open connections before there are calls for them. */
export function createWarmAgent(isTls: boolean, options: http.AgentOptions, tunnel: TunnelOptions) {
  const agent = isTls
    ? // Calls carry credentials, so a server has to prove who it is, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      new https.Agent({ ...options, ...agentOptionsFor(tunnel.proxy), rejectUnauthorized: true })
    : new http.Agent(options);
  const connect = agent.createConnection.bind(agent);
  const warm: WarmConnection[] = [];
  /** Functions that each end a tunnel that is being opened. */
  const ends = new Set<(error: Error) => void>();
  let opened = 0;

  /** Opens a tunnel. The call gets its socket when TLS is up within it; until then only this agent can end it. */
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
      // Without a proxy, Node's callback would come without a socket.
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
