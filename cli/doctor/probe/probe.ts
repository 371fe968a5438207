import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ASSUMPTION_NAMES } from '../../../emulator/base/assumptions.ts';
import { type Clock, systemClock } from '../../../lib/base/clock.ts';
import { dliReaper } from '../../../lib/base/command-line.ts';
import { formatDuration } from '../../../lib/base/duration.ts';
import { codeOf } from '../../../lib/base/error-words.ts';
import { createConnection } from '../../../lib/dli/connection.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { toText } from '../../../lib/dli/wire.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import { confirm } from '../../screen/confirm.ts';
import { EXIT_CONFIGURATION } from '../../screen/exit-code.ts';
import { toJson } from '../../screen/json.ts';
import { shellWord } from '../../screen/shell-lines.ts';
import { onInterrupt } from '../../screen/signals.ts';
import { withSpinner } from '../../screen/spinner.ts';
import { type Colour, plain, type Terminal } from '../../screen/terminal.ts';
import { readAsset } from '../../source/assets.ts';
import { type SettingsFlags, targetSource } from '../../source/load-settings.ts';
import { openNetwork } from '../../source/network.ts';
import { type Ask, createAsk, type Read, readWith } from './ask.ts';
import { type AssumptionFinding, type Probe, type Recording, VERDICTS, writeProbe } from './file.ts';
import { judgeAll } from './judge.ts';
import { listQueues, lookAround, queuesOf } from './look.ts';
import { type OwnJobSight, runOwnJob } from './own-job.ts';
import { createRedactor, type Redactor, regionOf } from './redact.ts';
import { OWN_JOB_TIMEOUT_MS } from './submit.ts';

export interface ProbeFlags extends SettingsFlags {
  /** The queue for the one job; without it no job is submitted. */
  probeQueue?: string;
  /** `dli-probe-<day>.json` by default. */
  probeFile?: string;
  confirm?: string;
  json?: boolean;
}

interface ProbeDeps {
  clock: Clock;
  random: () => number;
  /** Aborted by Ctrl-C while the job runs. */
  interrupted?: AbortSignal;
}

/** Time for the reads: they take seconds, or two minutes if the gateway slows them down. */
const LOOK_WITHIN_MS = 5 * 60_000;
/** If the reads take longer than this, no job is submitted. */
const SLOW_LOOK_MS = 4 * 60_000;

/**
 * Finds out how a real DLI behaves where no document says it. It reads first, and then, with consent, runs one job.
 *
 * @returns 1 if the requested job could not be submitted, or was not seen to end.
 * @throws {SettingsError} before anything is sent. @throws {DliError} if DLI cannot be asked.
 */
export async function runProbe(
  flags: ProbeFlags,
  terminal: Terminal,
  deps: ProbeDeps = { clock: systemClock, random: Math.random },
): Promise<number> {
  const { clock } = deps;
  const { probeQueue: queue, confirm: confirmed } = flags;
  const startedAt = clock.now();
  const file = flags.probeFile ?? `dli-probe-${new Date(startedAt).toISOString().slice(0, 10)}.json`;
  assertFlags(flags, file);
  const { target, credentials } = await targetSource(flags, terminal.env)();

  const { projectId, endpoint } = target;
  const redactor = createRedactor(queue);
  const recordings: Recording[] = [];
  const shared = createSharedStates(clock, openNetwork(terminal.env))('probe');
  const options = { endpoint, projectId, credentials, clock, random: deps.random, shared };
  const connection = createConnection(options);
  const once = createConnection({ ...options, maxAttempts: 1 });
  const recorder = { projectId, clock, startedAt, redactor, recordings };
  const notAfter = startedAt + LOOK_WITHIN_MS;
  const look = readWith(createAsk(connection, { ...recorder, notAfter }));
  const read = readWith(createAsk(connection, recorder));
  const askOnce = createAsk(once, recorder);
  try {
    const sight = await withSpinner('Asking DLI', flags, terminal, () => lookAt(look, queue, clock));
    const isSlow = clock.now() - startedAt > SLOW_LOOK_MS;
    if (isSlow) terminal.err(`The reads took longer than ${formatDuration(SLOW_LOOK_MS)}, so no job is submitted.\n`);
    const isAgreed = queue !== undefined && !isSlow && (await hasConsent(queue, confirmed, terminal));
    const ownJob = isAgreed ? await withOwnJob({ queue, askOnce, read, redactor }, terminal, deps) : undefined;

    const probe: Probe = {
      version: 1,
      date: new Date(startedAt).toISOString(),
      reaper: (JSON.parse(readAsset('package.json')) as { version: string }).version,
      region: regionOf(endpoint),
      ownJob: ownJob?.end ?? 'not submitted',
      assumptions: judgeAll({ sight, ownJob }),
      recordings,
    };
    terminal.out(flags.json ? toJson('probe', probe) : format(probe, terminal));
    writeProbe(file, probe);
    terminal.err(
      `Written to ${file}, without names, ids and texts. ${dliReaper(`emulator --assume-from ${shellWord(file)}`)} behaves like this DLI.\n`,
    );
    return queue === undefined || ownJob?.cancelOfEnded !== undefined ? 0 : EXIT_CONFIGURATION;
  } finally {
    connection.close();
    once.close();
  }
}

/** "Creating a Queue": letters, digits and underscores, not digits alone, and no underscore first. */
const QUEUE = /^(?!_)(?!\d+$)\w{1,128}$/;

function assertFlags({ probeQueue, confirm: confirmed, policy }: ProbeFlags, file: string): void {
  if (policy !== undefined) throw new SettingsError('--policy', 'goes without --probe, which judges no job');
  if (probeQueue !== undefined && !QUEUE.test(probeQueue)) {
    throw new SettingsError('--probe-queue', 'expected the name of a queue: letters, digits and _');
  }
  if (confirmed !== undefined && confirmed !== probeQueue) {
    const expected = probeQueue ?? 'no --confirm without --probe-queue';
    throw new SettingsError('--confirm', `expected ${expected}; nothing was asked`);
  }
  if (existsSync(file)) throw new SettingsError(file, 'already exists; name another file with --probe-file');
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    const why = `cannot be written there (${codeOf(error)}); name another file with --probe-file`;
    throw new SettingsError(file, why, { cause: error });
  }
}

async function lookAt(read: Read, queue: string | undefined, clock: Clock) {
  const queues = await listQueues(read);
  const names = queuesOf(queues).flatMap((row) => toText(row.queue_name)?.toLowerCase() ?? []);
  if (queue !== undefined && names.length > 0 && !names.includes(queue.toLowerCase())) {
    throw new SettingsError('--probe-queue', 'DLI lists no queue of this name; correct it');
  }
  return lookAround(read, queues, clock);
}

/** Asks for consent. If no one can be asked, there is none. */
async function hasConsent(queue: string, given: string | undefined, terminal: Terminal): Promise<boolean> {
  if (given === undefined && terminal.ask === undefined) {
    terminal.err(`No job was submitted, since the name cannot be typed here; give --confirm ${queue}.\n`);
    return false;
  }
  if (given === undefined) {
    const end = formatDuration(OWN_JOB_TIMEOUT_MS);
    terminal.err(
      `The reads are done. Next comes one SQL job on ${queue}: a long query that uses no table. It is cancelled as soon as it runs. If that fails, DLI ends it after ${end}.\n`,
    );
  }
  return confirm({ name: queue, what: 'submit this job and cancel it', given }, terminal);
}

/** Ctrl-C, a stop, and a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the job. A signal ends the waiting, and the job is cancelled nevertheless. A second signal ends the process. */
async function withOwnJob(
  { queue, ...asks }: { queue: string; askOnce: Ask; read: Read; redactor: Redactor },
  terminal: Terminal,
  { clock, interrupted }: ProbeDeps,
): Promise<OwnJobSight> {
  const interruption = new AbortController();
  const interrupt = () => {
    interruption.abort();
    const end = formatDuration(OWN_JOB_TIMEOUT_MS);
    terminal.err(
      `Ending: the current call is finished, and the job is cancelled. After a second Ctrl-C only DLI ends the job, after ${end}.\n`,
    );
  };
  const endListening = onInterrupt(interrupt, SIGNALS);
  try {
    return await runOwnJob({
      ...asks,
      queue,
      clock,
      interrupted: interrupted ?? interruption.signal,
      say: (text) => terminal.err(`${text}\n`),
    });
  } finally {
    endListening();
  }
}

const SIGNS: Record<AssumptionFinding['verdict'], [sign: string, colour: Colour]> = {
  holds: ['✓', 'green'],
  'does not': ['✗', 'red'],
  'could not be told': ['?', 'gray'],
};

function format({ assumptions }: Probe, { paint = plain }: Terminal): string {
  const width = Math.max(...ASSUMPTION_NAMES.map((name) => name.length));
  const lines = ASSUMPTION_NAMES.map((name) => {
    const finding = assumptions[name];
    const [sign, colour] = SIGNS[finding.verdict];
    return `${paint(colour, sign)} ${name.padEnd(width)}  ${wordsOf(finding)}`;
  });
  const counts = VERDICTS.map((verdict) => {
    const count = ASSUMPTION_NAMES.filter((name) => assumptions[name].verdict === verdict).length;
    return `${count} ${verdict === 'holds' ? 'hold' : verdict === 'does not' ? 'do not' : verdict}`;
  });
  return `${lines.join('\n')}\nWhat the emulator assumes: ${counts.join(', ')}.\n`;
}

function wordsOf({ verdict, assumed, found, note }: AssumptionFinding): string {
  if (verdict === 'holds') return `holds: ${assumed}`;
  if (verdict === 'could not be told') return `could not be told: ${note}`;
  return found === null ? `does not hold (${assumed}), and is ${note}` : `does not hold (${assumed}): it is ${found}`;
}
