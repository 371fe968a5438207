import { SettingsError } from '../lib/settings/settings.ts';
import { isSwitchOn, readSwitchFrom } from '../lib/settings/ssm.ts';
import { confirm } from './confirm.ts';
import { EXIT_CONFIGURATION } from './exit-code.ts';
import { toJson } from './json.ts';
import { openStage } from './stage.ts';
import type { Terminal } from './terminal.ts';

export interface SwitchFlags {
  stage?: string;
  confirm?: string;
  json?: boolean;
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
  const { read, names, store, assertExists } = openStage(stage);
  await assertExists();
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
