import Table from 'cli-table3';
import { createJsonLinesLog } from '../lib/base/log.ts';
import { parseExemption } from '../lib/policy/parse.ts';
import type { LogLines } from '../lib/sweep/record/log-lines.ts';
import { NOW, sweepOverdueJobs } from './overdue-world.ts';

/*
 * Measures the log of a sweep of 300 overdue jobs, by the number of exemptions. CloudWatch cuts a line at 256 KB.
 *
 *     node bench/log-size.ts
 */

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
  const names = Array.from({ length: exemptions }, (_, i) => `keep-${String(i).padStart(4, '0')}`);
  const lines: string[] = [];
  await sweepOverdueJobs({
    live: JOBS,
    overdue: JOBS,
    createLog: (now) =>
      createJsonLinesLog<LogLines>((line) => {
        // The functions do not write these.
        if (!line.startsWith('{"level":"debug"')) lines.push(line);
      }, now),
    settings: {
      exemptions: names.map((id) =>
        parseExemption({
          id,
          match: { queue, owner: queue === '*' ? '*' : 'nightly_orders' },
          reason: 'backfill of 2025',
          owner: 'orders-team',
          until: new Date(until).toISOString(),
        }),
      ),
      parameterVersions: {
        switch: 1,
        target: 1,
        policy: 1,
        credentials: 1,
        exemptions: Object.fromEntries(names.map((name) => [`/dli-reaper/prod/exemptions/${name}`, 1])),
        freezes: {},
      },
    },
  });
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
