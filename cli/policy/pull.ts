import { existsSync } from 'node:fs';
import { dliReaper } from '../../lib/base/command-line.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { withVersionLine, writeText } from '../source/files.ts';
import { openPolicy, type PolicyFlags, toYaml } from './stored-policy.ts';

/** Writes the live policy to a file or to stdout, with its version in the first line. @returns the exit code. */
export async function runPull(
  flags: PolicyFlags & { output?: string; replace?: boolean },
  { out }: Terminal,
): Promise<number> {
  const { output, replace = false, json } = flags;
  const { stage, parameter } = openPolicy(flags);
  // The file may hold comments, which Parameter Store does not keep.
  if (output !== undefined && !replace && existsSync(output)) {
    throw new SettingsError(output, 'already exists; --replace overwrites it');
  }
  const live = await stage.store.get(parameter);
  if (live === undefined) {
    const problem = `no such parameter; push a policy, or see ${dliReaper(`init --stage ${stage.name}`)}`;
    throw new SettingsError(parameter, problem);
  }
  const { version } = live;
  const text = withVersionLine(toYaml(live.value), parameter, version);
  if (output !== undefined) writeText(output, text);
  if (json) out(toJson('policy', { stage: stage.name, parameter, version, file: output ?? null, text }));
  else out(output === undefined ? text : `${parameter}, version ${version}, is in ${output}.\n`);
  return 0;
}
