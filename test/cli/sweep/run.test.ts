import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../../emulator/aws/parameter-store.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';
import {
  keysOf,
  makeFolder,
  runCli,
  runHere,
  runningJob,
  startService as startCliService,
} from '../../helpers/run-cli.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const writeFile = makeFolder();

const policy = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const live = writeFile('live.json', JSON.stringify(policy));
const capped = writeFile('capped.json', JSON.stringify({ ...policy, maxKills: 0 }));

const overdueAndYoung = () => [runningJob(1), runningJob(2), runningJob(3, { ageMs: MINUTE })];

const startService = (context: TestContext, options: Partial<EmulatorOptions> = {}) =>
  startCliService(context, live, { jobs: overdueAndYoung(), ...options });

const reportOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as SweepReport;

describe.concurrent('dli-reaper', () => {
  it.for([
    { name: 'plan', args: ['plan'] },
    { name: 'sweep without --no-dry-run', args: ['sweep'] },
    { name: 'sweep with --dry-run', args: ['sweep', '--dry-run'] },
  ])('sends no DELETE for $name, and says why', async ({ args: [verb = '', ...more] }, context) => {
    const { run, emulator } = await startService(context);

    const { exitCode, stdout, stderr } = await run(verb, more);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'Listing\n' });
    expect(stdout).toContain('Dry run (set by the request): 2 jobs seen, 2 overdue, none cancelled');
    expect(stdout).toContain(jobId(1));
    expect(stdout).toContain('would be cancelled');
    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('cancels with --no-dry-run, and finds nothing the second time', async (context) => {
    const { run, emulator, deletes } = await startService(context);

    const first = await run('sweep', ['--no-dry-run', '--reason', 'the queue is stuck']);
    const second = await run('sweep', ['--no-dry-run', '--json']);

    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain('Sweep ok: 2 jobs seen, 2 overdue, 2 cancelled');
    expect([1, 2, 3].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'CANCELLED', 'RUNNING']);
    expect(second.exitCode).toBe(0);
    expect(reportOf(second)).toMatchObject({ status: 'ok', counts: { seen: 0, overdue: 0 }, jobs: [] });
    expect(deletes()).toBe(2);
  });

  it('cancels nothing with --no-dry-run if the policy says dry-run', async (context) => {
    const { run, deletes } = await startService(context);
    const dry = writeFile('dry.yml', 'version: 1\nrules:\n  - {id: two-hours, match: all, maxRunTime: 2h}\n');

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run'], { '--policy': dry });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('Dry run (set by the policy)');
    expect(deletes()).toBe(0);
  });

  it.for([
    { verb: 'plan', more: [], dryRun: true },
    { verb: 'sweep', more: ['--no-dry-run', '--reason', 'a look'], dryRun: false },
  ])('prints one JSON document and nothing else for $verb --json', async ({ verb, more, dryRun }, context) => {
    const { run } = await startService(context);

    const result = await run(verb, ['--json', ...more]);

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(reportOf(result)).toMatchObject({
      target: 'cli',
      trigger: 'manual',
      dryRun,
      status: 'ok',
      requestReason: dryRun ? null : 'a look',
      counts: { seen: 2, overdue: 2, cancelled: dryRun ? 0 : 2 },
      jobs: [{ jobId: jobId(1) }, { jobId: jobId(2) }],
    });
  });

  describe('plan', () => {
    const rules = [
      { id: 'two-hours', match: { queue: 'adhoc' }, maxRunTime: '2h' },
      { id: 'watch', match: { queue: 'bi_*' }, maxRunTime: '1h', action: 'warn' },
      { id: 'waiting', match: { queue: 'adhoc' }, maxQueueTime: '1h' },
    ];
    const exemptions = [
      { id: 'keep-bo', reason: 'backfill', owner: 'orders', until: '2999-12-31', match: { owner: 'bo' } },
      { id: 'keep-cy', reason: 'backfill', owner: 'orders', until: '2020-01-01', match: { owner: 'cy' } },
    ];
    const spares = writeFile('spares.json', JSON.stringify({ ...policy, rules, exemptions }));
    // Half a minute beside the full one, since a clock that is read in whole seconds makes jobs a little younger.
    const ageMs = 3 * HOUR + 30.5 * MINUTE;
    const jobs = () => [
      runningJob(1, { ageMs, owner: 'cy' }),
      runningJob(2, { ageMs, owner: 'bo' }),
      runningJob(3, { ageMs, type: 'INSERT' }),
      runningJob(4, { ageMs, queue: 'bi_reports' }),
      runningJob(5, { ageMs, queue: 'etl' }),
      runningJob(6, { ageMs, runsFrom: Date.now() + HOUR }),
    ];
    const rowsOf = ({ stdout }: { stdout: string }) =>
      stdout.split('\n').flatMap((line) => {
        const [, id, , queue, , , time, limit, , rule, outcome] = line.split('│').map((cell) => cell.trim());
        // Rows of jobs alone: the table of rules has none.
        return id === undefined || Number.isNaN(Number(id.slice(-3))) || outcome === undefined
          ? []
          : [[Number(id.slice(-3)), queue, time, limit, rule, outcome]];
      });

    const OVERDUE = [
      [1, 'adhoc', '3h30m', 'maxRunTime 2h', 'two-hours', 'would be cancelled'],
      [6, 'adhoc', '3h30m waiting', 'maxQueueTime 1h', 'waiting', 'would be cancelled'],
      [4, 'bi_reports', '3h30m', 'maxRunTime 1h', 'watch', 'overdue: warn'],
    ];
    const SPARED = [
      [2, 'adhoc', '3h30m', '–', 'keep-bo', 'kept: exempt'],
      [3, 'adhoc', '3h30m', '2h', 'two-hours', 'kept: protected'],
    ];
    const byNumber = (rows: unknown[][]) => rows.toSorted(([a], [b]) => Number(a) - Number(b));

    it('shows rule, clock and time of the overdue jobs, and how many others it hides', async (context) => {
      const { run } = await startService(context, { jobs: jobs() });

      const result = await run('plan', ['--quiet'], { '--policy': spares });

      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(byNumber(rowsOf(result))).toEqual(byNumber(OVERDUE));
      expect(rowsOf(result).at(-1)?.[0]).toBe(4);
      expect(result.stdout).toContain('2 more spared by a rule, an exemption or a protection: see --spared.\n');
      expect(result.stdout).toContain('Queues that no rule names, with their number of old jobs: etl (1).\n');
      expect(result.stdout).toContain('Note: exemption keep-cy (owner orders) expired at 2020-01-02T00:00:00.000Z;');
    });

    it('shows with --spared all that a rule or exemption touched, the overdue first', async (context) => {
      const { run } = await startService(context, { jobs: jobs() });

      const result = await run('plan', ['--spared', '--quiet'], { '--policy': spares });

      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(byNumber(rowsOf(result))).toEqual(byNumber([...OVERDUE, ...SPARED]));
      expect(byNumber(rowsOf(result).slice(OVERDUE.length))).toEqual(SPARED);
      expect(result.stdout).not.toContain('--spared');
    });
  });

  it('writes its log to stderr with --verbose, one JSON object a line', async (context) => {
    const { run } = await startService(context, { jobs: [runningJob(1, { statement: 'select secret_column' })] });

    const { exitCode, stdout, stderr } = await run('sweep', ['--no-dry-run', '--verbose', '--json']);

    const lines = stderr.trim().split('\n');
    const log = lines.map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(exitCode).toBe(0);
    expect(log.map(({ msg }) => msg)).toEqual([
      'victims chosen',
      'message',
      'message',
      'job cancelled',
      'sweep finished',
    ]);
    expect(reportOf({ stdout }).counts.cancelled).toBe(1);
    expect(stdout + stderr).not.toContain('secret_column');
  });

  it('takes everything from Parameter Store with --stage', async (context) => {
    const { emulator } = await startService(context);
    const exemption = {
      id: 'one',
      reason: 'backfill',
      owner: 'orders',
      until: '2999-12-31',
      match: { jobId: jobId(1) },
    };
    const ssm = await startAwsServer({
      ...stageParameters('dev', emulator.connection, policy),
      '/dli-reaper/dev/exemptions/one': JSON.stringify(exemption),
    });
    context.onTestFinished(ssm.close);

    const result = await runCli(['sweep', '--stage', 'dev', '--target', 'default', '--no-dry-run', '--json'], ssm.env);

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(reportOf(result)).toMatchObject({
      target: 'default',
      status: 'ok',
      counts: { cancelled: 1 },
      jobs: [{ reason: 'exempt', rule: 'one' }, { outcome: 'cancelled' }],
    });
  });
});

describe.concurrent('exit code 1', () => {
  const brokenYaml = writeFile('broken.yml', 'version: 1\nrules: [\n');
  const misspelt = writeFile('misspelt.yml', 'version: 1\nrules:\n  - {id: r, match: all, maxRuntime: 2h}\n');
  const keys = keysOf({ accessKeyId: 'a', secretAccessKey: 'the-secret' });
  const endpoint = 'https://dli.invalid';
  const project = 'f'.repeat(32);
  const complete = { '--policy': live, '--endpoint': endpoint, '--project-id': project };
  const without = (flag: keyof typeof complete) => Object.entries(complete).flatMap((e) => (e[0] === flag ? [] : e));
  const all = Object.entries(complete).flat();

  it.for<{ name: string; args: string[]; env?: Record<string, string>; says: RegExp }>([
    {
      name: 'an absent policy file',
      args: [...all, '--policy', 'absent.yml'],
      says: /absent\.yml: cannot be read \(no such file or folder, ENOENT\)/,
    },
    { name: 'a policy that is no YAML', args: [...all, '--policy', brokenYaml], says: /broken\.yml:3:1: / },
    {
      name: 'an invalid policy, with a hint',
      args: [...all, '--policy', misspelt],
      says: /rules\[0\]\.maxRuntime: unknown key; did you mean maxRunTime\?/,
    },
    { name: 'no --policy', args: without('--policy'), says: /--policy: missing/ },
    { name: 'no --project-id', args: without('--project-id'), says: /--project-id: missing/ },
    { name: 'no --endpoint', args: without('--endpoint'), says: /--endpoint: missing; give a URL, or --region/ },
    {
      name: 'no access key',
      args: all,
      env: { HUAWEICLOUD_SDK_SK: 'the-secret' },
      says: /HUAWEICLOUD_SDK_AK: this environment variable is not set/,
    },
    {
      name: 'no secret key',
      args: all,
      env: { HUAWEICLOUD_SDK_AK: 'a' },
      says: /HUAWEICLOUD_SDK_SK: this environment variable is not set/,
    },
    {
      name: 'plain http to another machine',
      args: [...all, '--endpoint', 'http://dli.invalid'],
      says: /--endpoint: .*only https is allowed/,
    },
    { name: 'an endpoint that is no URL', args: [...all, '--endpoint', 'dli'], says: /--endpoint: expected a URL/ },
    {
      name: 'a malformed project id',
      args: [...all, '--project-id', '../x'],
      says: /--project-id: expected up to 64 letters and digits/,
    },
    { name: '--stage with --endpoint', args: [...all, '--stage', 'dev'], says: /--stage: .*leave out --endpoint/ },
    { name: '--target without --stage', args: [...all, '--target', 'lake'], says: /--target: .*give --stage too/ },
    { name: 'an unknown flag', args: [...all, '--yes'], says: /unknown option '--yes'/ },
    { name: '--max-kills that is no number', args: [...all, '--max-kills', 'abc'], says: /Expected a whole number/ },
    {
      name: 'a duration without a unit',
      args: [...all, '--verify-for', '60'],
      says: /--verify-for <duration>.*such as 60m/,
    },
  ])('for $name', async ({ args, env = keys, says }) => {
    const { exitCode, stdout, stderr } = await runHere(['sweep', ...args, '--no-dry-run', '--json'], env);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'error',
      messages: expect.arrayContaining([expect.stringMatching(says)]),
    });
    expect(stderr).toMatch(says);
  });

  it('for --no-dry-run of plan, which never cancels', async () => {
    const { exitCode, stderr } = await runHere(['plan', ...all, '--no-dry-run'], keys);

    expect(exitCode).toBe(1);
    expect(stderr).toContain("unknown option '--no-dry-run'");
  });

  it('for wrong credentials, after too few requests to lock the key', async (context) => {
    const { run, emulator } = await startService(context);

    const { exitCode, stdout, stderr } = await run('sweep', ['--no-dry-run'], {
      keys: { HUAWEICLOUD_SDK_SK: 'another-secret' },
    });

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /^Listing\ndli-reaper: list LAUNCHING jobs, page 1: 401 APIGW\.0301 the signature is wrong \(request [0-9a-f]{32}\)\n {12}check the credential and .*\n$/,
    );
    expect(emulator.requests.length).toBeLessThanOrEqual(2);
  });

  it('for a project that is not there', async (context) => {
    const { run, emulator } = await startService(context);

    const { exitCode, stderr } = await run('sweep', ['--no-dry-run'], { '--project-id': project });

    expect(exitCode).toBe(1);
    expect(stderr).toContain('403 APIG.0310');
    expect(stderr).toContain('check that endpoint, region and project id belong together');
    expect(emulator.requests).toHaveLength(1);
  });

  it('for an endpoint where nothing listens', async (context) => {
    const { run, emulator } = await startService(context);
    await emulator.close();

    const { exitCode, stdout, stderr } = await run('plan');

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    const { host } = new URL(emulator.connection.url);
    expect(stderr).toBe(
      `Listing\ndli-reaper: list LAUNCHING jobs, page 1: cannot connect to ${host} (ECONNREFUSED)\n` +
        '            check the endpoint and the network; no answer came\n',
    );
  });
});

describe.concurrent('exit code 3', () => {
  it('for a job that is not seen to stop in time', async (context) => {
    const { run } = await startService(context, { jobs: [runningJob(1, { onCancel: 'ignore' })] });

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run', '--verify-for', '0s']);

    expect(exitCode).toBe(3);
    expect(stdout).toContain('! 1 unconfirmed: asked to stop, not yet seen to stop');
  });

  it('for a job that may not be cancelled, after the others', async (context) => {
    const jobs = [runningJob(1, { queue: 'locked' }), runningJob(2)];
    const { run, emulator } = await startService(context, { jobs, deniedQueues: ['locked'] });

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run']);

    expect(exitCode).toBe(3);
    expect(stdout).toContain('Sweep failed: 2 jobs seen, 2 overdue, 1 cancelled');
    expect(stdout).toContain('! failed, 1 job: 400 DLI.0003; the IAM user lacks a right');
    expect(stdout).toContain(`    ${jobId(1)} on locked by ana`);
    expect(emulator.statusOf(jobId(2))).toBe('CANCELLED');
  });
});

describe.concurrent('exit code 4', () => {
  it('for a page that cannot be read, and then nothing is cancelled', async (context) => {
    const { run, emulator, deletes } = await startService(context);
    emulator.faults.add({
      on: 'list-sql-jobs',
      target: 'job-status=LAUNCHING',
      times: Infinity,
      answer: { status: 500, body: '' },
    });

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run']);

    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/Sweep partial: .*\n! listing incomplete: list LAUNCHING jobs, page 1: 500/);
    expect(deletes()).toBe(0);
  });
});

describe.concurrent('exit code 5', () => {
  it('for a drain, which cancels only the worst', async (context) => {
    const drain = writeFile('drain.json', JSON.stringify({ ...policy, maxKills: 1, drain: true }));
    const { run, emulator } = await startService(context, {
      jobs: [runningJob(1), runningJob(2, { ageMs: 4 * HOUR })],
    });

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run'], { '--policy': drain });

    expect(exitCode).toBe(5);
    expect(stdout).toContain('! over the cap, so only the worst were cancelled: 2 victims are more than maxKills 1');
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['RUNNING', 'CANCELLED']);
  });

  it.for([
    { name: "the policy's cap", more: [], policyFile: capped, limit: 0 },
    { name: '--max-kills', more: ['--max-kills', '1'], policyFile: live, limit: 1 },
  ])('for more victims than $name', async ({ more, policyFile, limit }, context) => {
    const { run, deletes } = await startService(context);

    const { exitCode, stdout } = await run('sweep', ['--no-dry-run', ...more], { '--policy': policyFile });

    expect(exitCode).toBe(5);
    expect(stdout).toContain(`! over the cap, so no job was cancelled: 2 victims are more than maxKills ${limit}`);
    expect(deletes()).toBe(0);
  });

  it('not for a dry run over its cap, which says so and ends with 0', async (context) => {
    const { run } = await startService(context);

    const { exitCode, stdout } = await run('plan', [], { '--policy': capped });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('! over the cap, so a live sweep would cancel no job: 2 victims are more than maxKills 0');
  });
});
