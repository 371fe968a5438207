import { readFileSync } from 'node:fs';

const read = (name: string): Record<string, unknown> => {
  const text = readFileSync(new URL(`../fixtures/aws/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { event: Record<string, unknown> }).event;
};

/** As EventBridge Scheduler sends it, by the input that serverless.yml gives it. */
export const schedulerTick = (time: string) => ({ ...read('scheduler-tick'), time });

export const ruleTick = () => read('eventbridge-rule-tick');

/** As Lambda hands over messages of a FIFO queue. */
export function queueEvent(...bodies: string[]) {
  const { Records } = read('sqs-fifo-event') as { Records: object[] };
  return { Records: bodies.map((body) => ({ ...Records[0], body })) };
}
