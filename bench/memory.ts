import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import Table from 'cli-table3';
import { createRandom } from '../emulator/base/random.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { systemClock } from '../lib/base/clock.ts';
import { createDliReader } from '../lib/dli/client.ts';
import { listLiveSqlJobs } from '../lib/engines/sql-list.ts';

/*
 * Measures the peak memory of a process that lists live SQL jobs, by the length of their statements. Each row is a process
 * of its own. The function has 512 MB. Its runtime gives Node nine tenths of that, and so does this.
 *
 *     node bench/memory.ts
 */

const CASES = [
  { jobs: 1, letter: 'x', letters: 10 },
  { jobs: 10_000, letter: 'x', letters: 500 },
  { jobs: 1_000, letter: 'x', letters: 500_000 },
  { jobs: 1_000, letter: 'x', letters: 65_000 },
  { jobs: 1_000, letter: '中', letters: 65_000 },
  { jobs: 3_000, letter: '中', letters: 65_000 },
];

const [, , url, projectId, accessKeyId, secretAccessKey, withStatements] = process.argv;
if (url === undefined) await measureAll();
else await list(url);

async function list(endpoint: string): Promise<void> {
  const dli = createDliReader({
    endpoint: new URL(endpoint),
    projectId: projectId ?? '',
    credentials: { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' },
    clock: systemClock,
    random: Math.random,
  });
  const { jobs, gaps } = await listLiveSqlJobs(dli, {
    startedBefore: systemClock.now(),
    withStatements: withStatements === 'true',
  });
  dli.close();
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1_024);
  const held = jobs.filter(({ statement }) => statement !== undefined).length;
  process.stdout.write(JSON.stringify({ jobs: jobs.length, held, gaps, peakMb }));
}

async function measureAll(): Promise<void> {
  const table = new Table({
    head: ['live jobs', 'letters each', 'a rule asks for them', 'held', 'peak, MB'],
    style: { head: [], border: [], compact: true },
  });
  for (const { jobs: count, letter, letters } of CASES) {
    const statement = letter.repeat(letters);
    const jobs = manyJobs(systemClock.now(), createRandom(1), { count, overdueShare: 1 });
    const emulator = await startEmulator({
      now: systemClock.now,
      random: createRandom(2),
      jobs: jobs.map((job) => ({ ...job, statement })),
    });
    for (const isAskedFor of [false, true]) {
      const { url: endpoint, ...connection } = emulator.connection;
      const child = spawn(process.execPath, [
        '--max-old-space-size=460',
        import.meta.filename,
        endpoint,
        connection.projectId,
        connection.accessKeyId,
        connection.secretAccessKey,
        String(isAskedFor),
      ]);
      child.stderr.pipe(process.stderr);
      const listed = JSON.parse(await text(child.stdout)) as {
        jobs: number;
        held: number;
        gaps: string[];
        peakMb: number;
      };
      if (listed.jobs !== count || listed.gaps.length > 0)
        throw new Error(`${listed.jobs} of ${count} jobs: ${listed.gaps.join(', ')}`);
      table.push([count, `${letters} × ${letter}`, isAskedFor ? 'yes' : 'no', listed.held, listed.peakMb]);
    }
    await emulator.close();
  }
  process.stdout.write(`${table.toString()}\n`);
}
