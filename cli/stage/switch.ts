import { dliReaper } from '../../lib/base/command-line.ts';
import { SettingsError, type Target } from '../../lib/settings/settings.ts';
import { parseTarget, toTarget } from '../../lib/settings/stage.ts';
import {
  describeStop,
  formatStop,
  hasWords,
  isOverdue,
  parseStop,
  reasonProblem,
} from '../../lib/settings/stop-order.ts';
import { isSwitchOn, readSwitchFrom } from '../../lib/settings/switch.ts';
import { EVERY_MS } from '../../lib/settings/switch-watch.ts';
import { projectOf } from '../../lib/sweep/look/identity.ts';
import { confirm } from '../screen/confirm.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { projectWords } from '../screen/project-words.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { endOf } from '../source/flag-values.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';

export interface StopFlags extends StageFlags {
  /** A day, a time, or a duration from now. */
  until?: string;
  reason?: string;
}

/** Returns a line for each live target; nothing if the targets cannot be read, which does not keep a person from resuming. */
async function liveTargets({ names, readPath }: Stage): Promise<string> {
  const values = await readPath(names.targets).catch(() => new Map<string, string>());
  return [...values.keys()]
    .sort()
    .map((parameter) => {
      const target = readTarget(parameter, values);
      if (target?.mode !== 'live') return '';
      const name = cleanText(parameter.slice(names.targets.length));
      return `Live: ${name}, ${projectWords(projectOf(target))}.\n`;
    })
    .join('');
}

/** @returns undefined if the target cannot be read; it is not swept either. */
function readTarget(parameter: string, values: ReadonlyMap<string, string>): Target | undefined {
  try {
    return toTarget(parameter, parameter, parseTarget(parameter, values));
  } catch {
    return undefined;
  }
}

/**
 * Stops a stage without a question, and shows the switch as it then reads. A stop with an end does not resume by itself:
 * after its end the reports ask for a resume.
 *
 * @returns the exit code. @throws {SettingsError}
 */
export async function runStop(flags: StopFlags, terminal: Terminal, now: number): Promise<number> {
  const { until: end, reason } = flags;
  const problem = reason === undefined ? undefined : reasonProblem(reason);
  if (problem !== undefined) throw new SettingsError('--reason', problem);
  const until = end === undefined ? undefined : endOf('--until', end, now);
  const stage = openStage(flags.stage);
  await stage.assertExists();
  return write(stage, formatStop({ until, reason }), { isOn: false, json: flags.json }, terminal);
}

/**
 * Allows the sweeps of a stage to cancel again, once its name is typed, and shows the switch as it then reads.
 *
 * @returns the exit code. @throws {SettingsError}
 */
export async function runResume(flags: StageFlags, terminal: Terminal, now: number): Promise<number> {
  const stage = openStage(flags.stage);
  await stage.assertExists();
  await showStop(stage, terminal, now);
  // The person who types the name sees where jobs may then be cancelled.
  if (flags.confirm === undefined) terminal.err(await liveTargets(stage));
  const { name } = stage;
  const isAgreed = await confirm({ name, what: 'allow its sweeps to cancel again', given: flags.confirm }, terminal);
  if (!isAgreed) return EXIT_CONFIGURATION;
  return write(stage, 'run', { isOn: true, json: flags.json }, terminal);
}

/** Shows why the stage was stopped, and until when, before a person resumes it. A person who may not read may still write. */
async function showStop({ name, read }: Stage, { err }: Terminal, now: number): Promise<void> {
  const reading = await readSwitchFrom(read, name).catch(() => undefined);
  const order = parseStop(reading?.value);
  if (order === undefined || !hasWords(order)) return;
  const over = isOverdue(order, now) ? ', which is in the past' : '';
  err(`The switch of ${name} reads ${cleanText(describeStop(order))}${over}.\n`);
}

async function write(
  { name, names, read, store }: Stage,
  value: string,
  { isOn: isWanted, json = false }: { isOn: boolean; json: boolean | undefined },
  terminal: Terminal,
): Promise<number> {
  await store.put(names.switch, value, { overwrite: true });
  const reading = await readSwitchFrom(read, name);
  const isOn = isSwitchOn(reading);
  const order = parseStop(reading.value);
  const words = isOn
    ? 'the next sweep may cancel, if policy and target are live'
    : `no job is cancelled; a sweep that is running stops within ${EVERY_MS / 1_000} seconds`;
  const text = isOn ? 'run' : order === undefined ? 'stop' : cleanText(describeStop(order));
  const asks =
    order?.until === undefined ? '' : ` It does not resume by itself; use ${dliReaper(`resume --stage ${name}`)}.`;
  terminal.out(
    json
      ? toJson('switch', {
          stage: name,
          isOn,
          version: reading.version,
          ...(order?.until !== undefined && { until: new Date(order.until).toISOString() }),
          ...(order?.reason !== undefined && { reason: order.reason }),
        })
      : `The switch of ${name} reads ${text} (version ${reading.version ?? '?'}): ${words}.${asks}\n`,
  );
  return isOn === isWanted ? 0 : EXIT_CONFIGURATION;
}
