import type { Fault } from '../../emulator/control/faults.ts';
import type { Emulator } from '../../emulator/server.ts';
import { startWorld } from '../../emulator/start-world.ts';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { formatDuration, parseDuration } from '../../lib/base/duration.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { runEmergency } from '../emergency/emergency.ts';
import { shellOf } from '../emulator/env.ts';
import { REHEARSAL_TARGET, type Rehearsal, startRehearsal } from '../emulator/rehearsal.ts';
import { EXIT_FAILED, EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { interrupted, onInterrupt } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import { readSnapshot } from '../snapshot/document.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { REHEARSAL_STAGE } from '../source/rehearsal.ts';
import { type Debrief, debriefOf, fatesOf, type Played } from './debrief.ts';
import { type Conditions, formatDebrief, toDrillJson } from './debrief-screen.ts';
import { makeNight, type Night, type NightSize, troubleOf } from './night.ts';
import { nightOf } from './snapshot-night.ts';

export interface DrillFlags extends NightSize {
  /** Plays the scheduled sweep and the emergency by itself. */
  unattended?: boolean;
  callsPerMinute: number;
  /** File with the jobs, in place of a night that is made. */
  snapshot?: string;
  /** Policy of the stage, for the jobs of a snapshot. */
  policy?: string;
  /** Age of the emergency. */
  olderThan: string;
  maxKills?: number;
  json?: boolean;
}

/** The most that an emergency may cancel by the ceilings of a deploy without params. */
const MOST_KILLS = 300;

/** How often an attended drill looks whether the last runaway has ended. */
const LOOK_EVERY_MS = 1_000;

/** Plays a bad night on the rehearsal stage, and says what the response was worth. @returns the exit code of {@link exitCodeOf}. */
export async function runDrill(flags: DrillFlags, terminal: Terminal, clock: Clock = systemClock): Promise<number> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<'stopped'>();
  const endListening = onInterrupt(() => stop('stopped'));
  try {
    const drill = await startDrill(flags, terminal, clock);
    try {
      terminal.err(situation(drill, flags));
      if (flags.unattended) await respond(drill, flags, terminal, stopped);
      else await watch(drill, terminal, stopped);
      const debrief = await drill.debrief();
      const conditions = drill.conditions();
      terminal.out(flags.json ? toJson('drill', toDrillJson(debrief, conditions)) : formatDebrief(debrief, conditions));
      return exitCodeOf(debrief);
    } finally {
      await drill.end();
    }
  } finally {
    endListening();
  }
}

/** 3 for a wrong kill or a false word of the log, 4 if a runaway is left, else 0. */
export function exitCodeOf({ wrongKills, falseWords, left }: Debrief): number {
  if (wrongKills.length + falseWords.length > 0) return EXIT_FAILED;
  return left.length > 0 ? EXIT_PARTIAL : 0;
}

/** Starts the night, and a stage whose target has it. */
export async function startDrill(flags: DrillFlags, terminal: Pick<Terminal, 'err'>, clock: Clock = systemClock) {
  const night = nightFor(flags, clock.now());
  const trouble = troubleOf(night.saved);
  const { callsPerMinute } = flags;
  const emulator = await startWorld({ callsPerMinute }, { saved: night.saved, faults: trouble });
  const stage = await startStage(emulator, night, terminal);
  const linesBefore = stage.logLines.length;
  const requestsBefore = emulator.requests.length;
  const startedAt = clock.now();
  const played = (): Played => ({
    night,
    emulator,
    logLines: stage.logLines.slice(linesBefore),
    requestsBefore,
    startedAt,
    now: clock.now(),
  });
  const runaways = await night.runawaysAt(startedAt);
  return {
    night,
    emulator,
    stage,
    runaways,
    played,
    debrief: () => debriefOf(played()),
    conditions: (): Conditions => ({
      night,
      callsPerMinute,
      isAttended: !flags.unattended,
      ...metOf(trouble, emulator),
    }),
    leftNow: () => leftOf(runaways, emulator, clock.now()),
    sinceStart: () => formatDuration(clock.now() - startedAt),
    end: async () => {
      await stage.end();
      await emulator.close();
    },
  };
}

/** A drill that runs. */
type Drill = Awaited<ReturnType<typeof startDrill>>;

function nightFor(flags: DrillFlags, now: number): Night {
  const { snapshot, policy, jobs, overdue, seed, olderThan } = flags;
  if (snapshot === undefined) {
    if (policy !== undefined) throw new SettingsError('--policy', 'goes with --snapshot, whose jobs it is for');
    return makeNight(flags, now);
  }
  for (const [flag, value] of Object.entries({ jobs, overdue, seed })) {
    if (value !== undefined) throw new SettingsError(`--${flag}`, 'goes without --snapshot, which has its own jobs');
  }
  const stored = readSnapshot(snapshot);
  const { policy: document } = makeNight({ jobs: 0 }, now);
  const own = policy === undefined ? { document, policy: parsePolicy(document) } : readPolicyFile(policy);
  return nightOf(stored, { policy: own.policy, document: own.document, olderThanMs: parseDuration(olderThan) }, now);
}

async function startStage(emulator: Emulator, night: Night, terminal: Pick<Terminal, 'err'>): Promise<Rehearsal> {
  try {
    // Messages to each owner would push the rest off the screen.
    return await startRehearsal(emulator, terminal, { policy: night.policy, showsMessages: false });
  } catch (error) {
    // The process would not end while it listens.
    await emulator.close();
    throw error;
  }
}

function metOf(trouble: readonly Fault[], { faults }: Emulator): Pick<Conditions, 'faults' | 'faultsMet'> {
  const unmet = new Set(faults.unmet());
  return { faults: trouble.length, faultsMet: trouble.filter((fault) => !unmet.has(fault)).length };
}

const leftOf = (runaways: ReadonlySet<string>, emulator: Emulator, now: number): number =>
  fatesOf(emulator, now).filter(({ jobId, isOver }) => !isOver && runaways.has(jobId.toLowerCase())).length;

const mostKills = ({ maxKills }: DrillFlags, runaways: ReadonlySet<string>): number =>
  maxKills ?? Math.min(Math.max(runaways.size, 1), MOST_KILLS);

function situation({ night, emulator, runaways }: Drill, flags: DrillFlags): string {
  const { takenAt, jobs, unknown } = night;
  const from = takenAt === null ? '' : `, as in the snapshot of ${takenAt}`;
  const target = `--stage ${REHEARSAL_STAGE} --target ${REHEARSAL_TARGET}`;
  const kills = mostKills(flags, runaways);
  const emergency = `emergency ${target} --older-than ${flags.olderThan} --max-kills ${kills} --reason "a drill"`;
  const lines = [
    `A bad night: ${counted(jobs, 'job')}${from}; ${runaways.size} of them are runaways.`,
    `The gateway lets ${counted(flags.callsPerMinute, 'call')} a minute through, and some answers get lost.`,
    `The emulated DLI listens at ${emulator.connection.url}; nothing real is touched.`,
    ...unknown.map((sentence) => `! ${cleanText(sentence)}`),
    ...(flags.unattended
      ? []
      : [
          'The time runs. In another terminal:',
          `  eval "$(${dliReaper('emulator env')})"`,
          `  ${dliReaper(`jobs ${target}`)}`,
          `  ${dliReaper(emergency)}`,
          'Ctrl-C here ends the drill, and shows what it was worth.',
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Waits for Ctrl-C or SIGTERM, and says when the last runaway has ended. */
async function watch(
  { runaways, leftNow, sinceStart }: Drill,
  { err }: Terminal,
  stopped: Promise<unknown>,
): Promise<void> {
  const timer = setInterval(() => {
    if (leftNow() > 0) return;
    clearInterval(timer);
    if (runaways.size > 0) err(`The last runaway has ended, ${sinceStart()} after the start. Ctrl-C ends the drill.\n`);
  }, LOOK_EVERY_MS);
  await stopped;
  clearInterval(timer);
}

/** Does what the schedule and a person on call would do, by the same functions and the same verb. */
async function respond(
  { stage, runaways }: Drill,
  flags: DrillFlags,
  terminal: Terminal,
  stopped: Promise<'stopped'>,
): Promise<void> {
  enterShell(stage.port);
  terminal.err('The scheduled sweep …\n');
  if ((await Promise.race([stage.tick(), stopped])) === 'stopped') return;
  terminal.err(`An emergency for all that is older than ${flags.olderThan} …\n`);
  const emergency = {
    stage: REHEARSAL_STAGE,
    target: REHEARSAL_TARGET,
    olderThan: flags.olderThan,
    maxKills: mostKills(flags, runaways),
    reason: 'a drill',
    confirm: REHEARSAL_TARGET,
  };
  try {
    // Its own report would hide the debrief.
    await runEmergency(emergency, { ...terminal, out: () => {}, ask: undefined });
  } catch (error) {
    if (!interrupted.aborted) terminal.err(`! The emergency failed: ${cleanText(messageOf(error))}\n`);
  }
}

/** Makes this process a shell of the rehearsal: the AWS SDK reads the environment of the process. */
function enterShell(port: number): void {
  const { unset, variables } = shellOf(port, process.env);
  for (const name of unset) delete process.env[name];
  Object.assign(process.env, variables);
}
