import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerForQueue, createFifoQueue, type SqsQuestion } from './fifo-queue.ts';
import type { FunctionResult } from './functions.ts';
import { createLogs } from './log.ts';
import { createParameterStoreStandIn, type StoreQuestion } from './parameter-store.ts';
import { createTableStandIn, type TableQuestion } from './table.ts';

/** The last part of each queue's URL. */
export const QUEUE_NAMES = { sweeps: 'sweeps.fifo', emergencies: 'emergencies.fifo' } as const;

/** No account of AWS has this id. */
export const ACCOUNT_ID = '000000000000';

/** The person at the terminal. */
const CALLER = { Arn: `arn:aws:iam::${ACCOUNT_ID}:user/rehearsal`, UserId: 'REHEARSAL', Account: ACCOUNT_ID };

const LAMBDA_LOGS = '/aws/lambda/';

/** An invocation that Lambda receives. */
export interface Invocation {
  name: string;
  /** `Event` answers at once; `RequestResponse` waits for the result; `DryRun` only checks the permission. */
  type: string | undefined;
  payload: Record<string, unknown>;
  requestId: string;
}

export interface AwsOptions {
  /** The content of Parameter Store, by name. */
  parameters: Record<string, string>;
  /** The only access key that may call. Signatures are not checked. */
  accessKeyId: string;
  /** Epoch ms. */
  now: () => number;
  /** Whether Lambda has this function, and CloudWatch its log. */
  hasFunction: (name: string) => boolean;
  /** Whether CloudWatch has this log group, which is not a function's. */
  hasLogGroup: (name: string) => boolean;
  /** The environment that Lambda shows of every function. */
  functionEnvironment: Readonly<Record<string, string>>;
  /** Runs a function. A call that waits gets what it returned, or its error. */
  onInvoke: (invocation: Invocation) => Promise<FunctionResult> | Promise<void>;
  /** Called after messages were sent to a queue. */
  onMessages?: () => void;
  /** Called before each call. @returns the name of an error, or `hang`, in place of the answer. */
  onCall?: (operation: string, service: string, socket: Socket) => string | undefined;
  /** Ignores the filter and sends every line of a log, as moto does. */
  isPatternIgnored?: boolean | undefined;
  /** Called with each line that is written to a log. */
  onLine?: (logGroupName: string, line: string) => void;
  /** Gets what is published to topics. Without it no topic is played. */
  onPublish?: (message: Published) => void;
}

/** What is published to a topic of SNS. */
export interface Published {
  /** The last part of its ARN. */
  topic: string;
  text: string;
}

/** A call, in one of the three forms that AWS has. */
interface Call {
  form: 'json' | 'rest' | 'query';
  service: string;
  operation: string;
  /** Name of a function. */
  name?: string;
  body: Record<string, unknown>;
}

/** What an operation gives: its answer, or the name of an error; undefined if it is not played. */
type Played = object | string | undefined;

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/**
 * The part of Parameter Store, SQS, Lambda, CloudWatch Logs, DynamoDB, SNS and STS that a stage uses, over real HTTP, for the real AWS SDK. It
 * listens on loopback only, and refuses every other operation by its name.
 */
export async function startAws(options: AwsOptions) {
  const { parameters, accessKeyId, now, hasFunction, hasLogGroup, functionEnvironment } = options;
  const { onInvoke, onMessages, onCall, onLine, onPublish } = options;
  const table = createTableStandIn();
  const store = createParameterStoreStandIn(parameters, now);
  const queues = { [QUEUE_NAMES.sweeps]: createFifoQueue(now), [QUEUE_NAMES.emergencies]: createFifoQueue(now) };
  /** Groups whose messages are refused. */
  const refusedGroups = new Set<string>();
  const logs = createLogs({
    hasGroup: (name) =>
      name.startsWith(LAMBDA_LOGS) ? hasFunction(name.slice(LAMBDA_LOGS.length)) : hasLogGroup(name),
    isPatternIgnored: options.isPatternIgnored,
    onLine,
  });
  const running: Promise<unknown>[] = [];

  async function invoke({ name = '', body: payload }: Call, type: string | undefined, requestId: string) {
    if (type === 'DryRun') return { StatusCode: 204 };
    const run = onInvoke({ name, type, payload, requestId });
    running.push(run);
    return type === 'Event' ? { StatusCode: 202 } : { StatusCode: 200, result: (await run) ?? {} };
  }

  function publish({ TopicArn, Message }: Record<string, unknown>) {
    onPublish?.({ topic: String(TopicArn).split(':').at(-1) ?? '', text: String(Message) });
    return onPublish && { MessageId: randomUUID() };
  }

  function play(call: Call, { headers }: http.IncomingMessage, requestId: string): Played | Promise<Played> {
    const { service, operation, name = '', body } = call;
    switch (service) {
      case 'AmazonSSM':
        return store.answer(operation, body as StoreQuestion);
      case 'AmazonSQS': {
        const question = body as SqsQuestion;
        const queue = queues[new URL(question.QueueUrl ?? '').pathname.split('/').at(-1) as keyof typeof queues];
        const result = answerForQueue(queue, operation, question, refusedGroups);
        if (operation === 'SendMessageBatch') onMessages?.();
        return result;
      }
      case 'Logs_20140328':
        return logs.answer(operation, body);
      case 'Lambda': {
        if (!hasFunction(name)) return 'ResourceNotFoundException';
        if (operation === 'Invoke') return invoke(call, one(headers['x-amz-invocation-type']), requestId);
        return { FunctionName: name, Environment: { Variables: functionEnvironment } };
      }
      case 'DynamoDB_20120810':
        return table.answer(operation, body as TableQuestion);
      default:
        if (operation === 'Publish') return publish(body);
        return operation === 'GetCallerIdentity' ? CALLER : undefined;
    }
  }

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const call = readCall(request, await text(request));
    const refusal =
      keyOf(request) === accessKeyId
        ? onCall?.(call.operation, call.service, request.socket)
        : 'UnrecognizedClientException';
    if (refusal === 'hang') return;
    const result = refusal ?? (await play(call, request, requestId));
    const { status, headers, body } = write(call, result);
    response.writeHead(status, { 'x-amzn-requestid': requestId, ...headers }).end(body);
  }

  const listener = http.createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const queueUrl = (name: string) => `${url}/${ACCOUNT_ID}/${name}`;

  return {
    port,
    url,
    queueUrls: { sweeps: queueUrl(QUEUE_NAMES.sweeps), emergencies: queueUrl(QUEUE_NAMES.emergencies) },
    store,
    queues,
    refusedGroups,
    logs,
    /** Resolves when every invocation so far has finished. */
    settled: () => Promise.all(running),
    close: async () => {
      listener.closeAllConnections();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

function readCall({ method, url = '', headers }: http.IncomingMessage, body: string): Call {
  const [, name, what] = /^\/2015-03-31\/functions\/([^/]+)\/(invocations|configuration)/.exec(url) ?? [];
  if (name !== undefined) {
    const operation = what === 'invocations' ? 'Invoke' : 'GetFunctionConfiguration';
    return { form: 'rest', service: 'Lambda', operation, name, body: parseBody(body) };
  }
  const target = one(headers['x-amz-target']);
  if (target !== undefined) {
    const [service = '', operation = ''] = target.split('.');
    return { form: 'json', service, operation, body: parseBody(body) };
  }
  const { Action: action, ...fields } = Object.fromEntries(new URLSearchParams(body));
  if (action !== undefined) return { form: 'query', service: '', operation: action, body: fields };
  return { form: 'rest', service: '', operation: `${method} ${url}`, body: {} };
}

function write({ form, operation }: Call, result: Played): Answer {
  if (typeof result === 'object') {
    if ('StatusCode' in result) return writeInvoked(result);
    if (form !== 'query') return { status: 200, body: JSON.stringify(result) };
    return { status: 200, body: toXml(`${operation}Response`, { [`${operation}Result`]: result }) };
  }
  const type = result ?? 'UnknownOperationException';
  const message = type === 'UnknownOperationException' ? `the rehearsal does not play ${operation}` : '';
  switch (form) {
    case 'json':
      return { status: 400, body: JSON.stringify({ __type: type, message }) };
    case 'rest':
      return {
        status: type === 'ResourceNotFoundException' ? 404 : 403,
        headers: { 'x-amzn-errortype': type },
        body: JSON.stringify({ message }),
      };
    case 'query':
      return { status: 403, body: toXml('ErrorResponse', { Error: { Code: type, Message: message } }) };
    default:
      return form satisfies never;
  }
}

/** The answer of Lambda. An error of the function has a header and the status of a success. */
function writeInvoked({ StatusCode, result }: { StatusCode?: unknown; result?: FunctionResult }): Answer {
  const status = Number(StatusCode);
  if (result === undefined) return { status, body: '' };
  const { returned = null, threw } = result;
  if (threw === undefined) return { status, body: JSON.stringify(returned) };
  const [errorType = '', ...message] = threw.split(': ');
  const body = JSON.stringify({ errorType, errorMessage: message.join(': ') });
  return { status, headers: { 'x-amz-function-error': 'Unhandled' }, body };
}

const toXml = (name: string, value: object | string): string => {
  const inside =
    typeof value === 'string'
      ? value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
      : Object.entries(value)
          .map(([key, one]) => toXml(key, one as object | string))
          .join('');
  return `<${name}>${inside}</${name}>`;
};

const one = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

const keyOf = ({ headers }: http.IncomingMessage): string | undefined =>
  /Credential=([^/,]+)\//.exec(headers.authorization ?? '')?.[1];

const parseBody = (body: string): Record<string, unknown> => JSON.parse(body || '{}') as Record<string, unknown>;
