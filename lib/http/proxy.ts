/** The proxy that HTTPS calls go through, and the hosts that are called without it. */
export interface HttpProxy {
  /** Scheme, host and port, and the name and password that the proxy asks for, if it does. */
  url: URL;
  /** In the form that Node's agents read: `*`, `host`, `host:port`, `.suffix`. */
  bypass: readonly string[];
}

/** What a process has in common for all the servers that it calls. */
export interface Network {
  /** By default calls go straight to their servers. */
  proxy?: HttpProxy | undefined;
  /** Called while a server that was called says nothing, again and again; and once with 0 ms when it answers after that. */
  onSilence?: ((silence: Silence) => void) | undefined;
  /** Default 2 s. */
  silentAfterMs?: number | undefined;
}

export interface Silence {
  /** With its port, if that is not the usual one; and the proxy on the way to it. */
  host: string;
  /** Since the last word of it, while a call was under way. */
  silentMs: number;
}

/** The options of an HTTPS agent of Node's, which opens a tunnel through the proxy with CONNECT. */
export const agentOptionsFor = (proxy: HttpProxy | undefined) =>
  proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy.url.href, NO_PROXY: proxy.bypass.join(',') } };

/** Whether a host is called without the proxy. The rules are those of Node's agents for the forms above. */
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
