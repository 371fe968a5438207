import { writeFileSync } from 'node:fs';
import { createTwoFilesPatch } from 'diff';
import { parse, stringify } from 'yaml';
import type { Policy } from '../lib/policy/schema.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { confirm } from './confirm.ts';
import { counted } from './counted.ts';
import { toJson } from './json.ts';
import {
  createParameterStore,
  MAX_ADVANCED_BYTES,
  MAX_STANDARD_BYTES,
  type ParameterVersion,
} from './parameter-store.ts';
import { type Effect, effectsOf } from './policy-effect.ts';
import { readPolicyFile, readPolicyText } from './policy-file.ts';
import { openStage, type StageFlags } from './stage.ts';
import { cleanText } from './table.ts';
import { type Paint, plain, type Terminal } from './terminal.ts';

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

const versionLine = (parameter: string, version: number) => `# ${parameter} version ${version}\n`;
const VERSION_LINE = /^# (\/dli-reaper\/\S+) version (\d+)\n/;

function open({ stage, name }: PolicyFlags) {
  const { names, client } = openStage(stage);
  return { parameter: names.policy(name), store: createParameterStore(client) };
}

/** Writes the live policy to a file, or to stdout, with its version in the first line. @returns the exit code. */
export async function runPull(flags: PolicyFlags & { output?: string }, { out }: Terminal): Promise<number> {
  const { parameter, store } = open(flags);
  const live = await store.get(parameter);
  if (live === undefined) throw new SettingsError(parameter, 'no such parameter; push one, or see dli-reaper init');
  const text = versionLine(parameter, live.version) + toYaml(live.value);
  if (flags.output === undefined) out(text);
  else {
    writeFileSync(flags.output, text);
    out(`${parameter}, version ${live.version}, is in ${flags.output}.\n`);
  }
  return 0;
}

/** The difference between a file and live, and its effect. @returns the exit code. */
export async function runDiff(file: string, flags: PolicyFlags, terminal: Terminal): Promise<number> {
  const { parameter, store } = open(flags);
  const live = await store.get(parameter);
  const candidate = readCandidate(file);
  const effects = await effectsOf(flags, candidate.policy, live, terminal);
  show({ flags, parameter, live, candidate, effects, version: null }, terminal);
  return 0;
}

/** @returns the exit code. @throws {SettingsError} if it is not valid, too large, or live has changed meanwhile. */
export async function runPush(
  file: string,
  flags: PolicyFlags & { overVersion?: number },
  terminal: Terminal,
): Promise<number> {
  const { parameter, store } = open(flags);
  const live = await store.get(parameter);
  const candidate = readCandidate(file);
  const [, pulledFrom, pulledVersion] = VERSION_LINE.exec(candidate.text) ?? [];
  assertUnchanged(live, {
    parameter,
    version: flags.overVersion ?? (pulledFrom === parameter ? Number(pulledVersion) : undefined),
  });
  const version = await put(candidate, live, { flags, parameter, store }, terminal);
  if (version === undefined) return 1;
  // So that it can be changed and pushed again.
  writeFileSync(file, versionLine(parameter, version) + candidate.text.replace(VERSION_LINE, ''));
  return 0;
}

/** Puts an earlier version on top. @returns the exit code. @throws {SettingsError} if it is not held any more. */
export async function runRollback(flags: PolicyFlags & { to?: number }, terminal: Terminal): Promise<number> {
  const { parameter, store } = open(flags);
  const versions = await store.history(parameter);
  const live = versions.at(-1);
  const wanted = flags.to ?? (live?.version ?? 0) - 1;
  const earlier = versions.find(({ version }) => version === wanted);
  if (live === undefined || earlier === undefined) {
    const held = versions.map(({ version }) => version).join(', ');
    throw new SettingsError(parameter, `holds no version ${wanted}; there are ${held}`);
  }
  const text = toYaml(earlier.value);
  const { policy } = readPolicyText(text, `${parameter}:${wanted}`);
  const candidate = { text, policy, value: earlier.value };
  return (await put(candidate, live, { flags, parameter, store }, terminal)) === undefined ? 1 : 0;
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
      : `was version ${version} when it was pulled, and is ${live.version} now; pull it again`,
  );
}

/** @returns the new version; undefined if nobody agreed. */
async function put(
  candidate: Candidate,
  live: ParameterVersion | undefined,
  {
    flags,
    parameter,
    store,
  }: { flags: PolicyFlags; parameter: string; store: ReturnType<typeof createParameterStore> },
  terminal: Terminal,
): Promise<number | undefined> {
  const effects = await effectsOf(flags, candidate.policy, live, terminal);
  // What is asked about belongs on the screen; with --json stdout is for what was done.
  const seen = { flags: { ...flags, json: false }, parameter, live, candidate, effects, version: null };
  if (!flags.json) show(seen, terminal);
  else if (flags.confirm === undefined) show(seen, { ...terminal, out: terminal.err });
  if (candidate.policy.mode === 'live') {
    const { stage: name, confirm: given } = flags;
    if (!(await confirm({ name, what: `put this live policy in place on ${name}`, given }, terminal))) return undefined;
  }
  // Somebody may have been quicker while the question was open.
  assertUnchanged(await store.get(parameter), { parameter, version: live?.version });
  const version = await store.put(parameter, candidate.value, { overwrite: live !== undefined });
  if (flags.json) show({ flags, parameter, live, candidate, effects, version }, terminal);
  else terminal.out(`${parameter} is version ${version} now; it holds from the next sweep on.\n`);
  return version;
}

/** In the order of its keys; a text that is no JSON is shown as it is. */
function toYaml(value: string): string {
  try {
    return stringify(JSON.parse(value));
  } catch {
    return value;
  }
}

function formatEffect({ target, before, after, capped, added, removed, problem }: Effect, paint: Paint): string[] {
  const warn = (text: string) => paint('yellow', `! ${target}: ${cleanText(text)}`);
  const warnings = problem === null ? [] : [warn(problem)];
  if (after === null) return warnings;
  const byLive = before === null ? 'nobody can tell how many by the live policy' : `${before} by the live policy`;
  return [
    ...warnings,
    `${target}: ${counted(after, 'victim')} at this moment, ${byLive}.`,
    ...(capped === null ? [] : [warn(`${capped}, so a sweep would not cancel them all`)]),
    ...added.map((id) => paint('red', `  + ${id}`)),
    ...removed.map((id) => paint('green', `  - ${id}`)),
  ];
}

interface Shown {
  flags: PolicyFlags;
  parameter: string;
  live: ParameterVersion | undefined;
  candidate: Candidate;
  effects: readonly Effect[];
  /** Once it is in place. */
  version: number | null;
}

function show({ flags, parameter, live, candidate, effects, version }: Shown, { out, paint = plain }: Terminal): void {
  const before = live === undefined ? '' : toYaml(live.value);
  const after = stringify(parse(candidate.value));
  const isSame = before === after;
  const bytes = Buffer.byteLength(candidate.value);
  const tier = bytes > MAX_STANDARD_BYTES ? 'advanced' : 'standard';
  const patch = isSame ? '' : createTwoFilesPatch('live', 'new', before, after, undefined, undefined, { context: 2 });
  const diff = patch.split('\n').slice(1);
  if (flags.json) {
    const { mode } = candidate.policy;
    out(
      toJson('policy-diff', {
        ...{ stage: flags.stage, parameter, liveVersion: live?.version ?? null, version, mode, bytes, tier },
        ...{ isSame, diff: diff.join('\n'), effects },
      }),
    );
    return;
  }
  const colour = (line: string) =>
    line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line;
  const lines = [
    ...(isSame ? [`${parameter} holds the same, as version ${live?.version}.`] : diff.map(colour)),
    `${bytes} bytes of ${tier === 'standard' ? MAX_STANDARD_BYTES : MAX_ADVANCED_BYTES}, a parameter of the ${tier} tier.`,
    ...effects.flatMap((effect) => formatEffect(effect, paint)),
  ];
  out(`${lines.join('\n')}\n`);
}
