import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { isBypassed } from '../../../lib/http/proxy.ts';
import { createTransport, type TransportOptions } from '../../../lib/http/transport.ts';
import { startProxy, startSecureServer } from '../../helpers/connect-proxy.ts';

const HOST = 'dli.eu-west-101.example';
const before = tls.getCACertificates();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  tls.setDefaultCACertificates(before);
});

async function startWorld({ isTrusted = true } = {}) {
  const ports = new Set<number | undefined>();
  const secure = await startSecureServer([HOST], ({ socket, url }, response) => {
    ports.add(socket.remotePort);
    response.end(url);
  });
  const proxy = await startProxy({ to: secure });
  closers.push(secure.close, proxy.close);
  if (isTrusted) tls.setDefaultCACertificates([...before, secure.cert]);
  return { secure, proxy, ports };
}

function makeTransport(proxyUrl: URL, options: Partial<TransportOptions> = {}, bypass: string[] = []) {
  const transport = createTransport({
    endpoint: new URL(`https://${HOST}`),
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 10_000,
    maxConnections: 2,
    network: { proxy: { url: proxyUrl, bypass } },
    ...options,
  });
  closers.push(() => transport.close());
  const send = (target = '/') =>
    transport.send({ method: 'GET', target, headers: { host: HOST }, body: undefined, timeoutMs: 10_000 });
  return { transport, send };
}

describe('a call through a proxy', () => {
  it('goes through a tunnel with TLS in it, and its connection is used again', async () => {
    const { proxy, ports } = await startWorld();
    const { send } = makeTransport(proxy.url, { maxConnections: 1 });

    const answers = [await send('/a'), await send('/b')];

    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, '/a'],
      [200, '/b'],
    ]);
    expect(proxy.asked).toEqual([{ target: `${HOST}:443`, authorization: undefined }]);
    expect(ports.size).toBe(1);
  });

  it('gives the name and the password of the proxy to the proxy, and not to the server', async () => {
    const { proxy } = await startWorld();
    const url = new URL(`http://sam:p%40ss@${proxy.url.host}`);

    await makeTransport(url).send();

    expect(proxy.asked[0]?.authorization).toBe(`Basic ${Buffer.from('sam:p@ss').toString('base64')}`);
  });

  it('opens tunnels beforehand, and calls use them, while they open and after, before they open others', async () => {
    const { proxy, secure } = await startWorld();
    const { send, transport } = makeTransport(proxy.url, { maxConnections: 3 });
    const areOpen = new Promise<void>((resolve) => {
      let count = 0;
      secure.server.on('secureConnection', () => {
        count += 1;
        if (count === 3) resolve();
      });
    });

    transport.warmUp(9);
    const early = send();
    await areOpen;
    await Promise.all([early, send(), send(), send()]);

    expect(proxy.asked).toHaveLength(3);
  });

  it('sends nothing to a server behind the proxy that cannot prove who it is', async () => {
    const { proxy, ports } = await startWorld({ isTrusted: false });

    await expect(makeTransport(proxy.url).send()).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      sent: false,
    });
    expect(ports.size).toBe(0);
  });

  it('fails with the status that the proxy refused with, and says that nothing was sent', async () => {
    const proxy = await startProxy({ refusal: 407 });
    closers.push(proxy.close);

    await expect(makeTransport(proxy.url).send()).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'PROXY_407',
      sent: false,
      message: `cannot connect to ${HOST} through the proxy ${proxy.url.host} (PROXY_407)`,
    });
  });

  it('says that nothing was sent if the proxy is not there', async () => {
    const proxy = await startProxy();
    proxy.close();

    await expect(makeTransport(proxy.url).send()).rejects.toMatchObject({ code: 'ECONNREFUSED', sent: false });
  });

  it.each(['never answers', 'leads to a server that never shakes hands'])(
    'counts as connecting, and gives up, where the proxy %s',
    async (way) => {
      const mute = net.createServer((socket) => socket.on('error', () => {}));
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
      const to = mute.address() as AddressInfo;
      const proxy = await startProxy(way === 'never answers' ? {} : { to });
      closers.push(proxy.close, () => mute.close());
      const { send } = makeTransport(proxy.url, { connectTimeoutMs: 50 });

      await expect(send()).rejects.toMatchObject({
        name: 'TimeoutError',
        sent: false,
        message: `no connection to ${HOST} through the proxy ${proxy.url.host} within 50 ms`,
      });
    },
  );

  it('ends with close, also while a tunnel is being opened', async () => {
    const proxy = await startProxy();
    closers.push(proxy.close);
    const { send, transport } = makeTransport(proxy.url);
    const call = send();
    call.catch(() => {});
    while (proxy.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));

    transport.close();

    await expect(call).rejects.toMatchObject({ name: 'NetworkError', code: 'CLOSED', sent: false });
  });

  it('is not made for a host that is to be called without the proxy', async () => {
    const { proxy, secure } = await startWorld();
    const { send } = makeTransport(proxy.url, { endpoint: new URL(`https://localhost:${secure.port}`) }, ['localhost']);

    expect(await send()).toMatchObject({ status: 200 });
    expect(proxy.asked).toEqual([]);
  });
});

describe('isBypassed', () => {
  const isFree = (host: string, ...bypass: string[]) =>
    isBypassed({ url: new URL('http://proxy.example:3128'), bypass }, new URL(`https://${host}`));

  it.each([
    { host: 'dli.example.com', entry: '*' },
    { host: 'dli.example.com', entry: 'dli.example.com' },
    { host: 'DLI.example.com', entry: 'dli.example.com' },
    { host: 'dli.example.com', entry: '.example.com' },
    { host: 'example.com', entry: '.example.com' },
    { host: 'dli.example.com:8443', entry: 'dli.example.com:8443' },
    { host: '[::1]', entry: '::1' },
  ])('is true for $host with $entry', ({ host, entry }) => {
    expect(isFree(host, 'other.example', entry)).toBe(true);
  });

  it.each([
    { host: 'dli.example.com', entry: 'example.com' },
    { host: 'dliexample.com', entry: '.example.com' },
    { host: 'dli.example.com', entry: 'dli.example.com:8443' },
  ])('is false for $host with $entry', ({ host, entry }) => {
    expect(isFree(host, entry)).toBe(false);
  });

  it('is false if nothing is listed', () => {
    expect(isFree('dli.example.com')).toBe(false);
  });
});
