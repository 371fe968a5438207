import type { IncomingMessage, RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postToWebhook, WebhookError } from '../../../lib/notify/webhook.ts';
import { startSecureServer } from '../../helpers/connect-proxy.ts';

/** A webhook on this machine, over TLS. */
async function startWebhook(onRequest: RequestListener) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const { port, cert, close } = await startSecureServer(['localhost'], (request, response) => {
    void text(request).then((body) => {
      asked.push({ request, body });
      onRequest(request, response);
    });
  });
  onTestFinished(close);
  return { asked, ca: cert, url: new URL(`https://localhost:${port}/services/T0/secret-7?token=secret-8`) };
}

/** The error of a call, which must not show the address. */
async function errorOf(call: Promise<void>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(WebhookError);
  const shown = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack} ${String((error as Error).cause)}`;
  for (const secret of ['secret-7', 'secret-8', 'localhost']) expect(shown).not.toContain(secret);
  return (error as Error).message;
}

describe('postToWebhook', () => {
  it('posts the text as JSON, to the whole address', async () => {
    const { asked, url, ca } = await startWebhook((_, response) => response.end('ok'));

    await postToWebhook(url, 'line 1\nline 2 "ü"', { timeoutMs: 60_000, ca });

    expect(asked).toHaveLength(1);
    expect(asked[0]?.request).toMatchObject({ method: 'POST', url: '/services/T0/secret-7?token=secret-8' });
    expect(asked[0]?.request.headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8' });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ text: 'line 1\nline 2 "ü"' });
  });

  it.each([302, 307, 400, 404, 429, 500])('fails with the status %d, and follows nothing', async (status) => {
    const { asked, url, ca } = await startWebhook((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end('secret-7'),
    );

    expect(await errorOf(postToWebhook(url, 'x', { timeoutMs: 60_000, ca }))).toBe(`the webhook answered ${status}`);
    expect(asked).toHaveLength(1);
  });

  it('gives up on a webhook that does not answer', async () => {
    const { url, ca } = await startWebhook(() => {});

    expect(await errorOf(postToWebhook(url, 'x', { timeoutMs: 20, ca }))).toBe('no answer within 20 ms');
  });

  it('gives up on an answer that does not end', async () => {
    const { url, ca } = await startWebhook((_, response) => void response.writeHead(200).write('o'));

    expect(await errorOf(postToWebhook(url, 'x', { timeoutMs: 200, ca }))).toBe('no answer within 200 ms');
  });

  it('fails if the connection breaks', async () => {
    const { url, ca } = await startWebhook((request) => request.socket.destroy());

    expect(await errorOf(postToWebhook(url, 'x', { timeoutMs: 60_000, ca }))).toBe('cannot be reached (ECONNRESET)');
  });

  it('sends nothing to a server whose certificate is not trusted, whatever the environment says', async (context) => {
    const { asked, url } = await startWebhook((_, response) => response.end('ok'));
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    context.onTestFinished(() => {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    });

    const error = await errorOf(postToWebhook(url, 'x', { timeoutMs: 60_000 }));

    expect(error).toMatch(
      /^cannot be reached \((DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\)$/,
    );
    expect(asked).toEqual([]);
  });
});
