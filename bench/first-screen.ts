import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRandom } from '../emulator/base/random.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { systemClock } from '../lib/base/clock.ts';
import { build } from './build.ts';
import { median } from './results.ts';

/*
 * Measures how long `plan` takes, from its start to its end, with 500 live jobs, 300 of which are overdue. Each answer of DLI
 * takes 100 ms. The aim is two seconds.
 *
 *     node bench/first-screen.ts
 */

const ROUNDS = 15;
const DELAY_MS = 100;

const run = promisify(execFile);
const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-'));
const jobs = manyJobs(systemClock.now(), createRandom(1), { count: 500, overdueShare: 0.6 });
const emulator = await startEmulator({ now: systemClock.now, random: createRandom(2), jobs });
emulator.faults.add({ on: 'list-sql-jobs', times: Number.POSITIVE_INFINITY, delayMs: DELAY_MS });
try {
  await build('build-cli.ts', place);
  const policy = join(place, 'policy.json');
  const rules = [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }];
  writeFileSync(policy, JSON.stringify({ version: 1, mode: 'live', rules }));
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const args = ['plan', '--policy', policy, '--endpoint', url, '--project-id', projectId];
  const env = { HUAWEICLOUD_SDK_AK: accessKeyId, HUAWEICLOUD_SDK_SK: secretAccessKey };
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await run(process.execPath, [join(place, 'main.mjs'), ...args], { env });
    times.push(performance.now() - startedAt);
  }
  const range = `${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))}`;
  process.stdout.write(`plan of ${jobs.length} jobs: ${Math.round(median(times))} ms (${range})\n`);
} finally {
  await emulator.close();
  rmSync(place, { recursive: true });
}
