import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { DescribeParametersCommand, GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, type TestContext } from 'vitest';
import type { FunctionResult } from '../../../emulator/aws/functions.ts';
import { type Published, startAws } from '../../../emulator/aws/server.ts';
import { createSentRecord } from '../../../lib/notify/sent-record.ts';
import { publishToTopic } from '../../../lib/notify/topic.ts';
import { HOUR, NOW } from '../../helpers/world.ts';

const FUNCTION = 'dli-job-reaper-rehearsal-sweep';

async function start({ onTestFinished }: TestContext, accessKeyId = 'KEY', result: FunctionResult = {}) {
  const published: Published[] = [];
  const aws = await startAws({
    parameters: { '/one': '1' },
    accessKeyId: 'KEY',
    now: () => NOW,
    hasFunction: (name) => name === FUNCTION,
    hasLogGroup: () => false,
    functionEnvironment: {},
    onInvoke: async () => result,
    onPublish: (message) => published.push(message),
  });
  onTestFinished(aws.close);
  const options = {
    endpoint: aws.url,
    region: 'emulator-1',
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  return { aws, options, published };
}

/** STS has a form of its own, in which it refuses too. */
const askSts = (url: string, action: string) =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=KEY/20260105/emulator-1/sts/aws4_request, Signature=x' },
    body: new URLSearchParams({ Action: action, Version: '2011-06-15' }),
  }).then((answer) => answer.text());

describe('startAws', () => {
  it('refuses an operation that no stage uses, by its name', async (context) => {
    const { options } = await start(context);

    await expect(new SSMClient(options).send(new DescribeParametersCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'the rehearsal does not play DescribeParameters',
    });
    await expect(new LambdaClient(options).send(new ListFunctionsCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'the rehearsal does not play GET /2015-03-31/functions',
    });
  });

  it('answers its own access key only', async (context) => {
    const { options } = await start(context, 'AKIAREALKEY');

    await expect(new SSMClient(options).send(new GetParametersCommand({ Names: ['/one'] }))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
  });

  it('says which account it is, which cannot be real', async (context) => {
    const { aws } = await start(context);

    expect(await askSts(aws.url, 'GetCallerIdentity')).toContain('<Account>000000000000</Account>');
    expect(await askSts(aws.url, 'AssumeRole')).toContain('the rehearsal does not play AssumeRole');
  });

  it.for([
    { result: { returned: { published: 1 } }, says: '{"published":1}', error: undefined },
    { result: {}, says: 'null', error: undefined },
    {
      result: { threw: 'SettingsError: a: b' },
      says: '{"errorType":"SettingsError","errorMessage":"a: b"}',
      error: 'Unhandled',
    },
  ])('answers a call that waits with the result of the function, or its error: $says', async (given, context) => {
    const { options } = await start(context, 'KEY', given.result);

    const { Payload, FunctionError } = await new LambdaClient(options).send(
      new InvokeCommand({ FunctionName: FUNCTION, Payload: '{}' }),
    );

    expect({ says: Payload?.transformToString(), error: FunctionError }).toEqual({
      says: given.says,
      error: given.error,
    });
  });

  it('remembers in its table what was sent, and hands on what is published', async (context) => {
    const { options, published } = await start(context);
    const sent = createSentRecord(new DynamoDBClient(options), 'sent', () => NOW);
    const TOPIC = 'arn:aws:sns:emulator-1:000000000000:owners';

    await sent.add([{ key: 'a', until: NOW + HOUR }]);
    await publishToTopic(new SNSClient(options), TOPIC, { title: 'title', text: 'a & ü\nb' });

    expect(await sent.among(['a', 'b'])).toEqual(new Set(['a']));
    expect(published).toEqual([{ topic: 'owners', text: 'a & ü\nb' }]);
  });

  it('takes lines into a stream of a log, and finds them again', async (context) => {
    const { options } = await start(context);
    const client = new CloudWatchLogsClient(options);
    const stream = { logGroupName: `/aws/lambda/${FUNCTION}`, logStreamName: 'terminal' };
    const line = { message: '{"msg":"sweep finished"}', timestamp: NOW };
    const put = () => client.send(new PutLogEventsCommand({ ...stream, logEvents: [line] }));

    await expect(put()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await client.send(new CreateLogStreamCommand(stream));
    await put();

    const { events } = await client.send(
      new FilterLogEventsCommand({
        logGroupName: stream.logGroupName,
        filterPattern: '{ ($.msg = "sweep finished") }',
      }),
    );
    expect(events).toMatchObject([line]);
    await expect(client.send(new CreateLogStreamCommand(stream))).rejects.toMatchObject({
      name: 'ResourceAlreadyExistsException',
    });
  });

  it('has no log of a function that does not exist', async (context) => {
    const { options } = await start(context);
    const logGroupName = '/aws/lambda/dli-job-reaper-prod-sweep';

    await expect(
      new CloudWatchLogsClient(options).send(new FilterLogEventsCommand({ logGroupName })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
