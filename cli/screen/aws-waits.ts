import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { OnWait } from '../../lib/http/waits.ts';

/**
 * Node's channel for every request of this process. The AWS SDK has no hook that all of its clients share. Node calls the
 * channel experimental; a test fails if it is gone.
 */
const CREATED = 'http.client.request.created';

/** Reports what the calls of the AWS SDK wait for; its pauses between attempts are not seen. @returns a function that ends it. */
export function watchAws(onWait: OnWait): () => void {
  const listen = (message: unknown) => {
    const { request } = message as { request: ClientRequest };
    const attempts = /^attempt=(\d+); max=(\d+)$/.exec(headerOf(request, 'amz-sdk-request'));
    if (attempts === null) return;
    const host = headerOf(request, 'host');
    const [attempt = 1, maxAttempts = 1] = attempts.slice(1).map(Number);
    onWait(request, { for: 'answer', host, operation: operationOf(request), attempt, maxAttempts });
    let end: 'answered' | 'failed' = 'failed';
    request.once('response', () => {
      end = 'answered';
    });
    request.once('close', () => onWait(request, end));
  };
  subscribe(CREATED, listen);
  return () => void unsubscribe(CREATED, listen);
}

/** `GetParameters`, or method and path for services without such a header, such as Lambda. */
function operationOf(request: ClientRequest): string {
  const [, operation] = headerOf(request, 'x-amz-target').split('.');
  return operation ?? `${request.method} ${request.path.split('?')[0]}`;
}

const headerOf = (request: ClientRequest, name: string): string => String(request.getHeader(name) ?? '');
