import { SettingsError } from '../lib/settings/settings.ts';
import { openStage } from './stage.ts';

/** The names of a stage's targets, in alphabetical order. @throws {SettingsError} if there are none. */
export async function listTargets(stage: string): Promise<string[]> {
  const { names, readPath } = openStage(stage);
  const path = names.target('');
  const targets = [...(await readPath(path)).keys()].map((name) => name.slice(path.length)).sort();
  if (targets.length === 0) throw new SettingsError(path, 'holds no target');
  return targets;
}
