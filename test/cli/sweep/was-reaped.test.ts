import { describe, expect, it, type TestContext } from 'vitest';
import { runWasReaped } from '../../../cli/sweep/was-reaped.ts';
import { runCli, runningJob, withEnvironment } from '../../helpers/run-cli.ts';
import { startStage } from '../../helpers/start-stage.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const OF_FUNCTION = '/aws/lambda/dli-job-reaper-dev-sweep';
const TARGET = ['--target', 'default'];
const LIVE_SWEEP = ['sweep', ...TARGET, '--no-dry-run'];

type Options = Parameters<typeof startStage>[2];

/** A stage with a job that failed by itself an hour ago, and with an hourly record unless a test writes its own. */
async function start(context: TestContext, { isRecorded = true, ...options }: Options & { isRecorded?: boolean } = {}) {
  const stage = await startStage(context, {}, options);
  const now = Date.now();
  stage.emulator.sql.add(runningJob(5, { ageMs: 3 * HOUR, endsAt: now - HOUR, endsAs: 'FAILED' }));
  const sweptAt = (at: number) =>
    stage.aws.log(OF_FUNCTION, { ...SWEPT, sweepId: String(at), startedAt: new Date(at).toISOString() }, at + MINUTE);
  if (isRecorded) for (let hours = 30; hours >= 0.5; hours -= 0.5) sweptAt(now - hours * HOUR);
  const ask = (n: number, ...more: string[]) => stage.run('was-reaped', jobId(n), ...TARGET, ...more);
  return { ...stage, ask, sweptAt, endedAt: ['--ended-at', new Date(now - HOUR).toISOString()] };
}

const SWEPT = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok', dryRun: false };

const chosen = (n: number, skipped: string | null) => ({
  msg: 'victims chosen',
  sweepId: 'one',
  target: 'default',
  count: 1,
  skipped,
  victims: [{ jobId: jobId(n), rule: 'two-hours', clock: 'maxRunTime', limitMs: 2 * HOUR, readingMs: 3 * HOUR }],
});

describe.concurrent('dli-reaper was-reaped', () => {
  it('says yes of a job that a sweep cancelled, and shows which', async (context) => {
    const { run, ask } = await start(context, { isRecorded: false });
    await run(...LIVE_SWEEP);

    const screen = await ask(1);
    const json = await ask(1, '--json');

    expect(screen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(screen.stdout).toMatch(/^Yes, it was reaped: a live sweep chose it at \S+\.\n\nRecord of 7d/);
    expect(screen.stdout).toContain('cancelled by two-hours, running ');
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'was-reaped',
      jobId: jobId(1),
      answer: 'yes',
      record: [{ outcome: 'cancelled', chosenAt: expect.any(String) as unknown }],
    });
  });

  it('says yes as soon as a live sweep has chosen it, though it runs and no one may ask DLI', async (context) => {
    const { aws, ask } = await start(context, { refusedOperations: ['GetParameters'] });
    aws.log(OF_FUNCTION, chosen(1, null));

    expect(await ask(1)).toMatchObject({ exitCode: 0 });
    // The job and the end of its sweep, each in two records; not the sweeps of a week.
    expect(aws.calls.filter((call) => call === 'FilterLogEvents')).toHaveLength(4);
  });

  it('finds a job whose id DLI writes in capitals', async (context) => {
    const { aws, run } = await start(context);
    const id = '00000000-0000-4000-8000-00000000000a';
    const line = { ...chosen(1, null), victims: [{ jobId: id.toUpperCase(), rule: 'two-hours' }] };
    aws.log(OF_FUNCTION, line);

    expect(await run('was-reaped', id, ...TARGET)).toMatchObject({ exitCode: 0 });
  });

  it('says no of a job that failed by itself, once a later sweep is on record', async (context) => {
    const { ask, endedAt } = await start(context);

    const { exitCode, stdout, stderr } = await ask(5, ...endedAt);

    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout).toBe('No, it was not reaped: no sweep on record chose it, and the record goes on after its end.\n');
  });

  it('says no without DLI, if the caller knows when it ended', async (context) => {
    const { ask, endedAt } = await start(context, { refusedOperations: ['GetParameters'] });

    expect(await ask(5, ...endedAt)).toMatchObject({ exitCode: 3 });
    expect(await ask(5)).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(/^It is not known .* DLI could not be asked whether it has ended: .*\n/) as unknown,
    });
  });

  it('never says yes of the victims of a dry run', async (context) => {
    const { aws, run, ask, endedAt } = await start(context);
    aws.log(OF_FUNCTION, chosen(5, 'dry-run'), Date.now() - 90 * MINUTE);
    const skipped = { ...SWEPT, msg: 'job not asked to stop', sweepId: 'one', jobId: jobId(5), decision: 'cancel' };
    aws.log(OF_FUNCTION, { ...skipped, outcome: 'skipped', reason: 'dry-run' }, Date.now() - 90 * MINUTE);
    await run('sweep', ...TARGET);

    expect(await ask(5, ...endedAt)).toMatchObject({ exitCode: 3 });
    expect(await ask(1)).toMatchObject({ exitCode: 4 });
  });

  it.for([
    { name: 'a job that runs', n: 2, options: {}, says: 'it has not ended: DLI says RUNNING' },
    { name: 'a job that DLI does not know', n: 9, options: {}, says: 'DLI knows no such job' },
    { name: 'a stage that was never swept', n: 5, options: { isRecorded: false }, says: 'is on record' },
    { name: 'a record by hand that does not exist', n: 5, options: { hasByHandLog: false }, says: 'by-hand: the log' },
    {
      name: 'a log that may not be read',
      n: 5,
      options: { refusedOperations: ['FilterLogEvents'] },
      says: 'the log cannot be read (AccessDeniedException)',
    },
  ])('does not know of $name', async ({ n, options, says }, context) => {
    const { ask, endedAt } = await start(context, options);

    const screen = await ask(n, ...endedAt);
    const json = await ask(n, ...endedAt, '--json');

    expect(screen).toMatchObject({ exitCode: 4, stderr: '', stdout: expect.stringContaining(says) as unknown });
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'was-reaped', answer: 'unknown' });
  });

  it('does not know where the sweeps after its end are those of another target, or by hand', async (context) => {
    const { aws, ask, sweptAt, endedAt } = await start(context, { isRecorded: false });
    const now = Date.now();
    sweptAt(now - 30 * HOUR);
    const later = { ...SWEPT, sweepId: 'later', startedAt: new Date(now - 30 * MINUTE).toISOString() };
    aws.log(OF_FUNCTION, { ...later, target: 'other' });
    aws.log('/dli-job-reaper/dev/by-hand', later);

    expect(await ask(5, ...endedAt)).toMatchObject({ exitCode: 4 });
  });

  it('does not know when a SQL job ended, since DLI does not say, and takes its own look for the end', async (context) => {
    const { ask } = await start(context);

    const { exitCode, stdout } = await ask(5);

    expect(exitCode).toBe(4);
    expect(stdout).toContain('has ended yet: ask again later');
  });

  it('asks again with --wait, until it knows', async (context) => {
    const { aws } = await start(context);
    const waits: number[] = [];
    const clock = {
      now: () => Date.now() + waits.reduce((sum, ms) => sum + ms, 0),
      sleep: async (ms: number) => {
        waits.push(ms);
        if (waits.length === 2) aws.log(OF_FUNCTION, chosen(2, null));
      },
    };
    const said: string[] = [];
    const terminal = { env: aws.env, out: (text: string) => void said.push(text), err: () => {} };
    const flags = { stage: 'dev', target: 'default', within: '7d', wait: '2m' };

    const exitCodes = await withEnvironment(aws.env, async () => [
      await runWasReaped(jobId(2), flags, terminal, clock),
      await runWasReaped(jobId(9), { ...flags, wait: '15s' }, terminal, clock),
    ]);

    expect(exitCodes).toEqual([0, 4]);
    expect(waits.slice(0, 3)).toEqual([10_000, 10_000, 10_000]);
    expect(waits).toHaveLength(4);
    expect(said[0]).toMatch(/^Yes, it was reaped/);
    expect(said.at(-1)).toMatch(/^It is not known/);
  });

  it.for([
    { name: 'no target', args: [jobId(1)], says: "required option '--target <name>' not specified" },
    {
      name: 'a target that does not exist',
      args: [jobId(1), '--target', 'nowhere'],
      says: 'there is no target nowhere',
    },
    { name: 'an id that is none', args: ['../queues', ...TARGET], says: 'JOB_ID: expected' },
    {
      name: 'an end that is no time',
      args: [jobId(1), ...TARGET, '--ended-at', 'yesterday'],
      says: '--ended-at: expected a time with its zone',
    },
    { name: 'a wait without a unit', args: [jobId(1), ...TARGET, '--wait', '2'], says: 'write the unit' },
  ])('ends with 1 for $name', async ({ args, says }, context) => {
    const { run } = await start(context);

    const { exitCode, stdout, stderr } = await run('was-reaped', ...args);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(says);
  });

  it('is a process whose exit code is the answer', async (context) => {
    const { aws } = await start(context);
    aws.log(OF_FUNCTION, chosen(1, null));

    const args = ['was-reaped', '--stage', 'dev', ...TARGET];

    expect((await runCli([...args, jobId(1)], aws.env)).exitCode).toBe(0);
    expect((await runCli([...args, jobId(2)], aws.env)).exitCode).toBe(4);
  });
});
