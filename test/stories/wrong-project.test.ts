import { describe, expect, it, type TestContext } from 'vitest';
import { startEmulator } from '../../emulator/server.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { schedulerTick } from '../helpers/aws-events.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { runHere, runningJob } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { jobId } from '../helpers/world.ts';

const RULES = [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }];
const EXEMPTION = { id: 'close', match: { owner: 'ana' }, reason: 'month end', owner: 'finance', until: '2099-01-01' };
const LAKE = 'emulator-1_lake';

/**
 * A stage of two live targets. `lake` exempts the one job that there is; `sandbox` exempts nothing, and somebody has copied
 * lake's project id into it.
 */
async function startStory(context: TestContext, changes: { lake?: object; sandbox?: object } = {}) {
  const emulator = await startEmulator({
    now: Date.now,
    random: Math.random,
    cancelDelayMs: 0,
    jobs: [runningJob(1)],
    project: { name: LAKE },
  });
  context.onTestFinished(emulator.close);
  const { url, region, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const target = (fields: object) =>
    JSON.stringify({ region, projectId, endpoint: url, mode: 'live', credentials: 'reaper', ...fields });
  const policy = (more: object = {}) =>
    JSON.stringify({ version: 1, mode: 'live', maxKillsPercent: 100, rules: RULES, ...more });
  const aws = await startAwsServer({
    '/dli-reaper/dev/switch': 'run',
    '/dli-reaper/dev/targets/lake': target({ policy: 'lake', projectName: LAKE, ...changes.lake }),
    '/dli-reaper/dev/targets/sandbox': target({ policy: 'sandbox', projectName: LAKE, ...changes.sandbox }),
    '/dli-reaper/dev/policies/lake': policy({ exemptions: [EXEMPTION] }),
    '/dli-reaper/dev/policies/sandbox': policy(),
    '/dli-reaper/dev/credentials/reaper': JSON.stringify({ accessKeyId, secretAccessKey }),
  });
  context.onTestFinished(aws.close);
  const onSandbox = ['--stage', 'dev', '--target', 'sandbox'];
  return {
    aws,
    projectId,
    onSandbox,
    run: (...args: string[]) => runHere(args, aws.env),
    requests: () => emulator.requests.length,
    isAlive: () => emulator.statusOf(jobId(1)) === 'RUNNING',
    deletes: () => emulator.requests.filter(({ method }) => method === 'DELETE').length,
  };
}

const reportOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as SweepReport;

describe.concurrent('a wrong key of several targets', () => {
  it.for([
    { verb: 'status', args: ['status'] },
    { verb: 'doctor', args: ['doctor'] },
    { verb: 'emergency', args: ['emergency', '--all-targets', '--older-than', '1h', '--reason', 'stuck', '--dry-run'] },
  ])('is refused once to $verb, since a few refusals lock it', async ({ args }, context) => {
    const { aws, run, requests } = await startStory(context);
    const key = JSON.parse(aws.parameters['/dli-reaper/dev/credentials/reaper'] ?? '') as object;
    aws.parameters['/dli-reaper/dev/credentials/reaper'] = JSON.stringify({ ...key, secretAccessKey: 'wrong' });

    const { exitCode } = await run(...args, '--stage', 'dev');

    expect(exitCode).toBe(1);
    expect(requests()).toBe(1);
  });
});

describe.concurrent('the wrong project, where two targets have one project id', () => {
  it('is red in doctor for both, and trouble in status', async (context) => {
    const { run } = await startStory(context);

    const doctor = await run('doctor', '--stage', 'dev');
    const status = await run('status', '--stage', 'dev', '--no-look');

    expect([doctor.exitCode, status.exitCode]).toEqual([1, 1]);
    for (const [name, other] of [
      ['lake', 'sandbox'],
      ['sandbox', 'lake'],
    ]) {
      const words = `is also the project of ${other}`;
      expect(doctor.stdout).toMatch(
        new RegExp(`✗ ${name}: other targets +/dli-reaper/dev/targets/${name}: .*${words}`),
      );
      expect(status.stdout).toMatch(new RegExp(`! ${name}: projectId: .*${words}`));
    }
  });

  it('is sent no sweep by the schedule', async (context) => {
    const { aws, deletes } = await startStory(context);

    const { returned, metrics } = await invokeBundle('dispatch', schedulerTick(new Date().toISOString()), aws.env);

    expect(returned).toMatchObject({ expected: 2, sent: 0 });
    expect(metrics).toMatchObject({ PolicyException: 2 });
    expect(deletes()).toBe(0);
  });

  it.for([
    { name: 'by hand', payload: { dryRun: false } },
    {
      name: 'in an emergency',
      payload: { kind: 'emergency', olderThan: '1h', reason: 'stuck', dryRun: false, confirm: 'sandbox' },
    },
  ])('keeps the function from cancelling $name what lake exempts', async ({ payload }, context) => {
    const { aws, isAlive, deletes } = await startStory(context);
    const event = { ...payload, target: 'sandbox', askedAt: new Date().toISOString() };

    const { returned, metrics } = await invokeBundle('sweep', event, aws.env);

    expect(returned).toMatchObject({
      status: 'stopped',
      stoppedBy: 'identity',
      dryRun: true,
      counts: { cancelled: 0 },
    });
    // The alarm `stopped` counts these.
    expect(metrics).toMatchObject({ SweepsStopped: 1, JobsCancelled: 0 });
    expect([isAlive(), deletes()]).toEqual([true, 0]);
  });

  it.for([
    { name: 'a sweep', args: ['sweep', '--no-dry-run'] },
    {
      name: 'an emergency',
      args: ['emergency', '--older-than', '1h', '--reason', 'stuck', '--confirm', 'sandbox'],
    },
  ])('keeps $name of the command line from cancelling what lake exempts', async ({ args }, context) => {
    const { onSandbox, projectId, run, isAlive, deletes } = await startStory(context);

    const result = await run(...args, ...onSandbox, '--json');

    expect(result.exitCode).toBe(1);
    expect(reportOf(result)).toMatchObject({
      stoppedBy: 'identity',
      project: { id: projectId, name: LAKE, verified: true, region: 'emulator-1' },
      problems: [expect.stringContaining('is also the project of lake')],
    });
    expect([isAlive(), deletes()]).toEqual([true, 0]);
  });

  it('has a held sweep say in plain words what it was', async (context) => {
    const { onSandbox, run } = await startStory(context);

    const { stdout } = await run('sweep', '--no-dry-run', ...onSandbox);

    expect(stdout).toContain('Dry run (held back: the project is not certain): ');
  });

  it('has the plan of an emergency say that it would be held, before anybody types a name', async (context) => {
    const { onSandbox, projectId, run, deletes } = await startStory(context);

    const result = await run(
      'emergency',
      '--older-than',
      '1h',
      '--reason',
      'stuck',
      '--dry-run',
      ...onSandbox,
      '--json',
    );

    expect(result.exitCode).toBe(0);
    expect(reportOf(result)).toMatchObject({
      dryRunBecause: ['request'],
      project: { id: projectId, name: LAKE, verified: true },
      notices: expect.arrayContaining([
        expect.stringMatching(
          /^a live sweep would be a dry run: it is not certain that .* is also the project of lake/,
        ),
      ]),
    });
    expect(deletes()).toBe(0);
  });

  it('is found out by its name as well, where only one target is left in the stage', async (context) => {
    const { aws, onSandbox, run, deletes } = await startStory(context, { sandbox: { projectName: 'emulator-1_sand' } });
    delete aws.parameters['/dli-reaper/dev/targets/lake'];

    const sweep = await run('sweep', '--no-dry-run', ...onSandbox, '--json');
    const doctor = await run('doctor', ...onSandbox);

    expect(reportOf(sweep).problems).toEqual([
      expect.stringContaining(`is ${LAKE}, and not emulator-1_sand; correct projectId or projectName`),
    ]);
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toMatch(/✗ project +.* is emulator-1_lake, and not emulator-1_sand\n +→ correct projectId/);
    expect(deletes()).toBe(0);
  });

  it('is not written by init', async (context) => {
    const { aws, projectId, run } = await startStory(context);
    const policy = `${process.env.TMPDIR ?? '/tmp'}/never-written-${process.pid}.yml`;

    const args = ['--region', 'emulator-1', '--project-id', projectId, '--policy', policy];
    const { exitCode, stderr } = await run('init', '--stage', 'dev', '--target', 'beach', ...args);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`--project-id: projectId: ${projectId} is also the project of lake, sandbox`);
    expect(aws.parameters['/dli-reaper/dev/targets/beach']).toBeUndefined();
  });

  it('is no error where both say that they share it', async (context) => {
    const { onSandbox, run, deletes } = await startStory(context, {
      lake: { shared: true },
      sandbox: { shared: true },
    });

    const result = await run('sweep', '--no-dry-run', ...onSandbox, '--json');

    expect(result.exitCode).toBe(0);
    expect(deletes()).toBe(1);
  });

  it('is named above plan and report, in the question, and by the log', async (context) => {
    const { aws, onSandbox, projectId, run } = await startStory(context, {
      lake: { shared: true },
      sandbox: { shared: true },
    });
    const project = `roject ${LAKE} (${projectId}) in emulator-1`;

    const plan = await run('plan', ...onSandbox);
    expect(plan.stdout.split('\n')[0]).toBe(`P${project}, as the settings say.`);

    const args = ['emergency', ...onSandbox, '--older-than', '1h', '--reason', 'stuck', '--verbose'];
    const terminal = runOnTerminal(args, aws.env, { columns: 300 });
    await terminal.waitFor(`Type sandbox to cancel this job of p${project}:`);
    terminal.type('sandbox\r');

    expect(await terminal.exited).toBe(0);
    const screen = await terminal.screen();
    expect(screen).toContain(`P${project}, as IAM says.\n`);
    const lines = screen.split('\n').filter((line) => line.startsWith('{"level"'));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) {
      expect(line).toContain(`"region":"emulator-1","projectId":"${projectId}","projectName":"${LAKE}"`);
    }
  });
});

describe.concurrent('dli-reaper doctor', () => {
  it('tells the name to write into a live target that has none', async (context) => {
    const { onSandbox, projectId, run } = await startStory(context, {
      lake: { projectId: 'f'.repeat(32) },
      sandbox: { projectName: undefined },
    });

    const { exitCode, stdout } = await run('doctor', ...onSandbox);

    expect(exitCode).toBe(1);
    expect(stdout).toContain(`missing, and a live sweep needs it; IAM says that project ${projectId} is ${LAKE}\n`);
    expect(stdout).toContain(`→ put "projectName": "${LAKE}" there, if that is the project that is meant\n`);
  });

  it('only warns of that where the target is a dry run', async (context) => {
    const { onSandbox, run } = await startStory(context, {
      lake: { projectId: 'f'.repeat(32) },
      sandbox: { projectName: undefined, mode: 'dry-run' },
    });

    const { stdout } = await run('doctor', ...onSandbox);

    expect(stdout).toMatch(/^! project /m);
  });
});
