import { describe, expect, it, type TestContext } from 'vitest';
import { follow } from '../../cli/remote/follow.ts';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { LogLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import type { LineName } from '../../lib/sweep/record/log-lines.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { startDeployed } from '../helpers/deployed.ts';
import { fakeClock } from '../helpers/fake-clock.ts';
import { runCli, runningJob, startService } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { startTargets, TWINS, TWINS_EMERGENCY, twinsOf } from '../helpers/several-targets.ts';
import { jobId, MINUTE } from '../helpers/world.ts';

const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
async function startStage(
  context: TestContext,
  changes: Record<string, string> = {},
  refusedOperations: readonly string[] = [],
) {
  const jobs = [runningJob(1), runningJob(2, { ageMs: MINUTE }), runningJob(3, { type: 'INSERT' })];
  const { emulator } = await startService(context, '', { jobs });
  const parameters = { ...stageParameters('dev', emulator.connection, POLICY), ...changes };
  const aws = await startDeployed(parameters, { refusedOperations });
  context.onTestFinished(aws.close);
  return { emulator, aws, run: (...args: string[]) => runCli([...args, '--stage', 'dev', '--remote'], aws.env) };
}

describe.concurrent('dli-reaper --remote', () => {
  it('has the deployed function sweep, once and without waiting, and makes the report of its log', async (context) => {
    const { emulator, aws, run } = await startStage(context);

    const { exitCode, stdout, stderr } = await run('sweep', '--target', 'default', '--no-dry-run', '--json');

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const report = JSON.parse(stdout) as { sweepId: string };
    expect(report).toMatchObject({
      kind: 'sweep',
      target: 'default',
      dryRun: false,
      status: 'ok',
      counts: { cancelled: 1 },
      jobs: [
        { jobId: jobId(1), outcome: 'cancelled' },
        { jobId: jobId(3), reason: 'protected' },
      ],
    });
    expect(report).not.toHaveProperty('awsRequestId');
    expect(aws.invocations).toMatchObject([
      { name: 'dli-job-reaper-dev-sweep', type: 'Event', payload: { sweepId: report.sweepId, dryRun: false } },
    ]);
    expect(emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });

  it('sends an emergency with the name of its target, tells how it goes, and shows the same table', async (context) => {
    const { aws, run } = await startStage(context, { '/dli-reaper/dev/policies/base': '{"rules": "broken"}' });

    const args = ['emergency', '--target', 'default', '--older-than', '2h', '--reason', 'stuck'];
    const { exitCode, stdout, stderr } = await run(...args, '--confirm', 'default');

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^Asked dli-job-reaper-dev-sweep for sweep [0-9a-f-]{36}\. Ctrl-C stops following it, not the sweep\.\ndefault: 1 victim chosen\.\ndefault: sweep ok\.\n$/,
    );
    expect(stdout).toContain('Sweep ok: 2 jobs seen, 1 overdue, 1 cancelled');
    expect(aws.invocations).toMatchObject([{ payload: { kind: 'emergency', confirm: 'default', dryRun: false } }]);
    // When it was asked for goes along, since Lambda may deliver it late.
    const [askedAt] = aws.invocations.map(({ payload }) => Date.parse(String(payload.askedAt)));
    expect(Date.now() - (askedAt ?? 0)).toBeLessThan(10 * MINUTE);
  });

  it('ends with 3 for a named job that is not there, for one target and for all', async (context) => {
    const { run } = await startStage(context);
    const args = ['emergency', '--job-id', jobId(7), '--reason', 'stuck'];

    const one = await run(...args, '--target', 'default', '--confirm', 'default');
    const all = await run(...args, '--all-targets', '--confirm', 'dev 1');

    expect(one).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining(`! job ${jobId(7)} is not among the live`),
    });
    expect(all.exitCode).toBe(3);
  });

  it('looks for a named job on every target, and is met where one has it', async (context) => {
    const { aws } = await startTargets(
      context,
      { east: { jobs: [runningJob(1)] }, west: {} },
      { start: startDeployed },
    );
    const run = (id: string) =>
      runCli(
        [
          'emergency',
          '--stage',
          'dev',
          '--remote',
          '--all-targets',
          '--reason',
          'quota',
          '--job-id',
          id,
          '--confirm',
          'dev 2',
        ],
        aws.env,
      );

    const missing = await run(jobId(7));
    const there = await run(jobId(1));

    expect(missing).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining(`job ${jobId(7)} is on none of the targets that could be read`),
    });
    expect(there.exitCode).toBe(0);
  });

  it('sends one for all targets to the dispatch, and names the target that it could not send', async (context) => {
    const { aws, run } = await startStage(context, { '/dli-reaper/dev/targets/broken': '{}' });

    const args = ['emergency', '--all-targets', '--older-than', '2h', '--reason', 'stuck', '--json'];
    const { exitCode, stdout } = await run(...args, '--confirm', 'dev 2');

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'sweeps',
      sweeps: [{ target: 'default', counts: { cancelled: 1 } }],
      failures: [expect.stringMatching(/^broken: SettingsError/), '1 of 2 targets could not be dispatched'],
    });
    expect(aws.invocations).toMatchObject([
      { name: 'dli-job-reaper-dev-dispatch', type: 'Event', payload: { allTargets: true, confirm: 'dev 2' } },
    ]);
  });

  it('shows the plan of all targets, asks, and cancels of each what it showed of it', async (context) => {
    const { aws, emulators } = await startTargets(context, TWINS(), { start: startDeployed });

    const terminal = runOnTerminal([...TWINS_EMERGENCY, '--remote'], aws.env);
    await terminal.waitFor('Type dev 2 to cancel these 2 jobs:');
    terminal.type('dev 2\r');

    expect(await terminal.exited).toBe(0);
    expect(twinsOf(emulators)).toEqual(['job_cancel_success', 'job_running', 'job_cancel_success']);
    expect(await terminal.screen()).not.toContain('is not among the live jobs');
    expect(aws.invocations.map(({ payload }) => payload.jobIdsByTarget)).toEqual([
      undefined,
      { east: ['7'], west: ['8'] },
    ]);
  });

  it.for([
    { flag: '--policy', value: 'policy.yml' },
    { flag: '--region', value: 'eu-west-101' },
  ])('refuses $flag, which it would not obey', async ({ flag, value }, context) => {
    const { aws, run } = await startStage(context);

    const sweep = await run('sweep', '--target', 'default', flag, value);
    const emergency = await run(
      'emergency',
      '--target',
      'default',
      '--older-than',
      '2h',
      '--reason',
      'stuck',
      '--confirm',
      'default',
      flag,
      value,
    );

    for (const { exitCode, stderr } of [sweep, emergency]) {
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: `dli-reaper: ${flag}: goes without --remote; the function uses its own setting\n`,
      });
    }
    expect(aws.invocations).toEqual([]);
  });

  it('shows what the function refused, with exit code 1', async (context) => {
    const { emulator, run } = await startStage(context, { '/dli-reaper/dev/credentials/reaper': '{}' });

    const { exitCode, stdout, stderr } = await run('sweep', '--target', 'default', '--no-dry-run');

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('/dli-reaper/dev/credentials/reaper');
    expect(emulator.requests).toEqual([]);
  });

  it('starts nothing for a mistake in the flags', async (context) => {
    const { aws, run } = await startStage(context);
    const args = ['emergency', '--all-targets', '--older-than', '2h', '--reason', 'stuck', '--dry-run'];

    const { exitCode, stderr } = await run(...args, '--max-kills', '5000');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('--max-kills: expected at most 1000');
    expect(aws.invocations).toEqual([]);
  });

  it('starts nothing for somebody who could not see what became of it', async (context) => {
    const { aws, run } = await startStage(context, {}, ['FilterLogEvents']);

    const { exitCode, stderr } = await run('sweep', '--target', 'default', '--no-dry-run');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('the log cannot be read (AccessDeniedException)');
    expect(aws.invocations).toEqual([]);
  });

  it('is followed on a terminal until Ctrl-C, which says what goes on', async (context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);

    const terminal = runOnTerminal(['sweep', '--stage', 'dev', '--target', 'default', '--remote'], aws.env);
    await terminal.waitFor('Waiting for the log');
    terminal.type('\u0003');

    expect(await terminal.exited).toBe(1);
    const screen = (await terminal.screen()).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID');
    context.expect(screen).toMatchSnapshot();
  });

  it('says that nothing was started where it may not invoke, and that it is not known where no answer came', async (context) => {
    const { aws, run } = await startStage(context, {}, ['Invoke']);

    const refused = await run('sweep', '--target', 'default');
    const lost = await runCli(['sweep', '--stage', 'dev', '--remote', '--target', 'default'], {
      ...aws.env,
      AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:9',
    });

    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('cannot be invoked (AccessDeniedException); nothing was started');
    expect(lost).toMatchObject({ exitCode: 1, stdout: '' });
    expect(lost.stderr).toMatch(/gave no answer .* sweep [0-9a-f-]{36} may be running nevertheless: see dli-reaper/);
  });
});

describe('follow', () => {
  const line = <M extends LineName>(id: string, msg: M, fields: Extract<LogLine, { msg: M }>['fields'] = {}) =>
    ({ id, at: 0, msg, fields: { sweepId: 's', target: 'lake', ...fields } }) as Extract<LogLine, { msg: M }>;
  const finished = line('9', 'sweep finished', { version: 2, status: 'ok', jobsLogged: 1 });
  const job = line('1', 'job cancelled', { jobId: jobId(1), outcome: 'cancelled' });
  const silent = () => {};

  it('waits for the lines of the jobs where the last line of the sweep is seen first', async () => {
    const readings: LogLine[][] = [[], [finished], [job, finished]];
    const clock = fakeClock();

    const swept = await follow(
      async () => {
        const lines = readings.shift() ?? [];
        return { lines, isOver: lines.includes(finished) };
      },
      silent,
      'dev',
      clock,
    );

    expect(swept).toMatchObject({ reports: [{ jobs: [{ jobId: jobId(1) }] }], failures: [] });
    expect(clock.sleeps).toHaveLength(2);
  });

  it('counts no line of a lower level, and none of a second delivery, as one of the jobs', async () => {
    const kept = line('2', 'job kept', { jobId: jobId(2), level: 'debug', awsRequestId: 'a' });
    const twice = line('3', 'job already terminal', { jobId: jobId(1), awsRequestId: 'b' });
    const own: LogLine = { ...finished, fields: { ...finished.fields, awsRequestId: 'a' } };

    const swept = await follow(async () => ({ lines: [kept, twice, own], isOver: true }), silent, 'dev', fakeClock());

    expect(swept.failures).toEqual(['lake: the log shows 0 of 1 jobs; the counts include all of them']);
    expect(swept.reports[0]?.jobs).toEqual([]);
  });

  it('goes on where the log cannot be read for a while', async () => {
    const said: string[] = [];
    const readings = [[job, finished], undefined, undefined];

    const swept = await follow(
      async () => {
        const lines = readings.pop();
        if (lines === undefined)
          throw new SettingsError('/aws/lambda/x', 'the log cannot be read (ThrottlingException)');
        return { lines, isOver: true };
      },
      (text) => said.push(text),
      'dev',
      fakeClock(),
    );

    expect(swept).toMatchObject({ reports: [{ jobs: [{ jobId: jobId(1) }] }], failures: [] });
    expect(said[0]).toBe('/aws/lambda/x: the log cannot be read (ThrottlingException); trying again');
  });

  it('says after a minute how many lines of jobs never came', async () => {
    const swept = await follow(async () => ({ lines: [finished], isOver: true }), silent, 'dev', fakeClock());

    expect(swept.failures).toEqual(['lake: the log shows 0 of 1 jobs; the counts include all of them']);
  });

  it('fails if the end of the sweep is not in the log after 17 minutes', async () => {
    const clock = fakeClock();

    await expect(follow(async () => ({ lines: [], isOver: false }), silent, 'dev', clock)).rejects.toThrow(
      'the end of the sweep is not in the log; look with dli-reaper status --stage dev',
    );
    expect(clock.sleeps.reduce((sum, ms) => sum + ms)).toBeGreaterThanOrEqual(17 * MINUTE);
  });

  it.each([
    { name: 'an earlier', fields: {}, version: 1 },
    { name: 'a later', fields: { version: 3 as 2 }, version: 3 },
  ])('says that it cannot read the report of $name version, and makes up none', async ({ fields, version }) => {
    const other = line('9', 'sweep finished', { status: 'ok', jobsLogged: 1, ...fields });

    const swept = await follow(async () => ({ lines: [job, other], isOver: true }), silent, 'dev', fakeClock());

    expect(swept.reports).toEqual([]);
    expect(swept.failures).toEqual([
      `lake: sweep ok; its report has version ${version}, and this command reads version 2: ` +
        'use the command of the deployed version, or deploy the version of this command',
    ]);
  });

  it('tells each line once', async () => {
    const said: string[] = [];
    const chosen = line('0', 'victims chosen', { count: 1 });
    const readings = [[chosen], [chosen, job, finished]];

    await follow(
      async () => {
        const lines = readings.shift() ?? [];
        return { lines, isOver: lines.includes(finished) };
      },
      (text) => said.push(text),
      'dev',
      fakeClock(),
    );

    expect(said).toEqual(['lake: 1 victim chosen.', 'lake: sweep ok.']);
  });
});
