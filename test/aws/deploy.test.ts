import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { packageProject, root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const hasPeer = await isOnPath('moto_server');

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

    await serverless('remove');
    await expect(findQueue()).rejects.toThrow();
  });
});
