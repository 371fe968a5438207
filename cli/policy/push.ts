import { existsSync } from 'node:fs';
import { createTwoFilesPatch } from 'diff';
import { parse } from 'yaml';
import { dliReaper } from '../../lib/base/command-line.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import { withoutMark } from '../../lib/base/text.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { confirm } from '../screen/confirm.ts';
import { counted } from '../screen/counted.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { projectWords } from '../screen/project-words.ts';
import { type Paint, plain, type Terminal } from '../screen/terminal.ts';
import { cleanLines, cleanText, oneLine } from '../screen/text.ts';
import { yamlOf } from '../screen/yaml-text.ts';
import { versionIn, withVersionLine, writeText } from '../source/files.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';
import { MAX_ADVANCED_BYTES, MAX_STANDARD_BYTES, type ParameterVersion } from '../source/parameter-store.ts';
import { readPolicyFile, readPolicyText } from '../source/policy-file.ts';
import { type Effect, effectsOf } from './effect.ts';
import { type Remarks, remarksOn } from './remarks.ts';

export interface PolicyFlags extends StageFlags {
  /** The policy's name in Parameter Store. */
  name: string;
  /** Ask DLI who would be cancelled now. */
  look?: boolean;
}

interface Candidate {
  text: string;
  policy: Policy;
  /** What Parameter Store is given. */
  value: string;
}

function open({ stage: stageName, name }: PolicyFlags): { stage: Stage; parameter: string } {
  const stage = openStage(stageName);
  return { stage, parameter: stage.names.policy(name) };
}

/** Writes the live policy to a file, or to stdout, with its version in the first line. @returns the exit code. */
export async function runPull(
  flags: PolicyFlags & { output?: string; replace?: boolean },
  { out }: Terminal,
): Promise<number> {
  const { output, replace = false, json } = flags;
  const { stage, parameter } = open(flags);
  // It may hold somebody's comments, which no parameter keeps.
  if (output !== undefined && !replace && existsSync(output)) {
    throw new SettingsError(output, 'is there already; --replace overwrites it');
  }
  const live = await stage.store.get(parameter);
  if (live === undefined)
    throw new SettingsError(
      parameter,
      `no such parameter; push one, or see ${dliReaper(`init --stage ${stage.name}`)}`,
    );
  const { version } = live;
  const text = withVersionLine(toYaml(live.value), parameter, version);
  if (output !== undefined) writeText(output, text);
  if (json) out(toJson('policy', { stage: stage.name, parameter, version, file: output ?? null, text }));
  else out(output === undefined ? text : `${parameter}, version ${version}, is in ${output}.\n`);
  return 0;
}

/** The difference between a file and live, and its effect. @returns the exit code. */
export async function runDiff(file: string, flags: PolicyFlags, terminal: Terminal): Promise<number> {
  const { stage, parameter } = open(flags);
  const live = await stage.store.get(parameter);
  const candidate = readCandidate(file);
  const remarks = await remarksOn(candidate.policy, stage);
  const effects = await effectsOf(stage, { ...flags, ...remarks }, candidate.policy, live, terminal);
  show({ flags, parameter, live, candidate, effects, remarks, version: null }, terminal);
  return 0;
}

/** @returns the exit code. @throws {SettingsError} if it is not valid, too large, or live has changed meanwhile. */
export async function runPush(
  file: string,
  flags: PolicyFlags & { overVersion?: number },
  terminal: Terminal,
): Promise<number> {
  const { stage, parameter } = open(flags);
  const live = await stage.store.get(parameter);
  if (live === undefined) await stage.assertExists();
  const candidate = readCandidate(file);
  assertUnchanged(live, { parameter, version: flags.overVersion ?? versionIn(candidate.text, parameter) });
  const { exitCode, version } = await put(candidate, live, { flags, stage, parameter }, terminal);
  // So that it can be changed and pushed again; JSON has no room for it.
  if (version !== undefined && !isJson(candidate.text)) {
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

/** Puts an earlier version on top. @returns the exit code. @throws {SettingsError} if it is not held any more. */
export async function runRollback(flags: PolicyFlags & { to?: number }, terminal: Terminal): Promise<number> {
  const { stage, parameter } = open(flags);
  const versions = await stage.store.history(parameter);
  const live = versions.at(-1);
  const wanted = flags.to ?? (live?.version ?? 0) - 1;
  const earlier = versions.find(({ version }) => version === wanted);
  const held = `there are ${versions.map(({ version }) => version).join(', ')}`;
  if (live === undefined || earlier === undefined) {
    throw new SettingsError(parameter, `holds no version ${wanted}; ${held}`);
  }
  const candidate = { ...readVersion(earlier, `${parameter}:${wanted}`, held), value: earlier.value };
  return (await put(candidate, live, { flags, stage, parameter }, terminal)).exitCode;
}

function readVersion({ value }: ParameterVersion, name: string, held: string): { text: string; policy: Policy } {
  const text = toYaml(value);
  try {
    return { text, policy: readPolicyText(text, name).policy };
  } catch (error) {
    throw new SettingsError('--to', `names no policy that could hold; ${held}\n${messageOf(error)}`, { cause: error });
  }
}

function readCandidate(file: string): Candidate {
  const { text, policy, document } = readPolicyFile(file);
  const value = JSON.stringify(document);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_ADVANCED_BYTES) {
    throw new SettingsError(file, `${bytes} bytes as JSON; a parameter holds ${MAX_ADVANCED_BYTES} at most`);
  }
  return { text, policy, value };
}

function assertUnchanged(
  live: ParameterVersion | undefined,
  { parameter, version }: { parameter: string; version: number | undefined },
): void {
  if (live === undefined || live.version === version) return;
  throw new SettingsError(
    parameter,
    version === undefined
      ? `is there, at version ${live.version}; pull it first, or give --over-version ${live.version}`
      : `is version ${live.version} now, and not ${version} as when it was pulled or named; look at it again`,
  );
}

/** @returns the exit code; and the version that holds the candidate, unless nobody agreed to write it. */
async function put(
  candidate: Candidate,
  live: ParameterVersion | undefined,
  { flags, stage, parameter }: { flags: PolicyFlags; stage: Stage; parameter: string },
  terminal: Terminal,
): Promise<{ exitCode: number; version?: number }> {
  const remarks = await remarksOn(candidate.policy, stage);
  const effects = await effectsOf(stage, { ...flags, ...remarks }, candidate.policy, live, terminal);
  // What is asked about belongs on the screen; with --json stdout is for what was done.
  const seen = { flags: { ...flags, json: false }, parameter, live, candidate, effects, remarks, version: null };
  if (!flags.json) show(seen, terminal);
  else if (flags.confirm === undefined) show(seen, { ...terminal, out: terminal.err });
  if (live !== undefined && isSame(live, candidate)) {
    if (flags.json) show({ ...seen, flags }, terminal);
    return { exitCode: 0, version: live.version };
  }
  if (candidate.policy.mode === 'live') {
    const { name } = stage;
    const what = `put this live policy in place on ${name}`;
    if (!(await confirm({ name, what, given: flags.confirm }, terminal))) return { exitCode: EXIT_CONFIGURATION };
  }
  // Somebody may have been quicker while the question was open.
  assertUnchanged(await stage.store.get(parameter), { parameter, version: live?.version });
  const version = await stage.store.put(parameter, candidate.value, { overwrite: live !== undefined });
  if (flags.json) show({ flags, parameter, live, candidate, effects, remarks, version }, terminal);
  else terminal.out(`${parameter} is version ${version} now; it holds from the next sweep on.\n`);
  const between = version - 1;
  if (between === (live?.version ?? 0)) return { exitCode: 0, version };
  // Parameter Store compares nothing before it writes, so this much later is the first moment to know.
  terminal.err(
    `dli-reaper: ${parameter}: somebody wrote version ${between} at the same time, and this one is on top of it now\n` +
      `            ${dliReaper(`policy rollback --stage ${stage.name} --name ${flags.name} --to ${between}`)}  puts theirs back\n`,
  );
  return { exitCode: EXIT_CONFIGURATION, version };
}

const isSame = (live: ParameterVersion, { value }: Candidate): boolean => toYaml(live.value) === yamlOf(parse(value));

/** In the order of its keys; a text that is no JSON is shown as it is, but for what would move the cursor. */
function toYaml(value: string): string {
  try {
    return yamlOf(JSON.parse(withoutMark(value)));
  } catch {
    return cleanLines(value);
  }
}

function formatEffect(
  { target, project, before, after, capped, added, removed, problem }: Effect,
  paint: Paint,
): string[] {
  const warn = (text: string) => paint('yellow', `! ${target}: ${cleanText(oneLine(text))}`);
  const warnings = problem === null ? [] : [warn(problem)];
  if (after === null) return warnings;
  const byLive = before === null ? 'nobody can tell how many by the live policy' : `${before} by the live policy`;
  return [
    ...warnings,
    `${target}: ${counted(after, 'victim')} at this moment, ${byLive}.`,
    ...(capped === null ? [] : [warn(`${capped}, so a sweep would not cancel them all`)]),
    ...(project === null ? [] : [`  ${projectWords(project)}`]),
    ...added.map((id) => paint('red', `  + ${cleanText(id)}`)),
    ...removed.map((id) => paint('green', `  - ${cleanText(id)}`)),
  ];
}

function formatRemarks({ warnings, held }: Remarks, { mode }: Policy, isSame: boolean): string[] {
  return [
    ...warnings,
    ...(held ?? []).map((text) => `no live sweep of the stage obeys it: ${text}`),
    ...(mode === 'live' && !isSame && held?.length === 0
      ? ['unless sweeps went by it in the last 8 days, the first live one cancels three jobs at most']
      : []),
  ];
}

interface Shown {
  flags: PolicyFlags;
  parameter: string;
  live: ParameterVersion | undefined;
  candidate: Candidate;
  effects: readonly Effect[];
  remarks: Remarks;
  /** Once it is in place. */
  version: number | null;
}

function show(shown: Shown, { out, paint = plain }: Terminal): void {
  const { flags, parameter, live, candidate, effects, remarks, version } = shown;
  const before = live === undefined ? '' : toYaml(live.value);
  const after = yamlOf(parse(candidate.value));
  const isEqual = before === after;
  const bytes = Buffer.byteLength(candidate.value);
  const tier = bytes > MAX_STANDARD_BYTES ? 'advanced' : 'standard';
  const patch = isEqual ? '' : createTwoFilesPatch('live', 'new', before, after, undefined, undefined, { context: 2 });
  const diff = patch.split('\n').slice(1);
  if (flags.json) {
    const { mode } = candidate.policy;
    out(
      toJson('policy-diff', {
        stage: flags.stage,
        parameter,
        liveVersion: live?.version ?? null,
        version,
        mode,
        bytes,
        tier,
        isSame: isEqual,
        diff: diff.join('\n'),
        effects,
        warnings: remarks.warnings,
        held: remarks.held,
      }),
    );
    return;
  }
  const colour = (line: string) =>
    line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line;
  const lines = [
    ...(isEqual ? [`${parameter} holds the same, as version ${live?.version}.`] : diff.map(colour)),
    `${bytes} bytes of ${tier === 'standard' ? MAX_STANDARD_BYTES : MAX_ADVANCED_BYTES}, a parameter of the ${tier} tier.`,
    ...formatRemarks(remarks, candidate.policy, isEqual).map((text) => paint('yellow', `! ${cleanText(text)}`)),
    ...effects.flatMap((effect) => formatEffect(effect, paint)),
    ...(effects.length === 0 && flags.look !== false ? ['No target of the stage goes by it.'] : []),
  ];
  out(`${lines.join('\n')}\n`);
}
