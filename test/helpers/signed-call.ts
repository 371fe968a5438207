import { formatSdkDate, requestTarget, type SignableRequest, sign } from '../../lib/dli/sign.ts';

interface Connection {
  url: string;
  projectId: string;
  accessKeyId: string;
  secretAccessKey: string;
}

interface Call {
  method: string;
  /** The path, decoded. */
  path: string;
  query?: SignableRequest['query'];
  body?: string;
  /** Headers added to the signed ones. */
  headers?: Record<string, string>;
}

/** Sends one signed request to the emulator, without the client under test. `now` is epoch ms. */
export async function signedCall(connection: Connection, call: Call, now: number) {
  const { method, path, query = [], body = '' } = call;
  const headers = { host: new URL(connection.url).host, 'x-sdk-date': formatSdkDate(now), ...call.headers };
  const { authorization } = sign({ method, path, query, headers, body }, connection);
  const { host: _, ...sent } = headers;
  const response = await fetch(`${connection.url}${requestTarget(path, query)}`, {
    method,
    headers: { ...sent, authorization },
    ...(body !== '' && { body }),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}
