import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The life of one process: how many of its awaits it gets through before it is killed. */
export class Life {
  readonly #killAt: number;
  #awaits = 0;
  readonly #death = Promise.withResolvers<'killed'>();
  isOver = false;

  /** @param killAt the await at which it ends; infinite for a life that is not disturbed. */
  constructor(killAt: number) {
    this.#killAt = killAt;
  }

  /** Resolves when it is killed. */
  get death(): Promise<'killed'> {
    return this.#death.promise;
  }

  get awaits(): number {
    return this.#awaits;
  }

  /** One await. A dead process never gets beyond it. */
  async pass(): Promise<void> {
    if (this.isOver || ++this.#awaits >= this.#killAt) {
      this.isOver = true;
      this.#death.resolve('killed');
      await new Promise<never>(() => {});
    }
  }
}

async function read(message: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export interface Exchange {
  method: string;
  /** Path and query. */
  target: string;
  requestBody: string;
  status: number;
  body: string;
}

/**
 * The only way of one process to the emulator. A process that is killed while a request is on its way never hears of the
 * answer; whether DLI does depends on how far the request had come.
 */
export async function openGate<Before>(
  emulatorUrl: string,
  life: Life,
  hooks: {
    beforeRequest: (method: string, target: string, requestBody: string) => Before;
    /** @param before what `beforeRequest` returned for the same request. */
    afterAnswer: (exchange: Exchange, before: Before) => void;
  },
): Promise<{ url: string; close: () => Promise<void> }> {
  const { hostname, port } = new URL(emulatorUrl);
  const agent = new http.Agent({ keepAlive: true });

  const forward = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const { method = '', url: target = '', headers } = incoming;
    const requestBody = await read(incoming);
    await life.pass();
    const before = hooks.beforeRequest(method, target, requestBody);
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const call = http.request({ agent, hostname, port, method, path: target, headers }, resolve);
      call.on('error', reject);
      call.end(requestBody);
    });
    const body = await read(answer);
    const { statusCode: status = 0 } = answer;
    hooks.afterAnswer({ method, target, requestBody, status, body }, before);
    await life.pass();
    outgoing.writeHead(status, answer.headers);
    outgoing.end(body);
  };
  const server = http.createServer((incoming, outgoing) => {
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
