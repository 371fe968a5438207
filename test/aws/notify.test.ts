import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { expectDocumentedEvent } from '../helpers/events-schema.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { messageJob, messageLine, operatorsLine, routeName, subscriptionEvent } from '../helpers/notices.ts';

const hasPeer = await isOnPath('moto_server');
/** The account of the peer. */
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';

const optionsFor = (env: Record<string, string>) => ({
  endpoint: env.AWS_ENDPOINT_URL as string,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

const createTable = (dynamo: DynamoDBClient) =>
  dynamo.send(
    new CreateTableCommand({
      TableName: 'sent',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
    }),
  );

describe('the bundled notify function', () => {
  it('publishes once, by a table and a topic that the project did not make up, where there is such a peer', async () => {
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: nothing was published.\n');
      return;
    }
    const peer = await startMoto({ [routeName('all')]: JSON.stringify({ to: 'owner', topic: TOPIC, fallback: true }) });
    onTestFinished(peer.close);
    const options = optionsFor(peer.env);
    const [dynamo, sns, sqs] = [new DynamoDBClient(options), new SNSClient(options), new SQSClient(options)];
    await createTable(dynamo);
    await sns.send(new CreateTopicCommand({ Name: 'dli' }));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'mailbox' }));
    const Endpoint = 'arn:aws:sqs:eu-central-1:123456789012:mailbox';
    await sns.send(new SubscribeCommand({ TopicArn: TOPIC, Protocol: 'sqs', Endpoint }));
    const event = subscriptionEvent([
      messageLine({ jobs: Array.from({ length: 40 }, (_, i) => messageJob(i)) }),
      operatorsLine({ status: 'stopped', jobs: [], timestamp: '2026-11-27T09:00:00.000Z' }),
      operatorsLine({ status: 'ok', jobs: [], timestamp: '2026-11-27T09:15:00.000Z' }),
    ]);

    const invocations = [
      await invokeBundle('notify', event, { ...peer.env, SENT_TABLE: 'sent' }),
      await invokeBundle('notify', event, { ...peer.env, SENT_TABLE: 'sent' }),
    ];

    expect(invocations.map(({ threw }) => threw)).toEqual([undefined, undefined]);
    expect(invocations.map(({ returned }) => returned)).toMatchObject([{ published: 3 }, { published: 0 }]);
    // Two items for each cancelled job: this cancel, and that it was cancelled at all. One for the state of the target.
    expect((await dynamo.send(new ScanCommand({ TableName: 'sent' }))).Count).toBe(81);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages.map(({ Body = '{}' }) => JSON.parse(Body))).toMatchObject([
      { Subject: 'Your DLI jobs in project eu-west-101_lake: 40 were cancelled' },
      { Subject: 'DLI job reaper, sweep of lake (stage dev): stopped' },
      { Subject: 'DLI job reaper, sweep of lake (stage dev): ok again' },
    ]);
  });

  it('sends mail once, and publishes events once that a rule passes on, where there is such a peer', async () => {
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: nothing was published.\n');
      return;
    }
    const peer = await startMoto({
      [routeName('mail')]: JSON.stringify({ to: 'owner', mail: '{owner}@example.com' }),
      [routeName('ops')]: JSON.stringify({ to: 'operators', mail: 'dli@example.com', fallback: true }),
    });
    onTestFinished(peer.close);
    const options = optionsFor(peer.env);
    const [dynamo, ses, bridge, sqs] = [
      new DynamoDBClient(options),
      new SESv2Client(options),
      new EventBridgeClient(options),
      new SQSClient(options),
    ];
    await createTable(dynamo);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    await bridge.send(new PutRuleCommand({ Name: 'dli', EventPattern: '{"source": ["dli-job-reaper"]}' }));
    const Arn = 'arn:aws:sqs:eu-central-1:123456789012:events';
    await bridge.send(new PutTargetsCommand({ Rule: 'dli', Targets: [{ Id: '1', Arn }] }));
    const event = subscriptionEvent([messageLine(), operatorsLine({ status: 'capped', problems: ['too many'] })]);
    const env = { ...peer.env, SENT_TABLE: 'sent', MAIL_FROM: 'reaper@example.com', EVENT_BUS: 'default' };

    // moto refuses a sender that is not verified.
    const refused = await invokeBundle('notify', event, env);
    await ses.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }));
    const invocations = [await invokeBundle('notify', event, env), await invokeBundle('notify', event, env)];

    expect(refused.stdout).toContain('MailError: cannot be sent by SES (MessageRejected)');
    expect(invocations.map(({ threw }) => threw)).toEqual([undefined, undefined]);
    expect(invocations.map(({ returned }) => returned)).toMatchObject([{ published: 2 }, { published: 0 }]);
    const mails = await mailsIn(peer.env);
    expect(mails).toMatchObject([
      { source: 'reaper@example.com', destinations: { ToAddresses: ['ana@example.com'] } },
      { source: 'reaper@example.com', destinations: { ToAddresses: ['dli@example.com'] } },
    ]);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    const events = Messages.map(({ Body = '{}' }) => JSON.parse(Body) as Record<string, unknown>);
    events.forEach(expectDocumentedEvent);
    expect(new Set(events.map((one) => one['detail-type']))).toEqual(new Set(['DLI Job Notice', 'DLI Sweep Status']));
    expect(events[0]).toMatchObject({ time: '2026-11-27T09:00:00Z' });
  });
});

/** The mails that moto has sent. */
async function mailsIn(env: Record<string, string>): Promise<object[]> {
  const answer = await fetch(`${env.AWS_ENDPOINT_URL}/moto-api/data.json`);
  return ((await answer.json()) as { ses: { Message: object[] } }).ses.Message;
}
