import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { type startAwsServer as Start, startAwsServer } from '../helpers/aws-server.ts';
import { finishedLine, SWEEP_LOG, settingsHashOf } from '../helpers/past-sweeps.ts';
import { keysOf, makeFolder, runHere, runningJob, startService } from '../helpers/run-cli.ts';

const POLICY = {
  version: 1,
  mode: 'live',
  maxKillsPercent: 100,
  rules: [{ id: 'two-hours', match: { queue: 'adhoc' }, maxRunTime: '2h' }],
};
const FUNCTION = 'dli-job-reaper-dev-sweep';

const writeFile = makeFolder();

/** A stage `dev` with the default ceilings and five overdue jobs. */
async function startStage(
  context: TestContext,
  { policy = POLICY, ...options }: NonNullable<Parameters<typeof Start>[1]> & { policy?: object } = {},
) {
  const { emulator, deletes } = await startService(context, '', { jobs: [1, 2, 3, 4, 5].map((n) => runningJob(n)) });
  const parameters = stageParameters('dev', emulator.connection, policy);
  const aws = await startAwsServer(parameters, { ceilings: {}, ...options });
  context.onTestFinished(aws.close);
  const past = (fields: object) => aws.log(SWEEP_LOG, finishedLine('default', fields), Date.now() - 3_600_000);
  const run = (verb: string, ...args: string[]) => runHere([verb, '--stage', 'dev', ...args, '--json'], aws.env);
  return {
    aws,
    deletes,
    past,
    run,
    sweep: async (...args: string[]) => {
      const { exitCode, stdout } = await run('sweep', '--target', 'default', '--no-dry-run', ...args);
      return { exitCode, report: JSON.parse(stdout) as object };
    },
  };
}

describe.concurrent('dli-reaper sweep --stage', () => {
  it.for([
    {
      name: 'may not be read',
      options: { refusedOperations: ['GetFunctionConfiguration'] },
      words: `${FUNCTION}: its ceilings cannot be read (AccessDeniedException); grant lambda:GetFunctionConfiguration on it`,
    },
    {
      name: 'were not deployed',
      options: { isDeployed: false },
      words: `${FUNCTION}: its ceilings cannot be read (ResourceNotFoundException); this region and account have no such function: deploy the stage, or check AWS_REGION`,
    },
    {
      name: 'are set to something that is none',
      options: { ceilings: { REAPER_KILLS_PER_DAY: 'many' } },
      words: 'REAPER_KILLS_PER_DAY: expected a whole number, 0 or more',
    },
  ])(
    'is a dry run where the ceilings of the stage $name, and a plan only notes it',
    async ({ options, words }, context) => {
      const { sweep, run, deletes } = await startStage(context, options);

      const { exitCode, report } = await sweep();
      const plan = await run('plan', '--target', 'default');

      expect(exitCode).toBe(1);
      expect(report).toMatchObject({
        dryRunBecause: ['ceilings'],
        stoppedBy: 'ceilings',
        problems: [`stopped: the ceilings of the stage are not known: ${words}`],
      });
      expect(plan.exitCode).toBe(0);
      expect(JSON.parse(plan.stdout)).toMatchObject({
        dryRunBecause: ['request'],
        notices: [`a live sweep would be a dry run: the ceilings of the stage are not known: ${words}`],
      });
      expect(deletes()).toBe(0);
    },
  );

  it('cancels nothing if it may not read what was cancelled before, and a plan does not ask', async (context) => {
    const { aws, sweep, run, deletes } = await startStage(context, { refusedOperations: ['FilterLogEvents'] });

    const plan = await run('plan', '--target', 'default');
    const askedByPlan = aws.calls.filter((call) => call === 'FilterLogEvents').length;
    const { exitCode, report } = await sweep();

    expect(plan).toMatchObject({ exitCode: 0, stderr: '' });
    expect(askedByPlan).toBe(0);
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({
      dryRun: false,
      status: 'stopped',
      stoppedBy: 'record',
      counts: { skipped: { stopped: 5 } },
      problems: [expect.stringContaining(`${SWEEP_LOG}: the log cannot be read (AccessDeniedException)`)],
    });
    expect(deletes()).toBe(0);
  });

  it('waits its turn where CloudWatch turns it away as one of too many', async (context) => {
    const { aws, past, sweep } = await startStage(context, { throttled: { FilterLogEvents: 3 } });
    past({ settingsHash: settingsHashOf(aws, 'default') });

    expect(await sweep()).toMatchObject({ exitCode: 0, report: { counts: { cancelled: 5 } } });
  });

  it('counts what the deployed sweeps of the target cancelled in 24 hours, and no other target', async (context) => {
    const { aws, past, sweep, deletes } = await startStage(context);
    const counts = (cancelled: number) => ({ ...finishedLine('').counts, cancelled });
    past({ counts: counts(196), settingsHash: settingsHashOf(aws, 'default') });
    aws.log(SWEEP_LOG, finishedLine('other', { counts: counts(200) }));

    const { exitCode, report } = await sweep();

    expect(exitCode).toBe(5);
    expect(report).toMatchObject({
      status: 'capped',
      caps: { exceeded: expect.stringContaining('5 victims, and 196 of the 200 kills') },
    });
    expect(deletes()).toBe(0);
  });

  it('counts what another target on the same project cancelled, such as one by an earlier name', async (context) => {
    const { aws, past, sweep, deletes } = await startStage(context);
    const { projectId } = JSON.parse(aws.parameters['/dli-reaper/dev/targets/default'] ?? '{}') as {
      projectId: string;
    };
    const cancelled = { ...finishedLine('').counts, cancelled: 197 };
    past({ target: 'earlier', projectId, counts: cancelled });
    past({ target: 'elsewhere', projectId: 'b'.repeat(32), counts: cancelled });

    expect(await sweep()).toMatchObject({
      exitCode: 5,
      report: { caps: { exceeded: expect.stringContaining('5 victims, and 197 of the 200 kills') } },
    });
    expect(deletes()).toBe(0);
  });

  it('counts all jobs that a sweep chose, if the log lacks its end', async (context) => {
    const { aws, sweep, deletes } = await startStage(context);
    const died = { sweepId: 'died', awsRequestId: 'died', target: 'default', trigger: 'schedule', skipped: null };
    aws.log(SWEEP_LOG, { msg: 'victims chosen', ...died, count: 198, victims: [] });

    const { exitCode, report } = await sweep();

    expect(exitCode).toBe(5);
    expect(report).toMatchObject({ caps: { exceeded: expect.stringContaining('198 of the 200 kills') } });
    expect(deletes()).toBe(0);
  });

  it('goes on where a sweep by the same settings is on record, whatever the spaces and versions', async (context) => {
    const { aws, past, sweep } = await startStage(context);
    past({ settingsHash: settingsHashOf(aws, 'default') });
    aws.parameters['/dli-reaper/dev/policies/base'] = JSON.stringify(POLICY, null, 4);
    aws.versions['/dli-reaper/dev/policies/base'] = 7;

    expect(await sweep()).toMatchObject({ exitCode: 0, report: { counts: { cancelled: 5 }, notices: [] } });
  });

  it.for([
    {
      name: 'policy',
      change: { '/dli-reaper/dev/policies/base': JSON.stringify({ ...POLICY, maxKills: 19 }) },
    },
    {
      name: 'set of exemptions',
      change: {
        '/dli-reaper/dev/exemptions/closing': JSON.stringify({
          id: 'closing',
          match: { owner: 'nobody' },
          reason: 'the year ends',
          owner: 'closing',
          until: '2999-01-01',
        }),
      },
    },
  ])('cancels three at most of a changed $name, and says so', async ({ change }, context) => {
    const { aws, past, sweep, deletes } = await startStage(context);
    past({ settingsHash: settingsHashOf(aws, 'default') });
    Object.assign(aws.parameters, change);

    const { exitCode, report } = await sweep();

    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      status: 'ok',
      counts: { cancelled: 3, skipped: { 'first-sweep': 2 } },
    });
    expect((report as { notices: string[] }).notices).toContain(
      'this is the first live sweep on record with this policy, target and exemptions, so it cancels only the worst 3 of 5 victims; the next sweep goes on',
    );
    expect(deletes()).toBe(3);
  });

  it('takes a policy file for a changed policy, unless it says the same', async (context) => {
    const { aws, past, sweep } = await startStage(context);
    past({ settingsHash: settingsHashOf(aws, 'default') });
    const same = writeFile(
      'same.yml',
      'version: 1\nmode: live\nmaxKillsPercent: 100\nrules:\n  - {id: two-hours, match: {queue: adhoc}, maxRunTime: 2h}\n',
    );
    const other = writeFile(
      'other.yml',
      'version: 1\nmode: live\nmaxKillsPercent: 100\nrules:\n  - {id: other, match: {queue: adhoc}, maxRunTime: 2h}\n',
    );

    expect(await sweep('--policy', other)).toMatchObject({ report: { counts: { cancelled: 3 } } });
    expect(await sweep('--policy', same)).toMatchObject({ report: { counts: { cancelled: 2, skipped: {} } } });
  });
});

describe.concurrent('dli-reaper status', () => {
  it('counts the kills of a day as the next sweep does', async (context) => {
    const { aws, past, run, sweep } = await startStage(context);
    const { projectId } = JSON.parse(aws.parameters['/dli-reaper/dev/targets/default'] ?? '{}') as {
      projectId: string;
    };
    const counts = { ...finishedLine('').counts, cancelled: 10, unconfirmed: 1 };
    for (const id of ['first', 'second']) {
      const one = { sweepId: id, awsRequestId: id, target: 'default' };
      past({ ...one, counts });
      aws.log(SWEEP_LOG, { msg: 'job not seen to stop', ...one, jobId: 'stuck' }, Date.now() - 3_600_000);
    }
    past({ sweepId: 'third', target: 'earlier', projectId, counts: { ...counts, unconfirmed: 0 } });
    const died = { sweepId: 'died', awsRequestId: 'died', target: 'default', trigger: 'schedule', skipped: null };
    aws.log(SWEEP_LOG, { msg: 'victims chosen', ...died, count: 166, victims: [] });

    const status = await run('status', '--no-look');
    const { report } = await sweep();

    expect(JSON.parse(status.stdout)).toMatchObject({ killsPerDay: 200, targets: [{ killsInDay: 197 }] });
    expect(report).toMatchObject({
      caps: { exceeded: expect.stringContaining('5 victims, and 197 of the 200 kills') },
    });
  });
});

describe.concurrent('what a client runs again and again', () => {
  it('is named by status with its owner, its queue and the latest job', async (context) => {
    const { aws, past, run } = await startStage(context);
    const like = { engine: 'sql', owner: 'bi_dash', queue: 'bi_q', fingerprint: '0123456789abcdef', name: null };
    for (const n of [1, 2, 3]) {
      const one = { sweepId: `s${n}`, awsRequestId: `s${n}`, target: 'default' };
      past({ ...one });
      aws.log(SWEEP_LOG, { msg: 'job cancelled', ...one, ...like, jobId: `job-${n}` }, Date.now() - 3_600_000);
      const other = { ...like, owner: 'ana', jobId: `other-${n}`, fingerprint: `${n}`.repeat(16) };
      aws.log(SWEEP_LOG, { msg: 'job cancelled', ...one, ...other }, Date.now() - 3_600_000);
    }

    const { stdout } = await run('status', '--no-look');
    const screen = await runHere(['status', '--stage', 'dev', '--no-look'], aws.env);

    expect(JSON.parse(stdout)).toMatchObject({ targets: [{ repeats: [{ ...like, cancelled: 3, jobId: 'job-3' }] }] });
    expect(screen.stdout).toContain(
      'default: 3 sweeps in 24 hours cancelled queries that differ only in values, of bi_dash on bi_q, the latest job-3',
    );
  });
});

describe.concurrent('dli-reaper emergency', () => {
  const emergency = ['--target', 'default', '--older-than', '1m', '--reason', 'stuck', '--confirm', 'default'];

  it('is held back neither by the shortest limit nor by the first sweep of changed settings', async (context) => {
    const { run } = await startStage(context);

    const { exitCode, stdout } = await run('emergency', ...emergency);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ counts: { cancelled: 5 }, notices: [] });
  });

  it('has a ceiling of its own, which --max-kills does not raise', async (context) => {
    const { run, deletes } = await startStage(context, { ceilings: { REAPER_EMERGENCY_KILLS: '4' } });

    const { exitCode, stdout } = await run('emergency', ...emergency, '--max-kills', '1000');

    expect(exitCode).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      caps: { exceeded: '5 victims are more than 4, the ceiling for a sweep here, which maxKills 1000 does not raise' },
    });
    expect(deletes()).toBe(0);
  });

  it('says what to do where the record cannot be read, and that works', async (context) => {
    const { aws, run, deletes } = await startStage(context, { refusedOperations: ['FilterLogEvents'] });
    const { endpoint, projectId } = JSON.parse(aws.parameters['/dli-reaper/dev/targets/default'] ?? '{}') as {
      endpoint: string;
      projectId: string;
    };
    const { accessKeyId, secretAccessKey } = JSON.parse(
      aws.parameters['/dli-reaper/dev/credentials/reaper'] ?? '{}',
    ) as Record<string, string>;

    const { exitCode, stdout } = await run('emergency', ...emergency);
    const without = await runHere(
      ['emergency', '--endpoint', endpoint, '--project-id', projectId, ...emergency.slice(2, -1), projectId, '--json'],
      keysOf({ accessKeyId, secretAccessKey } as never),
    );

    expect(exitCode).toBe(1);
    expect((JSON.parse(stdout) as { problems: string[] }).problems[0]).toMatch(
      /AccessDeniedException.*; an emergency without --stage, with --endpoint and --project-id, needs no record$/,
    );
    expect(without).toMatchObject({ exitCode: 0 });
    expect(deletes()).toBe(5);
  });

  it('counts against the day of the emergencies, and not against that of the sweeps', async (context) => {
    const { past, run } = await startStage(context, { ceilings: { REAPER_EMERGENCY_KILLS_PER_DAY: '9' } });
    const other = await startStage(context, { ceilings: { REAPER_EMERGENCY_KILLS_PER_DAY: '9' } });
    past({ counts: { ...finishedLine('').counts, cancelled: 200 } });
    other.past({ trigger: 'emergency', counts: { ...finishedLine('').counts, cancelled: 5 } });

    expect(await run('emergency', ...emergency)).toMatchObject({ exitCode: 0 });
    expect(await other.run('emergency', ...emergency)).toMatchObject({ exitCode: 5 });
  });
});

describe.concurrent('dli-reaper without a stage', () => {
  it('obeys the ceilings in its environment, and names a variable that is wrong', async (context) => {
    const jobs = [1, 2].map((n) => runningJob(n));
    const { emulator, deletes } = await startService(context, '', { jobs });
    const { url, projectId } = emulator.connection;
    const file = writeFile('terminal.json', JSON.stringify(POLICY));
    const sweep = (env: Record<string, string>) =>
      runHere(['sweep', '--policy', file, '--endpoint', url, '--project-id', projectId, '--no-dry-run', '--json'], {
        ...keysOf(emulator.connection),
        ...env,
      });

    const capped = await sweep({ REAPER_KILLS_PER_SWEEP: '1' });
    const wrong = await sweep({ REAPER_SHORTEST_LIMIT: '15' });
    const usual = await sweep({});

    expect(capped).toMatchObject({ exitCode: 5 });
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      stoppedBy: 'ceilings',
      problems: [expect.stringContaining('REAPER_SHORTEST_LIMIT: not a duration')],
    });
    expect(usual).toMatchObject({ exitCode: 0 });
    expect(deletes()).toBe(2);
  });
});

describe.concurrent('dli-reaper policy push', () => {
  it('warns of what is likely a slip, and says what the stage would hold back of it', async (context) => {
    const { aws } = await startStage(context);
    const file = writeFile(
      'pushed.yml',
      'version: 1\nmode: live\nmaxKills: 101\nmaxKillsPercent: 100\nrules:\n  - {id: r, match: all, maxRunTime: 5m}\n',
    );
    const args = ['policy', 'diff', file, '--stage', 'dev', '--no-look'];

    const text = await runHere(args, aws.env);
    const json = await runHere([...args, '--json'], aws.env);

    expect(text.stdout.split('\n').filter((line) => line.startsWith('! '))).toEqual([
      '! rules[0].match: is for all jobs; by default a stage does not let such a rule cancel',
      '! rules[0].maxRunTime: 5m is below 15m, the shortest limit at which a stage cancels jobs by default',
      '! maxKills: 101 jobs in one sweep is more than 100, which a stage allows by default',
      '! maxKillsPercent: 100 means that every live job may be cancelled at once',
      '! no live sweep of this stage obeys it: rule r: match is for all jobs, and such a rule may not cancel here; name queues or owners in it, or deploy with --param allMayCancel=true',
      '! no live sweep of this stage obeys it: rule r: maxRunTime 5m is below 15m, the shortest limit at which a job may be cancelled here; raise it to 15m, or deploy with --param shortestLimit=5m',
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ warnings: { length: 4 }, held: { length: 2 } });
  });

  it('says that the first live sweep cancels three at most, and works without a right to read the ceilings', async (context) => {
    const { aws } = await startStage(context);
    const closed = await startStage(context, { refusedOperations: ['GetFunctionConfiguration'] });
    const file = writeFile(
      'fine.json',
      JSON.stringify({
        ...POLICY,
        maxKillsPercent: 50,
        rules: [{ id: 'r', match: { owner: 'ana' }, maxRunTime: '2h' }],
      }),
    );
    const args = ['policy', 'diff', file, '--stage', 'dev', '--no-look'];

    const open = await runHere(args, aws.env);
    const unread = await runHere([...args, '--json'], closed.aws.env);

    expect(open.stdout).toContain(
      '! the first live sweep cancels at most three jobs, unless sweeps used this policy in the last 8 days\n',
    );
    expect(unread).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(unread.stdout)).toMatchObject({ warnings: [], held: null });
  });
});
