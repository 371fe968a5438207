import https from 'node:https';

/** A message did not reach a webhook. Nothing of the address is shown, since it is a secret. */
export class WebhookError extends Error {
  override name = 'WebhookError';
}

interface WebhookOptions {
  /** For the whole call. */
  timeoutMs: number;
  /** Certificate authority to accept in place of Node's own. */
  ca?: string | undefined;
}

/**
 * Posts a text to an incoming webhook, as Slack and most others take it: `{"text": "…"}`. A redirect is an
 * error: the text would go to a host that was not configured.
 *
 * @throws {WebhookError} for any answer other than a success.
 */
export function postToWebhook(url: URL, text: string, { timeoutMs, ca }: WebhookOptions): Promise<void> {
  const body = JSON.stringify({ text });
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    // NODE_TLS_REJECT_UNAUTHORIZED is ignored here: the address is a secret. Each call has its own connection, since Lambda
    // freezes the function between two of them.
    const call = https.request(
      url,
      { method: 'POST', headers, agent: false, rejectUnauthorized: true, ca, signal },
      (answer) => {
        const { statusCode = 0 } = answer;
        answer.on('error', fail);
        answer.on('end', () => {
          if (statusCode >= 200 && statusCode < 300) resolve();
          else reject(new WebhookError(`the webhook answered ${statusCode}`));
        });
        answer.resume();
      },
    );
    const fail = (error: Error) => {
      // The message of an error of Node may hold the address.
      const code = 'code' in error ? String(error.code) : 'unknown error';
      reject(new WebhookError(signal.aborted ? `no answer within ${timeoutMs} ms` : `cannot be reached (${code})`));
    };
    call.on('error', fail);
    call.end(body);
  });
}
