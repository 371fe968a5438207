import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { afterAll, expect, inject, type TestContext } from 'vitest';
import type { Terminal } from '../../cli/screen/terminal.ts';
import { runCommand } from '../../cli/verbs/all.ts';
import { EMULATOR_KEY, type EmulatorOptions, startEmulator } from '../../emulator/server.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { LOOSE_CEILINGS } from './ceilings.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { emulatedJob, HOUR } from './world.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The file that users run. */
export const CLI = { cwd: root, main: `${inject('built')}/cli/main.mjs` };

/** An environment in which the machine's own variables cannot change a test's result. */
export const cleanEnvironment = (env: Record<string, string>) => ({
  PATH: process.env.PATH,
  ...COMPILE_CACHE,
  ...env,
});

/** The variables that the vendor's own tools read. */
export const keysOf = (keys: { accessKeyId: string; secretAccessKey: string }) => ({
  HUAWEICLOUD_SDK_AK: keys.accessKeyId,
  HUAWEICLOUD_SDK_SK: keys.secretAccessKey,
});

interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

interface Piped {
  /** What is piped in. */
  stdin?: string;
  /** The folder to run in. */
  cwd?: string;
}

/** Runs the command line once, as a process. */
export async function runCli(
  args: string[],
  env: Record<string, string> = {},
  { stdin = '', cwd = root }: Piped = {},
): Promise<Ran> {
  const result = await new Promise<Ran>((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI.main, ...args],
      { cwd, env: cleanEnvironment(env) },
      (_, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
  expectDecent(result, env);
  return result;
}

let lastRun: Promise<unknown> = Promise.resolve();

/**
 * The same within this process, in a twentieth of the time. It shows what a verb says and does. Only a process shows that the
 * bundle is whole, how it ends, and what it does with signals, streams and the settings of its network.
 */
export function runHere(args: string[], env: Record<string, string> = {}, stdin = ''): Promise<Ran> {
  return withEnvironment(env, () => runVerb(args, env, stdin));
}

/** Does some work with another environment: one after the other, since the AWS SDK reads that of the process. */
export function withEnvironment<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const run = async () => {
    const before = { ...process.env };
    setEnvironment(cleanEnvironment(env));
    try {
      return await work();
    } finally {
      setEnvironment(before);
    }
  };
  const ran = lastRun.then(run, run);
  lastRun = ran;
  return ran;
}

async function runVerb(args: string[], env: Record<string, string>, stdin: string): Promise<Ran> {
  const result = { exitCode: 0, stdout: '', stderr: '' };
  const terminal: Terminal = {
    // A copy, since runs in one environment share what they learn of a credential.
    env: { ...env },
    out: (text) => {
      result.stdout += text;
    },
    err: (text) => {
      result.stderr += text;
    },
    stdin: () => Readable.from([Buffer.from(stdin)]),
  };
  result.exitCode = await runCommand(args, terminal);
  expectDecent(result, env);
  return result;
}

function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value;
}

/** Characters that a screen or an editor obeys without showing them. These runs have no colours. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Fails if a run shows a secret key, a character that moves or hides text, or a document that its schema does not allow. */
function expectDecent({ stdout, stderr }: { stdout: string; stderr: string }, env: Record<string, string>): void {
  for (const text of [stdout, stderr]) expect(UNSEEN.exec(text)).toBeNull();
  for (const secret of [EMULATOR_KEY.secretAccessKey, env.HUAWEICLOUD_SDK_SK ?? EMULATOR_KEY.secretAccessKey]) {
    expect(stdout + stderr).not.toContain(secret);
  }
  expectDocumented(stdout);
}

const isDocument = new Ajv({ allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, 'docs/report.schema.json'), 'utf8')) as object,
);

/** Fails if JSON that a run prints does not match docs/report.schema.json. */
function expectDocumented(stdout: string): void {
  if (!stdout.startsWith('{\n  "kind"')) return;
  isDocument(JSON.parse(stdout));
  expect(isDocument.errors).toBeNull();
}

/** Writes files into a folder that is removed after the tests of the file. @returns the path of each. */
export function makeFolder(): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name, text) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
}

/** A job that has run for `ageMs`, by the machine's own clock, and ends long after the test. */
export function runningJob(n: number, { ageMs = 3 * HOUR, ...fields }: Partial<EmulatedJob> & { ageMs?: number } = {}) {
  // DLI's clock shows whole seconds: a job that began within one could look a second younger than it is.
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  return emulatedJob(n, { submittedAt: now - ageMs, runsFrom: now - ageMs, endsAt: now + 24 * HOUR, ...fields });
}

/** An emulator for one test, and the command line pointed at it with a policy. */
export async function startService(
  { onTestFinished }: TestContext,
  policyFile: string,
  options: Partial<EmulatorOptions> & Required<Pick<EmulatorOptions, 'jobs'>>,
) {
  const emulator = await startEmulator({ now: Date.now, random: Math.random, cancelDelayMs: 0, ...options });
  onTestFinished(emulator.close);
  const { url, projectId } = emulator.connection;
  const flags = { '--policy': policyFile, '--endpoint': url, '--project-id': projectId };
  const run = (verb: string, more: string[] = [], changes: Partial<typeof flags> & { keys?: object } = {}) => {
    const { keys, ...changedFlags } = changes;
    const env = { ...LOOSE_CEILINGS, ...keysOf(emulator.connection), ...keys };
    return runHere([verb, ...Object.entries({ ...flags, ...changedFlags }).flat(), ...more], env);
  };
  return {
    emulator,
    run,
    deletes: () => emulator.requests.filter(({ method }) => method === 'DELETE').length,
  };
}
