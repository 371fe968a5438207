import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';

/** What invoked the function is no subscription of a log group, or cannot be unpacked. */
export class SubscriptionError extends Error {
  override name = 'SubscriptionError';
}

const eventSchema = v.object({ awslogs: v.object({ data: v.string() }) });

const payloadSchema = v.variant('messageType', [
  v.object({ messageType: v.literal('DATA_MESSAGE'), logEvents: v.array(v.object({ message: v.string() })) }),
  // CloudWatch Logs checks with it whether the function can be reached.
  v.object({ messageType: v.literal('CONTROL_MESSAGE') }),
]);

/**
 * Unpacks the lines that a subscription of a log group brings.
 *
 *     {"awslogs": {"data": base64(gzip({"messageType": "DATA_MESSAGE", "logEvents": [{"message": "a line"}, …], …}))}}
 *
 * @returns the lines as they were written; none for a control message.
 * @throws {SubscriptionError} for any other event. The message shows nothing of it.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 */
export function linesOf(event: unknown): string[] {
  const outer = v.safeParse(eventSchema, event);
  if (!outer.success) throw new SubscriptionError('the event does not come from a subscription of CloudWatch Logs');
  const payload = v.safeParse(payloadSchema, unpack(outer.output.awslogs.data));
  if (!payload.success) throw new SubscriptionError('the event of CloudWatch Logs has no logEvents');
  return payload.output.messageType === 'CONTROL_MESSAGE' ? [] : payload.output.logEvents.map(({ message }) => message);
}

/** Packs lines into the event in which a subscription would bring them. */
export const eventOf = (lines: readonly string[]) => ({
  awslogs: {
    data: gzipSync(
      JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: lines.map((message) => ({ message })) }),
    ).toString('base64'),
  },
});

function unpack(data: string): unknown {
  try {
    return JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString());
  } catch {
    // The parser's own message quotes the text.
    throw new SubscriptionError('the event of CloudWatch Logs cannot be unpacked');
  }
}
