import { describe, expect, it } from 'vitest';
import { runHere, runningJob } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { startTargets, TWINS, TWINS_EMERGENCY, twinsOf } from '../../helpers/several-targets.ts';
import { jobId } from '../../helpers/world.ts';

const EMERGENCY = ['emergency', '--stage', 'dev', '--all-targets', '--reason', 'quota', '--older-than', '2h'];

describe.concurrent('dli-reaper emergency for several targets', () => {
  it('cancels what it showed, and not a job of the same id on another target', async (context) => {
    const { aws, emulators } = await startTargets(context, TWINS());

    const terminal = runOnTerminal(TWINS_EMERGENCY, aws.env);
    await terminal.waitFor('Type dev 2 to cancel these 2 jobs:');
    terminal.type('dev 2\r');

    expect(await terminal.exited).toBe(0);
    expect(twinsOf(emulators)).toEqual(['job_cancel_success', 'job_running', 'job_cancel_success']);
    expect(await terminal.screen()).not.toContain('is not among the live jobs');
  });

  it('asks about those that can be swept, and ends with 1 naming those that cannot', async (context) => {
    const many = Array.from({ length: 3 }, (_, n) => runningJob(n + 1));
    const { aws, deletes } = await startTargets(
      context,
      { east: { jobs: [runningJob(1)] }, west: { jobs: many } },
      { changes: { '/dli-reaper/dev/targets/broken': '{}' } },
    );

    const terminal = runOnTerminal([...EMERGENCY, '--max-kills', '2'], aws.env, { columns: 160 });
    await terminal.waitFor(
      'Type dev 3 to cancel this job of 1 target, project emulator-1 (00000000000000000000000000000000) in emulator-1:',
    );
    terminal.type('dev 3\r');

    expect(await terminal.exited).toBe(1);
    expect([deletes('east'), deletes('west')]).toEqual([1, 0]);
    const end = (await terminal.screen()).split('Type dev 3').at(-1);
    expect(end).toContain('dli-reaper: broken: ');
    expect(end).toContain('dli-reaper: west: nothing was cancelled there, 3 victims are more than maxKills 2');
    expect(end).toContain('Sweep ok: 1 job seen, 1 overdue, 1 cancelled');
  });

  it('ends with 3 for a named job that no target has, and not for one that is on another', async (context) => {
    const { aws, deletes } = await startTargets(context, { east: { jobs: [runningJob(1)] }, west: {} });
    const run = (...ids: number[]) => {
      const named = ids.flatMap((n) => ['--job-id', jobId(n)]);
      return runHere([...EMERGENCY.slice(0, -2), ...named, '--confirm', 'dev 2', '--json'], aws.env);
    };
    const nowhere = `job ${jobId(7)} is on none of the targets that could be read`;

    const missing = await run(1, 7);
    const there = await run(1);

    expect(missing).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(nowhere) });
    expect(there).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(there.stdout)).toMatchObject({ sweeps: [{ unmet: [] }, { unmet: [], status: 'ok' }] });
    expect(deletes('east')).toBe(1);
  });

  it('reports what it cancelled also where a target has a name that no sweep takes', async (context) => {
    const { aws, deletes } = await startTargets(
      context,
      { east: { jobs: [runningJob(1)] } },
      { changes: { '/dli-reaper/dev/targets/old/west': '{}' } },
    );

    const { exitCode, stdout, stderr } = await runHere([...EMERGENCY, '--confirm', 'dev 2', '--json'], aws.env);

    expect(exitCode).toBe(1);
    expect(deletes('east')).toBe(1);
    expect(stderr).toContain('dli-reaper: old/west: ');
    expect(JSON.parse(stdout)).toMatchObject({
      sweeps: [{ target: 'east', counts: { cancelled: 1 } }],
      failures: [expect.stringContaining('old/west: ')],
    });
  });

  it('names what failed in its document too, where there was nothing to ask about', async (context) => {
    const { aws } = await startTargets(context, { east: {} }, { changes: { '/dli-reaper/dev/targets/broken': '{}' } });

    const terminal = runOnTerminal([...EMERGENCY, '--json'], aws.env, { columns: 300 });

    expect(await terminal.exited).toBe(1);
    expect(await terminal.screen()).toMatch(/"failures": \[\n {4}"broken: /);
  });

  it('asks for no cancel of a further target once Ctrl-C is pressed, and names those left out', async (context) => {
    const jobs = Array.from({ length: 60 }, (_, n) => runningJob(n + 1));
    const cancelling = Promise.withResolvers<void>();
    const onRequest = ({ method }: { method: string }) => method === 'DELETE' && cancelling.resolve();
    const { aws, emulators, deletes } = await startTargets(context, {
      east: { jobs, onRequest },
      west: { jobs: [runningJob(1)] },
    });
    emulators.east?.faults.add({ on: 'cancel-sql-job', times: Infinity, delayMs: 1_500, executes: true });

    const terminal = runOnTerminal([...EMERGENCY, '--max-kills', '100', '--confirm', 'dev 2'], aws.env);
    await cancelling.promise;
    terminal.type('\u0003');

    expect(await terminal.exited).toBe(1);
    expect(deletes('east')).toBeLessThan(60);
    expect(deletes('west')).toBe(0);
    expect(terminal.raw()).toContain('Interrupted: no further jobs are cancelled.');
    expect(terminal.raw()).toContain('dli-reaper: west: not swept, the operator interrupted it');
  });
});

describe.concurrent('a sweep in process', () => {
  it('cancels no job of a stage that was stopped while it listed', async (context) => {
    const onRequest = () => void aws.put('/dli-reaper/dev/switch', 'stop');
    const { aws, emulators, deletes } = await startTargets(context, { east: { jobs: [runningJob(1)], onRequest } });

    const { exitCode, stdout } = await runHere(
      ['sweep', '--stage', 'dev', '--target', 'east', '--no-dry-run', '--json'],
      aws.env,
    );

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
