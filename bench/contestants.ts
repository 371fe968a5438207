import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LOOSE_CEILINGS } from '../test/helpers/ceilings.ts';
import { build } from './build.ts';
import type { Service, startServer, Tally, World } from './server.ts';

const folder = fileURLToPath(new URL('contestants', import.meta.url));
const USAGE = ['--import', join(folder, 'usage.mjs')];

const POLICY = {
  version: 1,
  mode: 'live',
  maxKills: 100_000,
  maxKillsPercent: 100,
  rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }],
};

/** What sweeps a world, as a process of its own. */
export interface Contestant {
  name: string;
  /** Makes one call after the other, which takes minutes where there are many. */
  isSlow: boolean;
  command: (service: Service) => [file: string, ...args: string[]];
}

/** One run of one contestant. */
export interface Outcome extends Omit<Tally, 'cpuMs'> {
  /** From the start of the process to its end. */
  wallMs: number;
  /** User and system, of the process and its children. */
  cpuMs: number;
  /** Undefined where the contestant is many processes. */
  peakMb: number | undefined;
  serverCpuMs: number;
}

export type Name = 'ours' | 'floor' | 'sdk' | 'sdk + read back' | 'sdk, one by one' | 'curl';

export interface Field {
  contestants: Readonly<Record<Name, Contestant>>;
  /** Ours in a heap of so many MB. */
  oursWithin: (heapMb: number) => Contestant;
  /** Removes what was built for the runs. */
  close: () => void;
}

/** Builds the command line, and says how each contestant is started. */
export async function enterField(): Promise<Field> {
  const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-'));
  const cli = join(place, 'cli');
  const policy = join(place, 'policy.json');
  writeFileSync(policy, JSON.stringify(POLICY));
  await build('build-cli.ts', cli);

  const sdk = (name: Name, ...args: string[]): Contestant => ({
    name,
    isSlow: args[0] === '1',
    command: () => [process.execPath, ...USAGE, join(folder, 'sdk.mjs'), ...args],
  });
  const ours = (...flags: string[]): Contestant => ({
    name: 'ours',
    isSlow: false,
    command: ({ connection: { url, projectId } }) => [
      process.execPath,
      ...USAGE,
      ...flags,
      join(cli, 'main.mjs'),
      'sweep',
      '--no-dry-run',
      '--json',
      '--policy',
      policy,
      '--endpoint',
      url,
      '--project-id',
      projectId,
    ],
  });
  return {
    oursWithin: (heapMb) => ours(`--max-old-space-size=${heapMb}`),
    contestants: {
      ours: ours(),
      floor: {
        name: 'floor',
        isSlow: false,
        command: () => [process.execPath, ...USAGE, join(folder, 'floor.mjs')],
      },
      sdk: sdk('sdk', '20'),
      'sdk + read back': sdk('sdk + read back', '20', 'read-back'),
      'sdk, one by one': sdk('sdk, one by one', '1'),
      curl: { name: 'curl', isSlow: true, command: () => ['bash', join(folder, 'curl.sh')] },
    },
    close: () => rmSync(place, { recursive: true }),
  };
}

/** @throws {Error} if the contestant fails, or cancels what it must not. */
export async function runOnce(
  server: Awaited<ReturnType<typeof startServer>>,
  contestant: Contestant,
  world: World,
): Promise<Outcome> {
  const service = await server.begin(world);
  const [file, ...args] = contestant.command(service);
  const startedAt = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: environmentFor(service) });
  const said = text(child.stderr as Readable);
  const usage = text(child.stdio[3] as Readable);
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  const wallMs = performance.now() - startedAt;
  const { cpuMs: serverCpuMs, ...tally } = await server.end();
  if (exitCode !== 0) throw new Error(`${contestant.name} ended with ${exitCode}: ${await said}`);
  if (tally.mistaken > 0) throw new Error(`${contestant.name} cancelled ${tally.mistaken} jobs that were not overdue`);
  return { ...tally, ...parseUsage(await usage), wallMs, serverCpuMs };
}

/** Nothing of the machine's own environment but the PATH. */
function environmentFor({ connection, certificateFile }: Service): NodeJS.ProcessEnv {
  return {
    ...LOOSE_CEILINGS,
    PATH: process.env.PATH,
    // The SDK leaves a file there.
    HOME: tmpdir(),
    ENDPOINT: connection.url,
    PROJECT_ID: connection.projectId,
    HUAWEICLOUD_SDK_AK: connection.accessKeyId,
    HUAWEICLOUD_SDK_SK: connection.secretAccessKey,
    ...(certificateFile !== undefined && { NODE_EXTRA_CA_CERTS: certificateFile, CURL_CA_BUNDLE: certificateFile }),
  };
}

/** The lines of usage.mjs, or those of the shell's `times`: `0m1.250s 0m0.480s`. */
function parseUsage(usage: string): Pick<Outcome, 'cpuMs' | 'peakMb'> {
  if (usage.startsWith('{')) return JSON.parse(usage) as Pick<Outcome, 'cpuMs' | 'peakMb'>;
  const seconds = [...usage.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  return { cpuMs: seconds.reduce((sum, one) => sum + one, 0) * 1_000, peakMb: undefined };
}
