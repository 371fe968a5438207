import { randomUUID } from 'node:crypto';
import type { StoredMessage } from './fifo-queue.ts';
import { callFunction, type FunctionResult } from './functions.ts';
import { ACCOUNT_ID, type Published, startAws } from './server.ts';
import { createSubscription } from './subscription.ts';

export type FunctionName = 'dispatch' | 'sweep' | 'notify';

export interface StageOptions {
  stage: string;
  region: string;
  /** The content of Parameter Store, by name. */
  parameters: Record<string, string>;
  /** The only keys that may call, which the functions have too. */
  keys: { accessKeyId: string; secretAccessKey: string };
  /** Its log groups other than those of the functions. */
  logGroups: readonly string[];
  /** The functions, by their parts of the project. */
  functions: Readonly<Record<FunctionName, { name: string; bundle: string }>>;
  /** Epoch ms. */
  now: () => number;
  /** Gets what is published to topics. */
  onPublish: (message: Published) => void;
  /** Called with a sentence for each function that fails. */
  onFailure: (sentence: string) => void;
}

/** The values of serverless.yml. */
const TIMEOUTS_MS: Readonly<Record<FunctionName, number>> = {
  dispatch: 60_000,
  sweep: 900_000,
  notify: 300_000,
};
const PERIOD_MINUTES = '15';
const MAX_CONCURRENCY = 10;

/**
 * Starts what a stage uses of AWS, with its bundled functions. Each invocation is a process, which writes to the log of its
 * function. Messages on the queues go to the sweep, one at a time for each group. Each message is delivered once.
 */
export async function startStage(options: StageOptions) {
  const { stage, region, parameters, keys, logGroups, functions, now, onPublish, onFailure } = options;
  // Without a variable for it, each ceiling has its default, as after a deploy without params.
  const shown = { STAGE: stage, PERIOD_MINUTES };
  const partOf = (name: string) =>
    (Object.keys(functions) as FunctionName[]).find((part) => functions[part].name === name);

  const ending = new AbortController();

  async function call(part: FunctionName, event: unknown, requestId: string = randomUUID()): Promise<FunctionResult> {
    const { name, bundle } = functions[part];
    const result = await callFunction({
      bundle,
      name,
      event,
      requestId,
      timeoutMs: TIMEOUTS_MS[part],
      signal: ending.signal,
      env: {
        ...shown,
        AWS_ENDPOINT_URL: aws.url,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        SWEEP_QUEUE_URL: aws.queueUrls.sweeps,
        EMERGENCY_QUEUE_URL: aws.queueUrls.emergencies,
        SENT_TABLE: 'sent',
      },
      onLine: (line) => aws.logs.write(`/aws/lambda/${name}`, line, now()),
    });
    const { threw } = result;
    if (threw !== undefined && !ending.signal.aborted) onFailure(`the function ${name} failed: ${threw}`);
    return result;
  }

  const subscription = createSubscription({
    logGroups: [`/aws/lambda/${functions.sweep.name}`, ...logGroups],
    invoke: (event) => call('notify', event),
  });
  let isSubscribed = false;

  const underWay = new Set<Promise<unknown>>();

  function deliver(): void {
    if (ending.signal.aborted) return;
    for (const [name, queue] of Object.entries(aws.queues)) {
      while (underWay.size < MAX_CONCURRENCY) {
        const message = queue.receive();
        if (message === undefined) break;
        const delivered = call('sweep', toEvent(message, name, region)).finally(() => {
          underWay.delete(delivered);
          queue.delete(message.id);
          deliver();
        });
        underWay.add(delivered);
      }
    }
  }

  const aws = await startAws({
    parameters,
    accessKeyId: keys.accessKeyId,
    now,
    hasFunction: (name) => partOf(name) !== undefined,
    hasLogGroup: (name) => logGroups.includes(name),
    functionEnvironment: shown,
    onInvoke: async ({ name, payload, requestId }) => {
      const part = partOf(name);
      return part === undefined ? {} : call(part, payload, requestId);
    },
    onMessages: deliver,
    onPublish,
    onLine: (logGroupName, line) => {
      if (isSubscribed) subscription.take(logGroupName, line);
    },
  });

  return {
    ...aws,
    /** Plays one tick of the schedule, until its sweeps have ended. */
    tick: async () => {
      await call('dispatch', tickAt(now()));
      await Promise.all(underWay);
    },
    /** From now on, `notify` gets the messages of sweeps. */
    subscribe: () => {
      isSubscribed = true;
    },
    /** Ends the functions that are running, too. */
    close: () => {
      subscription.end();
      ending.abort();
      return aws.close();
    },
  };
}

/** @see deploy/schedule.yml, the input of the schedule */
const tickAt = (at: number) => ({
  version: '0',
  id: randomUUID(),
  source: 'aws.scheduler',
  'detail-type': 'Scheduled Event',
  time: new Date(at).toISOString(),
  resources: [],
  detail: {},
});

/** @see https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html ("Example: Amazon SQS FIFO message event") */
function toEvent({ id, body, groupId, sentAt }: StoredMessage, queue: string, region: string) {
  return {
    Records: [
      {
        messageId: id,
        receiptHandle: id,
        body,
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(sentAt), MessageGroupId: groupId },
        messageAttributes: {},
        eventSource: 'aws:sqs',
        eventSourceARN: `arn:aws:sqs:${region}:${ACCOUNT_ID}:${queue}`,
        awsRegion: region,
      },
    ],
  };
}
