import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Installed by `npm run test:aws`. */
const CLIENT = fromHere('../aws/runtime/node_modules/aws-lambda-ric/index.mjs');
const NATIVE_PART = fromHere('./rapid-client.mjs');

export interface Invoked {
  /** The function's result. */
  returned?: unknown;
  /** The error that it threw, in AWS's form. */
  threw?: { errorType: string; errorMessage: string };
}

/**
 * One Lambda: an unpacked zip under AWS's own runtime client, which gets its events from our own Runtime API. As in Lambda,
 * it handles one event at a time, in a process that lives on between them.
 *
 * @param folder the unpacked zip.
 * @param handler the handler in the template, such as `dist/sweep/index.handler`.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startLambda(folder: string, handler: string, env: Record<string, string>) {
  const events: { id: string; event: unknown }[] = [];
  const pending = new Map<string, (invoked: Invoked) => void>();
  let asking: http.ServerResponse | undefined;

  const hand = () => {
    const next = asking === undefined ? undefined : events.shift();
    if (asking === undefined || next === undefined) return;
    asking.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': next.id,
      'lambda-runtime-deadline-ms': String(Date.now() + 300_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:000000000000:function:under-test',
    });
    asking.end(JSON.stringify(next.event));
    asking = undefined;
  };
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const path = request.url ?? '';
      if (path.endsWith('/invocation/next')) {
        asking = response;
        hand();
        return;
      }
      const [, id = '', what] = /\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      response.writeHead(202).end('{}');
      if (what === 'response') pending.get(id)?.({ returned: body });
      else pending.get(id)?.({ threw: body as NonNullable<Invoked['threw']> });
      pending.delete(id);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const log: string[] = [];
  const child = spawn(process.execPath, ['--import', NATIVE_PART, CLIENT, handler], {
    cwd: folder,
    env: {
      ...env,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: handler,
      AWS_LAMBDA_FUNCTION_NAME: 'under-test',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      // The value in serverless.yml.
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/under-test',
      AWS_LAMBDA_LOG_STREAM_NAME: 'one',
    },
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const ended = once(child, 'exit');
  child.once('exit', (code) => {
    const threw = { errorType: 'Runtime.ExitError', errorMessage: `exit ${code}: ${log.join('').slice(-2_000)}` };
    for (const settle of pending.values()) settle({ threw });
  });

  return {
    /** All output so far. */
    log: () => log.join(''),
    invoke: (event: unknown): Promise<Invoked> => {
      const id = randomUUID();
      return new Promise((resolve) => {
        pending.set(id, resolve);
        events.push({ id, event });
        hand();
      });
    },
    stop: async () => {
      child.kill();
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Lambda = Awaited<ReturnType<typeof startLambda>>;
