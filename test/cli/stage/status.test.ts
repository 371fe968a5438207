import { describe, expect, it } from 'vitest';
import type { EndLine } from '../../../lib/sweep/past/cloudwatch-log.ts';
import { makeFolder, runningJob } from '../../helpers/run-cli.ts';
import { POLICY, parameter, startStage } from '../../helpers/start-stage.ts';
import { MINUTE, NOW } from '../../helpers/world.ts';

const writeFile = makeFolder();
const LOG_GROUP = '/aws/lambda/dli-job-reaper-dev-sweep';

const failedTick: EndLine = {
  id: '1',
  at: NOW,
  record: 'sweep',
  msg: 'sweep could not run',
  fields: {
    msg: 'sweep could not run',
    target: 'lake',
    trigger: 'schedule',
    periodMinutes: 15,
  },
};

const finished = { msg: 'sweep finished', sweepId: 'sweep-1', target: 'default', trigger: 'schedule', dryRun: false };

describe.concurrent('dli-reaper status', () => {
  it('shows the switch, the last sweep of each target, what is overdue, and that the schedule runs', async (context) => {
    const { aws, run } = await startStage(context, { [parameter('targets/broken')]: '{}' });
    for (const minutes of [35, 20, 5]) {
      // The latest was by a newer version than those before.
      const code = minutes === 5 ? { code: { version: '1.2.3', commit: '0123456789ab' } } : {};
      const counts = { cancelled: minutes };
      aws.log(LOG_GROUP, { ...finished, ...code, status: 'ok', counts }, Date.now() - minutes * MINUTE);
    }

    const json = await run('status', '--json');
    const text = await run('status', '--no-look');

    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'status',
      stage: 'dev',
      switch: 'run',
      schedule: { isAlive: true },
      code: { version: '1.2.3', commit: '0123456789ab' },
      targets: [
        { target: 'broken', lastSweep: null, overdue: null, problem: expect.stringContaining('region: missing') },
        {
          target: 'default',
          overdue: 1,
          problem: null,
          lastSweep: { status: 'ok', cancelled: 5, trigger: 'schedule' },
        },
      ],
    });
    expect(text).toMatchObject({ exitCode: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /The switch of dev reads run\.\nThe schedule is running; its last sweep was 5m\d*s? ago\.\nIt swept with version 1\.2\.3, commit 0123456789ab\./,
    );
    expect(text.stdout).toMatch(/│ default │ 5m\d*s? ago +│ schedule │ ok +│ 5 +│ \? +│/);
  });
});

describe.concurrent('dli-reaper status, of jobs that cannot be judged', () => {
  it('counts the jobs that could not be judged, and says why if it could judge none', async (context) => {
    const { emulator, run } = await startStage(context);
    emulator.sql.add(runningJob(3, { hiddenFields: ['start_time'] }));
    const some = await run('status');
    emulator.faults.add({ on: 'list-sql-jobs', times: Infinity, edit: { setInRows: { status: 'Running' } } });
    const none = await run('status', '--json');

    expect(some.stdout).toMatch(/│ 1, 1 undetermined │/);
    expect(none.exitCode).toBe(1);
    expect(JSON.parse(none.stdout)).toMatchObject({
      targets: [{ overdue: 0, undetermined: 2, problem: expect.stringContaining('2 jobs could not be judged') }],
    });
  });

  it('counts none where the lists could not be read, since there may be some all the same', async (context) => {
    const { emulator, run } = await startStage(context);
    emulator.faults.add({ on: 'list-sql-jobs', times: Infinity, answer: { status: 400, body: {} } });

    const { exitCode, stdout } = await run('status', '--json');

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      targets: [{ overdue: null, undetermined: null, problem: expect.stringContaining('listing incomplete: ') }],
    });
  });
});

describe.concurrent('a verb that looks at several targets', () => {
  const TARGETS = ['b', 'c', 'd', 'e', 'f', 'g', 'h'];

  it.for([
    { verb: 'status', args: ['status', '--json'] },
    { verb: 'doctor', args: ['doctor', '--json'] },
    { verb: 'emergency', args: ['emergency', '--all-targets', '--older-than', '9h', '--reason', 'x', '--dry-run'] },
    { verb: 'policy diff', args: ['policy', 'diff', writeFile('seen.yml', JSON.stringify(POLICY))] },
  ])('asks Parameter Store through one client: $verb', async ({ args }, context) => {
    const { aws, run } = await startStage(context);
    for (const target of TARGETS) {
      aws.parameters[parameter(`targets/${target}`)] = aws.parameters[parameter('targets/default')] ?? '';
    }

    await run(...args);

    const asked = aws.asked.filter((names) => names.includes(parameter('targets/h')));
    expect(asked).not.toEqual([]);
    expect(aws.parameterConnections()).toBeLessThan(TARGETS.length);
  });
});

describe.concurrent('dli-reaper status of sweeps that fail', () => {
  it('does not show the last good one as the last, says why, and ends with 1', async (context) => {
    const { aws, run } = await startStage(context);
    aws.log(LOG_GROUP, { ...finished, status: 'ok' }, Date.now() - 65 * MINUTE);
    const failed = { ...failedTick.fields, target: 'default', error: 'SettingsError: no such parameter' };
    for (const minutes of [35, 20, 5]) aws.log(LOG_GROUP, failed, Date.now() - minutes * MINUTE);

    const status = await run('status', '--no-look');
    const json = await run('status', '--no-look', '--json');
    const doctor = await run('doctor', '--target', 'default');

    expect([status.exitCode, json.exitCode, doctor.exitCode]).toEqual([1, 1, 1]);
    expect(status.stdout).toMatch(/│ default │ 5m\d*s? ago +│ schedule │ could not run │/);
    expect(status.stdout).toContain('! default: the last sweep could not run: SettingsError: no such parameter');
    expect(JSON.parse(json.stdout)).toMatchObject({
      targets: [{ lastSweep: { status: 'could not run', sweepId: null, dryRun: null, cancelled: null } }],
    });
    expect(doctor.stdout).toMatch(/✗ last sweep +SettingsError: no such parameter/);
  });

  it('takes a dry run over its cap for a look that went well', async (context) => {
    const policy = JSON.stringify({ ...POLICY, maxKills: 0 });
    const { aws, run } = await startStage(context, { [parameter('policies/base')]: policy }, { isDeployed: true });
    aws.log(LOG_GROUP, { ...finished, status: 'ok' }, Date.now() - 5 * MINUTE);

    const { exitCode, stdout } = await run('status');

    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('! default');
  });
});

describe.concurrent('dli-reaper status of a schedule', () => {
  it.for([
    { name: 'without a tick', ticks: [], shows: 'No scheduled sweep in 24h: the schedule is not running.' },
    { name: 'later than two periods', ticks: [31], shows: 'The schedule is late or pauses; its last sweep was 31m' },
  ])('ends with 1 if it is $name', async ({ ticks, shows }, context) => {
    const { aws, run } = await startStage(context);
    for (const minutes of ticks) {
      aws.log(LOG_GROUP, { ...finished, status: 'ok', periodMinutes: 15 }, Date.now() - minutes * MINUTE);
    }

    const { exitCode, stdout } = await run('status', '--no-look');

    expect(exitCode).toBe(1);
    expect(stdout).toContain(shows);
  });

  it('ends with 0 within two periods', async (context) => {
    const { aws, run } = await startStage(context);
    aws.log(LOG_GROUP, { ...finished, status: 'ok', periodMinutes: 15 }, Date.now() - 29 * MINUTE);

    expect(await run('status', '--no-look')).toMatchObject({ exitCode: 0 });
  });
});

describe.concurrent('dli-reaper status without a log', () => {
  it('still shows the switch and what is overdue, says what is unknown, and ends with 1', async (context) => {
    const { run } = await startStage(context, {}, { isDeployed: false });

    const text = await run('status');
    const json = await run('status', '--json');

    expect([text.exitCode, json.exitCode]).toEqual([1, 1]);
    expect(text.stdout).toContain('The switch of dev reads run.');
    expect(text.stdout).toMatch(
      /! The log cannot be read, so the schedule is unknown: .*nothing has run in this region/,
    );
    expect(text.stdout).toMatch(/│ default │ \? +│ – +│ – +│ – +│ 1 +│/);
    expect(JSON.parse(json.stdout)).toMatchObject({ schedule: null, targets: [{ overdue: 1, lastSweep: null }] });
  });
});
