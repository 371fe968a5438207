import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmulator } from '../../emulator/server.ts';
import { LOOSE_CEILINGS } from '../helpers/ceilings.ts';
import { CLI, cleanEnvironment, keysOf, makeFolder, runHere, runningJob } from '../helpers/run-cli.ts';
import { HOUR, jobId, MINUTE } from '../helpers/world.ts';

const writeFile = makeFolder();
const policy = writeFile(
  'two-hours.json',
  JSON.stringify({
    version: 1,
    mode: 'live',
    maxKillsPercent: 100,
    rules: [{ id: 'r', match: 'all', ignore: { owner: 'bo' }, maxRunTime: '2h' }],
    exemptions: [{ id: 'e', reason: 'closing', owner: 'team', until: '2099-01-01', match: { queue: 'etl' } }],
  }),
);

const OVERDUE = [1, 2, 3, 4, 5, 6, 7, 8];
const KILLS = 20;

/** A sweep in a process of its own, which SIGKILL ends at its n-th request; and another sweep after it. */
async function killAtRequest(n: number) {
  let requests = 0;
  let onKill = () => {};
  const emulator = await startEmulator({
    now: Date.now,
    random: Math.random,
    cancelDelayMs: 0,
    jobs: [
      ...OVERDUE.map((one) => runningJob(one, { ageMs: (one + 2) * HOUR })),
      runningJob(20, { ageMs: MINUTE }),
      runningJob(21, { owner: 'bo' }),
      runningJob(22, { queue: 'etl' }),
      runningJob(23, { type: 'INSERT' }),
    ],
    onRequest: () => {
      requests += 1;
      if (requests === n) onKill();
    },
  });
  onTestFinished(emulator.close);
  const { url, projectId } = emulator.connection;
  const args = ['sweep', '--policy', policy, '--endpoint', url, '--project-id', projectId, '--no-dry-run', '--json'];
  const env = { ...LOOSE_CEILINGS, ...keysOf(emulator.connection) };

  const child = spawn(process.execPath, [CLI.main, ...args], {
    cwd: CLI.cwd,
    env: cleanEnvironment(env),
    stdio: 'ignore',
  });
  onKill = () => child.kill('SIGKILL');
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
  onKill = () => {};
  const second = await runHere(args, env);
  return {
    ended: signal ?? exitCode,
    exitCode: second.exitCode,
    statuses: Object.fromEntries(emulator.sql.all().map(({ id }) => [id, emulator.statusOf(id)])),
  };
}

describe('a sweep whose process is killed', () => {
  it(`leaves nothing behind that the next one does not put right, at each of its first ${KILLS} requests`, async () => {
    const everywhere = Array.from({ length: KILLS }, (_, i) => i + 1);
    const results: Awaited<ReturnType<typeof killAtRequest>>[] = [];
    // Three at a time: each is a process.
    const next = async (): Promise<void> => {
      const n = everywhere.shift();
      if (n === undefined) return;
      results.push(await killAtRequest(n));
      await next();
    };
    await Promise.all([next(), next(), next()]);

    const spared = [20, 21, 22, 23].map((n) => [jobId(n), 'RUNNING']);
    const expected = Object.fromEntries([...OVERDUE.map((n) => [jobId(n), 'CANCELLED']), ...spared]);
    expect(results).toHaveLength(KILLS);
    for (const { statuses, exitCode } of results)
      expect({ statuses, exitCode }).toEqual({ statuses: expected, exitCode: 0 });
    expect(results.filter(({ ended }) => ended === 'SIGKILL').length).toBeGreaterThanOrEqual(10);
  });
});
