import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Of the operations that the settings use. */
interface Question {
  Names?: string[];
  Path?: string;
  Recursive?: boolean;
  NextToken?: string;
}

/** As much of Parameter Store as the settings need, over real HTTP, for the real AWS SDK. */
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
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const operation = String(request.headers['x-amz-target']).replace('AmazonSSM.', '');
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, never>;
    const isRefused = refusedOperations.includes(operation);
    const result = isRefused ? undefined : answerTo(operation, body);
    response.writeHead(result === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    const error = { __type: isRefused ? 'AccessDeniedException' : 'UnknownOperationException' };
    response.end(JSON.stringify(result ?? error));
  };

  const show = (name: string) => ({
    Name: name,
    Value: parameters[name],
    Type: name.includes('/credentials/') ? 'SecureString' : 'String',
    Version: 1,
  });
  function answerTo(operation: string, body: Question) {
    if (operation === 'GetParameters') {
      const { Names = [] } = body;
      asked.push(Names);
      return {
        Parameters: Names.filter((name) => Object.hasOwn(parameters, name)).map(show),
        InvalidParameters: Names.filter((name) => !Object.hasOwn(parameters, name)),
      };
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
    /** The names of each call. */
    asked,
    /** What a process needs to find it instead of AWS. */
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
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
