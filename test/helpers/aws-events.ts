import { readFileSync } from 'node:fs';

const read = (name: string): Record<string, unknown> => {
  const text = readFileSync(new URL(`../fixtures/aws/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { event: Record<string, unknown> }).event;
};

/** A tick of EventBridge Scheduler, with the input that serverless.yml gives it. */
export const schedulerTick = (time: string) => ({ ...read('scheduler-tick'), time });

export const ruleTick = () => read('eventbridge-rule-tick');

/** An event of Lambda with messages of a FIFO queue, sent as soon as they were dispatched. */
export function queueEvent(...bodies: string[]) {
  return { Records: bodies.map((body) => sentAt(dispatchedAt(body), body)) };
}

/** A message that SQS received later than it was dispatched, as after a redrive out of the dead letters. */
export const lateQueueEvent = (at: number, body: string) => ({ Records: [sentAt(at, body)] });

function sentAt(at: number, body: string) {
  const { Records } = read('sqs-fifo-event') as { Records: [{ attributes: object }] };
  const [record] = Records;
  return { ...record, attributes: { ...record.attributes, SentTimestamp: String(at) }, body };
}

function dispatchedAt(body: string): number {
  const { dispatchedAt: at = Date.now() } = JSON.parse(body) as { dispatchedAt?: number };
  return at;
}
