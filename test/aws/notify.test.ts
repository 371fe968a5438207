import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { messageJob, messageLine, routeName, subscriptionEvent } from '../helpers/notices.ts';

const hasPeer = await isOnPath('moto_server');
/** The account of the peer. */
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';

describe('the bundled notify function', () => {
  it('publishes once, by a table and a topic that the project did not make up, where there is such a peer', async () => {
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: nothing was published.\n');
      return;
    }
    const peer = await startMoto({ [routeName('all')]: JSON.stringify({ to: 'owner', topic: TOPIC, fallback: true }) });
    onTestFinished(peer.close);
    const options = {
      endpoint: peer.env.AWS_ENDPOINT_URL as string,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const [dynamo, sns, sqs] = [new DynamoDBClient(options), new SNSClient(options), new SQSClient(options)];
    await dynamo.send(
      new CreateTableCommand({
        TableName: 'sent',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
      }),
    );
    await sns.send(new CreateTopicCommand({ Name: 'dli' }));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'mailbox' }));
    const Endpoint = 'arn:aws:sqs:eu-central-1:123456789012:mailbox';
    await sns.send(new SubscribeCommand({ TopicArn: TOPIC, Protocol: 'sqs', Endpoint }));
    const event = subscriptionEvent([messageLine({ jobs: Array.from({ length: 40 }, (_, i) => messageJob(i)) })]);

    const invocations = [
      await invokeBundle('notify', event, { ...peer.env, SENT_TABLE: 'sent' }),
      await invokeBundle('notify', event, { ...peer.env, SENT_TABLE: 'sent' }),
    ];

    expect(invocations.map(({ threw }) => threw)).toEqual([undefined, undefined]);
    expect(invocations.map(({ returned }) => returned)).toMatchObject([{ published: 1 }, { published: 0 }]);
    expect((await dynamo.send(new ScanCommand({ TableName: 'sent' }))).Count).toBe(40);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages.map(({ Body = '{}' }) => JSON.parse(Body))).toMatchObject([
      { Subject: 'Your DLI jobs in project eu-west-101_lake: 40 were cancelled' },
    ]);
  });
});
