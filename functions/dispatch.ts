import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { systemClock } from '../lib/base/clock.ts';
import { nameOf } from '../lib/base/error-words.ts';
import { type DispatchDeps, dispatchEvent } from '../lib/fleet/dispatch.ts';
import { isScheduleTick } from '../lib/request/request.ts';
import { environment, required } from '../lib/settings/environment.ts';
import { AWS_CLIENT_OPTIONS, createPathReader, PATIENT_CLIENT_OPTIONS } from '../lib/settings/parameter-store.ts';
import type { DispatchSummary } from '../lib/sweep/record/log-lines.ts';
import { once, reporting } from './shared/deployment.ts';
import { countFailure, logContext, sourceLines } from './shared/middleware.ts';

const deps = once((): DispatchDeps => {
  const { stage, periodMs, log, writeMetrics } = reporting();
  const urls = {
    sweeps: required(environment, 'SWEEP_QUEUE_URL'),
    emergencies: required(environment, 'EMERGENCY_QUEUE_URL'),
  };
  const sqs = new SQSClient(AWS_CLIENT_OPTIONS);
  return {
    clock: systemClock,
    stage,
    periodMs,
    log,
    writeMetrics,
    // The function has no right to decrypt, and needs none: targets are no secrets.
    readPath: createPathReader(new SSMClient(PATIENT_CLIENT_OPTIONS), { WithDecryption: false }),
    send: (queue, messages) => sendBatch(sqs, urls[queue], messages),
  };
});

/** Messages could not be put on a queue. Of AWS's error only the name is shown: its message may hold what was sent. */
class QueueError extends Error {
  override name = 'QueueError';
}

const sendBatch = async (
  sqs: SQSClient,
  queueUrl: string,
  messages: Parameters<DispatchDeps['send']>[1],
): ReturnType<DispatchDeps['send']> => {
  const command = new SendMessageBatchCommand({
    QueueUrl: queueUrl,
    Entries: messages.map(({ groupId, deduplicationId, body }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageGroupId: groupId,
      MessageDeduplicationId: deduplicationId,
    })),
  });
  const { Failed = [] } = await sqs.send(command).catch((error: unknown) => {
    throw new QueueError(`${queueUrl}: takes no messages (${nameOf(error)})`, { cause: error });
  });
  const failed = new Set(Failed.map(({ Id }) => Id));
  return messages.filter((_, index) => failed.has(String(index)));
};

/** Turns a tick, or a payload by hand, into messages on a queue. */
export const handler = middy<unknown, DispatchSummary, Error>()
  .use(sourceLines())
  .use(logContext(reporting))
  .use(countFailure(reporting, isScheduleTick))
  .handler(async (event, { awsRequestId }) => dispatchEvent(event, awsRequestId, deps()));
