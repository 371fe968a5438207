import Table from 'cli-table3';
import { createRandom } from '../emulator/base/random.ts';
import type { RateLimit } from '../emulator/gateway/throttle.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import { parsePolicy } from '../lib/policy/parse.ts';
import { parseRequest } from '../lib/request/request.ts';
import { silentLog } from '../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../lib/sweep/record/report.ts';
import { sweep } from '../lib/sweep/sweep.ts';
import { looseCeilings } from '../test/helpers/ceilings.ts';

/*
 * How many calls a sweep costs, verification included: in proportion to the overdue jobs, whatever the number of others.
 * Real HTTP to the emulator; only the waits of the verification are jumped over.
 *
 *     node bench/calls.ts
 */

const NOW = Date.parse('2026-01-05T09:00:00Z');
const SIZES: Size[] = [
  { overdue: 0, live: 10_000 },
  { overdue: 1, live: 1 },
  { overdue: 1, live: 10_000 },
  { overdue: 10, live: 100 },
  { overdue: 20, live: 200 },
  { overdue: 100, live: 10_000 },
  { overdue: 200, live: 2_000 },
  { overdue: 1_000, live: 1_000 },
  { overdue: 1_000, live: 10_000 },
  { overdue: 9_000, live: 10_000 },
];

interface Size {
  overdue: number;
  live: number;
  rateLimit?: RateLimit;
}

async function runSweep({ overdue, live, rateLimit }: Size): Promise<SweepReport> {
  let now = NOW;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const jobs = manyJobs(NOW, createRandom(1), { count: live, overdueShare: overdue / live });
  const emulator = await startEmulator({
    now: clock.now,
    random: createRandom(2),
    jobs,
    ...(rateLimit !== undefined && { rateLimit }),
  });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  try {
    return await sweep(parseRequest({ dryRun: false, maxKills: overdue }), {
      clock,
      random: createRandom(3),
      log: silentLog,
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
        exemptions: [],
        freezes: [],
        credentials: { name: 'bench', read: async () => ({ accessKeyId, secretAccessKey }) },
        isSwitchedOn: true,
      }),
    });
  } finally {
    await emulator.close();
  }
}

const table = new Table({
  head: ['overdue', 'live', 'list', 'status', 'cancel', 'all', 'must: 1.05 × overdue + 10', 'aim: 1.03 × overdue + 6'],
  style: { head: [], border: [], compact: true },
});
for (const { overdue, live } of SIZES) {
  const { counts, apiCalls } = await runSweep({ overdue, live });
  if (counts.cancelled !== overdue) throw new Error(`${counts.cancelled} of ${overdue} were cancelled`);

  const { list, status, cancel } = apiCalls;
  const all = list + status + cancel;
  const verdict = (limit: number) => `${Math.floor(limit)} ${all <= limit ? 'met' : 'missed'}`;
  table.push([overdue, live, list, status, cancel, all, verdict(1.05 * overdue + 10), verdict(1.03 * overdue + 6)]);
}
process.stdout.write(`${table.toString()}\n`);

const limited = await runSweep({ overdue: 2_000, live: 2_000, rateLimit: { calls: 60, windowMs: 60_000 } });
const { cancelled, unconfirmed, skipped } = limited.counts;
process.stdout.write(
  `At 60 calls a minute, in 15 minutes: ${cancelled} of 2000 cancelled, ${unconfirmed} unconfirmed, ` +
    `${skipped.deadline} left; status ${limited.status}.\n`,
);
