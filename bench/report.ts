import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { startBrowser, type TestBrowser } from '../test/browser/browser.ts';
import { monthOfRecord, OCTOBER } from '../test/helpers/months-of-record.ts';
import { build } from './build.ts';

/*
 * Measures a page of `report`: how long the built command line makes it from a file of lines, in a process of its own from its start
 * to its end, with its peak of memory, garbage included; and how long a browser takes from opening the file until the page is ready.
 *
 *     node bench/report.ts              a month with 10,000 and one with 100,000 jobs
 *     node bench/report.ts 1000         so many
 */

const SIZES = [10_000, 100_000];

const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-'));
const cli = join(place, 'cli');
const asked = process.argv.slice(2).map(Number);
const seconds = (ms: number) => (ms / 1_000).toFixed(1);
const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(1);
const table = new Table({
  head: ['jobs', 'lines', 'record, MB', 'seconds', 'CPU, s', 'peak, MB', 'page, MB', 'ready in a browser, s'],
  style: { head: [], border: [], compact: true },
});
const browser = await startBrowser().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  return undefined;
});
try {
  await build('build-cli.ts', cli);
  for (const jobs of asked.length > 0 ? asked : SIZES) await measure(jobs);
} finally {
  await browser?.close();
  rmSync(place, { recursive: true });
}
process.stdout.write(`${table.toString()}\n`);

async function measure(jobs: number): Promise<void> {
  const record = join(place, `${jobs}.jsonl`);
  const page = join(place, `${jobs}.html`);
  const lines = writeRecord(record, jobs);
  const { wallMs, cpuMs, peakMb } = await run(record, page);
  table.push([
    jobs,
    lines,
    megabytes(statSync(record).size),
    seconds(wallMs),
    seconds(cpuMs),
    Math.round(peakMb),
    megabytes(statSync(page).size),
    browser === undefined ? '' : seconds(await openIn(browser, page)),
  ]);
}

/** @returns the number of lines. */
function writeRecord(path: string, jobs: number): number {
  const lines = monthOfRecord({ ...OCTOBER, jobs });
  const file = openSync(path, 'w');
  for (const line of lines) writeSync(file, `${JSON.stringify(line)}\n`);
  closeSync(file);
  return lines.length;
}

/** Makes the page once. */
async function run(record: string, page: string): Promise<{ wallMs: number; cpuMs: number; peakMb: number }> {
  const usageScript = fileURLToPath(new URL('contestants/usage.mjs', import.meta.url));
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', usageScript, join(cli, 'main.mjs'), 'report', record, '--out', page, '--time-zone', 'Europe/Berlin'],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH } },
  );
  const [stdout, stderr, usage] = [child.stdout, child.stderr, child.stdio[3]].map((stream) =>
    text(stream as Readable),
  );
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  const wallMs = performance.now() - startedAt;
  // 4: the month has sweeps whose lines are not all there.
  if (exitCode !== 0 && exitCode !== 4) throw new Error(`report ended with ${exitCode}: ${await stderr}`);
  process.stderr.write((await stdout) ?? '');
  return { wallMs, ...(JSON.parse((await usage) ?? '') as { cpuMs: number; peakMb: number }) };
}

/** @returns milliseconds from the opening of the file until the page is ready, by the clock of the page. */
async function openIn(opener: TestBrowser, path: string): Promise<number> {
  const { page } = await opener.openHtml(readFileSync(path, 'utf8'));
  await page.locator('html[data-state=ready]').waitFor();
  return page.evaluate<number>('performance.now()');
}
