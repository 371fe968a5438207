import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { createRandom } from '../emulator/base/random.ts';
import { month } from '../emulator/month.ts';
import { type Emulator, startEmulator } from '../emulator/server.ts';
import { systemClock } from '../lib/base/clock.ts';
import { LOOSE_CEILINGS } from '../test/helpers/ceilings.ts';
import { build } from './build.ts';

/*
 * Measures a backtest of the past of many jobs: by the built command line, in a process of its own, from its start to its end. The
 * emulator is in another process. The peak is that of the whole process, garbage included. By default
 * Node 24 kept 128 MB for new objects alone, so there is a row with less as well.
 *
 *     node bench/backtest.ts            10,000, 50,000 and 200,000 jobs
 *     node bench/backtest.ts 1000       so many
 */

const SIZES = [10_000, 50_000, 200_000];
const SMALL_SEMI_SPACE_MB = 16;

/** Rules with limits of both clocks that the past can answer. */
const POLICY = {
  version: 1,
  mode: 'live',
  maxKillsPercent: 100,
  rules: [
    { id: 'adhoc', match: { queue: 'adhoc' }, maxTotalTime: '4h' },
    { id: 'reports', match: { queue: 'bi_reports' }, maxRunTime: '30m', action: 'log' },
    { id: 'loads', match: { queue: 'etl_sql', jobType: ['INSERT'] }, maxTotalTime: '6h' },
    { id: 'features', match: { queue: 'ml_features' }, maxRunTime: '8h', ignore: { owner: 'dara' } },
    { id: 'batches', engines: ['spark'], match: 'all', maxTotalTime: '6h' },
  ],
};

const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-'));
const policy = join(place, 'policy.json');
const cli = join(place, 'cli');
const asked = process.argv.slice(2).map(Number);
const seconds = (ms: number) => (ms / 1_000).toFixed(1);
const table = new Table({
  head: ['jobs', 'from', 'semi-space', 'calls', 'sweeps', 'would cancel', 'seconds', 'CPU, s', 'peak, MB'],
  style: { head: [], border: [], compact: true },
});
try {
  writeFileSync(policy, JSON.stringify(POLICY));
  await build('build-cli.ts', cli);
  for (const count of asked.length > 0 ? asked : SIZES) await measure(count);
} finally {
  rmSync(place, { recursive: true });
}
process.stdout.write(`${table.toString()}\n`);

async function measure(count: number): Promise<void> {
  const world = month(systemClock.now(), createRandom(1), { count });
  const emulator = await startEmulator({ now: systemClock.now, random: createRandom(2), ...world });
  const file = join(place, `${count}.json`);
  for (const { from, semiSpaceMb, flags = [] } of [
    { from: 'DLI' },
    { from: 'DLI', semiSpaceMb: SMALL_SEMI_SPACE_MB },
    { from: 'DLI, to a file', flags: ['--history', file] },
    { from: 'the file', flags: ['--history', file] },
  ]) {
    const before = emulator.requests.length;
    const { ticks, jobs, wouldCancel, wallMs, cpuMs, peakMb } = await run(emulator.connection, flags, semiSpaceMb);
    if (jobs !== count) throw new Error(`${jobs} of ${count} jobs were read`);
    const calls = emulator.requests.length - before;
    const semiSpace = semiSpaceMb === undefined ? 'default' : `${semiSpaceMb} MB`;
    table.push([
      count,
      from,
      semiSpace,
      calls,
      ticks,
      wouldCancel,
      seconds(wallMs),
      seconds(cpuMs),
      Math.round(peakMb),
    ]);
  }
  await emulator.close();
}

/** Runs the verb once. */
async function run(connection: Emulator['connection'], flags: readonly string[], semiSpaceMb: number | undefined) {
  const { url, projectId, accessKeyId, secretAccessKey } = connection;
  const usageScript = fileURLToPath(new URL('contestants/usage.mjs', import.meta.url));
  const verb = ['backtest', '--policy', policy, '--endpoint', url, '--project-id', projectId, '--max-calls', '100000'];
  const startedAt = performance.now();
  const semiSpace = semiSpaceMb === undefined ? [] : [`--max-semi-space-size=${semiSpaceMb}`];
  const child = spawn(
    process.execPath,
    [...semiSpace, '--import', usageScript, join(cli, 'main.mjs'), ...verb, '--json', ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: {
        ...LOOSE_CEILINGS,
        PATH: process.env.PATH,
        HUAWEICLOUD_SDK_AK: accessKeyId,
        HUAWEICLOUD_SDK_SK: secretAccessKey,
      },
    },
  );
  const [stdout, stderr, usage] = [child.stdout, child.stderr, child.stdio[3]].map((stream) =>
    text(stream as Readable),
  );
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  const wallMs = performance.now() - startedAt;
  // 3: it would have cancelled jobs that finished well.
  if (exitCode !== 0 && exitCode !== 3) throw new Error(`backtest ended with ${exitCode}: ${await stderr}`);
  const { ticks, counts } = JSON.parse((await stdout) ?? '') as {
    ticks: number;
    counts: { withoutCaps: { jobs: number; wouldCancel: number } };
  };
  return {
    ticks,
    ...counts.withoutCaps,
    wallMs,
    ...(JSON.parse((await usage) ?? '') as { cpuMs: number; peakMb: number }),
  };
}
