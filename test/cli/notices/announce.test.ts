import { describe, expect, it, type TestContext } from 'vitest';
import { keysOf, makeFolder, runCli, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { POLICY, startStage } from '../../helpers/start-stage.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const policy = makeFolder()('policy.json', JSON.stringify(POLICY));

const JOBS = [
  runningJob(1, { owner: 'ana', queue: 'adhoc', ageMs: 3 * HOUR }),
  runningJob(2, { owner: 'ana', queue: 'adhoc', ageMs: 5 * HOUR }),
  runningJob(3, { owner: 'ben', queue: 'bi', ageMs: 3 * HOUR }),
  runningJob(4, { owner: '', queue: 'bi', ageMs: 3 * HOUR }),
  runningJob(5, { owner: 'cleo', queue: 'bi', ageMs: MINUTE }),
];

async function start(context: TestContext, jobs = JOBS) {
  const { emulator, deletes } = await startService(context, policy, { jobs });
  const { url, projectId } = emulator.connection;
  const flags = ['--policy', policy, '--endpoint', url, '--project-id', projectId];
  const env = keysOf(emulator.connection);
  const run = (...args: string[]) => runHere(['notices', 'announce', ...flags, ...args], env);
  return { emulator, deletes, flags, env, run };
}

interface Announced {
  liveAt: string | null;
  announcements: { owner: string; jobIds: string[]; title: string; text: string }[];
  withoutOwner: { jobId: string }[];
  problems: string[];
}

describe.concurrent('dli-reaper notices announce', () => {
  it('writes to each owner of a job that the policy would cancel, and lists the jobs without an owner', async (context) => {
    const { emulator, deletes, flags, env } = await start(context);
    const { projectId } = emulator.connection;
    const about = ['--live-at', '2099-02-01', '--ask', '#bi'];

    const { exitCode, stdout } = await runCli(['notices', 'announce', ...flags, ...about], env);

    expect(exitCode).toBe(0);
    const steady = stdout.replaceAll(/h\d*m?( \d+s)? running/g, 'h running');
    expect(steady.split('\n').slice(1)).toEqual([
      '',
      'To owner ana, about 2 jobs:',
      `  Your DLI jobs in project ${projectId}: 2 would be cancelled`,
      '  From 2099-02-01 on, a program called dli-reaper cancels such jobs.',
      `  - job ${jobId(2)} on queue adhoc: 5h running, and rule two-hours allows 2h`,
      `  - job ${jobId(1)} on queue adhoc: 3h running, and rule two-hours allows 2h`,
      '  This was a dry run, so nothing was cancelled. Later, such jobs will be: if yours need more time, ask now.',
      '  Whom to ask: #bi',
      '  What they run to keep such jobs for now: dli-reaper exempt keep-ana-adhoc --stage STAGE --owner ana --queue adhoc --until 2099-02-08T00:00:00Z --reason "asked by ana" --contact ana',
      '  What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper',
      '',
      'To owner ben, about 1 job:',
      `  Your DLI job in project ${projectId} would be cancelled`,
      '  From 2099-02-01 on, a program called dli-reaper cancels such jobs.',
      `  - job ${jobId(3)} on queue bi: 3h running, and rule two-hours allows 2h`,
      '  This was a dry run, so nothing was cancelled. Later, such jobs will be: if yours need more time, ask now.',
      '  Whom to ask: #bi',
      '  What they run to keep such jobs for now: dli-reaper exempt keep-ben-bi --stage STAGE --owner ben --queue bi --until 2099-02-08T00:00:00Z --reason "asked by ben" --contact ben',
      '  What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper',
      '',
      'Without an owner, 1 job:',
      `  ${jobId(4)} on queue bi, by rule two-hours`,
      '',
    ]);
    expect(deletes()).toBe(0);
  });

  it('says nothing of a date that was not given, and prints a document', async (context) => {
    const { run } = await start(context);

    const { exitCode, stdout } = await run('--json');

    const { liveAt, announcements, withoutOwner } = JSON.parse(stdout) as Announced;
    expect({ exitCode, liveAt }).toEqual({ exitCode: 0, liveAt: null });
    expect(announcements).toMatchObject([
      { owner: 'ana', jobIds: [jobId(2), jobId(1)] },
      { owner: 'ben', jobIds: [jobId(3)] },
    ]);
    expect(announcements[0]?.text).toContain('\nA program called dli-reaper is going to cancel such jobs.\n');
    expect(withoutOwner).toEqual([{ jobId: jobId(4), queue: 'bi', rule: 'two-hours' }]);
  });

  it('takes target and stage from Parameter Store and the environment, as plan does, and writes nothing there', async (context) => {
    const { aws, emulator } = await startStage(context);

    const { exitCode, stdout, stderr } = await runCli(['notices', 'announce', '-q'], {
      ...aws.env,
      DLI_REAPER_STAGE: 'dev',
      DLI_REAPER_TARGET: 'default',
    });

    expect(exitCode).toBe(0);
    expect(stderr).toBe('stage dev, from DLI_REAPER_STAGE; target default, from DLI_REAPER_TARGET\n');
    expect(stdout).toContain(' --stage dev ');
    expect(aws.calls.filter((call) => /^(Put|Invoke|Create)/.test(call))).toEqual([]);
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('says that there is nothing to announce', async (context) => {
    const { run } = await start(context, [runningJob(1, { ageMs: MINUTE })]);

    const { exitCode, stdout } = await run();

    expect(exitCode).toBe(0);
    expect(stdout).toContain('There is nothing to announce: the policy cancels no job now.\n');
  });

  it('ends with 4 and says why if the plan is not complete', async (context) => {
    const { emulator, run } = await start(context);
    const answer = { status: 500, body: '' };
    emulator.faults.add({ on: 'list-sql-jobs', target: 'job-status=LAUNCHING', times: Infinity, answer });

    const { exitCode, stderr } = await run();

    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^! listing incomplete: list LAUNCHING jobs/m);
  });

  it.for([
    { when: '2020-01-01', says: '--live-at: is in the past' },
    { when: 'soon', says: '--live-at: expected a day such as' },
  ])('refuses a date such as $when', async ({ when, says }, context) => {
    const { emulator, run } = await start(context);

    expect(await run('--live-at', when)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(says) });
    expect(emulator.requests).toEqual([]);
  });

  it('also writes to owners of past jobs that it would have cancelled, from a file of the past', async (context) => {
    const ended = (n: number, owner: string, hours: number) => {
      const submittedAt = Date.now() - 30 * HOUR;
      return { ...runningJob(n), owner, submittedAt, runsFrom: submittedAt, endsAt: submittedAt + hours * HOUR };
    };
    const { emulator, flags, env, run } = await start(context, [
      ...JOBS,
      ended(6, 'ana', 4),
      ended(7, 'dan', 3),
      ended(8, 'dan', 1),
    ]);
    const file = policy.replace('policy.json', 'past.json');
    await runHere(['backtest', ...flags, '--history', file], env);

    const { stdout, exitCode } = await run('--history', file, '--json');
    const calls = emulator.requests.filter(({ target }) => target.includes('start_time_desc'));

    expect(exitCode).toBe(0);
    const { announcements } = JSON.parse(stdout) as {
      announcements: (Announced['announcements'][number] & { pastJobIds: string[] })[];
    };
    const [ana, dan] = ['ana', 'dan'].map((name) => announcements.find(({ owner }) => owner === name));
    expect(ana).toMatchObject({
      jobIds: [jobId(2), jobId(1)],
      pastJobIds: expect.arrayContaining([jobId(6)]) as never,
    });
    expect(dan).toMatchObject({ jobIds: [], pastJobIds: [jobId(7)] });
    expect(dan?.text.split('\n')).toEqual([
      `Your DLI jobs in project ${emulator.connection.projectId}: none would be cancelled now`,
      'A program called dli-reaper is going to cancel such jobs.',
      `In the last 2 days it would have cancelled 1 job of yours, of which 1 finished well. The longest over its limit was job ${jobId(7)} on queue adhoc: 3h in all, and rule two-hours allows 2h.`,
      'If yours need more time, ask now. Whom to ask: the operators of the DLI job reaper',
      'What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper',
    ]);
    expect(calls).toHaveLength(1);
  });
});
