import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerForQueue, createFifoQueue, type SqsQuestion } from '../../emulator/aws/fifo-queue.ts';
import { createParameterStoreStandIn, type StoreQuestion } from '../../emulator/aws/parameter-store.ts';
import { LOOSE_CEILINGS } from './ceilings.ts';

/** The last part of each queue's URL. */
export const QUEUE_NAMES = { sweeps: 'sweeps.fifo', emergencies: 'emergencies.fifo' } as const;

/** An invocation that Lambda receives. */
export interface Invocation {
  name: string;
  /** `Event` answers at once; `DryRun` only checks the permission. */
  type: string | undefined;
  payload: Record<string, unknown>;
  requestId: string;
}

interface AwsServerOptions {
  /** Actions that the caller's IAM role lacks, such as `PutParameter`. */
  refusedOperations?: readonly string[];
  /** Number of the first calls of an operation that are refused as too many. */
  throttled?: Readonly<Record<string, number>>;
  /** Accepts every call of Parameter Store, and answers none. */
  isParameterStoreSilent?: boolean;
  /** Ignores the filter and sends every line of a log, as moto does. */
  isPatternIgnored?: boolean;
  /** Whether functions and their logs exist. */
  isDeployed?: boolean;
  /** Ceilings in the environment of the deployed sweep. The defaults are loose, for tests about something else. */
  ceilings?: Record<string, string>;
  /** Stands in for the functions. They write their log with `log`. */
  onInvoke?: (invocation: Invocation) => Promise<void>;
}

interface LogQuestion {
  logGroupName?: string;
  filterPattern?: string;
  startTime?: number;
  endTime?: number;
}

/**
 * The part of Parameter Store, SQS, Lambda and CloudWatch Logs that the project uses, over real HTTP, for the real AWS SDK.
 */
export async function startAwsServer(
  parameters: Record<string, string>,
  {
    refusedOperations = [],
    throttled = {},
    isParameterStoreSilent = false,
    isPatternIgnored = false,
    isDeployed = true,
    ceilings = LOOSE_CEILINGS,
    onInvoke = async () => {},
  }: AwsServerOptions = {},
) {
  const store = createParameterStoreStandIn(parameters);
  const queues = { [QUEUE_NAMES.sweeps]: createFifoQueue(), [QUEUE_NAMES.emergencies]: createFifoQueue() };
  const refusedGroups = new Set<string>();
  const lines: { logGroupName: string; timestamp: number; message: string; eventId: string }[] = [];
  const invocations: Invocation[] = [];
  const running: Promise<void>[] = [];
  const calls: string[] = [];
  const parameterSockets = new Set<Socket>();

  const services: Record<string, (operation: string, body: object) => object | string> = {
    AmazonSSM: (operation, body: StoreQuestion) => store.answer(operation, body),
    AmazonSQS: (operation, body: SqsQuestion) => {
      const queue = queues[new URL(body.QueueUrl ?? '').pathname.split('/').at(-1) as keyof typeof queues];
      return answerForQueue(queue, operation, body, refusedGroups) ?? 'UnknownOperationException';
    },
    Logs_20140328: (
      _,
      { logGroupName, filterPattern = '', startTime = 0, endTime = Number.POSITIVE_INFINITY }: LogQuestion,
    ) => {
      if (!isDeployed) return 'ResourceNotFoundException';
      const isWanted = isPatternIgnored ? () => true : readPattern(filterPattern);
      return {
        events: lines
          .filter((line) => line.logGroupName === logGroupName)
          .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
          .filter(({ message }) => isWanted(message)),
      };
    },
  };

  function invoke(name: string, type: string | undefined, payload: Record<string, unknown>) {
    if (!isDeployed) return { status: 404, requestId: '', error: 'ResourceNotFoundException' };
    if (refusedOperations.includes('Invoke')) return { status: 403, requestId: '', error: 'AccessDeniedException' };
    if (type === 'DryRun') return { status: 204, requestId: randomUUID() };
    const requestId = randomUUID();
    const invocation = { name, type, payload, requestId };
    invocations.push(invocation);
    running.push(onInvoke(invocation));
    return { status: 202, requestId };
  }

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
    const [, configured] = /^\/2015-03-31\/functions\/([^/]+)\/configuration/.exec(request.url ?? '') ?? [];
    if (configured !== undefined) {
      calls.push('GetFunctionConfiguration');
      const isRefused = refusedOperations.includes('GetFunctionConfiguration');
      const error = isRefused ? 'AccessDeniedException' : isDeployed ? undefined : 'ResourceNotFoundException';
      response.writeHead(error === undefined ? 200 : 403, error === undefined ? {} : { 'x-amzn-errortype': error });
      response.end(JSON.stringify({ FunctionName: configured, Environment: { Variables: ceilings } }));
      return;
    }
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? '') ?? [];
    if (name !== undefined) {
      calls.push('Invoke');
      const type = request.headers['x-amz-invocation-type'] as string | undefined;
      const { status, requestId, error } = invoke(name, type, body);
      response.writeHead(status, { 'x-amzn-requestid': requestId, ...(error && { 'x-amzn-errortype': error }) });
      response.end();
      return;
    }
    const [service = '', operation = ''] = String(request.headers['x-amz-target']).split('.');
    calls.push(operation);
    if (service === 'AmazonSSM') parameterSockets.add(request.socket);
    if (service === 'AmazonSSM' && isParameterStoreSilent) return;
    if (operation === 'PutParameter') {
      server.beforeWrite?.();
      server.beforeWrite = undefined;
    }
    const isOneTooMany = calls.filter((call) => call === operation).length <= (throttled[operation] ?? 0);
    const result = refusedOperations.includes(operation)
      ? 'AccessDeniedException'
      : isOneTooMany
        ? 'ThrottlingException'
        : (services[service]?.(operation, body) ?? 'UnknownOperationException');
    const isError = typeof result === 'string';
    response.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isError ? { __type: result, message: '' } : result));
  }

  const listener = http.createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;

  const server = {
    ...store,
    /** Action of another person right before the next parameter is written. */
    beforeWrite: undefined as (() => void) | undefined,
    queues,
    /** Groups whose messages are refused. */
    refusedGroups,
    /** Every call, by its operation. */
    calls,
    /** Number of connections on which Parameter Store was called. The SDK keeps those of a client open. */
    parameterConnections: () => parameterSockets.size,
    invocations,
    log: (logGroupName: string, fields: object, timestamp = Date.now()) => {
      lines.push({ logGroupName, timestamp, message: JSON.stringify(fields), eventId: String(lines.length) });
    },
    /** Returns the lines logged with this `msg`. */
    logged: (msg: string) =>
      lines.map(({ message }) => JSON.parse(message) as Record<string, unknown>).filter((line) => line.msg === msg),
    /** Resolves when every invocation has finished. */
    settled: () => Promise.all(running),
    /** Environment with which a process finds it instead of AWS. It also has a function's ceilings. */
    env: {
      ...ceilings,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      PERIOD_MINUTES: '15',
      SWEEP_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/${QUEUE_NAMES.sweeps}`,
      EMERGENCY_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/${QUEUE_NAMES.emergencies}`,
    },
    close: async () => {
      await Promise.all(running);
      listener.closeAllConnections();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
  return server;
}

/**
 * Reads the forms in use: `{ ($.msg = "one") || ($.msg = "other") }`, `{ ($.target = "lake") && (($.msg = "one") || …) }`, and terms
 * with a question mark, of which one has to match.
 */
function readPattern(pattern: string): (message: string) => boolean {
  if (pattern.startsWith('{')) {
    const wanted = [...pattern.matchAll(/\(\$\.msg = "([^"]*)"\)/g)].map(([, msg]) => msg);
    const [, target, projectId] =
      /\(\(\$\.target = "([^"]*)"\) \|\| \(\$\.projectId = "([^"]*)"\)\) && /.exec(pattern) ?? [];
    return (message) => {
      const line = JSON.parse(message) as { msg?: string; target?: string; projectId?: string };
      const isOfTarget = target === undefined || line.target === target || line.projectId === projectId;
      return wanted.includes(line.msg) && isOfTarget;
    };
  }
  const terms = [...pattern.matchAll(/\?"([^"]*)"/g)].map(([, term = '']) => term);
  return (message) => terms.some((term) => message.includes(term));
}
