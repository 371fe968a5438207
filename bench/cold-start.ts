import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { LOOSE_CEILINGS } from '../test/helpers/ceilings.ts';
import { build } from './build.ts';
import { against, median, type Section } from './results.ts';

const run = promisify(execFile);
const importer = fileURLToPath(new URL('contestants/import.mjs', import.meta.url));
const ROUNDS = 25;
const BOUND = 1.15;

/** What a function is given when it starts. */
const ENVIRONMENT = {
  ...LOOSE_CEILINGS,
  PATH: process.env.PATH,
  STAGE: 'dev',
  PERIOD_MINUTES: '15',
  SWEEP_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/0/sweeps.fifo',
  EMERGENCY_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/0/emergencies.fifo',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
};

/** Imports the bundles in fresh processes, one after the other, round by round. */
export async function benchColdStart(): Promise<Section> {
  const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-'));
  try {
    await build('build.ts', join(place, 'functions'));
    await build('build.ts', join(place, 'handlers'), 'bench/handlers');
    const bundles = ['handlers/minimal', 'functions/sweep', 'functions/dispatch'];
    const kinds = bundles.flatMap((bundle) => [
      { bundle, flags: [] as string[], times: [] as number[] },
      { bundle, flags: ['--enable-source-maps'], times: [] as number[] },
    ]);
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < kinds.length; turn++) {
        const kind = kinds[(round + turn) % kinds.length];
        if (kind === undefined) continue;
        const url = pathToFileURL(join(place, kind.bundle, 'index.mjs')).href;
        const { stdout } = await run(process.execPath, [...kind.flags, importer, url], { env: ENVIRONMENT });
        kind.times.push(Number(stdout));
      }
    }
    const minimal = (flags: readonly string[]) =>
      median(kinds.find((kind) => kind.bundle === bundles[0] && kind.flags.length === flags.length)?.times ?? []);
    return {
      title: 'Cold start',
      command: 'npm run bench -- cold-start',
      about:
        `The import of a bundle in a fresh process, medians of ${ROUNDS}. \`minimal\` is a handler with middy and client-ssm, built ` +
        'with the same options. The deployed functions run with source maps.',
      tables: [
        {
          head: ['bundle', 'source maps', 'ms', 'least–most', 'over minimal'],
          rows: kinds.map(({ bundle, flags, times }) => [
            bundle.replace(/^.*\//, ''),
            flags.length === 0 ? 'no' : 'yes',
            median(times).toFixed(1),
            `${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)}`,
            bundle === bundles[0] ? '1' : against(median(times) / minimal(flags), BOUND),
          ]),
        },
      ],
    };
  } finally {
    rmSync(place, { recursive: true });
  }
}
