import { describe, expect, it, type TestContext } from 'vitest';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { runHere } from '../../helpers/run-cli.ts';

const SWITCH = '/dli-reaper/prod/switch';

async function startStage(context: TestContext, value: string | undefined, refusedOperations: readonly string[] = []) {
  const parameters = { '/dli-reaper/prod/targets/lake': '{}', ...(value !== undefined && { [SWITCH]: value }) };
  const ssm = await startAwsServer(parameters, { refusedOperations });
  context.onTestFinished(ssm.close);
  return { ssm, run: (...args: string[]) => runHere([...args, '--stage', 'prod'], ssm.env) };
}

describe.concurrent('dli-reaper stop and resume', () => {
  it.for([{ before: 'run' }, { before: undefined }])(
    'stops a stage at one word: $before',
    async ({ before }, context) => {
      const { ssm, run } = await startStage(context, before);

      const { exitCode, stdout } = await run('stop');

      expect(ssm.parameters[SWITCH]).toBe('stop');
      expect(exitCode).toBe(0);
      expect(stdout).toContain('The switch of prod reads stop (version');
    },
  );

  it('says that there is no such stage, and writes nothing', async (context) => {
    const { ssm } = await startStage(context, 'run');
    const flags = ['--stage', 'prd'];

    const stop = await runHere(['stop', ...flags], ssm.env);
    const exempt = await runHere(
      ['exempt', 'x', ...flags, '--reason', 'r', '--contact', 'c', '--until', '7d', '--owner', 'ana'],
      ssm.env,
    );

    for (const { exitCode, stderr } of [stop, exempt]) {
      expect(exitCode).toBe(1);
      expect(stderr).toContain(
        '--stage: there is no stage prd: neither a switch nor a target is stored under /dli-reaper/prd/ in region eu-central-1 of the account of AWS_ACCESS_KEY_ID; see AWS_REGION and AWS_PROFILE',
      );
    }
    expect(ssm.calls).not.toContain('PutParameter');
  });

  it.for([
    { lacks: 'AWS_REGION', says: 'no region: set AWS_REGION' },
    { lacks: 'AWS_ACCESS_KEY_ID', says: 'no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID' },
  ])('says what to set where $lacks is missing', async ({ lacks, says }, context) => {
    const { ssm } = await startStage(context, 'run');
    const { [lacks as 'AWS_REGION']: _, ...env } = { ...ssm.env, AWS_EC2_METADATA_DISABLED: 'true' };

    const { exitCode, stderr } = await runHere(['stop', '--stage', 'prod'], env);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot be written to Parameter Store (${says})`);
  });

  it('stops also for a person who may write but not read', async (context) => {
    const { ssm, run } = await startStage(context, 'run', ['GetParameters', 'GetParametersByPath']);

    const { exitCode, stderr } = await run('stop');

    expect(ssm.parameters[SWITCH]).toBe('stop');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('cannot be read');
  });

  it('resumes only with the name of the stage, and says what is read then', async (context) => {
    const { ssm, run } = await startStage(context, 'stop');

    const unasked = await run('resume');
    const wrong = await run('resume', '--confirm', 'dev');
    expect(ssm.parameters[SWITCH]).toBe('stop');
    const right = await run('resume', '--confirm', 'prod', '--json');

    expect([unasked.exitCode, wrong.exitCode, right.exitCode]).toEqual([1, 1, 0]);
    expect(unasked.stderr).toContain('--confirm: missing; the name cannot be typed');
    expect(wrong.stderr).toBe('dli-reaper: --confirm: expected prod; nothing was changed\n');
    expect(JSON.parse(right.stdout)).toEqual({ kind: 'switch', stage: 'prod', isOn: true, version: 2 });
    expect(ssm.parameters[SWITCH]).toBe('run');
  });

  it('says which parameter it may not write', async (context) => {
    const { run } = await startStage(context, 'run', ['PutParameter']);

    const { exitCode, stdout, stderr } = await run('stop');

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(`dli-reaper: ${SWITCH}: cannot be written to Parameter Store (AccessDeniedException)\n`);
  });
});
