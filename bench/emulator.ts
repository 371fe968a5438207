import { createRandom } from '../emulator/base/random.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { systemClock } from '../lib/base/clock.ts';
import { createDliClient } from '../lib/dli/client.ts';

/*
 * Measures how long the emulator takes to list 10,000 live jobs, and to cancel them all. It is called by our own client in
 * the same process, so the times include the client's share.
 *
 *     node bench/emulator.ts
 */

const COUNT = 10_000;
const now = systemClock.now();
const jobs = manyJobs(now, createRandom(1), { count: COUNT, overdueShare: 1 });

const startedAt = performance.now();
const emulator = await startEmulator({ now: systemClock.now, random: createRandom(2), jobs, cancelDelayMs: 0 });
report('start', startedAt, 1);

const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
const dli = createDliClient({
  endpoint: new URL(url),
  projectId,
  credentials: { accessKeyId, secretAccessKey },
  clock: systemClock,
  random: Math.random,
});
await dli.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 1 });

const listedAt = performance.now();
const pages = await Promise.all(
  Array.from({ length: COUNT / 100 }, (_, i) => dli.listSqlJobs({ status: 'RUNNING', page: i + 1, pageSize: 100 })),
);
report('100 pages of 100 jobs', listedAt, 100);

const cancelledAt = performance.now();
await Promise.all(pages.flatMap((page) => page.jobs.map(({ id }) => dli.cancelSqlJob(id))));
report('10,000 cancels', cancelledAt, COUNT);

dli.close();
await emulator.close();

function report(what: string, since: number, calls: number): void {
  const ms = performance.now() - since;
  process.stdout.write(`${what}: ${Math.round(ms)} ms, ${(ms / calls).toFixed(2)} ms each\n`);
}
