import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { systemClock } from '../lib/base/clock.ts';
import { type NotifyDeps, type NotifySummary, notifyEvent } from '../lib/notify/notify.ts';
import { createSentRecord } from '../lib/notify/sent-record.ts';
import { createStateRecord } from '../lib/notify/state-record.ts';
import { publishToTopic, regionOf } from '../lib/notify/topic.ts';
import { postToWebhook } from '../lib/notify/webhook.ts';
import { environment, required } from '../lib/settings/environment.ts';
import { AWS_CLIENT_OPTIONS, createPathReader } from '../lib/settings/parameter-store.ts';
import { once, reporting } from './shared/deployment.ts';
import { logContext, sourceLines } from './shared/middleware.ts';

const WEBHOOK_TIMEOUT_MS = 10_000;

const deps = once((): NotifyDeps => {
  const { stage, log, writeMetrics } = reporting();
  const table = required(environment, 'SENT_TABLE');
  const dynamo = new DynamoDBClient(AWS_CLIENT_OPTIONS);
  // Empty if the stage sends no mail, or publishes no events.
  const { MAIL_FROM: from = '', EVENT_BUS: bus = '' } = environment;
  // Loaded on first use, since most stages need neither.
  const mailer = once(async () => (await import('../lib/notify/mail.ts')).createMailer(AWS_CLIENT_OPTIONS));
  const eventBus = once(async () => (await import('../lib/notify/event-bus.ts')).createEventBus(inRegionOf(bus), bus));
  return {
    stage,
    clock: systemClock,
    log,
    writeMetrics,
    readPath: createPathReader(new SSMClient(AWS_CLIENT_OPTIONS)),
    sent: createSentRecord(dynamo, table, systemClock.now),
    states: createStateRecord(dynamo, table, systemClock.now),
    ownersPage: environment.OWNERS_PAGE || undefined,
    canMail: from !== '',
    putEvents: bus === '' ? undefined : async (events) => (await eventBus())(events),
    publish: async (destination, message) => {
      if ('webhook' in destination) {
        return postToWebhook(destination.webhook, message.text, { timeoutMs: WEBHOOK_TIMEOUT_MS });
      }
      if ('mail' in destination) return (await mailer())(message, { from, to: destination.mail });
      return publishToTopic(snsFor(destination.topic), destination.topic, message);
    },
  };
});

/** Options for the region of an ARN, which may be another than the function's. A name that is no ARN is in its own. */
const inRegionOf = (arn: string) => {
  const region = regionOf(arn);
  return { ...AWS_CLIENT_OPTIONS, ...(region && { region }) };
};

const clients = new Map<string | undefined, SNSClient>();

function snsFor(topic: string): SNSClient {
  const region = regionOf(topic);
  const client = clients.get(region) ?? new SNSClient(inRegionOf(topic));
  clients.set(region, client);
  return client;
}

/** Sends the messages among the lines of a log; see {@link notifyEvent}. */
export const handler = middy<unknown, NotifySummary, Error>()
  .use(sourceLines())
  .use(logContext(reporting))
  .handler(async (event) => notifyEvent(event, deps()));
