import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Silence } from '../../../lib/http/proxy.ts';
import { createTransport } from '../../../lib/http/transport.ts';

/** A server that answers only when the test says so, and a transport that calls it. */
async function startSilentServer() {
  const waiting: http.ServerResponse[] = [];
  // A slow machine reports the silence before the request has come: then it is answered as soon as it comes.
  let owed = 0;
  const server = http.createServer((_, response) => {
    if (owed === 0) waiting.push(response);
    else {
      owed -= 1;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const silences: Silence[] = [];
  let wake = () => {};
  const onSilence = (silence: Silence) => {
    silences.push(silence);
    wake();
  };
  const transport = createTransport({
    endpoint,
    connectTimeoutMs: 60_000,
    answerTimeoutMs: 60_000,
    maxConnections: 2,
    network: { onSilence, silentAfterMs: 20 },
  });
  onTestFinished(() => {
    transport.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    endpoint,
    silences,
    answer: () => {
      const response = waiting.shift();
      if (response === undefined) owed += 1;
      else response.end();
    },
    send: () => transport.send({ method: 'GET', target: '/', headers: {}, body: undefined, timeoutMs: 60_000 }),
    until: async (count: number) => {
      while (silences.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

describe('a server that says nothing', () => {
  it('is reported again and again with the time, and once more when it answers; the call succeeds', async () => {
    const { endpoint, silences, send, until, answer } = await startSilentServer();

    const call = send();
    await until(2);
    answer();
    await call;

    expect(silences.slice(0, 2)).toEqual([
      { host: endpoint.host, silentMs: 20 },
      { host: endpoint.host, silentMs: 40 },
    ]);
    expect(silences.at(-1)).toEqual({ host: endpoint.host, silentMs: 0 });
  });

  it('is timed anew after each answer', async () => {
    const { silences, send, until, answer } = await startSilentServer();
    const call = send();
    await until(1);
    answer();
    await call;
    const before = silences.length;

    const second = send();
    await until(before + 1);
    answer();
    await second;

    expect(silences.slice(before).filter(({ silentMs }) => silentMs > 0)[0]).toMatchObject({ silentMs: 20 });
  });
});
