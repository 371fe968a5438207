import { describe, expect, it, type TestContext } from 'vitest';
import type { EmulatedFlinkJob } from '../../emulator/flink-jobs.ts';
import type { EmulatedJob } from '../../emulator/jobs.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { emulatedFlinkJob } from '../helpers/emulated-api.ts';
import { stageParameters } from '../helpers/parameter-store.ts';
import { runCli, runningJob } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE, NOW } from '../helpers/world.ts';

const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const EMERGENCY = ['emergency', '--stage', 'dev', '--all-targets', '--reason', 'quota', '--older-than', '2h'];

interface Jobs {
  jobs?: EmulatedJob[];
  flinkJobs?: EmulatedFlinkJob[];
}

/** A stage of several targets, each a DLI of its own. */
async function startStage(context: TestContext, targets: Record<string, Jobs>, changes: Record<string, string> = {}) {
  const emulators: Record<string, Emulator> = {};
  const parameters: Record<string, string> = {};
  for (const [name, jobs] of Object.entries(targets)) {
    const emulator = await startEmulator({
      ...{ now: Date.now, random: Math.random, cancelDelayMs: 0, jobs: [], ...jobs },
    });
    context.onTestFinished(emulator.close);
    emulators[name] = emulator;
    const { '/dli-reaper/dev/targets/default': target = '', ...others } = stageParameters(
      'dev',
      emulator.connection,
      POLICY,
    );
    Object.assign(parameters, others, { [`/dli-reaper/dev/targets/${name}`]: target });
  }
  const aws = await startAwsServer({ ...parameters, ...changes });
  context.onTestFinished(aws.close);
  const deletes = (name: string) =>
    emulators[name]?.requests.filter(({ method, target }) => method === 'DELETE' || target.includes('/stop')).length ??
    0;
  return { aws, emulators, deletes };
}

/** By the machine's own clock. */
function runningFlinkJob(id: number, ageMs: number): EmulatedFlinkJob {
  return emulatedFlinkJob(id, { ageMs: NOW - Date.now() + ageMs });
}

describe.concurrent('dli-reaper emergency for several targets', () => {
  it('cancels what it showed, and not a job of the same id on another target', async (context) => {
    const { aws, emulators } = await startStage(context, {
      east: { flinkJobs: [runningFlinkJob(7, 3 * HOUR)] },
      west: { flinkJobs: [runningFlinkJob(7, MINUTE), runningFlinkJob(8, 3 * HOUR)] },
    });

    const terminal = runOnTerminal([...EMERGENCY, '--engine', 'flink', '--no-savepoint'], aws.env);
    await terminal.waitFor('Type dev 2 to cancel these 2 jobs:');
    terminal.type('dev 2\r');

    expect(await terminal.exited).toBe(0);
    const statusOf = (name: string, id: string) => emulators[name]?.flink.get(id)?.life.at(-1)?.state;
    expect([statusOf('east', '7'), statusOf('west', '7'), statusOf('west', '8')]).toEqual([
      ...['job_cancel_success', 'job_running', 'job_cancel_success'],
    ]);
    expect(await terminal.screen()).not.toContain('is not among the live jobs');
  });

  it('asks about those that can be swept, and ends with 1 naming those that cannot', async (context) => {
    const many = Array.from({ length: 3 }, (_, n) => runningJob(n + 1));
    const { aws, deletes } = await startStage(
      context,
      { east: { jobs: [runningJob(1)] }, west: { jobs: many } },
      { '/dli-reaper/dev/targets/broken': '{}' },
    );

    const terminal = runOnTerminal([...EMERGENCY, '--max-kills', '2'], aws.env, { columns: 160 });
    await terminal.waitFor('Type dev 3 to cancel this job of 1 target:');
    terminal.type('dev 3\r');

    expect(await terminal.exited).toBe(1);
    expect([deletes('east'), deletes('west')]).toEqual([1, 0]);
    const end = (await terminal.screen()).split('Type dev 3').at(-1);
    expect(end).toContain('dli-reaper: broken: ');
    expect(end).toContain('dli-reaper: west: nothing was cancelled there, 3 victims are more than maxKills 2');
    expect(end).toContain('Sweep ok: 1 job seen, 1 overdue, 1 cancelled');
  });

  it('asks for no cancel of a further target once Ctrl-C is pressed, and names those left out', async (context) => {
    const jobs = Array.from({ length: 60 }, (_, n) => runningJob(n + 1));
    const { aws, emulators, deletes } = await startStage(context, { east: { jobs }, west: { jobs: [runningJob(1)] } });
    emulators.east?.faults.add({ on: 'cancel-sql-job', times: Infinity, delayMs: 1_500, executes: true });

    const terminal = runOnTerminal([...EMERGENCY, '--max-kills', '100', '--confirm', 'dev 2'], aws.env);
    await context.expect.poll(() => deletes('east'), { timeout: 20_000 }).toBeGreaterThan(0);
    terminal.type('\u0003');

    expect(await terminal.exited).toBe(1);
    expect(deletes('east')).toBeLessThan(60);
    expect(deletes('west')).toBe(0);
    expect(terminal.raw()).toContain('Interrupted: no more jobs are asked to stop.');
    expect(terminal.raw()).toContain('dli-reaper: west: not swept, the operator interrupted it');
  });
});

describe.concurrent('a sweep in process', () => {
  it('cancels nobody whose stage was stopped while it listed', async (context) => {
    const { aws, emulators, deletes } = await startStage(context, { east: { jobs: [runningJob(1)] } });
    emulators.east?.faults.add({ on: 'list-sql-jobs', times: 1, delayMs: 1_500 });

    const sweep = runCli(['sweep', '--stage', 'dev', '--target', 'east', '--no-dry-run', '--json'], aws.env);
    await context.expect.poll(() => emulators.east?.requests.length, { timeout: 20_000 }).toBeGreaterThan(0);
    aws.put('/dli-reaper/dev/switch', 'stop');
    const { exitCode, stdout } = await sweep;

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'stopped',
      problems: ['stopped: the switch is no longer set to run'],
      counts: { skipped: { stopped: 1 } },
    });
    expect(deletes('east')).toBe(0);
    expect(emulators.east?.statusOf(jobId(1))).toBe('RUNNING');
  });
});
