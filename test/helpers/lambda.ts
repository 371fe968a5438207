import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, inject } from 'vitest';
import { COMPILE_CACHE } from './compile-cache.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Begins the line with the function's result or error. */
const MARK = 'result of the function: ';

/** Imports the bundle as Lambda does, calls it once, and prints its result or error. */
const INVOKE = `
  const [bundle, event, awsRequestId] = process.argv.slice(1);
  const { handler } = await import(bundle);
  const context = { awsRequestId, functionName: 'sweep', getRemainingTimeInMillis: () => 300_000 };
  try {
    console.log('${MARK}' + JSON.stringify({ returned: await handler(JSON.parse(event), context) }));
  } catch (error) {
    console.log('${MARK}' + JSON.stringify({ threw: error.name + ': ' + error.message }));
  }
`;

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

/** Calls a bundled function in its own process. */
export async function invokeBundle(
  name: 'sweep' | 'dispatch',
  event: unknown,
  env: Record<string, string>,
  requestId: string = randomUUID(),
) {
  const node = [process.execPath, '--input-type=module', '-e', INVOKE];
  // Lambda writes both streams to one log, in the order of writing.
  const { stdout } = await run(
    'sh',
    ['-c', 'exec "$0" "$@" 2>&1', ...node, `${BUNDLES}/${name}/index.mjs`, JSON.stringify(event), requestId],
    {
      cwd: root,
      env: { ...env, STAGE: 'dev', ...COMPILE_CACHE },
    },
  );
  const lines = stdout.trim().split('\n');
  // Not always the last line: with much output, one stream may overtake the other.
  const result = lines.find((line) => line.startsWith(MARK)) ?? MARK;
  const { returned, threw } = JSON.parse(result.slice(MARK.length)) as { returned?: object; threw?: string };
  const parsed = lines.filter((line) => line !== result).map((line) => JSON.parse(line) as LogLine | MetricLine);
  const metricLines = parsed.filter((line): line is MetricLine => '_aws' in line);
  return {
    log: parsed.filter((line): line is LogLine => !('_aws' in line)),
    metricLines,
    metrics: sumMetrics(metricLines),
    returned,
    threw,
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
