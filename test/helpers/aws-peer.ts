import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { QUEUE_NAMES } from '../../emulator/aws/server.ts';
import { startAwsServer } from './aws-server.ts';
import { LOOSE_CEILINGS } from './ceilings.ts';

const run = promisify(execFile);

/** A server that answers for SSM and SQS over HTTP. */
export interface AwsPeer {
  name: string;
  /** Environment with which a process finds it instead of AWS. */
  env: Record<string, string>;
  close: () => Promise<void>;
}

/** Returns whether this command is on the machine's PATH. */
export async function isOnPath(command: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${command}`]).then(
    () => true,
    () => false,
  );
}

/** The real peer if it is installed, otherwise the project's own answers; `name` says which. */
export async function startPeer(parameters: Record<string, string>): Promise<AwsPeer> {
  const { env, close } = await startAwsServer(parameters);
  if (await isOnPath('moto_server')) {
    const moto = await startMoto(parameters);
    // Nothing is deployed there, so it has neither ceilings nor earlier cancels.
    const own = {
      AWS_ENDPOINT_URL_LAMBDA: env.AWS_ENDPOINT_URL,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: env.AWS_ENDPOINT_URL,
    };
    return {
      name: moto.name,
      env: { ...LOOSE_CEILINGS, ...moto.env, ...own },
      close: async () => void (await Promise.all([moto.close(), close()])),
    };
  }
  return { name: "the project's own answers (moto_server is not on PATH)", env, close };
}

export async function startMoto(parameters: Record<string, string>): Promise<AwsPeer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  await untilItListens(port);

  const client = {
    endpoint: url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const ssm = new SSMClient(client);
  for (const [Name, Value] of Object.entries(parameters)) {
    if (Name.startsWith(SECRETS)) {
      await createSecret(url, Name.slice(SECRETS.length), Value);
      continue;
    }
    const Type = Name.includes('/credentials/') ? 'SecureString' : 'String';
    await ssm.send(new PutParameterCommand({ Name, Value, Type }));
  }
  const sqs = new SQSClient(client);
  const urls = await Promise.all(
    Object.values(QUEUE_NAMES).map(async (QueueName) => {
      const Attributes = { FifoQueue: 'true', VisibilityTimeout: '1020' };
      return (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
    }),
  );
  return {
    name: 'moto_server',
    env: {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      PERIOD_MINUTES: '15',
      SWEEP_QUEUE_URL: urls[0] ?? '',
      EMERGENCY_QUEUE_URL: urls[1] ?? '',
    },
    close: async () => {
      server.kill();
      await ended;
    },
  };
}

const SECRETS = '/aws/reference/secretsmanager/';

/** Creates a secret without the SDK's client, which no other code needs. moto accepts any signature. */
async function createSecret(url: string, Name: string, SecretString: string): Promise<void> {
  const { ok, status } = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.CreateSecret',
      authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/secretsmanager/aws4_request, Signature=x',
    },
    body: JSON.stringify({ Name, SecretString, ClientRequestToken: randomUUID() }),
  });
  if (!ok) throw new Error(`moto made no secret: ${status}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Connects again and again until the port answers. The test's own time limit ends it. */
async function untilItListens(port: number): Promise<void> {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    // Gives the processor to the other process.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
