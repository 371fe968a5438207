import { dliReaper } from '../../lib/base/command-line.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { confirm } from '../screen/confirm.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import type { Terminal } from '../screen/terminal.ts';
import { STDIN, versionIn, withVersionLine, writeText } from '../source/files.ts';
import type { ParameterVersion } from '../source/parameter-store.ts';
import { readPolicyText } from '../source/policy-file.ts';
import { type Candidate, compareWithLive, type Difference, isLive, readCandidate, showDifference } from './diff.ts';
import { openPolicy, type PolicyFlags, type StoredPolicy, toYaml } from './stored-policy.ts';

/**
 * Writes a policy file to the stage, once the difference was shown and a live policy was confirmed.
 *
 * @returns the exit code.
 * @throws {SettingsError} if the file is not valid or too large, or the live policy has changed.
 */
export async function runPush(
  file: string,
  flags: PolicyFlags & { overVersion?: number; over?: string },
  terminal: Terminal,
): Promise<number> {
  const stored = openPolicy(flags);
  const { stage, parameter } = stored;
  const live = await stage.store.get(parameter);
  if (live === undefined) await stage.assertExists();
  const candidate = readCandidate(file);
  if (flags.over === undefined) {
    assertUnchanged(live, { parameter, version: flags.overVersion ?? versionIn(candidate.text, parameter) });
  } else {
    assertIsOf(flags.over, live, { parameter, candidate });
  }
  const { exitCode, version } = await put(candidate, live, stored, flags, terminal);
  // The version lets the file be changed and pushed again. JSON has no place for it, and stdin is no file.
  if (version !== undefined && file !== STDIN && !isJson(candidate.text)) {
    writeText(file, withVersionLine(candidate.text, parameter, version));
  }
  return exitCode;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Writes an earlier version again. @returns the exit code. @throws {SettingsError} if it is no longer stored. */
export async function runRollback(flags: PolicyFlags & { to?: number }, terminal: Terminal): Promise<number> {
  const stored = openPolicy(flags);
  const { stage, parameter } = stored;
  const versions = await stage.store.history(parameter);
  const live = versions.at(-1);
  const wanted = flags.to ?? (live?.version ?? 0) - 1;
  const earlier = versions.find(({ version }) => version === wanted);
  const held = `there are ${versions.map(({ version }) => version).join(', ')}`;
  if (live === undefined || earlier === undefined) {
    throw new SettingsError(parameter, `holds no version ${wanted}; ${held}`);
  }
  const candidate = { ...readVersion(earlier, `${parameter}:${wanted}`, held), value: earlier.value };
  return (await put(candidate, live, stored, flags, terminal)).exitCode;
}

function readVersion({ value }: ParameterVersion, name: string, held: string): { text: string; policy: Policy } {
  const text = toYaml(value);
  try {
    return { text, policy: readPolicyText(text, name).policy };
  } catch (error) {
    throw new SettingsError('--to', `that version is not a valid policy; ${held}\n${messageOf(error)}`, {
      cause: error,
    });
  }
}

function assertUnchanged(
  live: ParameterVersion | undefined,
  { parameter, version }: { parameter: string; version: number | undefined },
): void {
  if (live === undefined || live.version === version) return;
  throw new SettingsError(
    parameter,
    version === undefined
      ? `already exists, at version ${live.version}; pull it first, or give --over-version ${live.version}`
      : `is version ${live.version} now, not version ${version} that you pulled or named; pull it again`,
  );
}

/** Refuses to replace another policy than that of a file. A push that was done already may be done again. */
function assertIsOf(
  file: string,
  live: ParameterVersion | undefined,
  { parameter, candidate }: { parameter: string; candidate: Candidate },
): void {
  if (live === undefined || isLive(candidate, live) || isLive(readCandidate(file), live)) return;
  throw new SettingsError(
    parameter,
    `is not the policy of ${file}: version ${live.version} was put in place by other means; pull it, and see what it changes`,
  );
}

/** @returns the exit code, and the version that holds the candidate; no version if the person did not confirm. */
async function put(
  candidate: Candidate,
  live: ParameterVersion | undefined,
  stored: StoredPolicy,
  flags: PolicyFlags,
  terminal: Terminal,
): Promise<{ exitCode: number; version?: number }> {
  const { stage, parameter } = stored;
  const difference = await compareWithLive(candidate, live, stored, flags, terminal);
  showBefore(difference, flags, terminal);
  if (live !== undefined && difference.isSame) {
    if (flags.json) showDifference(difference, { flags, version: null }, terminal);
    return { exitCode: 0, version: live.version };
  }
  if (candidate.policy.mode === 'live') {
    const { name } = stage;
    const what = `put this live policy in place on ${name}`;
    if (!(await confirm({ name, what, given: flags.confirm }, terminal))) return { exitCode: EXIT_CONFIGURATION };
  }
  // Someone else may have written while the question was open.
  assertUnchanged(await stage.store.get(parameter), { parameter, version: live?.version });
  const version = await stage.store.put(parameter, candidate.value, { overwrite: live !== undefined });
  if (flags.json) showDifference(difference, { flags, version }, terminal);
  else terminal.out(`${parameter} is version ${version} now; it holds from the next sweep on.\n`);
  const between = version - 1;
  if (between === (live?.version ?? 0)) return { exitCode: 0, version };
  // Parameter Store cannot compare before it writes, so this is the first moment to notice.
  terminal.err(
    `dli-reaper: ${parameter}: someone wrote version ${between} at the same time, and your version replaced it\n` +
      `            ${dliReaper(`policy rollback --stage ${stage.name} --name ${flags.name} --to ${between}`)}  restores theirs\n`,
  );
  return { exitCode: EXIT_CONFIGURATION, version };
}

/** Shows what is about to be confirmed. With --json it goes to stderr, since stdout is for what was done. */
function showBefore(difference: Difference, flags: PolicyFlags, terminal: Terminal): void {
  const showing = { flags: { ...flags, json: false }, version: null };
  if (!flags.json) showDifference(difference, showing, terminal);
  else if (flags.confirm === undefined) showDifference(difference, showing, { ...terminal, out: terminal.err });
}
