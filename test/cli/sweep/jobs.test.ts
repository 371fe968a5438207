import { describe, expect, it } from 'vitest';
import { emulatedBatch, emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { keysOf, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';

// Half a minute beside the full one, since a clock that is read in whole seconds makes jobs a little younger.
const waiting = (n: number) =>
  runningJob(n, { ageMs: 1.5 * MINUTE, runsFrom: Date.now() + HOUR, queue: 'adhoc', owner: 'bo' });

describe('dli-reaper jobs', () => {
  it('shows who uses the queues now, without a policy: who runs, who waits, and the oldest', async (context) => {
    const { emulator } = await startService(context, '', {
      jobs: [
        runningJob(1, { ageMs: 3 * HOUR + 30.5 * MINUTE }),
        runningJob(2, { ageMs: MINUTE }),
        waiting(3),
        waiting(4),
        runningJob(5, { queue: 'bi', type: 'INSERT' }),
      ],
      flinkJobs: [emulatedFlinkJob(147)],
    });
    const { url, projectId } = emulator.connection;
    const run = (...more: string[]) =>
      runHere(['jobs', '--endpoint', url, '--project-id', projectId, ...more], keysOf(emulator.connection));

    const screen = await run();
    const json = await run('--json');
    const narrow = await run('--queue', 'ad*', '--owner', 'bo', '--json');

    expect(screen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(screen.stdout).toMatch(/^6 live jobs on 3 queues: 4 running, 2 waiting\.$/m);
    expect(screen.stdout).toMatch(/│ adhoc +│ ana +│ sql +│ 2 +│ +│ +│ 3h30m +│/);
    expect(screen.stdout).toMatch(/│ adhoc +│ bo +│ sql +│ +│ 2 +│ +│ 1m +│/);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'jobs',
      gaps: [],
      shares: expect.arrayContaining([
        expect.objectContaining({ queue: 'bi', owner: 'ana', engine: 'sql', running: 1, waiting: 0, other: 0 }),
        expect.objectContaining({ engine: 'flink', running: 1 }),
      ]),
    });
    expect((JSON.parse(narrow.stdout) as { shares: unknown[] }).shares).toEqual([
      expect.objectContaining({ queue: 'adhoc', owner: 'bo', running: 0, waiting: 2 }),
    ]);
  });

  it('asks DLI for lists only, one call for each hundred jobs and state', async (context) => {
    const { emulator } = await startService(context, '', {
      jobs: Array.from({ length: 150 }, (_, i) => runningJob(i + 1)),
      flinkJobs: [emulatedFlinkJob(147)],
    });
    const { url, projectId } = emulator.connection;

    await runHere(['jobs', '--endpoint', url, '--project-id', projectId], keysOf(emulator.connection));

    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(emulator.requests.filter(({ target }) => /\/(status|147)\b/.test(target))).toEqual([]);
    expect(emulator.requests.length).toBeLessThanOrEqual(15);
  });

  it('says so, and ends with 4, if a list is not complete', async (context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1)], sparkJobs: [emulatedBatch(6)] });
    const { url, projectId } = emulator.connection;
    emulator.faults.add({
      on: 'list-spark-batches',
      times: Number.POSITIVE_INFINITY,
      answer: { status: 400, body: { error_code: 'DLI.0003' } },
    });

    const { exitCode, stdout, stderr } = await runHere(
      ['jobs', '--endpoint', url, '--project-id', projectId],
      keysOf(emulator.connection),
    );

    expect(exitCode).toBe(4);
    expect(stderr).toContain('! listing incomplete: ');
    expect(stdout).toContain('1 live job on 1 queue: 1 running, 0 waiting.');
  });

  it('fits a screen of 60 lines with 300 owners', async (context) => {
    const jobs = Array.from({ length: 300 }, (_, i) => runningJob(i + 1, { owner: `user-${i}` }));
    const { emulator } = await startService(context, '', { jobs });
    const { url, projectId } = emulator.connection;

    const terminal = runOnTerminal(
      ['jobs', '--endpoint', url, '--project-id', projectId],
      keysOf(emulator.connection),
      { columns: 80, rows: 80 },
    );

    expect(await terminal.exited).toBe(0);
    const lines = (await terminal.screen()).split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(lines.at(-1)).toBe('and 260 more jobs in 260 smaller groups: see --all or --json');
  });
});
