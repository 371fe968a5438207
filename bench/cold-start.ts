import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build as bundle } from 'esbuild';
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
    await bundleMinimal(join(place, 'minimal'));
    await build('build.ts', join(place, 'handlers'), 'bench/handlers');
    await build('build.ts', join(place, 'functions'));
    const kinds = [
      { name: 'minimal', bundle: 'minimal', times: [] as number[] },
      { name: 'minimal, built as ours', bundle: 'handlers/minimal', times: [] as number[] },
      { name: 'sweep', bundle: 'functions/sweep', times: [] as number[] },
      { name: 'dispatch', bundle: 'functions/dispatch', times: [] as number[] },
    ] as const;
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < kinds.length; turn++) {
        const { bundle, times } = kinds[(round + turn) % kinds.length] ?? kinds[0];
        const url = pathToFileURL(join(place, bundle, 'index.mjs')).href;
        const { stdout } = await run(process.execPath, [importer, url], { env: ENVIRONMENT });
        times.push(Number(stdout));
      }
    }
    const [minimal, builtAsOurs] = kinds;
    return {
      title: 'Cold start',
      command: 'npm run bench -- cold-start',
      about:
        `The import of a bundle in a fresh process, medians of ${ROUNDS}. \`minimal\` is a handler with middy and client-ssm, bundled ` +
        'with the options of scripts/build.ts, but without its plugins. With them it starts faster as well.',
      tables: [
        {
          head: ['bundle', 'ms', 'least–most', 'over minimal', 'over minimal, built as ours'],
          rows: kinds.map(({ name, times }) => [
            name,
            median(times).toFixed(1),
            `${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)}`,
            times === minimal.times ? '1' : against(median(times) / median(minimal.times), BOUND),
            (median(times) / median(builtAsOurs.times)).toFixed(2),
          ]),
        },
      ],
    };
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** With the options of scripts/build.ts, and none of its plugins. */
async function bundleMinimal(outdir: string): Promise<void> {
  await bundle({
    entryPoints: [{ in: 'bench/handlers/minimal.ts', out: 'index' }],
    outdir,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': './scripts/lambda-credentials.ts' },
  });
}
