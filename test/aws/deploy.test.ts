import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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
    const sqs = new SQSClient({
      endpoint: peer.env.AWS_ENDPOINT_URL as string,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const findQueue = () => sqs.send(new GetQueueUrlCommand({ QueueName: 'dli-job-reaper-try-sweeps.fifo' }));

    await serverless('deploy');
    expect((await findQueue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    // From there CloudFormation hands them on to the queues, the key and the logs, which this peer does not.
    expect(await tagsOfStack(peer.env.AWS_ENDPOINT_URL as string, 'dli-job-reaper-try')).toEqual({
      service: 'dli-job-reaper',
      stage: 'try',
    });

    await serverless('remove');
    await expect(findQueue()).rejects.toThrow();
  });
});
