import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { openByHandRecord } from '../../../cli/source/by-hand-record.ts';
import { runCli, withEnvironment } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { parameter, startStage } from '../../helpers/start-stage.ts';
import { jobId, MINUTE } from '../../helpers/world.ts';

const BY_HAND = '/dli-job-reaper/dev/by-hand';
const OF_FUNCTION = '/aws/lambda/dli-job-reaper-dev-sweep';
const ME = 'arn:aws:iam::000000000000:user/rehearsal';

const TARGET = ['--target', 'default'];
const STUCK = ['emergency', ...TARGET, '--older-than', '10m', '--reason', 'adhoc is stuck'];
const LIVE_SWEEP = ['sweep', ...TARGET, '--no-dry-run'];

type Aws = Awaited<ReturnType<typeof startStage>>['aws'];

/** The lines of the record, in order. */
const recorded = (aws: Aws) => aws.linesOf(BY_HAND);

/** The lines of a sweep that cancels one job. Two of them are for the operators and for the owner. */
const LINES = ['sweep by hand', 'victims chosen', 'message', 'message', 'job cancelled', 'sweep finished'];

const messages = (aws: Aws) => recorded(aws).map(({ msg }) => msg);

function emptyFolder({ onTestFinished }: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-by-hand-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe.concurrent('the record of a sweep by hand', () => {
  it('holds who asked and why, the victims, and what became of each', async (context) => {
    const { aws, run } = await startStage(context);

    const { exitCode, stderr } = await run(...STUCK, '--confirm', 'default', '--quiet');

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(messages(aws)).toEqual(LINES);
    const [first, victims, toOperators, toOwner, job, end] = recorded(aws);
    expect(toOperators).toMatchObject({ to: 'operators', requestReason: 'adhoc is stuck' });
    expect(toOwner).toMatchObject({ to: 'owner', owner: 'ana', jobs: [{ kind: 'cancelled', jobId: jobId(1) }] });
    expect(first).toMatchObject({ targets: ['default'], count: null, requestReason: 'adhoc is stuck' });
    expect(victims).toMatchObject({ count: 1, victims: [{ jobId: jobId(1) }] });
    expect(job).toMatchObject({ jobId: jobId(1), outcome: 'cancelled', trigger: 'emergency', target: 'default' });
    expect(end).toMatchObject({ requestReason: 'adhoc is stuck', counts: { cancelled: 1 }, jobsLogged: 1 });
    for (const line of recorded(aws)) expect(line).toMatchObject({ stage: 'dev', recordedBy: ME });
    // The function's own record is what the ceilings count, and people cannot write it.
    expect(aws.linesOf(OF_FUNCTION)).toEqual([]);
  });

  it('is kept for a live sweep by policy too, and not for a dry run or a plan', async (context) => {
    const { aws, run } = await startStage(context);

    await run('sweep', ...TARGET);
    await run('plan', ...TARGET);
    await run(...STUCK, '--dry-run');
    const before = [...aws.calls];
    const { exitCode } = await run(...LIVE_SWEEP);

    expect(before).not.toContain('CreateLogStream');
    expect(exitCode).toBe(0);
    expect(messages(aws)).toEqual(LINES);
  });

  it('says that a sweep could not run', async (context) => {
    const { aws, run } = await startStage(context, { [parameter('targets/default')]: '{}' });

    const { exitCode } = await run(...LIVE_SWEEP);

    expect(exitCode).toBe(1);
    expect(recorded(aws)).toMatchObject([
      { msg: 'sweep by hand' },
      { msg: 'sweep could not run', target: 'default', trigger: 'manual', error: expect.stringContaining('missing') },
    ]);
  });

  it.for([
    { name: 'confirmed', typed: 'default\r', last: 'sweep finished', exitCode: 0 },
    { name: 'broken off', typed: '\u0003', last: 'sweep by hand given up', exitCode: 1 },
  ])('begins before the question, and says that it was $name', async ({ typed, last, exitCode }, context) => {
    const { aws } = await startStage(context);

    const terminal = runOnTerminal([...STUCK, '--stage', 'dev'], aws.env);
    await terminal.waitFor('Type default to cancel');
    const atTheQuestion = recorded(aws);
    terminal.type(typed);

    expect(await terminal.exited).toBe(exitCode);
    expect(atTheQuestion).toMatchObject([{ msg: 'sweep by hand', count: 1, recordedBy: ME }]);
    expect(messages(aws).at(-1)).toBe(last);
  });

  it.for([
    {
      name: 'may not make a stream',
      options: { refusedOperations: ['CreateLogStream'] },
      says: 'AccessDeniedException',
    },
    { name: 'may not write', options: { refusedOperations: ['PutLogEvents'] }, says: 'AccessDeniedException' },
    { name: 'has no such log group', options: { hasByHandLog: false }, says: 'ResourceNotFoundException' },
  ])('is a file where the person $name, which is said before the question', async ({ options, says }, context) => {
    const { aws } = await startStage(context, {}, options);
    const folder = emptyFolder(context);

    const { exitCode, stderr } = await runCli([...STUCK, '--stage', 'dev', '--confirm', 'default'], aws.env, {
      cwd: folder,
    });

    expect(exitCode).toBe(0);
    const [file = ''] = readdirSync(folder);
    expect(stderr).toContain(`! ${BY_HAND} cannot be written (${says}): `);
    expect(stderr).toContain(`this sweep is recorded in ${file}\n`);
    const path = join(folder, file);
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(LINES);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(messages(aws)).toEqual([]);
  });

  it('says who it was even where AWS does not', async (context) => {
    const { aws, run } = await startStage(context, {}, { refusedOperations: ['GetCallerIdentity'] });

    await run(...LIVE_SWEEP);

    expect(recorded(aws)[0]).toMatchObject({ recordedBy: 'unknown (AccessDeniedException)' });
  });
});

describe.concurrent('the record of a large sweep by hand', () => {
  it('takes more lines at once than CloudWatch takes in a call, in their order', async (context) => {
    const { aws } = await startStage(context);
    const notices = Array.from({ length: 2_500 }, (_, i) => `${i} ${'x'.repeat(1_000)}`);

    await withEnvironment(aws.env, async () => {
      const record = await openByHandRecord('dev', { targets: [], count: null, requestReason: null }, expectSilence);
      for (const notice of notices) record.log.warn('notice', { notice });
      await record.settle();
    });

    expect(
      recorded(aws)
        .slice(1)
        .map(({ notice }) => notice),
    ).toEqual(notices);
    expect(aws.calls.filter((call) => call === 'PutLogEvents')).toHaveLength(4);
  });
});

const expectSilence = (text: string) => expect(text).toBe('');

describe.concurrent('what reads the record of sweeps by hand', () => {
  it('shows the last sweep in status, and who it was', async (context) => {
    const { run } = await startStage(context);
    await run(...STUCK, '--confirm', 'default');

    const { stdout } = await run('status', '--no-look', '--json');
    const screen = await run('status', '--no-look');

    expect(JSON.parse(stdout)).toMatchObject({
      byHandProblem: null,
      schedule: { lastTickAt: null },
      targets: [
        { target: 'default', lastSweep: { trigger: 'emergency', recordedBy: ME, cancelled: 1 }, killsInDay: 0 },
      ],
    });
    expect(screen.stdout).toContain('│ emergency, rehearsal │');
  });

  it('takes no line of it for a tick of the schedule', async (context) => {
    const { aws, run } = await startStage(context);
    const forged = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok', dryRun: false };
    aws.log(BY_HAND, { ...forged, sweepId: 'x', counts: { cancelled: 0 } });

    const { stdout } = await run('status', '--no-look', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ schedule: { lastTickAt: null, isAlive: false } });
  });

  it('says in status and doctor that there is none', async (context) => {
    const { run } = await startStage(context, {}, { hasByHandLog: false });

    const status = await run('status', '--no-look');
    const doctor = await run('doctor', ...TARGET, '--json');

    const why = `${BY_HAND}: the log cannot be read (ResourceNotFoundException); a deploy of this version makes it`;
    expect(status.stdout).toContain(`! Sweeps by hand are not shown: ${why}`);
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      findings: expect.arrayContaining([
        {
          check: 'record by hand',
          light: 'yellow',
          found: why,
          fix: expect.stringContaining('npm run deploy -- --stage'),
        },
      ]) as unknown,
    });
  });
});

describe.concurrent('dli-reaper why, of a stage', () => {
  it('says of a cancelled job who cancelled it, when, by which limit, why, and what was read back', async (context) => {
    const { run } = await startStage(context);
    await run(...STUCK, '--confirm', 'default');

    const json = await run('why', jobId(1), ...TARGET, '--json');
    const screen = await run('why', jobId(1).toUpperCase(), ...TARGET);

    expect({ exitCode: json.exitCode, stderr: json.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      jobId: jobId(1),
      now: { status: 'CANCELLED', verdict: { action: 'keep', reason: 'terminal' } },
      record: [
        {
          record: BY_HAND,
          trigger: 'emergency',
          recordedBy: ME,
          requestReason: 'adhoc is stuck',
          outcome: 'cancelled',
          limitMs: 10 * MINUTE,
          status: 'CANCELLED',
          evidence: 'status',
        },
      ],
      problems: [],
    });
    expect(screen.stdout).toContain('Record of 7d, the latest first:\n');
    expect(screen.stdout).toMatch(
      /Z {2}cancelled by emergency-sql, in all \S+ against maxTotalTime 10m; DLI then said CANCELLED\n/,
    );
    expect(screen.stdout).toContain(`\n  an emergency of ${ME}: "adhoc is stuck", sweep `);
  });

  it('begins with the record of a job that is over, also where no rule is for it', async (context) => {
    const policy = { version: 1, mode: 'live', rules: [{ id: 'etl', match: { queue: 'etl' }, maxRunTime: '2h' }] };
    const { run } = await startStage(context, { [parameter('policies/base')]: JSON.stringify(policy) });
    await run(...STUCK, '--confirm', 'default');

    const { stdout } = await run('why', jobId(1), ...TARGET);

    expect(stdout).toMatch(
      /^Record of 7d, .*\n.*cancelled by emergency-sql.*\n[^\n]*\n\nJob .*Verdict: keep, no-rule/s,
    );
  });

  it('shows sweeps in a row with the same result once, and a kill of the function by its own record', async (context) => {
    const { aws, run } = await startStage(context);
    const at = Date.now();
    const job = {
      jobId: jobId(1),
      target: 'default',
      trigger: 'schedule',
      decision: 'cancel',
      rule: 'two-hours',
      clock: 'maxRunTime',
      limitMs: 120 * MINUTE,
      runTimeMs: 180 * MINUTE,
      status: 'RUNNING',
    };
    for (const minutes of [60, 45, 30]) {
      const line = {
        ...job,
        msg: 'job not asked to stop',
        sweepId: `dry-${minutes}`,
        outcome: 'skipped',
        reason: 'dry-run',
      };
      aws.log(OF_FUNCTION, line, at - minutes * MINUTE);
    }
    const victims = [{ jobId: jobId(1), rule: 'two-hours', clock: 'maxRunTime', limitMs: 1, readingMs: 2 }];
    const died = { msg: 'victims chosen', sweepId: 'died', target: 'default', count: 1, skipped: null, victims };
    aws.log(OF_FUNCTION, died, at - 15 * MINUTE);

    const { stdout } = await run('why', jobId(1), ...TARGET);

    const [, ...record] = stdout.slice(stdout.indexOf('Record of')).trim().split('\n');
    expect(record).toEqual([
      expect.stringContaining(
        'chosen to be cancelled; no result is on record, so the sweep is under way, or died by two-hours',
      ),
      `  a sweep, sweep died, in ${OF_FUNCTION}`,
      expect.stringMatching(
        /over a limit, not asked to stop: dry-run by two-hours, running 3h against maxRunTime 2h \(and in 2 sweeps before, since /,
      ),
      `  the schedule, sweep dry-30, in ${OF_FUNCTION}`,
    ]);
  });

  it('says that the owner was warned, and then how many jobs like it were cancelled before', async (context) => {
    const { aws, run } = await startStage(context);
    const at = Date.now();
    const warning = {
      rule: 'two-hours',
      clock: 'maxRunTime',
      limitMs: 120 * MINUTE,
      readingMs: 100 * MINUTE,
      mayBeCancelledAt: '2026-01-05T09:20:00.000Z',
    };
    const job = { jobId: jobId(1), target: 'default', trigger: 'schedule' };
    const kept = { ...job, decision: 'keep', outcome: 'skipped', reason: 'within-limit', warning };
    aws.log(OF_FUNCTION, { msg: 'job may be cancelled', sweepId: 'one', ...kept }, at - 45 * MINUTE);
    const cancelled = { ...job, decision: 'cancel', outcome: 'cancelled', status: 'CANCELLED', repeats: 3 };
    aws.log(OF_FUNCTION, { msg: 'job cancelled', sweepId: 'two', ...cancelled }, at - 15 * MINUTE);

    const { stdout } = await run('why', jobId(1), ...TARGET);
    const json = await run('why', jobId(1), ...TARGET, '--json');

    expect(stdout).toContain('3 sweeps of the 24 hours before cancelled a job like it: a client may run it again');
    expect(stdout).toContain(
      'may be cancelled from 2026-01-05T09:20:00.000Z on by two-hours, running 1h40m against maxRunTime 2h\n',
    );
    expect(JSON.parse(json.stdout)).toMatchObject({
      record: [
        { outcome: 'cancelled', repeats: 3, mayBeCancelledAt: null },
        { reason: 'within-limit', mayBeCancelledAt: '2026-01-05T09:20:00.000Z', readingMs: 100 * MINUTE },
      ],
    });
  });

  it('shows the record alone where DLI has forgotten the job, or cannot be asked', async (context) => {
    const { emulator, aws, run } = await startStage(context);
    const gone = { msg: 'job cancelled', jobId: jobId(9), sweepId: 's', outcome: 'cancelled', decision: 'cancel' };
    aws.log(OF_FUNCTION, gone);

    const forgotten = await run('why', jobId(9), ...TARGET);
    await emulator.close();
    const unreachable = await run('why', jobId(9), ...TARGET, '--json');

    expect(forgotten).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Record of 7d.*\n\nWhat DLI says/s),
    });
    expect(unreachable).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/^! /) });
    expect(JSON.parse(unreachable.stdout)).toMatchObject({ now: null, record: [{ outcome: 'cancelled' }] });
  });

  it('is partial where a record cannot be read, and says which', async (context) => {
    const { run } = await startStage(context, {}, { hasByHandLog: false });

    const { exitCode, stdout, stderr } = await run('why', jobId(1), ...TARGET);

    expect(exitCode).toBe(4);
    expect(stderr).toContain(`! ${BY_HAND}: the log cannot be read (ResourceNotFoundException)`);
    expect(stdout).toContain('Verdict: cancel, by rule two-hours');
  });

  it('ends with 1 for a job that neither DLI nor the record has', async (context) => {
    const { run } = await startStage(context);

    const result = await run('why', jobId(9), ...TARGET);

    expect(result).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'dli-reaper: JOB_ID: DLI knows no such job, and the record of 7d has none\n',
    });
  });
});
