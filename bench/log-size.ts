import Table from 'cli-table3';
import { createRandom } from '../emulator/base/random.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { createJsonLinesLog } from '../lib/base/log.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import { parseExemption, parsePolicy } from '../lib/policy/parse.ts';
import { parseRequest } from '../lib/request/request.ts';
import type { LogLines } from '../lib/sweep/record/log-lines.ts';
import { sweep } from '../lib/sweep/sweep.ts';
import { looseCeilings } from '../test/helpers/ceilings.ts';

/*
 * What a sweep of 300 overdue jobs writes to its log, by how many exemptions there are. CloudWatch cuts a line at 256 KB.
 *
 *     node bench/log-size.ts
 */

const NOW = Date.parse('2026-01-05T09:00:00Z');
const DAY = 86_400_000;
const JOBS = 300;

const CASES = [
  { exemptions: 0, are: 'for no job', until: NOW + 90 * DAY, queue: 'none' },
  { exemptions: 100, are: 'for no job', until: NOW + 90 * DAY, queue: 'none' },
  { exemptions: 1_000, are: 'for no job', until: NOW + 90 * DAY, queue: 'none' },
  { exemptions: 1_000, are: 'for every job', until: NOW + 90 * DAY, queue: '*' },
  { exemptions: 1_000, are: 'expired', until: NOW - DAY, queue: 'none' },
];

async function linesOf({ exemptions, until, queue }: (typeof CASES)[number]): Promise<string[]> {
  let now = NOW;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const names = Array.from({ length: exemptions }, (_, i) => `keep-${String(i).padStart(4, '0')}`);
  const emulator = await startEmulator({
    now: clock.now,
    random: createRandom(2),
    jobs: manyJobs(NOW, createRandom(1), { count: JOBS, overdueShare: 1 }),
  });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const lines: string[] = [];
  try {
    await sweep(parseRequest({ dryRun: false, maxKills: JOBS }), {
      clock,
      random: createRandom(3),
      log: createJsonLinesLog<LogLines>((line) => {
        // The functions do not write these.
        if (!line.startsWith('{"level":"debug"')) lines.push(line);
      }, clock.now),
      deadlineAt: NOW + 15 * 60_000,
      sharedFor: createSharedStates(clock),
      loadCeilings: async () => looseCeilings,
      loadSettings: async () => ({
        target: { name: 'bench', endpoint: new URL(url), projectId, mode: undefined },
        policy: parsePolicy({
          version: 1,
          mode: 'live',
          maxKillsPercent: 100,
          rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }],
        }),
        exemptions: names.map((id) =>
          parseExemption({
            id,
            match: { queue, owner: queue === '*' ? '*' : 'nightly_orders' },
            reason: 'backfill of 2025',
            owner: 'orders-team',
            until: new Date(until).toISOString(),
          }),
        ),
        freezes: [],
        credentials: { name: 'bench', read: async () => ({ accessKeyId, secretAccessKey }) },
        isSwitchedOn: true,
        parameterVersions: {
          switch: 1,
          target: 1,
          policy: 1,
          credentials: 1,
          exemptions: Object.fromEntries(names.map((name) => [`/dli-reaper/prod/exemptions/${name}`, 1])),
          freezes: {},
        },
      }),
    });
  } finally {
    await emulator.close();
  }
  return lines;
}

const table = new Table({
  head: ['exemptions', 'that are', 'lines', "a job's line, KB", 'the last line, KB', 'all, KB'],
  style: { head: [], border: [], compact: true },
});
for (const one of CASES) {
  const lines = await linesOf(one);
  const kb = (bytes: number) => (bytes / 1_024).toFixed(1);
  const job = Math.max(...lines.filter((line) => line.includes('"msg":"job ')).map(({ length }) => length));
  const all = lines.reduce((sum, { length }) => sum + length, 0);
  table.push([one.exemptions, one.are, lines.length, kb(job), kb(lines.at(-1)?.length ?? 0), kb(all)]);
}
process.stdout.write(`${table.toString()}\n`);
