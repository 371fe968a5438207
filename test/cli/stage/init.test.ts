import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { makeFolder, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { HOUR, jobId } from '../../helpers/world.ts';

const writeFile = makeFolder();

describe.concurrent('dli-reaper init', () => {
  it('writes a valid policy that cancels nothing, and does not overwrite it', async (context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1, { ageMs: 9 * HOUR })] });
    const policy = `${writeFile('init.txt', '')}.yml`;

    const first = await runHere(['init', '--policy', policy]);
    const valid = await runHere(['validate', policy]);
    const second = await runHere(['init', '--policy', policy]);

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain(`created ${policy}`);
    expect(valid.stdout).toContain('is valid: mode dry-run, 1 rule, 0 exemptions');
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('already exists') });
    expect(readFileSync(policy, 'utf8')).toContain('action: log');
    expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
  });

  it('creates the parameters of a stage with the switch at stop, and keeps what is there', async (context) => {
    const aws = await startAwsServer({ '/dli-reaper/new/switch': 'run' });
    context.onTestFinished(aws.close);
    const policy = `${writeFile('init-stage.txt', '')}.yml`;
    const args = ['init', '--policy', policy, '--region', 'eu-west-101', '--project-id', 'f'.repeat(32), '--json'];

    const existing = await runHere([...args, '--stage', 'new'], aws.env);
    const fresh = await runHere([...args, '--stage', 'fresh', '--target', 'lake'], aws.env);

    expect(JSON.parse(existing.stdout)).toMatchObject({ kind: 'init', kept: ['/dli-reaper/new/switch'] });
    expect(aws.parameters['/dli-reaper/new/switch']).toBe('run');
    expect(fresh).toMatchObject({ exitCode: 0, stderr: '' });
    expect(aws.parameters['/dli-reaper/fresh/switch']).toBe('stop');
    expect(JSON.parse(aws.parameters['/dli-reaper/fresh/targets/lake'] ?? '')).toMatchObject({ mode: 'dry-run' });
    expect(JSON.parse(aws.parameters['/dli-reaper/fresh/policies/base'] ?? '')).toMatchObject({ mode: 'dry-run' });
    expect(existsSync(policy)).toBe(true);
  });
});

describe.concurrent('dli-reaper init --credentials', () => {
  const KEY = { accessKeyId: 'AKEXAMPLE', secretAccessKey: 'an-example-secret-12345' };

  it('stores the key from stdin encrypted with the key of the stage, keeps one that is there, and shows none', async (context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);
    const args = ['init', '--stage', 'new', '--policy', `${writeFile('init-key.txt', '')}.yml`, '--credentials'];

    const first = await runHere(args, aws.env, JSON.stringify(KEY));
    const second = await runHere(args, aws.env, JSON.stringify({ ...KEY, accessKeyId: 'AKOTHER' }));

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain('created /dli-reaper/new/credentials/reaper');
    expect(second.stdout).toContain('kept    /dli-reaper/new/credentials/reaper');
    expect(JSON.parse(aws.parameters['/dli-reaper/new/credentials/reaper'] ?? '')).toEqual(KEY);
    expect(first.stdout + second.stdout).not.toContain(KEY.secretAccessKey);
  });

  it.for([
    { title: 'half a key', stdin: JSON.stringify({ accessKeyId: 'AK' }), says: 'secretAccessKey' },
    {
      title: 'a secret with a line break',
      stdin: JSON.stringify({ ...KEY, secretAccessKey: 'x1y2z3\n' }),
      says: 'line',
    },
    { title: 'no JSON', stdin: 'x1y2z3', says: '/dli-reaper/new/credentials/reaper' },
  ])('writes nothing for $title, and does not show it', async ({ stdin, says }, context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);
    const policy = `${writeFile(`init-bad-${says.length}.txt`, '')}.yml`;

    const { exitCode, stderr } = await runHere(
      ['init', '--stage', 'new', '--policy', policy, '--credentials'],
      aws.env,
      stdin,
    );

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('x1y2z3');
    expect(aws.calls).not.toContain('PutParameter');
    expect(existsSync(policy)).toBe(false);
  });
});

describe.concurrent('dli-reaper init of a stage', () => {
  it.for([
    { title: 'a target', more: ['--target', 'my lake'], says: 'target: expected letters' },
    { title: 'a region', more: ['--region', 'not a region'], says: 'region: expected letters' },
    { title: 'a project', more: ['--project-id', 'x y'], says: 'projectId: expected up to 64 letters and digits' },
  ])('writes nothing for $title that no sweep would take', async ({ more, says }, context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);
    const policy = `${writeFile(`init-${says.length}.txt`, '')}.yml`;
    const flags = ['--policy', policy, '--region', 'eu-west-101', '--project-id', 'f'.repeat(32)];

    const { exitCode, stderr } = await runHere(['init', '--stage', 'new', ...flags, ...more], aws.env);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(existsSync(policy)).toBe(false);
    expect(aws.calls).not.toContain('PutParameter');
  });

  it('writes a file that can be changed and pushed', async (context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);
    const policy = `${writeFile('init-pushed.txt', '')}.yml`;

    await runHere(['init', '--stage', 'new', '--policy', policy], aws.env);
    writeFileSync(policy, readFileSync(policy, 'utf8').replace('4h', '5h'));
    const { exitCode } = await runHere(['policy', 'push', policy, '--stage', 'new', '--no-look'], aws.env);

    expect(exitCode).toBe(0);
    expect(aws.parameters['/dli-reaper/new/policies/base']).toContain('"5h"');
  });
});
