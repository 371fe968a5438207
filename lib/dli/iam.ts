import type { Network } from '../http/proxy.ts';
import { createTransport, type HttpResponse } from '../http/transport.ts';
import { createCallWaits } from '../http/waits.ts';
import { findErrorCode, findRefusalReason, type RefusalReason } from './error-body.ts';
import { DliResponseError, toDliError } from './errors.ts';
import { parseJson } from './wire.ts';

export interface IamCall {
  /** Name of the operation, for messages. */
  operation: string;
  endpoint: URL;
  method: 'GET' | 'POST';
  target: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** The place where the credential is kept, for messages. */
  credential: string;
  /** The status of a success; an answer with any other is thrown. */
  expected: number;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
  network: Network;
  /** The number of this attempt, and of all; for messages. Default 1 of 1. */
  attempt?: number | undefined;
  maxAttempts?: number | undefined;
  /** The reason to assume for a 401 whose text gives none. */
  refusedAs?: RefusalReason | undefined;
  /** Called with the Date header of each answer. */
  onDate?: ((date: string | undefined) => void) | undefined;
}

/** Makes one call of IAM, on a connection of its own. @throws {DliError} if IAM cannot be reached or refuses. */
export async function askIam(call: IamCall): Promise<{ headers: HttpResponse['headers']; answer: unknown }> {
  const { operation, endpoint, method, target, headers, body, expected, connectTimeoutMs, answerTimeoutMs, network } =
    call;
  const { attempt = 1, maxAttempts = 1 } = call;
  const transport = createTransport({ endpoint, connectTimeoutMs, answerTimeoutMs, maxConnections: 1, network });
  const { waits, over } = createCallWaits(network.onWait, { operation, host: transport.host, maxAttempts });
  let response: HttpResponse;
  waits('answer', attempt);
  try {
    response = await transport.send({
      method,
      target,
      body,
      timeoutMs: answerTimeoutMs,
      headers: { host: endpoint.host, 'x-language': 'en-us', ...headers },
    });
    over('answered');
  } catch (error) {
    over('failed');
    throw toDliError(operation, error);
  } finally {
    transport.close();
  }
  call.onDate?.(response.headers.date);
  const { status } = response;
  const answer = parseJson(response.body);
  if (status === expected) return { headers: response.headers, answer };
  throw new DliResponseError(operation, {
    status,
    errorCode: findErrorCode(answer),
    refusal: status === 401 ? (findRefusalReason(answer) ?? call.refusedAs) : undefined,
    isJson: answer !== undefined,
    peer: { host: endpoint.host, credential: call.credential },
  });
}
