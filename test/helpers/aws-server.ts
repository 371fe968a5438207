import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  Name: string;
  Value: string;
  Version: number;
  Type: string;
  LastModifiedDate: number;
}

type Body = Record<string, unknown>;

/** What Lambda is asked to do. */
export interface Invocation {
  name: string;
  /** `Event` answers at once. */
  type: string | undefined;
  payload: Record<string, unknown>;
  requestId: string;
}

/**
 * As much of Parameter Store, Lambda and CloudWatch Logs as the command line uses, over real HTTP, for the real AWS SDK.
 *
 * @param onInvoke plays the functions; what they log goes through `log`.
 */
export async function startAwsServer(
  parameters: Record<string, string>,
  { onInvoke = async () => {} }: { onInvoke?: (invocation: Invocation) => Promise<void> } = {},
) {
  const store = new Map<string, Version[]>();
  const put = (name: string, value: string) => {
    const versions = store.get(name) ?? [];
    const Version = (versions.at(-1)?.Version ?? 0) + 1;
    const Type = name.includes('/credentials/') ? 'SecureString' : 'String';
    store.set(name, [...versions, { Name: name, Value: value, Version, Type, LastModifiedDate: Date.now() / 1_000 }]);
    return Version;
  };
  for (const [name, value] of Object.entries(parameters)) put(name, value);
  const log: { logGroupName: string; timestamp: number; message: string; eventId: string }[] = [];
  const invocations: Invocation[] = [];
  const running: Promise<void>[] = [];
  const calls: string[] = [];

  const latest = (name: string) => store.get(name)?.at(-1);
  const operations: Record<string, (body: Body) => Body | string> = {
    'AmazonSSM.GetParameters': ({ Names }) => ({
      Parameters: (Names as string[]).flatMap((name) => latest(name) ?? []),
      InvalidParameters: (Names as string[]).filter((name) => !store.has(name)),
    }),
    'AmazonSSM.GetParametersByPath': ({ Path, NextToken = '0' }) => {
      const names = [...store.keys()].filter((name) => name.startsWith(String(Path))).sort();
      const from = Number(NextToken);
      return {
        Parameters: names.slice(from, from + 10).map(latest),
        ...(from + 10 < names.length && { NextToken: String(from + 10) }),
      };
    },
    'AmazonSSM.GetParameterHistory': ({ Name }) =>
      store.has(String(Name)) ? { Parameters: store.get(String(Name)) } : 'ParameterNotFound',
    'AmazonSSM.PutParameter': ({ Name, Value, Overwrite }) => {
      if (store.has(String(Name)) && Overwrite !== true) return 'ParameterAlreadyExists';
      return { Version: put(String(Name), String(Value)), Tier: 'Standard' };
    },
    'AmazonSSM.DeleteParameter': ({ Name }) => (store.delete(String(Name)) ? {} : 'ParameterNotFound'),
    'Logs_20140328.FilterLogEvents': ({ logGroupName, filterPattern, startTime }) => {
      const wanted = readPattern(String(filterPattern));
      const events = log.filter((line) => line.logGroupName === logGroupName && line.timestamp >= Number(startTime));
      return { events: events.filter(({ message }) => wanted(message)) };
    },
  };

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Body;
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? '') ?? [];
    if (name !== undefined) {
      const requestId = `00000000-0000-4000-9000-${String(invocations.length).padStart(12, '0')}`;
      const type = request.headers['x-amz-invocation-type'];
      const invocation = { name, type: type as string | undefined, payload: body, requestId };
      invocations.push(invocation);
      calls.push(`Invoke ${name}`);
      running.push(onInvoke(invocation));
      response.writeHead(202, { 'x-amzn-requestid': requestId });
      response.end();
      return;
    }
    const operation = String(request.headers['x-amz-target']);
    calls.push(operation.replace(/^.*\./, ''));
    const result = operations[operation]?.(body) ?? 'UnknownOperationException';
    response.writeHead(typeof result === 'string' ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(typeof result === 'string' ? { __type: result, message: '' } : result));
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    calls,
    invocations,
    put,
    valueOf: (name: string) => latest(name)?.Value,
    versionOf: (name: string) => latest(name)?.Version,
    log: (logGroupName: string, fields: object, timestamp = Date.now()) => {
      log.push({ logGroupName, timestamp, message: JSON.stringify(fields), eventId: String(log.length) });
    },
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    close: async () => {
      await Promise.all(running);
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The two forms in use: `{ $.key = "value" }`, and terms with a question mark, of which one is enough. */
function readPattern(pattern: string): (message: string) => boolean {
  const [, key, value] = /^\{ \$\.(\w+) = "([^"]*)" \}$/.exec(pattern) ?? [];
  if (key !== undefined) return (message) => (JSON.parse(message) as Record<string, unknown>)[key] === value;
  const terms = [...pattern.matchAll(/\?"([^"]*)"/g)].map(([, term = '']) => term);
  return (message) => terms.some((term) => message.includes(term));
}
