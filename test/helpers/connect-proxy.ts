import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { generate } from 'selfsigned';

export interface Proxied {
  /** Host that the client asked for, such as `dli.eu-west-101.myhuaweicloud.eu:443`. */
  target: string;
  authorization: string | undefined;
}

/**
 * A real CONNECT proxy on this machine. It leads to one server for any host.
 *
 * @param options.refusal status with which it answers every CONNECT.
 */
export async function startProxy({ to, refusal }: { to?: { port: number }; refusal?: number } = {}) {
  const asked: Proxied[] = [];
  const sockets = new Set<net.Socket>();
  const server = http.createServer();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', ({ url = '', headers }, client: net.Socket) => {
    asked.push({ target: url, authorization: headers['proxy-authorization'] });
    client.on('error', () => {});
    if (refusal !== undefined) return void client.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    // A proxy that accepts the call and never answers.
    if (to === undefined) return;
    const upstream = net.connect(to.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** An HTTPS server with its own certificate for these names. */
export async function startSecureServer(names: string[], onRequest: http.RequestListener) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
  });
  const server = https.createServer({ key, cert }, onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    cert,
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
