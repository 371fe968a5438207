import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
  PutSubscriptionFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DescribeKeyCommand, KMSClient, ListAliasesCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { packageProject, root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const hasPeer = await isOnPath('moto_server');

/** Makes filters in a log group. */
async function addFilters(
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
async function startPeer(region = 'eu-central-1') {
  const peer = await startMoto({});
  onTestFinished(peer.close);
  const env = toolEnvironment({ ...peer.env, AWS_DEFAULT_REGION: region });
  const clientOf = (inRegion: string) => ({
    endpoint: peer.env.AWS_ENDPOINT_URL as string,
    region: inRegion,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return {
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

const STACK = 'dli-job-reaper-try';
const SWITCH = '/dli-reaper/try/switch';
const TARGET = '/dli-reaper/try/targets/lake';
const LOG = '/aws/lambda/dli-job-reaper-try-sweep';
const ALIAS = 'alias/dli-reaper-try-credentials';

interface Template {
  Outputs: Record<string, { Value: unknown }>;
  Resources: Record<
    string,
    { Properties: { Policies?: { PolicyDocument: { Statement: { Action: unknown; Resource: unknown }[] } }[] } }
  >;
}

/** What a stage in one region is made of, and what people have put there. */
function lookAt(client: ReturnType<Awaited<ReturnType<typeof startPeer>>['clientOf']>) {
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
    code: async () => {
      const FunctionName = 'dli-job-reaper-try-sweep';
      return (await new LambdaClient(client).send(new GetFunctionCommand({ FunctionName }))).Configuration?.CodeSha256;
    },
    tags: async () => {
      const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: STACK }));
      return Object.fromEntries((Stacks[0]?.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    },
    template,
    record: async (message: string) => {
      const place = { logGroupName: LOG, logStreamName: 'one' };
      await logs.send(new CreateLogStreamCommand(place));
      await logs.send(new PutLogEventsCommand({ ...place, logEvents: [{ timestamp: Date.now(), message }] }));
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

describe('the life of a stage', () => {
  it('is deploy, upgrade, rollback, remove and deploy again, and nothing wakes up on the way', async () => {
    await packageProject();
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: the project was packaged and not deployed.\n');
      return;
    }
    const { serverless, clientOf } = await startPeer();
    const client = clientOf('eu-central-1');
    const stage = lookAt(client);
    const logs = new CloudWatchLogsClient(client);

    // A log group that has no room for the filter of the messages.
    const group = '/dli-job-reaper/try/by-hand';
    await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
    await addFilters(client, group, ['audit', 'siem']);
    const refused = await serverless('deploy');
    expect(refused).toMatchObject({
      failed: true,
      said: expect.stringContaining(`The log group ${group} has no room`),
    });
    expect(refused.said).toContain('it has "audit" and "siem"');
    expect(refused.said).toContain('--param notices=off');
    await expect(stage.queue()).rejects.toThrow();
    await logs.send(new DeleteLogGroupCommand({ logGroupName: group }));

    const first = await serverless('deploy');
    expect(first).toMatchObject({ failed: false });
    expect(first.said).not.toContain('was kept');
    expect((await stage.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    // From there CloudFormation hands the tags on to the queues, the key and the logs, which this peer does not.
    const { version, commit } = JSON.parse(readFileSync(`${root}/dist/build.json`, 'utf8')) as Record<string, string>;
    expect(await stage.tags()).toEqual({ service: 'dli-job-reaper', stage: 'try' });
    expect((await stage.template()).Outputs).toMatchObject({
      CodeVersion: { Value: version },
      CodeCommit: { Value: commit },
    });
    const before = await stage.code();
    await stage.write(SWITCH, 'run');
    await stage.write(TARGET, '{"mode":"live"}');
    await stage.record('cancelled long ago');
    await stage.mendKey();
    const key = await stage.key();

    // An upgrade, with a filter of others beside the stage's own, which needs no more room.
    await addFilters(client, group, ['siem']);
    appendFileSync(`${root}/dist/sweep/index.mjs`, '// newer\n');
    expect(await serverless('deploy')).toMatchObject({ failed: false });
    const after = await stage.code();
    expect(after).not.toBe(before);
    expect(await stage.read(SWITCH)).toBe('run');

    const [earlier] = [...(await serverless('deploy list')).said.matchAll(/Timestamp: (\d+)/g)].map(([, at]) => at);
    expect(await serverless(`rollback --timestamp ${earlier}`)).toMatchObject({ failed: false });
    expect(await stage.code()).toBe(before);
    expect(await stage.read(SWITCH)).toBe('run');

    const removed = await serverless('remove');
    expect(removed).toMatchObject({ failed: false });
    expect(removed.said).toContain('The switch of try read "run", and reads stop now (the stage was removed)');
    for (const name of [LOG, group, ALIAS]) expect(removed.said).toContain(`  ${name}\n`);
    await expect(stage.queue()).rejects.toThrow();
    expect(await stage.read(SWITCH)).toBe('stop because the stage was removed');
    expect(await stage.recorded()).toEqual(['cancelled long ago']);
    expect(await stage.key()).toMatchObject({ Arn: key?.Arn, KeyState: 'Enabled' });

    // As after a removal without the hook.
    await stage.write(SWITCH, 'run');
    const again = await serverless('deploy --param logRetentionDays=90');
    expect(again).toMatchObject({ failed: false });
    expect(again.said).toContain('Uses what was kept of an earlier stack: ');
    expect(await stage.read(SWITCH)).toMatch(/^stop because the stage was deployed again/);
    expect(await stage.read(TARGET)).toBe('{"mode":"live"}');
    expect((await stage.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    expect(await stage.recorded()).toEqual(['cancelled long ago']);
    expect(await stage.daysKept()).toBe(90);
    expect(await stage.key()).toMatchObject({ Arn: key?.Arn });
    expect(await stage.decrypts()).toBe(key?.Arn);

    // It stays so at the next deploy, and a switch that a person has set to run is left alone.
    await stage.write(SWITCH, 'run');
    appendFileSync(`${root}/dist/sweep/index.mjs`, '// and newer\n');
    expect(await serverless('deploy')).toMatchObject({ failed: false });
    expect(await stage.read(SWITCH)).toBe('run');
    expect(await stage.decrypts()).toBe(key?.Arn);

    // The other region has parameters, logs and a key of its own.
    const other = lookAt(clientOf('us-east-1'));
    expect(await serverless('deploy', 'us-east-1')).toMatchObject({ failed: false });
    expect((await other.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    await other.mendKey();
    expect((await other.key())?.Arn).not.toBe(key?.Arn);
    await expect(other.read(SWITCH)).rejects.toThrow();
    expect(await stage.read(SWITCH)).toBe('run');
  });

  it('does not end with a removal that would delete the record, as one of an earlier version would', async () => {
    if (!hasPeer) return;
    const { serverless, clientOf } = await startPeer();
    const client = clientOf('eu-central-1');
    const logs = new CloudWatchLogsClient(client);
    const SweepLogGroup = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: LOG } };
    await new CloudFormationClient(client).send(
      new CreateStackCommand({ StackName: STACK, TemplateBody: JSON.stringify({ Resources: { SweepLogGroup } }) }),
    );

    const { failed, said } = await serverless('remove');

    expect(failed).toBe(true);
    expect(said).toContain('The deployed version would delete SweepLogGroup');
    expect(said).toContain('npm run deploy -- --stage try');
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: LOG }));
    expect(logGroups).toHaveLength(1);
  });

  it('takes no old build', async () => {
    await packageProject();
    const stamp = JSON.parse(readFileSync(`${root}/dist/build.json`, 'utf8')) as object;
    const packageOf = (built: object) => {
      writeFileSync(`${root}/dist/build.json`, JSON.stringify(built));
      return run(`${root}/node_modules/.bin/serverless`, ['package', '--stage', 'try'], {
        cwd: root,
        env: toolEnvironment(),
      }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr);
    };

    expect(await packageOf({ ...stamp, sources: 'others' })).toMatch(
      /dist\/ was built before the sources were last changed .*npm run deploy -- --stage try/,
    );
    expect(await packageOf({ ...stamp, commit: '0123456789ab' })).toMatch(
      /dist\/ was built from commit 0123456789ab, and/,
    );
  });
});
