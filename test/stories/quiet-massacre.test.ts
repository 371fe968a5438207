import path from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startEmulator } from '../../emulator/server.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { DEFAULT_CEILINGS } from '../../lib/settings/ceilings.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { mostInDay, POLICY, sweepFor } from '../helpers/many-sweeps.ts';
import { SWEEP_LOG } from '../helpers/past-sweeps.ts';
import { keysOf, makeFolder, runHere, runningJob } from '../helpers/run-cli.ts';
import { emulatedJob, HOUR, MINUTE } from '../helpers/world.ts';

const MASSACRE = {
  version: 1,
  mode: 'live',
  maxKills: 100_000,
  maxKillsPercent: 100,
  rules: [{ id: 'all', match: 'all', maxTotalTime: '1s' }],
};
const JOBS = 450;
/** What somebody has to loosen before it can begin. */
const LET_ALL = { REAPER_ALL_MAY_CANCEL: 'true', REAPER_SHORTEST_LIMIT: '1s' };
const TICK = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };

const writeFile = makeFolder();

async function startDli({ onTestFinished }: TestContext, count = JOBS) {
  const jobs = Array.from({ length: count }, (_, i): EmulatedJob => runningJob(i + 1));
  const emulator = await startEmulator({ now: Date.now, random: Math.random, jobs, cancelDelayMs: 0 });
  onTestFinished(emulator.close);
  const cancelled = () => emulator.sql.all().filter(({ cancelledAt }) => cancelledAt !== undefined).length;
  return { emulator, cancelled };
}

/** The command line, pointed at an emulator, with nothing loosened but what the test says. */
async function startTerminal(context: TestContext, policy: object, env: Record<string, string> = {}) {
  const { emulator, cancelled } = await startDli(context);
  const { url, projectId } = emulator.connection;
  const file = writeFile(`${context.task.id}.json`, JSON.stringify(policy));
  const target = ['--policy', file, '--endpoint', url, '--project-id', projectId];
  const run = (verb: string, ...more: string[]) =>
    runHere([verb, ...target, ...more, '--json'], { ...keysOf(emulator.connection), ...env });
  return { run, cancelled };
}

/** The deployed function, whose log is kept. */
async function startStage(
  context: TestContext,
  policy: object,
  { ceilings = {}, count = JOBS }: { ceilings?: Record<string, string>; count?: number } = {},
) {
  const { emulator, cancelled } = await startDli(context, count);
  const aws = await startAwsServer(stageParameters('dev', emulator.connection, policy), { ceilings });
  context.onTestFinished(aws.close);
  const tick = async () => {
    const answer = await invokeBundle('sweep', TICK, aws.env);
    for (const line of answer.log) aws.log(SWEEP_LOG, line);
    return answer;
  };
  return { tick, cancelled };
}

const WORDS = [
  'stopped: rule all: match is for all jobs, and such a rule may not cancel here; name queues or owners in it, or LOOSEN_ALL; ' +
    'rule all: maxTotalTime 1s is below 15m, the shortest limit at which a job may be cancelled here; raise it to 15m, or LOOSEN_LIMIT',
];
const wordsWith = (all: string, limit: string) =>
  WORDS.map((text) => text.replace('LOOSEN_ALL', all).replace('LOOSEN_LIMIT', limit));

describe.concurrent('the quiet massacre', () => {
  it('cancels no job from a terminal, says why, and ends with 1', async (context) => {
    const { run, cancelled } = await startTerminal(context, MASSACRE);

    const { exitCode, stdout } = await run('sweep', '--no-dry-run');

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: true,
      dryRunBecause: ['ceilings'],
      status: 'stopped',
      stoppedBy: 'ceilings',
      problems: wordsWith('set REAPER_ALL_MAY_CANCEL=true', 'set REAPER_SHORTEST_LIMIT=1s').concat(
        expect.stringContaining('450 victims are more than 100, the ceiling for a sweep here') as never,
      ),
      counts: { toCancel: JOBS, cancelled: 0, skipped: { cap: JOBS } },
    });
    expect(cancelled()).toBe(0);
  });

  it('is announced by a plan, and by validate', async (context) => {
    const { run } = await startTerminal(context, MASSACRE);
    const file = writeFile('massacre.json', JSON.stringify(MASSACRE, null, 2));

    const plan = await run('plan');
    const validate = await runHere(['validate', file]);

    expect(plan.exitCode).toBe(0);
    expect(JSON.parse(plan.stdout)).toMatchObject({
      status: 'capped',
      notices: [expect.stringMatching(/^a live sweep would be a dry run: rule all: match is for all jobs/)],
    });
    expect(validate.exitCode).toBe(0);
    const warnings = validate.stdout.split('\n').filter((line) => line.includes(': warning: '));
    expect(warnings.map((line) => line.replace(/^.*: warning: /, ''))).toEqual([
      'is for all jobs; by default a stage does not let such a rule cancel',
      '1s is below 15m, the shortest limit at which a stage cancels jobs by default',
      '100000 jobs in one sweep is more than 100, which a stage allows by default',
      '100 means that every live job may be cancelled at once',
    ]);
  });

  it('is announced by a plan of a snapshot, and by a replay, as by a plan of this moment', async (context) => {
    const { emulator } = await startDli(context);
    const { url, projectId } = emulator.connection;
    const snapshot = await runHere(
      ['snapshot', '--endpoint', url, '--project-id', projectId],
      keysOf(emulator.connection),
    );
    const file = writeFile('snapshots/one.json', snapshot.stdout);
    const policy = writeFile('judged.json', JSON.stringify(MASSACRE));

    const plan = await runHere(['plan', '--from', file, '--policy', policy, '--json']);
    const replay = await runHere(['replay', '--snapshots', path.dirname(file), '--policy', policy, '--json']);

    expect(JSON.parse(plan.stdout)).toMatchObject({
      status: 'capped',
      caps: { ceiling: 100 },
      notices: [
        expect.stringContaining('judged as of'),
        expect.stringMatching(/^a live sweep would be a dry run: rule all: match is for all jobs/),
      ],
    });
    expect(JSON.parse(replay.stdout)).toMatchObject({
      deaths: [],
      capped: [{ reason: expect.stringContaining('450 victims are more than 100, the ceiling for a sweep here') }],
    });
  });

  it('cancels no job from a terminal that lets all jobs be cancelled, since there are more than a sweep may', async (context) => {
    const { run, cancelled } = await startTerminal(context, MASSACRE, LET_ALL);

    const { exitCode, stdout } = await run('sweep', '--no-dry-run');

    expect(exitCode).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: false,
      status: 'capped',
      caps: { maxKills: 100_000, ceiling: 100 },
      problems: [
        'over the cap, so no job was cancelled: 450 victims are more than 100, the ceiling for a sweep here, which maxKills 100000 does not raise',
      ],
    });
    expect(cancelled()).toBe(0);
  });

  it('cancels no job through the deployed function, says why, and counts as stopped', async (context) => {
    const { tick, cancelled } = await startStage(context, MASSACRE);

    const { returned, metrics } = await tick();

    expect(returned).toMatchObject({
      dryRunBecause: ['ceilings'],
      status: 'stopped',
      stoppedBy: 'ceilings',
      counts: { cancelled: 0 },
    });
    expect((returned as { problems: string[] }).problems[0]).toBe(
      wordsWith('deploy with --param allMayCancel=true', 'deploy with --param shortestLimit=1s')[0],
    );
    expect(metrics).toMatchObject({ SweepsStopped: 1, JobsCancelled: 0, JobsStuck: 0 });
    expect(cancelled()).toBe(0);
  });

  it('cancels what the ceilings leave of it where a deploy lets all jobs be cancelled and the policy drains', async (context) => {
    const { tick, cancelled } = await startStage(
      context,
      { ...MASSACRE, drain: true },
      { ceilings: LET_ALL, count: 220 },
    );

    const reports = [];
    for (let i = 0; i < 4; i++) reports.push((await tick()).returned);

    expect(reports).toMatchObject([
      { status: 'capped', counts: { cancelled: 3, skipped: { 'first-sweep': 97, cap: 120 } } },
      { status: 'capped', counts: { cancelled: 100, skipped: { cap: 117 } } },
      { status: 'capped', counts: { cancelled: 97, skipped: { cap: 20 } } },
      { status: 'capped', counts: { cancelled: 0, skipped: { cap: 20 } } },
    ]);
    expect(reports.map((report) => (report as { notices: string[] }).notices.length)).toEqual([1, 0, 0, 0]);
    expect((reports[3] as { problems: string[] }).problems).toEqual([
      expect.stringMatching(
        /^over the cap, so no job was cancelled: 20 victims, and 200 of the 200 kills that the sweeps of a target may have in 24 hours are used; wait, or deploy with --param killsPerDay=…$/,
      ),
    ]);
    expect(cancelled()).toBe(200);
  });
});

describe('match: all, maxRunTime: 5m, under the default caps', () => {
  const policy = { version: 1, mode: 'live', drain: true, rules: [{ id: 'slip', match: 'all', maxRunTime: '5m' }] };
  /** Fifteen more at each tick, and the default caps let twenty go each time: 1,440 a day. */
  const jobs = Array.from({ length: 96 * 15 }, (_, i) =>
    emulatedJob(i + 1, { ageMs: 10 * MINUTE - Math.floor(i / 15) * 15 * MINUTE, endsAt: Date.parse('2027-01-01') }),
  );
  // Writes, which no such rule touches: so many that no percentage is in the way.
  const others = Array.from({ length: 200 }, (_, i) =>
    emulatedJob(5_000 + i, { type: 'INSERT', endsAt: Date.parse('2027-01-01') }),
  );
  const before = (store: { put: (name: string, value: string) => unknown }) =>
    void store.put(POLICY, JSON.stringify(policy));

  it.each([
    { name: 'cancels no job', ceilings: DEFAULT_CEILINGS, kills: 0 },
    {
      name: 'cancels the ceiling of a day at most, where a deploy lets all jobs be cancelled',
      ceilings: { ...DEFAULT_CEILINGS, allMayCancel: true, shortestLimitMs: 0 },
      kills: 200,
    },
  ])('$name', async ({ ceilings, kills }) => {
    const killedAt = await sweepFor(24 * HOUR, {
      jobs: [...jobs, ...others],
      ceilings: { ...ceilings, setBy: 'deploy' },
      before,
    });

    expect(mostInDay(killedAt)).toBe(kills);
  });
});
