import Table from 'cli-table3';
import { silentLog } from '../lib/sweep/record/log-lines.ts';
import { sweepOverdueJobs } from './overdue-world.ts';

/*
 * Counts the calls of a sweep, including those that verify its cancels. They grow with the number of overdue jobs, not with
 * the number of all jobs. The calls are real HTTP to the emulator.
 *
 *     node bench/calls.ts
 */

const SIZES = [
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

const table = new Table({
  head: ['overdue', 'live', 'list', 'status', 'cancel', 'all', 'must: 1.05 × overdue + 10', 'aim: 1.03 × overdue + 6'],
  style: { head: [], border: [], compact: true },
});
for (const { overdue, live } of SIZES) {
  const { counts, apiCalls } = await sweepOverdueJobs({ live, overdue, createLog: () => silentLog });
  if (counts.cancelled !== overdue) throw new Error(`${counts.cancelled} of ${overdue} were cancelled`);

  const { list, status, cancel } = apiCalls;
  const all = list + status + cancel;
  const verdict = (limit: number) => `${Math.floor(limit)} ${all <= limit ? 'met' : 'missed'}`;
  table.push([overdue, live, list, status, cancel, all, verdict(1.05 * overdue + 10), verdict(1.03 * overdue + 6)]);
}
process.stdout.write(`${table.toString()}\n`);

const limited = await sweepOverdueJobs({
  live: 2_000,
  overdue: 2_000,
  rateLimit: { calls: 60, windowMs: 60_000 },
  createLog: () => silentLog,
});
const { cancelled, unconfirmed, skipped } = limited.counts;
process.stdout.write(
  `At 60 calls a minute, in 15 minutes: ${cancelled} of 2000 cancelled, ${unconfirmed} unconfirmed, ` +
    `${skipped.deadline} left; status ${limited.status}.\n`,
);
