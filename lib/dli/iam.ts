import { createTransport, type HttpResponse } from '../http/transport.ts';
import { DliResponseError, findErrorCode, toDliError } from './errors.ts';
import { parseJson } from './wire.ts';

export interface IamCall {
  /** For messages. */
  operation: string;
  endpoint: URL;
  method: 'GET' | 'POST';
  target: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** The status of an answer that is one; everything else is thrown. */
  expected: number;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
  /** Called with the Date header of any answer, a refusal as well. */
  onDate?: ((date: string | undefined) => void) | undefined;
}

/** One call of IAM, on a connection of its own. @throws {DliError} if it is out of reach, or refuses. */
export async function askIam(call: IamCall): Promise<{ headers: HttpResponse['headers']; answer: unknown }> {
  const { operation, endpoint, method, target, headers, body, expected, connectTimeoutMs, answerTimeoutMs } = call;
  const transport = createTransport({ endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections: 1 });
  let response: HttpResponse;
  try {
    response = await transport.send({
      ...{ method, target, body, timeoutMs: answerTimeoutMs },
      headers: { host: endpoint.host, 'x-language': 'en-us', ...headers },
    });
  } catch (error) {
    throw toDliError(operation, error);
  } finally {
    transport.close();
  }
  call.onDate?.(response.headers.date);
  const answer = parseJson(response.body);
  if (response.status === expected) return { headers: response.headers, answer };
  throw new DliResponseError(operation, { status: response.status, errorCode: findErrorCode(answer) });
}
