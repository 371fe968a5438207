import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  PutSubscriptionFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { packageProject, root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const hasPeer = await isOnPath('moto_server');

async function tagsOfStack(url: string, name: string): Promise<Record<string, string>> {
  const response = await fetch(url, {
    method: 'POST',
    // Where there is one address for all services, a call is for the one that it is signed for.
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/cloudformation/aws4_request' },
    body: new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: name }),
  });
  const [, tags = ''] = /<Tags>(.*?)<\/Tags>/s.exec(await response.text()) ?? [];
  return Object.fromEntries(
    [...tags.matchAll(/<Key>(.*?)<\/Key>\s*<Value>(.*?)<\/Value>/gs)].map(([, key, value]) => [key, value]),
  );
}

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

describe('serverless deploy', () => {
  it('makes everything of a stage and remove takes it away, where there is a peer to try it against', async () => {
    await packageProject();
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: the project was packaged and not deployed.\n');
      return;
    }
    const peer = await startMoto({});
    onTestFinished(peer.close);
    const env = toolEnvironment({ ...peer.env, AWS_DEFAULT_REGION: 'eu-central-1' });
    const serverless = (verb: string) =>
      run(`${root}/node_modules/.bin/serverless`, [verb, '--stage', 'try', '--region', 'eu-central-1'], {
        cwd: root,
        env,
      });
    const client = {
      endpoint: peer.env.AWS_ENDPOINT_URL as string,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const sqs = new SQSClient(client);
    const logs = new CloudWatchLogsClient(client);
    const findQueue = () => sqs.send(new GetQueueUrlCommand({ QueueName: 'dli-job-reaper-try-sweeps.fifo' }));

    const group = '/dli-job-reaper/try/by-hand';
    await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
    await addFilters(client, group, ['audit', 'siem']);
    const refused = await serverless('deploy').catch(
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
    );
    expect(refused).toContain(`The log group ${group} has no room`);
    expect(refused).toContain('it has "audit" and "siem"');
    expect(refused).toContain('--param notices=off');
    await expect(findQueue()).rejects.toThrow();

    await logs.send(new DeleteLogGroupCommand({ logGroupName: group }));
    await serverless('deploy');
    expect((await findQueue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    // From there CloudFormation hands them on to the queues, the key and the logs, which this peer does not.
    expect(await tagsOfStack(peer.env.AWS_ENDPOINT_URL as string, 'dli-job-reaper-try')).toEqual({
      service: 'dli-job-reaper',
      stage: 'try',
    });

    // The stage's own filter needs no more room.
    await addFilters(client, group, ['siem']);
    await serverless('deploy');

    await serverless('remove');
    await expect(findQueue()).rejects.toThrow();
  });
});
