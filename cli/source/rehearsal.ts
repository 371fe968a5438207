import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dliReaper } from '../../lib/base/command-line.ts';
import type { Environment } from '../../lib/settings/environment.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** The only stage that the emulator plays, and that no account of AWS may have. */
export const REHEARSAL_STAGE = 'rehearsal';

/** Keys that AWS refuses: all of its own begin with AKIA or ASIA. They are also the mark of a shell that talks to the rehearsal. */
export const REHEARSAL_KEYS = {
  accessKeyId: 'REHEARSALACCESSKEYID',
  secretAccessKey: 'rehearsal-secret-access-key-of-no-other-use',
};

const NOTICE = 'REHEARSAL: an emulated stage on this machine; nothing real is touched.';

/** Flags that say where a verb goes. */
export interface Destination {
  stage?: string | undefined;
  endpoint?: string | undefined;
  region?: string | undefined;
}

/**
 * Keeps the rehearsal and real stages apart: a command that was pasted into the wrong shell is refused before its first call.
 *
 * @returns the line for the top of the screen, if the verb goes to the rehearsal.
 * @throws {SettingsError} if the flags name the rehearsal in another shell, or anything else in a shell of the rehearsal.
 */
export function noticeOfRehearsal({ stage, endpoint, region }: Destination, env: Environment): string | undefined {
  if (stage === undefined && endpoint === undefined && region === undefined) return undefined;
  if (env.AWS_ACCESS_KEY_ID !== REHEARSAL_KEYS.accessKeyId) {
    if (stage !== REHEARSAL_STAGE) return undefined;
    throw new SettingsError(
      '--stage',
      `${stage} is the stage of the emulator, and this shell does not talk to it; ${ENTER}`,
    );
  }
  const stray = strayVariable(env);
  if (stray !== undefined) {
    throw new SettingsError(stray, `leads a part of this shell out of the rehearsal; ${ENTER}, or use a new shell`);
  }
  if (stage !== undefined && stage !== REHEARSAL_STAGE) {
    throw new SettingsError('--stage', `this shell talks to the rehearsal, which has no stage ${stage}; ${LEAVE}`);
  }
  const flag = endpoint !== undefined ? '--endpoint' : region !== undefined ? '--region' : undefined;
  if (flag !== undefined && !isOnThisMachine(endpoint)) {
    throw new SettingsError(flag, `this shell talks to the rehearsal, and to no other machine; ${LEAVE}`);
  }
  return NOTICE;
}

const ENTER = `run eval "$(${dliReaper('emulator env')})"`;
const LEAVE = `use --stage ${REHEARSAL_STAGE}, or a new shell`;

/** Variables that would lead the AWS SDK to another place or account, in spite of the other variables. */
export const STRAY_VARIABLES = ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] as const;

function strayVariable(env: Environment): string | undefined {
  if (!isOnThisMachine(env.AWS_ENDPOINT_URL)) return 'AWS_ENDPOINT_URL';
  return Object.keys(env).find(
    (name) => env[name] && (STRAY_VARIABLES.some((stray) => stray === name) || name.startsWith('AWS_ENDPOINT_URL_')),
  );
}

function isOnThisMachine(url = ''): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(URL.parse(url)?.hostname ?? '');
}

/** Where a running rehearsal says how to reach it; one file for each user. */
const placeOf = () => join(tmpdir(), `dli-reaper-rehearsal-${process.getuid?.() ?? 'user'}.json`);

interface Running {
  pid: number;
  port: number;
}

/** Says where this process plays the stage. @returns a function that takes it back. */
export function announceRehearsal(running: Running): () => void {
  const place = placeOf();
  // A link that someone else has put there is not followed.
  rmSync(place, { force: true });
  writeFileSync(place, JSON.stringify(running), { mode: 0o600, flag: 'wx' });
  return () => {
    // A rehearsal that was started later has replaced the file.
    if (readRunning(place)?.pid === running.pid) rmSync(place, { force: true });
  };
}

/** Returns the port of the running rehearsal. @throws {SettingsError} if none runs. */
export function findRehearsal(): number {
  const running = readRunning(placeOf());
  if (running === undefined || !isAlive(running.pid)) {
    const start = dliReaper(`emulator --stage ${REHEARSAL_STAGE}`);
    throw new SettingsError('emulator env', `no rehearsal runs; start ${start} in another terminal`);
  }
  return running.port;
}

function readRunning(place: string): Running | undefined {
  try {
    const { pid, port } = JSON.parse(readFileSync(place, 'utf8')) as Partial<Running>;
    return Number.isInteger(pid) && Number.isInteger(port) ? { pid: Number(pid), port: Number(port) } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
