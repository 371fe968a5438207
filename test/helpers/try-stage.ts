import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CloudFormationClient, DescribeStacksCommand, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
  PutSubscriptionFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient,
  ListAliasesCommand,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DescribeParametersCommand, GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { onTestFinished } from 'vitest';
import { startMoto } from './aws-peer.ts';
import { root, toolEnvironment } from './packaged.ts';

/* The stage `try`, deployed by `serverless` to a peer of AWS. */

const run = promisify(execFile);

/** Makes filters in a log group. */
export async function addFilters(
  client: CloudWatchLogsClientConfig & { endpoint: string },
  group: string,
  names: string[],
): Promise<void> {
  // A filter needs a destination that exists.
  await fetch(client.endpoint, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/kinesis/aws4_request',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Kinesis_20131202.CreateStream',
    },
    body: JSON.stringify({ StreamName: 'audit', ShardCount: 1 }),
  });
  const logs = new CloudWatchLogsClient(client);
  for (const filterName of names) {
    await logs.send(
      new PutSubscriptionFilterCommand({
        logGroupName: group,
        filterName,
        filterPattern: '',
        destinationArn: 'arn:aws:kinesis:eu-central-1:123456789012:stream/audit',
        roleArn: 'arn:aws:iam::123456789012:role/logs',
      }),
    );
  }
}

/** A peer, and the `serverless` of this project against it, for the stage `try`. */
export async function startPeer(region = 'eu-central-1') {
  const peer = await startMoto({});
  onTestFinished(peer.close);
  const env = toolEnvironment({ ...peer.env, AWS_DEFAULT_REGION: region });
  const clientOf = (inRegion: string) => ({
    endpoint: peer.env.AWS_ENDPOINT_URL as string,
    region: inRegion,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return {
    env: { ...env, PATH: env.PATH ?? '' },
    clientOf,
    /** @returns what it prints, also when it fails. */
    serverless: async (words: string, inRegion = region) => {
      const args = [...words.split(' '), '--stage', 'try', '--region', inRegion];
      return run(`${root}/node_modules/.bin/serverless`, args, { cwd: root, env }).then(
        ({ stdout, stderr }) => ({ failed: false, said: stdout + stderr }),
        ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ failed: true, said: stdout + stderr }),
      );
    },
  };
}

export const STACK = 'dli-job-reaper-try';
export const SWITCH = '/dli-reaper/try/switch';
export const TARGET = '/dli-reaper/try/targets/lake';
export const CREDENTIAL = '/dli-reaper/try/credentials/reaper';
export const LOG = '/aws/lambda/dli-job-reaper-try-sweep';
export const ALIAS = 'alias/dli-reaper-try-credentials';

interface Template {
  Outputs: Record<string, { Value: unknown }>;
  Resources: Record<
    string,
    { Properties: { Policies?: { PolicyDocument: { Statement: { Action: unknown; Resource: unknown }[] } }[] } }
  >;
}

/** What a stage in one region is made of, and what people have put there. */
export function lookAt(client: ReturnType<Awaited<ReturnType<typeof startPeer>>['clientOf']>) {
  const ssm = new SSMClient(client);
  const logs = new CloudWatchLogsClient(client);
  const kms = new KMSClient(client);
  const cloudFormation = new CloudFormationClient(client);
  // This peer shows no outputs after an update, but the template has them.
  const template = async () =>
    JSON.parse(
      (await cloudFormation.send(new GetTemplateCommand({ StackName: STACK }))).TemplateBody ?? '',
    ) as Template;
  const read = async (Name: string) => (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
  return {
    read,
    write: (Name: string, Value: string) =>
      ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true })),
    queue: () => new SQSClient(client).send(new GetQueueUrlCommand({ QueueName: 'dli-job-reaper-try-sweeps.fifo' })),
    /** The deployed sweep. */
    function: async () => {
      const FunctionName = 'dli-job-reaper-try-sweep';
      return (await new LambdaClient(client).send(new GetFunctionCommand({ FunctionName }))).Configuration ?? {};
    },
    tags: async () => {
      const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: STACK }));
      return Object.fromEntries((Stacks[0]?.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    },
    template,
    /** Writes lines into the log of the sweep, once. */
    record: async (...messages: string[]) => {
      const place = { logGroupName: LOG, logStreamName: 'one' };
      await logs.send(new CreateLogStreamCommand(place));
      const logEvents = messages.map((message) => ({ timestamp: Date.now(), message }));
      await logs.send(new PutLogEventsCommand({ ...place, logEvents }));
    },
    recorded: async () => {
      const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: LOG }));
      return events.map(({ message }) => message);
    },
    daysKept: async () => {
      const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: LOG }));
      return logGroups[0]?.retentionInDays;
    },
    key: async () => (await kms.send(new DescribeKeyCommand({ KeyId: ALIAS }))).KeyMetadata,
    /** Stores a parameter as `init --credentials` does. */
    keepSecret: (Name: string, Value: string) =>
      ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', KeyId: ALIAS })),
    secret: async (Name: string) => {
      const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
      const ParameterFilters = [{ Key: 'Name', Values: [Name] }];
      const { Parameters = [] } = await ssm.send(new DescribeParametersCommand({ ParameterFilters }));
      return { value: Parameter?.Value, keyId: Parameters[0]?.KeyId };
    },
    /** Encrypts with the key of the stage. */
    seal: async (secret: string) =>
      (await kms.send(new EncryptCommand({ KeyId: ALIAS, Plaintext: Buffer.from(secret) }))).CiphertextBlob,
    unseal: async (CiphertextBlob: Uint8Array | undefined) =>
      Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext ?? []).toString(),
    /** This peer cannot read a key's policy as CloudFormation hands it over. */
    mendKey: async () => {
      const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
      const KeyId = Aliases.find(({ AliasName }) => AliasName === ALIAS)?.TargetKeyId;
      const Statement = [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }];
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
      await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy }));
    },
    /** What the role of the sweep may decrypt with. */
    decrypts: async () => {
      const { PolicyDocument } = (await template()).Resources.SweepRole?.Properties.Policies?.[0] ?? {};
      return PolicyDocument?.Statement.find(({ Action }) => Action === 'kms:Decrypt')?.Resource;
    },
  };
}
