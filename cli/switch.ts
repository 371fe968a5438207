import { projectOf } from '../lib/identity.ts';
import { SettingsError, type Target } from '../lib/settings/settings.ts';
import { isSwitchOn, parseTarget, readSwitchFrom, toTarget } from '../lib/settings/ssm.ts';
import { cleanText } from './clean-text.ts';
import { confirm } from './confirm.ts';
import { EXIT_CONFIGURATION } from './exit-code.ts';
import { toJson } from './json.ts';
import { projectWords } from './project-words.ts';
import { openStage, type Stage } from './stage.ts';
import type { Terminal } from './terminal.ts';

export interface SwitchFlags {
  stage?: string;
  confirm?: string;
  json?: boolean;
}

/** A line for each target that is live; nothing where they cannot be read, which is no reason to keep the switch. */
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

/** One that cannot be read is not swept. */
function readTarget(parameter: string, values: ReadonlyMap<string, string>): Target | undefined {
  try {
    return toTarget(parameter, parameter, parseTarget(parameter, values));
  } catch {
    return undefined;
  }
}

/**
 * Sets the switch of a stage, and tells what is then read there. To stop takes one word; to resume, the stage's name has to
 * be typed.
 *
 * @returns the exit code. @throws {SettingsError}
 */
export async function runSwitch(value: 'run' | 'stop', flags: SwitchFlags, terminal: Terminal): Promise<number> {
  const { stage, json = false } = flags;
  if (stage === undefined) throw new SettingsError('--stage', 'missing; name the stage whose switch is meant');
  const opened = openStage(stage);
  const { read, names, store, assertExists } = opened;
  await assertExists();
  // Who types the name should see where jobs may be cancelled from then on.
  if (value === 'run' && flags.confirm === undefined) terminal.err(await liveTargets(opened));
  const isAgreed =
    value === 'stop' ||
    (await confirm({ name: stage, what: 'let its sweeps cancel again', given: flags.confirm }, terminal));
  if (!isAgreed) return EXIT_CONFIGURATION;

  await store.put(names.switch, value, { overwrite: true });
  const reading = await readSwitchFrom(read, stage);
  const isOn = isSwitchOn(reading);
  const words = isOn
    ? 'the next sweep may cancel, where policy and target are live'
    : 'no job is cancelled; a sweep that is under way notices within ten seconds';
  terminal.out(
    json
      ? toJson('switch', { stage, isOn, version: reading.version })
      : `The switch of ${stage} reads ${isOn ? 'run' : 'stop'} (version ${reading.version ?? '?'}): ${words}.\n`,
  );
  return isOn === (value === 'run') ? 0 : EXIT_CONFIGURATION;
}
