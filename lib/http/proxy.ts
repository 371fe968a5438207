import type { OnWait } from './waits.ts';

/** The proxy that HTTPS calls go through, and the hosts that are called without it. */
export interface HttpProxy {
  /** Scheme, host and port, and the name and password if the proxy wants them. */
  url: URL;
  /** Hosts in the forms that Node's agents read: `*`, `host`, `host:port`, `.suffix`. */
  bypass: readonly string[];
}

/** Network settings that hold for all servers that a process calls. */
export interface Network {
  /** Default: calls go straight to their servers. */
  proxy?: HttpProxy | undefined;
  /** Called with what each call waits for. */
  onWait?: OnWait | undefined;
}

/** Options for Node's HTTPS agent, which then opens a tunnel through the proxy with CONNECT. */
export const agentOptionsFor = (proxy: HttpProxy | undefined) =>
  proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy.url.href, NO_PROXY: proxy.bypass.join(',') } };

/** Whether a host is called without the proxy, by the same rules as in Node's agents. */
export function isBypassed({ bypass }: HttpProxy, { hostname, host }: URL): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return bypass.some(
    (entry) =>
      entry === '*' ||
      entry === name ||
      entry === host.toLowerCase() ||
      (entry.startsWith('.') && (name.endsWith(entry) || name === entry.slice(1))),
  );
}
