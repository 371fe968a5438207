import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerForQueue, createFifoQueue, type SqsQuestion } from './fifo-queue.ts';

/** Of the operations that the settings use. */
interface Question {
  Names?: string[];
  Path?: string;
  Recursive?: boolean;
  NextToken?: string;
  Name?: string;
  Value?: string;
}

/** Named by their part of the URL. */
export const QUEUE_NAMES = { sweeps: 'sweeps.fifo', emergencies: 'emergencies.fifo' } as const;

/** As much of Parameter Store as the settings need, and of SQS as dispatch needs, over real HTTP, for the real AWS SDK. */
export async function startSsmServer(
  parameters: Record<string, string>,
  {
    refusedOperations = [],
  }: {
    /** What the caller's IAM role lacks. */
    refusedOperations?: readonly string[];
  } = {},
) {
  const asked: string[][] = [];
  const versions: Record<string, number> = {};
  const queues = { [QUEUE_NAMES.sweeps]: createFifoQueue(), [QUEUE_NAMES.emergencies]: createFifoQueue() };
  const refusedGroups = new Set<string>();
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [service, operation = ''] = String(request.headers['x-amz-target']).split('.');
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Question & SqsQuestion;
    const isRefused = refusedOperations.includes(operation);
    const answerFor = service === 'AmazonSQS' ? answerForQueueOf : answerTo;
    const result = isRefused ? undefined : answerFor(operation, body);
    response.writeHead(result === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    const error = { __type: isRefused ? 'AccessDeniedException' : 'UnknownOperationException' };
    response.end(JSON.stringify(result ?? error));
  };

  const show = (name: string) => ({
    Name: name,
    Value: parameters[name],
    Type: name.includes('/credentials/') ? 'SecureString' : 'String',
    Version: versions[name] ?? 1,
  });
  function answerForQueueOf(operation: string, question: SqsQuestion) {
    const queue = queues[new URL(question.QueueUrl ?? '').pathname.split('/').at(-1) as keyof typeof queues];
    return answerForQueue(queue, operation, question, refusedGroups);
  }
  function answerTo(operation: string, body: Question) {
    if (operation === 'GetParameters') {
      const { Names = [] } = body;
      asked.push(Names);
      return {
        Parameters: Names.filter((name) => Object.hasOwn(parameters, name)).map(show),
        InvalidParameters: Names.filter((name) => !Object.hasOwn(parameters, name)),
      };
    }
    if (operation === 'PutParameter') {
      const { Name = '', Value = '' } = body;
      versions[Name] = Object.hasOwn(parameters, Name) ? (versions[Name] ?? 1) + 1 : 1;
      parameters[Name] = Value;
      return { Version: versions[Name] };
    }
    if (operation === 'GetParametersByPath') {
      const { Path = '', Recursive = false, NextToken = '0' } = body;
      asked.push([Path]);
      const names = Object.keys(parameters)
        .filter((name) => name.startsWith(Path))
        .filter((name) => Recursive || !name.slice(Path.length).includes('/'));
      const from = Number(NextToken);
      const more = from + 10 < names.length ? { NextToken: String(from + 10) } : {};
      return { Parameters: names.slice(from, from + 10).map(show), ...more };
    }
    return undefined;
  }
  const server = http.createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    /** May be changed between sweeps. */
    parameters,
    /** Of a parameter; 1 unless set. */
    versions,
    queues,
    /** Messages of these groups are not taken. */
    refusedGroups,
    /** The names of each call. */
    asked,
    /** What a process needs to find it instead of AWS. */
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      PERIOD_MINUTES: '15',
      SWEEP_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/${QUEUE_NAMES.sweeps}`,
      EMERGENCY_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/${QUEUE_NAMES.emergencies}`,
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A stage with everything a live sweep of the emulator needs. */
export function stageParameters(
  stage: string,
  connection: { url: string; region: string; projectId: string; accessKeyId: string; secretAccessKey: string },
  policy: unknown,
): Record<string, string> {
  const { url, region, projectId, accessKeyId, secretAccessKey } = connection;
  return {
    [`/dli-reaper/${stage}/switch`]: 'run',
    [`/dli-reaper/${stage}/targets/default`]: JSON.stringify({
      ...{ region, projectId, endpoint: url, policy: 'base', mode: 'live', credentials: 'reaper' },
    }),
    [`/dli-reaper/${stage}/policies/base`]: JSON.stringify(policy),
    [`/dli-reaper/${stage}/credentials/reaper`]: JSON.stringify({ accessKeyId, secretAccessKey }),
  };
}
