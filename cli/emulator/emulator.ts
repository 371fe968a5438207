import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ASSUMPTION_NAMES, DEFAULT_ASSUMPTIONS } from '../../emulator/base/assumptions.ts';
import { parseFaults } from '../../emulator/control/fault-file.ts';
import type { Fault } from '../../emulator/control/faults.ts';
import { addJobs } from '../../emulator/control/jobs.ts';
import { parseSnapshot, type Snapshot } from '../../emulator/control/snapshot.ts';
import type { Emulator } from '../../emulator/server.ts';
import { startWorld, type WorldOptions } from '../../emulator/start-world.ts';
import { WORLDS } from '../../emulator/worlds.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import { decodeText } from '../../lib/base/text.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { assumptionsIn, type Probe, parseProbe } from '../doctor/probe/file.ts';
import { onInterrupt } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { readBytes, STDIN } from '../source/files.ts';
import { assertRehearsal, howToRehearse, type Rehearsal, startRehearsal } from './rehearsal.ts';

export interface EmulatorFlags extends WorldOptions {
  /** File with faults, YAML or JSON. */
  faults?: string;
  /** File that doctor --probe wrote. */
  assumeFrom?: string;
  /** File with the state: loaded at the start, if it exists, and written at the end. */
  state?: string;
  /** Stage to play, which can be the rehearsal only. */
  stage?: string;
  /** File with the jobs that it starts with, in place of a world. */
  worldFile?: string;
}

function readState(path: string): Snapshot | undefined {
  if (path === STDIN) throw new SettingsError('--state', 'is also written at the end, so it cannot be stdin');
  if (!existsSync(path)) return undefined;
  return readWith('--state', path, (text) => parseSnapshot(JSON.parse(text)));
}

function readFaults(path: string): Fault[] {
  return readWith('--faults', path, (text) => parseFaults(parse(text)));
}

function readProbe(path: string): Probe {
  return readWith('--assume-from', path, parseProbe);
}

/** Shows where the probe differs from the defaults of the emulator, and what it could not find out. */
function tellAssumptions({ assumptions }: Probe, err: Terminal['err']): void {
  const differing: string[] = [];
  const unknown: string[] = [];
  for (const name of ASSUMPTION_NAMES) {
    const { found } = assumptions[name];
    const assumed = DEFAULT_ASSUMPTIONS[name];
    if (found === null) unknown.push(`${name} ${assumed}`);
    else if (found !== assumed) differing.push(`${name} ${found} (default ${assumed})`);
  }
  err(`Differs from the default, by the probe: ${differing.join(', ') || 'nothing'}.\n`);
  if (unknown.length > 0) err(`Unknown to the probe, so the default holds: ${unknown.join(', ')}.\n`);
}

function readWith<T>(flag: string, path: string, read: (text: string) => T): T {
  try {
    return read(decodeText(readBytes(path)));
  } catch (error) {
    throw new SettingsError(`${flag} ${path}`, messageOf(error), {
      cause: error,
    });
  }
}

/** Says what an emulator opens that other machines can reach; an empty text if none can. */
function openTo({ host = '127.0.0.1', port }: { host?: string | undefined; port: string }): string {
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return '';
  return (
    `Open to other machines: it listens on ${host}, port ${port}. Its keys are known to everybody, and it changes its jobs ` +
    'for any caller of /_emulator. Use it in a network that you trust.\n'
  );
}

/** Writes the state under another name first, so that an incomplete file never replaces a complete one. */
function writeState(path: string, snapshot: Snapshot): void {
  writeFileSync(`${path}.new`, JSON.stringify(snapshot));
  renameSync(`${path}.new`, path);
}

/** Starts an emulator with the jobs of a file, with a saved state, or with a world. */
async function start({ worldFile, state, faults, ...options }: EmulatorFlags): Promise<Emulator> {
  const { world = 'busy-morning' } = options;
  if (!Object.hasOwn(WORLDS, world))
    throw new SettingsError('--world', `expected one of ${Object.keys(WORLDS).join(', ')}`);
  const files = {
    saved: state === undefined ? undefined : readState(state),
    faults: faults === undefined ? undefined : readFaults(faults),
  };
  if (worldFile === undefined) return startWorld(options, files);
  const { jobs: _, ...others } = options;
  const emulator = await startWorld({ ...others, world: 'empty' }, files);
  try {
    readWith('--world-file', worldFile, (text) => addJobs(parse(text), emulator, emulator.snapshot().now));
    return emulator;
  } catch (error) {
    await emulator.close();
    throw error;
  }
}

async function rehearse(emulator: Emulator, terminal: Terminal): Promise<Rehearsal> {
  try {
    return await startRehearsal(emulator, terminal);
  } catch (error) {
    // The process would not end while it listens.
    await emulator.close();
    throw error;
  }
}

/** Runs an emulator until SIGTERM or SIGINT. The first line on stdout is the JSON that a client needs. @returns the exit code. */
export async function runEmulator(flags: EmulatorFlags, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  if (flags.stage !== undefined) assertRehearsal(flags.stage);
  if (flags.stage !== undefined && openTo({ ...flags, port: '' }) !== '')
    throw new SettingsError('--host', 'a rehearsal is for this machine only; leave it out, or leave out --stage');
  const probe = flags.assumeFrom === undefined ? undefined : readProbe(flags.assumeFrom);
  const emulator = await start({ ...flags, assume: { ...(probe && assumptionsIn(probe)), ...flags.assume } });
  if (probe !== undefined) tellAssumptions(probe, err);
  const stopped = new Promise<void>((resolve) => void onInterrupt(resolve));
  const rehearsal = flags.stage === undefined ? undefined : await rehearse(emulator, terminal);
  out(`${JSON.stringify(emulator.connection)}\n`);
  err(openTo({ ...flags, port: new URL(emulator.connection.url).port }));
  if (rehearsal !== undefined) err(howToRehearse());
  await stopped;
  await rehearsal?.end();
  await emulator.close();
  if (flags.state !== undefined) writeState(flags.state, emulator.snapshot());
  for (const { on, target = '' } of emulator.faults.unmet()) err(`a fault was never met: ${on} ${target}\n`);
  return 0;
}
