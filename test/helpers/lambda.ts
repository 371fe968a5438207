import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, inject } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Imports the bundle as Lambda does, calls it once, and posts its result or error. */
const INVOKE = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { bundle, event, awsRequestId } = workerData;
  const { handler } = await import(bundle);
  const context = { awsRequestId, functionName: 'sweep', getRemainingTimeInMillis: () => 300_000 };
  const invoked = await handler(JSON.parse(event), context).then(
    (returned) => ({ returned }),
    (error) => ({ threw: error.name + ': ' + error.message, stack: error.stack }),
  );
  parentPort.postMessage(JSON.stringify(invoked));
`;

interface Result {
  returned: object;
  threw: string;
  stack: string;
}

export interface LogLine extends Record<string, unknown> {
  level: string;
  msg: string;
  victims?: unknown[];
}

/** A line of CloudWatch's embedded metric format. */
interface MetricLine extends Record<string, unknown> {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
  };
}

/** Folder of the bundled functions; see built.ts. */
export const BUNDLES = `${inject('built')}/functions`;

/** Builds the functions again, into a folder that is removed after the tests of the file. @returns its path. */
export async function buildAgain(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-again-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  // As deep as the first folder, since source maps have relative paths.
  const functions = join(folder, 'functions');
  await run(process.execPath, ['scripts/build.ts', functions], { cwd: root });
  return functions;
}

/** Calls a bundled function that was just loaded, in a thread of its own, since a process takes longer to start. */
export async function invokeBundle(
  name: 'sweep' | 'dispatch' | 'notify',
  event: unknown,
  env: Record<string, string>,
  awsRequestId: string = randomUUID(),
) {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(INVOKE)}`), {
    workerData: {
      bundle: pathToFileURL(`${BUNDLES}/${name}/index.mjs`).href,
      event: JSON.stringify(event),
      awsRequestId,
    },
    env: { ...env, STAGE: 'dev' },
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // Lambda writes both streams to one log, in the order of writing.
  let stdout = '';
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk) => (stdout += String(chunk)));
  let invoked = '{}';
  worker.on('message', (message: string) => (invoked = message));
  await once(worker, 'exit');
  const { returned, threw, stack } = JSON.parse(invoked) as Partial<Result>;
  const lines = stdout.split('\n').filter((line) => line !== '');
  const parsed = lines.map((line) => JSON.parse(line) as LogLine | MetricLine);
  const metricLines = parsed.filter((line): line is MetricLine => '_aws' in line);
  return {
    log: parsed.filter((line): line is LogLine => !('_aws' in line)),
    metricLines,
    metrics: sumMetrics(metricLines),
    returned,
    threw,
    stack,
    stdout,
  };
}

function sumMetrics(lines: readonly MetricLine[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of lines) {
    for (const { Name } of line._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics)) {
      sums[Name] = (sums[Name] ?? 0) + Number(line[Name]);
    }
  }
  return sums;
}
