import { execFile, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { blocksOf, commandsOf, DOCS } from '../helpers/pages.ts';
import { CLI, cleanEnvironment } from '../helpers/run-cli.ts';
import { BEFORE, ENDS_WITH, FILES, FIRST, NOT_RUN, WORLDS } from './lists.ts';

/*
 * Runs every command of README.md and docs/, in the order of its page, against an emulator with the stage `rehearsal`. A command
 * that cannot be run here is on a list, with the reason and the test that shows what it does.
 */

const PAGES = ['README.md', ...DOCS]
  .map((path) => ({ path, commands: blocksOf(path, 'sh').flatMap(commandsOf) }))
  .filter(({ commands }) => commands.length > 0);

/** What an example of the pages is called here. */
const HERE: [RegExp, string][] = [
  [/--stage prod\b/g, '--stage rehearsal'],
  [/--target default\b/g, '--target lake'],
  [/\/dli-reaper\/prod\//g, '/dli-reaper/rehearsal/'],
  [/dli-job-reaper-prod-/g, 'dli-job-reaper-rehearsal-'],
  [/\/dli-job-reaper\/prod\//g, '/dli-job-reaper/rehearsal/'],
  [/--probe-queue sandbox\b/g, '--probe-queue adhoc'],
  [/"prod \d+"/g, '"rehearsal 1"'],
  [/--project-id PROJECT_ID\b/g, '--project-id 0123456789abcdef0123456789abcdef'],
];

/** A command with what is here in place of its examples. */
function asTypedHere(command: string, url: string, job: string): string {
  return HERE.reduce((text, [what, here]) => text.replaceAll(what, here), command)
    .replaceAll(new RegExp(NAMES_A_JOB, 'g'), job)
    .replaceAll('http://127.0.0.1:8080', url)
    .replaceAll(/(dli-reaper (?!init ).*)--region eu-west-101(?=\s[^|]*--project-id)/g, `$1--endpoint ${url}`);
}

/** The variables that a command sets, and does nothing else. */
function assignedBy(command: string): string[] {
  const [, all = ''] = /^(?:export )?(\w+=.*)$/s.exec(command) ?? [];
  return command.startsWith('export ')
    ? [...all.matchAll(/(?:^|\s)(\w+)=/g)].map(([, name = '']) => name)
    : all.split('=').slice(0, 1).filter(Boolean);
}

/** The answer to the question that a command asks on a terminal. */
function answerOf(command: string): string {
  if (/--(confirm|dry-run)\b/.test(command)) return '';
  if (/dli-reaper emergency .*--all-targets/.test(command)) return ' --confirm "rehearsal 1"';
  if (/dli-reaper emergency .*--stage/.test(command)) return ' --confirm lake';
  if (/dli-reaper emergency /.test(command)) return ' --confirm 0123456789abcdef0123456789abcdef';
  if (/dli-reaper (resume|policy (push|rollback))\b/.test(command)) return ' --confirm rehearsal';
  const [, id] = /dli-reaper un(?:exempt|freeze) (\S+)/.exec(command) ?? [];
  if (id !== undefined) return ` --confirm ${id}`;
  const [, queue] = /--probe-queue (\S+)/.exec(command) ?? [];
  return queue === undefined ? '' : ` --confirm ${queue}`;
}

interface Started {
  /** Address of the emulator that was started last. */
  url: string;
  env: Record<string, string>;
}

/** A folder with what the pages take for granted: a policy, the examples, and the program under its names. */
function makeFolder({ onTestFinished }: TestContext, path: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(CLI.cwd, 'examples'), join(folder, 'examples'), { recursive: true });
  cpSync(join(folder, 'examples/demo-policy.yml'), join(folder, 'policy.yml'));
  // The page says to save it.
  if (path === 'README.md') writeFileSync(join(folder, 'policy.yml'), blocksOf(path, 'yaml')[0] ?? '');
  for (const [name, begins] of Object.entries(FILES[path] ?? {})) {
    writeFileSync(join(folder, name), blocksOf(path, 'json').find((text) => text.startsWith(begins)) ?? '');
  }
  const program = (name: string, lines: string) => {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  };
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'tmp'));
  program('dli-reaper', `exec ${process.execPath} ${CLI.main} "$@"`);
  program('npx', 'while [ "$1" != dli-reaper ]; do shift; done; exec "$@"');
  return folder;
}

/** A shell in the folder of a page. */
function shellOf(context: TestContext, folder: string) {
  const started: Started = { url: '', env: {} };
  const envOf = () =>
    cleanEnvironment({
      ...started.env,
      HOME: folder,
      TMPDIR: join(folder, 'tmp'),
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    });

  const run: Run = (command, env = {}) =>
    new Promise<Awaited<ReturnType<Run>>>((resolve) => {
      const child = execFile(
        'bash',
        ['--norc', '-euo', 'pipefail', '-c', command],
        { cwd: folder, env: { ...envOf(), ...env }, maxBuffer: 2 ** 26 },
        (_, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }),
      );
      child.stdin?.end();
    });

  /** Starts an emulator as its command says, but on a free port. The commands that follow mean this one. */
  async function start(command: string): Promise<void> {
    // One that plays the stage says in a file how to reach it.
    rmSync(join(folder, 'tmp'), { recursive: true });
    mkdirSync(join(folder, 'tmp'));
    const child = spawn('bash', ['-c', `exec ${command.replace('--port 8080', '')}`], { cwd: folder, env: envOf() });
    context.onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    for await (const line of createInterface(child.stdout)) {
      const { url, accessKeyId, secretAccessKey } = JSON.parse(line) as Record<string, string>;
      started.url = String(url).replace('0.0.0.0', '127.0.0.1');
      const keys = { HUAWEICLOUD_SDK_AK: String(accessKeyId), HUAWEICLOUD_SDK_SK: String(secretAccessKey) };
      started.env = command.includes('--stage') ? await variablesOf(run) : keys;
      return;
    }
    throw new Error(`${command} ended: ${said}`);
  }

  return { run, start, started };
}

/** What `emulator env` sets. */
async function variablesOf(run: Run): Promise<Record<string, string>> {
  const lines = await runWell(run, 'dli-reaper emulator env');
  return Object.fromEntries([...lines.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** An example of an id, in place of which the id of a job is typed. */
const NAMES_A_JOB = /\bJOB_ID\b|\b5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa\b/;

type Run = (
  command: string,
  env?: Record<string, string>,
) => Promise<{ exitCode: number | null; stdout: string; stderr: string }>;

/** Runs what a page takes for done. @returns what is on stdout. */
async function runWell(run: Run, command: string, env?: Record<string, string>): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, env);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}

/** A job that a rule has found, on another queue than that of the emergencies. */
async function someJob(run: Run): Promise<string> {
  const report = await runWell(run, 'dli-reaper plan --stage rehearsal --target lake --json');
  const { jobs } = JSON.parse(report) as { jobs: { jobId: string; queue: string }[] };
  return jobs.find(({ queue }) => queue !== 'adhoc')?.jobId ?? '';
}

const hasAws = (await isOnPath('moto_server')) && (await isOnPath('aws'));

/** A peer of AWS for the commands of `aws` of a page, with what a deploy of the stage `prod` makes. */
async function startAws({ onTestFinished }: TestContext): Promise<Record<string, string>> {
  const { env, close } = await startMoto({ '/dli-reaper/prod/policies/base': '{}', '/dli-reaper/prod/switch': 'run' });
  onTestFinished(close);
  const client = {
    endpoint: env.AWS_ENDPOINT_URL as string,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const kms = new KMSClient(client);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const AliasName = 'alias/dli-reaper-prod-credentials';
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata?.KeyId }));
  const logs = new CloudWatchLogsClient(client);
  const functions = ['dispatch', 'sweep', 'notify'].map((name) => `/aws/lambda/dli-job-reaper-prod-${name}`);
  for (const logGroupName of [...functions, '/dli-job-reaper/prod/by-hand']) {
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
  }
  // This peer reads the name of a bucket from the path of an address only at localhost.
  const AWS_ENDPOINT_URL = client.endpoint.replace('127.0.0.1', 'localhost');
  return { ...env, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS: AWS_ENDPOINT_URL, AWS_DEFAULT_REGION: client.region };
}

const isForAws = (command: string) => /\baws /.test(command);
const isEmulator = (command: string) => /dli-reaper emulator(?! env)/.test(command);
const unrunOf = (path: string, command: string) =>
  NOT_RUN.filter((entry) => entry.command.test(command) && (entry.page ?? path) === path);

const counted = { run: 0, listed: 0, withoutAws: 0 };
afterAll(() => {
  const { run, listed, withoutAws } = counted;
  process.stdout.write(`${run - withoutAws} commands were run, ${listed} are on the list of those that are not.\n`);
  if (!hasAws) process.stdout.write(`aws or moto_server is not on PATH: ${withoutAws} commands of aws were not run.\n`);
});

describe.concurrent('the commands of', () => {
  it.for(PAGES)('$path', async ({ path, commands }, context) => {
    const folder = makeFolder(context, path);
    const { run, start, started } = shellOf(context, folder);
    const rows = commands.map((command) => ({ command, isListed: unrunOf(path, command).length > 0 }));
    counted.listed += rows.filter(({ isListed }) => isListed).length;
    const toRun = rows.filter(({ isListed }) => !isListed);
    counted.run += toRun.length;
    if (toRun.length === 0) return;

    const awsEnv = toRun.some(({ command }) => isForAws(command)) && hasAws ? await startAws(context) : undefined;
    await start(`dli-reaper emulator --stage rehearsal ${WORLDS[path] ?? ''}`);
    for (const command of BEFORE[path] ?? []) await runWell(run, command);
    const job = toRun.some(({ command }) => NAMES_A_JOB.test(command)) ? await someJob(run) : '';
    // What the shell of a reader remembers from one command to the next.
    const variables: Record<string, string> = {};
    for (const { command } of toRun) {
      if (isEmulator(command)) {
        await start(command);
        continue;
      }
      if (isForAws(command) && !hasAws) {
        counted.withoutAws += 1;
        continue;
      }
      const env = { ...variables, ...(isForAws(command) ? awsEnv : {}) };
      for (const first of FIRST) if (command.startsWith(first.command)) await runWell(run, first.run, env);
      const line = isForAws(command) ? command : asTypedHere(command, started.url, job);
      const names = assignedBy(line);
      const values = names.map((name) => `\nprintf '%s\\0' "$${name}"`).join('');
      const { exitCode, stdout, stderr } = await run(line + answerOf(line) + values, env);
      for (const [i, name] of names.entries()) variables[name] = stdout.split('\0')[i] ?? '';
      const { code = 0 } = ENDS_WITH.find((entry) => entry.command.test(command)) ?? {};

      const said = exitCode === code ? '' : (stdout + stderr).slice(-1_000);
      context.expect.soft({ command, exitCode, said }).toEqual({ command, exitCode: code, said: '' });
    }
  });
});

describe('the lists', () => {
  const all = PAGES.flatMap(({ path, commands }) => commands.map((command) => ({ path, command })));

  it.each(NOT_RUN)('of what is not run names commands of the pages: $command', ({ command, page, shownBy }) => {
    expect(all.filter((one) => command.test(one.command) && (page ?? one.path) === one.path)).not.toEqual([]);
    if (shownBy !== undefined) expect(existsSync(join(CLI.cwd, shownBy))).toBe(true);
  });

  it.each(ENDS_WITH)('of exit codes names a command of the pages: $command', ({ command }) => {
    expect(all.filter((one) => command.test(one.command))).not.toEqual([]);
  });
});
