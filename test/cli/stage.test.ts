import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { judgeSchedule } from '../../cli/remote/last-sweeps.ts';
import type { EndLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { stageParameters } from '../helpers/parameter-store.ts';
import { keysOf, makeFolder, runCli, runHere, runningJob, startService } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE, NOW } from '../helpers/world.ts';

const writeFile = makeFolder();
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const LOG_GROUP = '/aws/lambda/dli-job-reaper-dev-sweep';
const name = (rest: string) => `/dli-reaper/dev/${rest}`;

const failedTick: EndLine = {
  id: '1',
  at: NOW,
  msg: 'sweep could not run',
  fields: {
    msg: 'sweep could not run',
    target: 'lake',
    trigger: 'schedule',
    periodMinutes: 15,
  },
};

async function startStage(
  context: TestContext,
  changes: Record<string, string> = {},
  options: Parameters<typeof startAwsServer>[1] = {},
) {
  const { emulator } = await startService(context, '', { jobs: [runningJob(1), runningJob(2, { ageMs: MINUTE })] });
  const parameters = { ...stageParameters('dev', emulator.connection, POLICY), ...changes };
  const aws = await startAwsServer(parameters, options);
  context.onTestFinished(aws.close);
  return { emulator, aws, run: (...args: string[]) => runCli([...args, '--stage', 'dev'], aws.env) };
}

describe.concurrent('dli-reaper exempt and unexempt', () => {
  const exempt = ['exempt', 'backfill', '--reason', 'backfill of 2025', '--contact', 'orders'];

  it('writes one exemption that a sweep obeys, overwrites none unasked, and removes it again', async (context) => {
    const { aws, run } = await startStage(context);

    const first = await run(...exempt, '--until', '7d', '--owner', 'ana');
    const plan = await run('plan', '--target', 'default', '--json');
    const second = await run(...exempt, '--until', '2999-01-01', '--owner', 'ana');
    const slip = await run('unexempt', 'backfil', '--confirm', 'backfil');
    const away = await run('unexempt', 'backfill', '--confirm', 'backfill');

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(plan.stdout)).toMatchObject({ counts: { overdue: 0, skipped: { exempt: 1 } } });
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--replace overwrites it') });
    expect(slip).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no such parameter; there are backfill'),
    });
    expect(away).toMatchObject({ exitCode: 0, stderr: '' });
    expect(aws.parameters[name('exemptions/backfill')]).toBeUndefined();
  });

  it("warns of another tool's syntax, and says how it is written here", async (context) => {
    const { run } = await startStage(context);

    expect(await run(...exempt, '--until', '7d', '--owner', 'ana', '--owner', '%bo%', '--json')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('"kind": "exemption"'),
      stderr: 'dli-reaper: warning: --owner %bo%: % is a plain character; write *bo*\n',
    });
  });

  it.for([
    { title: 'that selects nothing', more: ['--until', '7d'], says: 'expected at least one of jobId, queue, owner' },
    { title: 'that is over', more: ['--until', '2020-01-01', '--owner', 'ana'], says: '--until: is over already' },
    { title: 'of what is no job', more: ['--until', '7d', '--job-id', 'xyz'], says: '--job-id: expected 8-4-4-4-12' },
    {
      title: 'too large for a parameter that costs nothing',
      more: ['--until', '7d', ...Array.from({ length: 120 }, (_, n) => ['--job-id', jobId(n)]).flat()],
      says: 'bytes as JSON; a parameter holds 4096',
    },
    {
      title: 'of a queue in capitals',
      more: ['--until', '7d', '--queue', 'Prod_ETL'],
      says: 'match.queue[0]: no queue has such a name: DLI keeps queue names in lower-case letters, digits and _; write prod_etl',
    },
    {
      title: 'of a tag by a glob',
      more: ['--until', '7d', '--tag', 'keep=*'],
      says: 'match.tag[0]: tags are compared exactly, without patterns; write keep for any value',
    },
    { title: 'without an end', more: ['--until', 'soon', '--owner', 'ana'], says: 'until: expected a day' },
  ])('refuses an exemption $title', async ({ more, says }, context) => {
    const { aws, run } = await startStage(context);

    const { exitCode, stderr } = await run(...exempt, ...more);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(aws.calls).not.toContain('PutParameter');
  });
});

describe.concurrent('dli-reaper status', () => {
  const finished = { msg: 'sweep finished', sweepId: 'sweep-1', target: 'default', trigger: 'schedule', dryRun: false };

  it('tells the switch, the last sweep of each target, what is overdue, and that the schedule is alive', async (context) => {
    const { aws, run } = await startStage(context, { [name('targets/broken')]: '{}' });
    for (const minutes of [35, 20, 5]) {
      aws.log(LOG_GROUP, { ...finished, status: 'ok', counts: { cancelled: minutes } }, Date.now() - minutes * MINUTE);
    }

    const json = await run('status', '--json');
    const text = await run('status', '--no-look');

    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'status',
      stage: 'dev',
      switch: 'run',
      schedule: { isAlive: true },
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
      /The switch of dev reads run\.\nThe schedule is alive; its last sweep was 5m\d*s? ago\./,
    );
    expect(text.stdout).toMatch(/│ default │ 5m\d*s? ago +│ schedule │ ok +│ 5 +│ \? +│/);
  });
});

describe.concurrent('dli-reaper status, of jobs that cannot be judged', () => {
  it('tells how many there are beside the overdue ones, and why where it could judge none', async (context) => {
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
      aws.parameters[name(`targets/${target}`)] = aws.parameters[name('targets/default')] ?? '';
    }

    await run(...args);

    const asked = aws.asked.filter((names) => names.includes(name('targets/h')));
    expect(asked).not.toEqual([]);
    expect(aws.parameterConnections()).toBeLessThan(TARGETS.length);
  });
});

describe.concurrent('dli-reaper status of sweeps that fail', () => {
  it('does not show the last good one as the last, tells why, and ends with 1', async (context) => {
    const { aws, run } = await startStage(context);
    const finished = { msg: 'sweep finished', sweepId: 's', target: 'default', trigger: 'schedule', status: 'ok' };
    aws.log(LOG_GROUP, finished, Date.now() - 65 * MINUTE);
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
    const { run } = await startStage(context, { [name('policies/base')]: policy }, { isDeployed: true });

    const { exitCode, stdout } = await run('status');

    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('! default');
  });
});

describe.concurrent('dli-reaper status without a log', () => {
  it('still tells the switch and what is overdue, says what it cannot tell, and ends with 1', async (context) => {
    const { run } = await startStage(context, {}, { isDeployed: false });

    const text = await run('status');
    const json = await run('status', '--json');

    expect([text.exitCode, json.exitCode]).toEqual([1, 1]);
    expect(text.stdout).toContain('The switch of dev reads run.');
    expect(text.stdout).toMatch(/! Whether the schedule is alive cannot be told: .*nothing has run in this region/);
    expect(text.stdout).toMatch(/│ default │ \? +│ – +│ – +│ – +│ 1 +│/);
    expect(JSON.parse(json.stdout)).toMatchObject({ schedule: null, targets: [{ overdue: 1, lastSweep: null }] });
  });
});

describe('judgeSchedule', () => {
  const tick = (minutesAgo: number, fields: { trigger?: 'manual'; periodMinutes?: number } = {}): EndLine => ({
    id: '1',
    at: NOW - minutesAgo * MINUTE,
    msg: 'sweep finished',
    fields: { trigger: 'schedule', target: 'lake', ...fields },
  });

  it.each([
    { title: 'two periods are not over', lines: [tick(45), tick(29, { periodMinutes: 15 })], isAlive: true },
    { title: 'two periods are over', lines: [tick(46), tick(31, { periodMinutes: 15 })], isAlive: false },
    { title: 'its period is long', lines: [tick(700, { periodMinutes: 360 })], isAlive: true },
    { title: 'an earlier version did not tell its period', lines: [tick(119)], isAlive: true },
    { title: 'it ticks, and nothing comes of it', lines: [failedTick], isAlive: true },
    { title: 'it never ticked', lines: [tick(0, { trigger: 'manual' })], isAlive: false },
  ])('says alive $isAlive where $title', ({ lines, isAlive }) => {
    expect(judgeSchedule(lines, NOW).isAlive).toBe(isAlive);
  });
});

describe.concurrent('dli-reaper init', () => {
  it('writes a valid policy that kills nothing, and does not overwrite it', async (context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1, { ageMs: 9 * HOUR })] });
    const policy = `${writeFile('init.txt', '')}.yml`;

    const first = await runCli(['init', '--policy', policy]);
    const valid = await runHere(['validate', policy]);
    const second = await runHere(['init', '--policy', policy]);

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain(`created ${policy}`);
    expect(valid.stdout).toContain('is valid: mode dry-run, 1 rule, 0 exemptions');
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is there already') });
    expect(readFileSync(policy, 'utf8')).toContain('action: log');
    expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
  });

  it('creates the parameters of a stage with the switch at stop, and keeps what is there', async (context) => {
    const aws = await startAwsServer({ '/dli-reaper/new/switch': 'run' });
    context.onTestFinished(aws.close);
    const policy = `${writeFile('init-stage.txt', '')}.yml`;
    const args = ['init', '--policy', policy, '--region', 'eu-west-101', '--project-id', 'f'.repeat(32), '--json'];

    const existing = await runCli([...args, '--stage', 'new'], aws.env);
    const fresh = await runCli([...args, '--stage', 'fresh', '--target', 'lake'], aws.env);

    expect(JSON.parse(existing.stdout)).toMatchObject({ kind: 'init', kept: ['/dli-reaper/new/switch'] });
    expect(aws.parameters['/dli-reaper/new/switch']).toBe('run');
    expect(fresh).toMatchObject({ exitCode: 0, stderr: '' });
    expect(aws.parameters['/dli-reaper/fresh/switch']).toBe('stop');
    expect(JSON.parse(aws.parameters['/dli-reaper/fresh/targets/lake'] ?? '')).toMatchObject({ mode: 'dry-run' });
    expect(JSON.parse(aws.parameters['/dli-reaper/fresh/policies/base'] ?? '')).toMatchObject({ mode: 'dry-run' });
    expect(existsSync(policy)).toBe(true);
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

    const { exitCode, stderr } = await runCli(['init', '--stage', 'new', ...flags, ...more], aws.env);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(existsSync(policy)).toBe(false);
    expect(aws.calls).not.toContain('PutParameter');
  });

  it('writes a file that can be changed and pushed', async (context) => {
    const aws = await startAwsServer({});
    context.onTestFinished(aws.close);
    const policy = `${writeFile('init-pushed.txt', '')}.yml`;

    await runCli(['init', '--stage', 'new', '--policy', policy], aws.env);
    writeFileSync(policy, readFileSync(policy, 'utf8').replace('4h', '5h'));
    const { exitCode } = await runCli(['policy', 'push', policy, '--stage', 'new', '--no-look'], aws.env);

    expect(exitCode).toBe(0);
    expect(aws.parameters['/dli-reaper/new/policies/base']).toContain('"5h"');
  });
});

describe.concurrent('a stage on a terminal', () => {
  it('asks for its name before a live policy is pushed, and for it again before it resumes', async (context) => {
    const { aws } = await startStage(context, { [name('switch')]: 'stop' });
    const file = writeFile('pushed.yml', JSON.stringify({ ...POLICY, maxKills: 7 }));
    const run = (...args: string[]) => runOnTerminal([...args, '--stage', 'dev'], aws.env, { columns: 100 });

    const push = run('policy', 'push', file, '--over-version', '1');
    await push.waitFor('Type dev to put this live policy in place on dev');
    push.type('dev\r');
    const pushed = await push.exited;
    const resume = run('resume');
    await resume.waitFor('Type dev');
    resume.type('prod\r');
    const resumed = await resume.exited;
    const doctor = run('doctor', '--target', 'default');
    const examined = await doctor.exited;

    expect([pushed, resumed, examined]).toEqual([0, 1, 1]);
    expect(aws.versions[name('policies/base')]).toBe(2);
    expect(aws.parameters[name('switch')]).toBe('stop');
    context.expect(await push.screen()).toMatchSnapshot('policy push');
    context.expect(await resume.screen()).toMatchSnapshot('resume');
    const screen = (await doctor.screen())
      .replace(/(changed|made) \w+ ago/g, '$1 some time ago')
      .replace(/\ds apart/, 'hardly apart')
      .replace(/:\d{4,5}/, ':port');
    context.expect(screen).toMatchSnapshot('doctor');
  });
});

describe.concurrent('dli-reaper doctor', () => {
  it('is green where all is well, yellow where something will be, each with its fix', async (context) => {
    const policy = { ...POLICY, rules: [{ id: 'two-hours', match: { owner: 'ana' }, maxRunTime: '2h' }] };
    const { aws, run } = await startStage(context, {
      [name('switch')]: 'stop',
      [name('policies/base')]: JSON.stringify(policy),
    });
    const line = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok' };
    aws.log(LOG_GROUP, line, Date.now() - 10 * MINUTE);

    const json = await run('doctor', '--target', 'default', '--json');

    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    const { findings } = JSON.parse(json.stdout) as {
      findings: { check: string; light: string; fix: string | null }[];
    };
    expect(findings.map(({ check, light }) => `${light} ${check}`)).toEqual([
      'yellow switch',
      'green stopping',
      'green invoking sweep',
      'green invoking dispatch',
      'green ceilings',
      'green schedule',
      'green settings',
      'green policy',
      'green target',
      'green credentials',
      'green listing SQL jobs',
      'green reading SQL jobs',
      'green listing Spark batches',
      'green reading Spark batches',
      'green listing Flink jobs',
      'green reading Flink jobs',
      'green listing queues',
      'green project',
      'green key',
      'green clocks',
      'green last success',
    ]);
    expect(findings.find(({ check }) => check === 'switch')?.fix).toBe('dli-reaper resume --stage dev');
    expect(aws.parameters[name('switch')]).toBe('stop');
    expect(aws.versions[name('switch')]).toBeUndefined();
    expect(aws.invocations).toEqual([]);
  });

  it.for([
    { sweeps: [1, 0, 2], says: 'in 2 sweeps of default within 24h somebody else cancelled 3 jobs right before us' },
    { sweeps: [4, 0, 0], says: undefined },
    // A function of an earlier version did not count them.
    { sweeps: [undefined, undefined], says: undefined },
  ])(
    'suspects a second reaper after sweeps with $sweeps jobs cancelled by others: $says',
    async ({ sweeps, says }, context) => {
      const { aws, run } = await startStage(context);
      for (const [n, cancelledByOthers] of sweeps.entries()) {
        const line = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok' };
        aws.log(LOG_GROUP, { ...line, counts: { cancelledByOthers } }, Date.now() - (n + 1) * 10 * MINUTE);
      }

      const { exitCode, stdout } = await run('doctor', '--target', 'default', '--json');

      const { findings } = JSON.parse(stdout) as { findings: { check: string; light: string; found: string }[] };
      const suspicion = findings.find(({ check }) => check === 'second reaper');
      expect(exitCode).toBe(0);
      expect(suspicion?.found).toBe(says);
      expect(suspicion?.light ?? 'yellow').toBe('yellow');
    },
  );

  it('tells before the bad night what would be refused in it', async (context) => {
    const { run } = await startStage(
      context,
      {},
      {
        refusedOperations: ['PutParameter', 'Invoke', 'FilterLogEvents'],
      },
    );

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /! stopping +dli-reaper stop would be refused \(AccessDeniedException\)\n +→ grant ssm:PutP/,
    );
    expect(stdout).toMatch(/! invoking sweep +--remote would be refused \(AccessDeniedException\)/);
    expect(stdout).toMatch(/! log +.*cannot be read \(AccessDeniedException\)\n +→ grant logs:FilterLogEvents/);
  });

  it.for([
    { name: 'is young', ageMs: 48 * HOUR, isAvailable: true, says: /^✓ key +made \w+ ago$/m },
    { name: 'is old', ageMs: 2_400 * HOUR, isAvailable: true, says: /^! key +made \w+ ago\n +→ make a new one$/m },
    {
      name: 'has an unknown age',
      ageMs: 0,
      isAvailable: false,
      says: /^! key +of unknown age, ask IAM .*: 503\n +→ see /,
    },
  ])('asks IAM about a key of the environment that $name', async ({ ageMs, isAvailable, says }, context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1)], keysMadeAt: Date.now() - ageMs });
    emulator.iam.setAvailable(isAvailable);
    const { url, projectId } = emulator.connection;
    const policy = writeFile(`doctor-${ageMs}.json`, JSON.stringify(POLICY));
    const flags = ['--policy', policy, '--endpoint', url, '--project-id', projectId];

    const { exitCode, stdout } = await runCli(['doctor', ...flags], keysOf(emulator.connection));

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(says, 'm'));
  });

  it('goes on where a setting is wrong, examines every target, and names what to correct', async (context) => {
    const { aws, run } = await startStage(context, { [name('targets/broken')]: '{}' });
    aws.log(LOG_GROUP, { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'failed' });

    const { exitCode, stdout } = await run('doctor');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /✗ broken: settings +.*region: missing.*\n +→ correct that parameter; docs\/deploy.md shows/,
    );
    expect(stdout).toMatch(/✓ default: listing SQL jobs +2 alive/);
    expect(stdout).toMatch(/! default: last sweep +failed at /);
    expect(stdout).toMatch(/✓ stopping /);
  });

  it('is yellow where the key is stored as a plain String', async (context) => {
    const { aws, run } = await startStage(context);
    aws.types[name('credentials/reaper')] = 'String';

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /! credentials +stored as a plain String, so that whoever may read parameters can read the key/,
    );
    expect(stdout).toContain(`→ make a new key, delete ${name('credentials/reaper')}, and put the key there`);
    expect(stdout).not.toContain('✓ credentials');
  });

  it('looks at a target whose key is in Secrets Manager', async (context) => {
    const secret = '/aws/reference/secretsmanager/dli/reaper';
    const { aws, run } = await startStage(context);
    const { [name('targets/default')]: target = '{}', [name('credentials/reaper')]: key = '' } = aws.parameters;
    aws.put(name('targets/default'), JSON.stringify({ ...(JSON.parse(target) as object), credentials: secret }));

    const missing = await run('doctor', '--target', 'default');
    aws.put(secret, key);
    const { stdout } = await run('doctor', '--target', 'default');

    expect(missing.stdout).toMatch(/✗ settings +.*dli\/reaper: cannot be read .*ParameterNotFound/);
    expect(missing.stdout).toContain('grant ssm:GetParameters and secretsmanager:GetSecretValue on it');
    expect(stdout).toMatch(/✓ credentials +in Secrets Manager, \/aws\/reference\/secretsmanager\/dli\/reaper/);
    expect(stdout).toMatch(/✓ listing SQL jobs +2 alive/);
  });

  it('advises no right to somebody who has not said where AWS is', async (context) => {
    const { aws } = await startStage(context);
    const { AWS_REGION: _, ...env } = aws.env;

    const { exitCode, stdout } = await runCli(['doctor', '--stage', 'dev'], env);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ switch +.*no region: set AWS_REGION.*\n +→ see AWS_REGION and AWS_PROFILE/);
    expect(stdout).not.toContain('→ grant');
    expect(stdout).not.toContain('dli-reaper init');
  });

  it('makes no switch of a stage that is none', async (context) => {
    const { aws } = await startStage(context);
    const before = { ...aws.parameters };

    const { exitCode, stdout } = await runCli(['doctor', '--stage', 'prdo'], aws.env);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ switch +there is none, which means stop/);
    expect(stdout).toMatch(/! stopping +not tried/);
    expect(aws.parameters).toEqual(before);
  });

  it('is yellow where only an emergency would miss a right, and says what to do where nobody answers', async (context) => {
    const { emulator, run } = await startStage(context);
    emulator.faults.add({ on: 'list-flink-jobs', answer: { status: 403, body: { error_code: 'DLI.0003' } }, times: 9 });

    const softened = await run('doctor', '--target', 'default');
    await emulator.close();
    const silent = await run('doctor', '--target', 'default');

    expect(softened.stdout).toMatch(/! listing Flink jobs +.*403/);
    expect(silent.stdout).toMatch(/✗ listing SQL jobs .*\n +→ check the endpoint and the network; no answer came/);
    expect(silent.stdout).not.toContain('Spark');
  });

  it.for([
    { name: 'of another object', status: 400, code: 'DLI.0001', light: '✓' },
    { name: 'in no table', status: 400, code: 'DLI.9876', light: '✓' },
    { name: 'of a missing permission', status: 400, code: 'DLI.0003', light: '✗' },
    { name: 'of the gateway', status: 404, code: 'APIG.0101', light: '✗' },
  ])(
    'shows $light for reading where an unknown id is answered with the code $name',
    async ({ status, code, light }, context) => {
      const { emulator, run } = await startStage(context);
      const answer = { status, body: { error_code: code, error_msg: 'Job does not exist' } };
      emulator.faults.add({ on: 'show-sql-job-status', times: Infinity, answer });

      const { stdout } = await run('doctor', '--target', 'default');

      expect(stdout).toContain(`${light} reading SQL jobs`);
    },
  );

  it('is red where DLI does not tell the time, since no sweep would act', async (context) => {
    const { emulator, run } = await startStage(context);
    const headers = { date: 'never' };
    const none = { is_success: true, job_count: 0, jobs: [], queues: [] };
    const unknown = { error_code: 'DLI.0023', error_msg: 'no such job' };
    emulator.faults.add(
      { on: 'list-sql-jobs', times: Infinity, answer: { status: 200, body: none, headers } },
      { on: 'list-queues', answer: { status: 200, body: none, headers } },
      { on: 'show-sql-job-status', answer: { status: 400, body: unknown, headers } },
    );

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ clocks +DLI does not tell the time/);
  });

  it('is red, and ends with 1, where a key is wrong', async (context) => {
    const credentials = JSON.stringify({ accessKeyId: 'wrong', secretAccessKey: 'hush' });
    const changes = { [name('credentials/reaper')]: credentials };
    const { emulator, run } = await startStage(context, changes, { isDeployed: false });

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ listing SQL jobs +.*401 /);
    expect(stdout).toContain('→ correct the key or the password; five failures lock it');
    expect(stdout).toMatch(
      /✗ invoking sweep +there is no such function\n +→ npm run package && npx serverless deploy --stage dev --region eu-central-1 /,
    );
    expect(stdout).not.toContain('hush');
    expect(emulator.requests.length).toBeLessThanOrEqual(2);
  });
});
