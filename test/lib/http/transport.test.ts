import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import { createTransport, type TransportOptions } from '../../../lib/http/transport.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: net.Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const connect = (endpoint: URL, options: Partial<TransportOptions> = {}) => makeTransport(endpoint, options).send;

function makeTransport(endpoint: URL, options: Partial<TransportOptions> = {}) {
  const transport = createTransport({
    endpoint,
    connectTimeoutMs: 1_000,
    answerTimeoutMs: 1_000,
    maxConnections: 2,
    ...options,
  });
  closers.push(() => transport.close());
  const send = (target = '/', timeoutMs = 10_000) =>
    transport.send({ method: 'GET', target, headers: {}, body: undefined, timeoutMs });
  return { transport, send };
}

describe('createTransport', () => {
  it('sends the target byte by byte and brings back status, headers and body', async () => {
    const targets: string[] = [];
    const endpoint = await listen(
      http.createServer(({ url }, response) => {
        targets.push(url ?? '');
        response.writeHead(418, { 'x-request-id': 'r1' }).end('grüß');
      }),
    );

    const answer = await connect(endpoint)('/a%20b/?q=%7E%2A');

    expect(targets).toEqual(['/a%20b/?q=%7E%2A']);
    expect(answer).toMatchObject({ status: 418, body: 'grüß', headers: { 'x-request-id': 'r1' } });
  });

  it('takes headers of the size that an IAM token may have', async () => {
    const token = 't'.repeat(40_000);
    const endpoint = await listen(
      http.createServer((_, response) => {
        response.writeHead(201, { 'x-subject-token': token }).end();
      }),
    );

    expect((await connect(endpoint)()).headers['x-subject-token']).toBe(token);
  });

  it('uses a connection again, and never more than it may', async () => {
    const ports = new Set<number | undefined>();
    const endpoint = await listen(
      http.createServer(({ socket }, response) => {
        ports.add(socket.remotePort);
        response.end();
      }),
    );
    const send = connect(endpoint);

    await Promise.all([send(), send(), send(), send(), send()]);

    expect(ports.size).toBe(2);
  });

  it('says that nothing was sent when no server listens', async () => {
    const server = net.createServer();
    const endpoint = await listen(server);
    await new Promise((resolve) => server.close(resolve));

    await expect(connect(endpoint)()).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'ECONNREFUSED',
      sent: false,
      message: `cannot connect to ${endpoint.host} (ECONNREFUSED)`,
    });
  });

  it.each([
    { name: 'before the answer', write: '' },
    { name: 'within the headers', write: 'HTTP/1.1 200 OK\r\nx-half' },
    { name: 'within the body', write: 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf' },
  ])('says that the request may have arrived when the connection is cut $name', async ({ write }) => {
    const endpoint = await listen(
      net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(write));
      }),
    );

    await expect(connect(endpoint)()).rejects.toMatchObject({ name: 'NetworkError', sent: true });
  });

  it.each([
    { name: 'its own timeout', answerTimeoutMs: 20, timeoutMs: 10_000 },
    { name: 'the time the caller has left', answerTimeoutMs: 10_000, timeoutMs: 20 },
  ])('gives up waiting for an answer after $name', async ({ answerTimeoutMs, timeoutMs }) => {
    const endpoint = await listen(http.createServer(() => {}));

    const answer = connect(endpoint, { answerTimeoutMs })('/', timeoutMs);

    await expect(answer).rejects.toMatchObject({
      name: 'TimeoutError',
      sent: true,
      message: `no answer from ${endpoint.host} within 20 ms`,
    });
  });

  it('gives up on a body that trickles for longer than the timeout', async () => {
    const endpoint = await listen(http.createServer((_, response) => response.writeHead(200).write('x')));

    await expect(connect(endpoint, { answerTimeoutMs: 20 })()).rejects.toMatchObject({
      name: 'TimeoutError',
      sent: true,
    });
  });
});

describe('a call that could hang for ever', () => {
  it('is reported when the server switches to another protocol without being asked', async () => {
    const endpoint = await listen(
      net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
        );
      }),
    );

    await expect(connect(endpoint)()).rejects.toMatchObject({ name: 'NetworkError', code: 'CLOSED', sent: true });
  });

  it('is given up when no connection becomes free in the time that the caller has', async () => {
    const endpoint = await listen(http.createServer(() => {}));
    const send = connect(endpoint, { maxConnections: 1, answerTimeoutMs: 10_000 });
    const first = send('/', 10_000);
    first.catch(() => {});

    await expect(send('/', 30)).rejects.toMatchObject({ name: 'TimeoutError', sent: false });
  });

  it('is not begun after close, and what is under way then fails', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const endpoint = await listen(http.createServer(() => resolve()));
    const { send, transport } = makeTransport(endpoint);
    const underWay = send();
    underWay.catch(() => {});
    await arrived;

    transport.close();

    await expect(underWay).rejects.toMatchObject({ name: 'NetworkError', sent: true });
    await expect(send()).rejects.toMatchObject({ name: 'NetworkError', code: 'CLOSED', sent: false });
  });

  it('counts a handshake that never ends as connecting, also on a connection opened beforehand', async () => {
    const { promise: accepted, resolve } = Promise.withResolvers<void>();
    const { port } = await listen(net.createServer(() => resolve()));
    const { send, transport } = makeTransport(new URL(`https://localhost:${port}`), { connectTimeoutMs: 30 });
    transport.warmUp(1);
    await accepted;

    await expect(send()).rejects.toMatchObject({ name: 'TimeoutError', sent: false });
  });
});

describe('warmUp', () => {
  async function countingServer() {
    const ports: number[] = [];
    const server = http.createServer(({ socket }, response) => response.end(String(socket.remotePort)));
    const opened = (count: number) =>
      new Promise<void>((resolve) => {
        server.on('connection', (socket) => {
          ports.push(socket.remotePort ?? 0);
          if (ports.length === count) resolve();
        });
      });
    const allOpen = opened(3);
    return { endpoint: await listen(server), ports, allOpen };
  }

  it('opens connections before there is a call, and calls use them before they open others', async () => {
    const { endpoint, ports, allOpen } = await countingServer();
    const { send, transport } = makeTransport(endpoint, { maxConnections: 3 });

    transport.warmUp(9);
    await allOpen;
    const answers = await Promise.all([send(), send(), send(), send(), send()]);

    expect(ports).toHaveLength(3);
    expect(answers.every(({ body }) => ports.includes(Number(body)))).toBe(true);
  });

  it('costs nothing if no server listens: the next call says so', async () => {
    const server = net.createServer();
    const endpoint = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const { send, transport } = makeTransport(endpoint);

    transport.warmUp(2);

    await expect(send()).rejects.toMatchObject({ name: 'NetworkError', code: 'ECONNREFUSED' });
  });
});

describe('over TLS', () => {
  const before = tls.getCACertificates();
  afterEach(() => tls.setDefaultCACertificates(before));

  async function secureServer() {
    const pems = await generate([{ name: 'commonName', value: 'localhost' }], {
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    const server = https.createServer({ key: pems.private, cert: pems.cert }, ({ socket }, response) =>
      response.end(String(socket.remotePort)),
    );
    const { port } = await listen(server);
    return { endpoint: new URL(`https://localhost:${port}`), cert: pems.cert, server };
  }

  it('sends nothing to a server that cannot prove who it is', async () => {
    const { endpoint } = await secureServer();

    await expect(connect(endpoint)()).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      sent: false,
    });
  });

  it('talks to one that can, also on connections opened beforehand', async () => {
    const { endpoint, cert, server } = await secureServer();
    tls.setDefaultCACertificates([...before, cert]);
    const isOpen = new Promise((resolve) => server.once('secureConnection', resolve));
    const { send, transport } = makeTransport(endpoint, { maxConnections: 1 });

    transport.warmUp(1);
    await isOpen;
    const answers = await Promise.all([send(), send()]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  });
});
