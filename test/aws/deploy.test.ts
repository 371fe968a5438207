import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { isOnPath } from '../helpers/aws-peer.ts';
import { packageProject, root, toolEnvironment } from '../helpers/packaged.ts';
import { addFilters, LOG, lookAt, STACK, startPeer } from '../helpers/try-stage.ts';

const run = promisify(execFile);
const hasPeer = await isOnPath('moto_server');

describe('serverless deploy', () => {
  it('is refused where a log group has no room, and otherwise makes everything of a stage, which remove takes away', async () => {
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

    expect(await serverless('deploy')).toMatchObject({ failed: false });
    expect((await stage.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    // From there CloudFormation hands the tags on to the queues, the key and the logs, which this peer does not.
    const { version, commit } = JSON.parse(readFileSync(`${root}/dist/build.json`, 'utf8')) as Record<string, string>;
    expect(await stage.tags()).toEqual({ service: 'dli-job-reaper', stage: 'try' });
    expect((await stage.template()).Outputs).toMatchObject({
      CodeVersion: { Value: version },
      CodeCommit: { Value: commit },
    });

    // The stage's own filter needs no more room.
    await addFilters(client, group, ['siem']);
    // One commit makes the same bytes each time.
    await packageProject();
    const again = await serverless('deploy');
    expect(again).toMatchObject({ failed: false, said: expect.stringContaining('No changes to deploy') });

    const { CodeSha256: deployed } = await stage.function();
    const stamp = readFileSync(`${root}/dist/build.json`, 'utf8');
    writeFileSync(`${root}/dist/build.json`, JSON.stringify({ ...(JSON.parse(stamp) as object), sources: 'others' }));
    const old = await serverless('deploy function --function sweep');
    writeFileSync(`${root}/dist/build.json`, stamp);
    expect(old).toMatchObject({ failed: true, said: expect.stringContaining('dist/ was built before the sources') });
    expect(old.said).toContain('npm run deploy -- --stage try');
    expect(await stage.function()).toMatchObject({ CodeSha256: deployed });

    expect(await serverless('remove')).toMatchObject({ failed: false });
    await expect(stage.queue()).rejects.toThrow();
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
