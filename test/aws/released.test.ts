import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { schedulerTick } from '../helpers/aws-events.ts';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { lint } from '../helpers/lint.ts';
import { root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const hasPeer = (await isOnPath('moto_server')) && (await isOnPath('aws'));
const scratch = mkdtempSync(join(tmpdir(), 'dli-reaper-released-'));
const folder = join(scratch, 'release');

beforeAll(async () => {
  await run(process.execPath, ['scripts/release.ts', folder], { cwd: root, env: toolEnvironment() });
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs a function from the zip of the release, with the environment of the deployed one. */
async function invokeFromZip(name: string, event: unknown, env: NodeJS.ProcessEnv): Promise<unknown> {
  const code = join(scratch, name);
  for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(folder, `${name}.zip`))))) {
    mkdirSync(dirname(join(code, path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(code, path), bytes);
  }
  const script = `
    import { writeFileSync } from 'node:fs';
    const { handler } = await import(${JSON.stringify(join(code, `dist/${name}/index.mjs`))});
    const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 };
    const returned = await handler(${JSON.stringify(event)}, context);
    writeFileSync(3, JSON.stringify(returned));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const [returned] = await Promise.all([text(child.stdio[3] as never), once(child, 'exit')]);
  return JSON.parse(returned);
}

describe('aws cloudformation, with the commands of docs/deploy.md', () => {
  it('makes a stage of it, whose dispatch fills the queue at a tick, changes the profile, is removed, and uses what it left', async () => {
    if (!hasPeer) {
      process.stdout.write('moto_server or aws is not on PATH: the release was made and not deployed.\n');
      return;
    }
    const peer = await startMoto({
      '/dli-reaper/prod/targets/default': JSON.stringify({
        region: 'eu-west-101',
        projectId: '0123456789abcdef0123456789abcdef',
        policy: 'base',
        credentials: 'reaper',
      }),
    });
    onTestFinished(peer.close);
    // This peer reads the name of a bucket from the path of an address only at localhost.
    const AWS_ENDPOINT_URL = (peer.env.AWS_ENDPOINT_URL as string).replace('127.0.0.1', 'localhost');
    const env = toolEnvironment({ ...peer.env, AWS_ENDPOINT_URL, AWS_DEFAULT_REGION: 'eu-central-1' });
    const aws = async (...args: string[]) => (await run('aws', args, { cwd: folder, env })).stdout;
    const ask = async (...args: string[]) => JSON.parse(await aws(...args, '--output', 'json')) as unknown;
    const docs = readFileSync(join(root, 'docs/deploy.md'), 'utf8');
    const [, section = ''] = /\n## Without Node\n(.*?)\n## /s.exec(docs) ?? [];
    const [commands = '', removal = '', again = ''] = [...section.matchAll(/```sh\n(?:cd release\n)?(.*?)```/gs)].map(
      ([, text = '']) => text,
    );
    const typed = (change: (text: string) => string, text = commands) =>
      run('sh', ['-e', '-c', change(text).replaceAll('BUCKET', 'code')], { cwd: folder, env });

    await aws('s3', 'mb', 's3://code');
    await typed((text) => text.replace(' Profile=small', ' KillsPerDay=7'));

    expect(await lint(join(folder, 'packaged.json'))).toBe('');
    const deployed = (await ask('lambda', 'get-function', '--function-name', 'dli-job-reaper-prod-sweep')) as {
      Configuration: { CodeSize: number; Environment: { Variables: Record<string, string> } };
    };
    expect(deployed.Configuration.CodeSize).toBe(readFileSync(join(folder, 'sweep.zip')).length);
    expect(deployed.Configuration.Environment.Variables).toMatchObject({
      STAGE: 'prod',
      METRICS: '',
      REAPER_KILLS_PER_DAY: '7',
      REAPER_KILLS_PER_SWEEP: '100',
      REAPER_SHORTEST_LIMIT: '15m',
    });

    const { Environment } = (await ask(
      'lambda',
      'get-function-configuration',
      '--function-name',
      'dli-job-reaper-prod-dispatch',
    )) as { Environment: { Variables: Record<string, string> } };
    const tick = schedulerTick(new Date().toISOString());
    // This peer gives a queue the address that it has at AWS.
    const SWEEP_QUEUE_URL = AWS_ENDPOINT_URL + new URL(Environment.Variables.SWEEP_QUEUE_URL ?? '').pathname;
    const returned = await invokeFromZip('dispatch', tick, { ...env, ...Environment.Variables, SWEEP_QUEUE_URL });
    expect(returned).toMatchObject({ expected: 1, sent: 1, messages: 1 });
    const sqs = new SQSClient({
      endpoint: AWS_ENDPOINT_URL,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: SWEEP_QUEUE_URL }));
    expect(Messages.map(({ Body = '' }) => JSON.parse(Body) as object)).toMatchObject([{ targets: ['default'] }]);

    await typed((text) => text);

    expect(
      await ask('lambda', 'get-function-configuration', '--function-name', 'dli-job-reaper-prod-sweep'),
    ).toMatchObject({
      Environment: {
        Variables: {
          METRICS: 'TargetsSwept PolicyException SweepsFailed SweepsStopped SweepsCapped',
          // What is left out keeps its value.
          REAPER_KILLS_PER_DAY: '7',
        },
      },
    });

    // This peer cannot read a key's policy as CloudFormation hands it over.
    const { Aliases } = (await ask('kms', 'list-aliases')) as { Aliases: { AliasName: string; TargetKeyId: string }[] };
    const KeyId = Aliases.find(({ AliasName }) => AliasName === 'alias/dli-reaper-prod-credentials')?.TargetKeyId ?? '';
    const Statement = [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }];
    const policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await aws('kms', 'put-key-policy', '--key-id', KeyId, '--policy-name', 'default', '--policy', policy);
    const keyOf = async () =>
      (await ask('kms', 'describe-key', '--key-id', 'alias/dli-reaper-prod-credentials')) as {
        KeyMetadata: { Arn: string; KeyState: string };
      };
    const { KeyMetadata: key } = await keyOf();
    const group = ['--log-group-name', '/aws/lambda/dli-job-reaper-prod-sweep'];
    await aws('logs', 'create-log-stream', ...group, '--log-stream-name', 'of-the-first-stack');
    await aws('ssm', 'put-parameter', '--name', '/dli-reaper/prod/switch', '--type', 'String', '--value', 'run');

    await typed((text) => text, removal);

    const read = async () => (await ask('ssm', 'get-parameter', '--name', '/dli-reaper/prod/switch')) as object;
    expect(await read()).toMatchObject({ Parameter: { Value: 'stop' } });
    await expect(aws('lambda', 'get-function', '--function-name', 'dli-job-reaper-prod-sweep')).rejects.toThrow();

    await expect(typed((text) => text)).rejects.toThrow();
    await aws('cloudformation', 'delete-stack', '--stack-name', 'dli-job-reaper-prod');
    await typed((text) => text, again);

    expect(await aws('logs', 'describe-log-streams', ...group)).toContain('of-the-first-stack');
    expect(await keyOf()).toMatchObject({ KeyMetadata: { Arn: key.Arn, KeyState: 'Enabled' } });
    const made = JSON.stringify(
      await ask('cloudformation', 'list-stack-resources', '--stack-name', 'dli-job-reaper-prod'),
    );
    expect(made).toContain('"SweepLambdaFunction"');
    expect(made).not.toMatch(/"(SweepLogGroup|CredentialsKey|CredentialsKeyAlias)"/);
    const roles = (await ask('iam', 'list-roles')) as { Roles: { RoleName: string }[] };
    const RoleName = roles.Roles.map((role) => role.RoleName).find((name) => name.includes('-SweepRole-')) ?? '';
    const rights = await aws('iam', 'get-role-policy', '--role-name', RoleName, '--policy-name', 'sweep');
    expect(rights).toContain(key.Arn);
  });
});
