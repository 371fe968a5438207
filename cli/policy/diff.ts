import { createTwoFilesPatch } from 'diff';
import { parse } from 'yaml';
import type { Policy } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { toJson } from '../screen/json.ts';
import { projectWords } from '../screen/project-words.ts';
import { type Paint, plain, type Terminal } from '../screen/terminal.ts';
import { cleanText, counted, oneLine } from '../screen/text.ts';
import { yamlOf } from '../screen/yaml-text.ts';
import { MAX_ADVANCED_BYTES, MAX_STANDARD_BYTES, type ParameterVersion } from '../source/parameter-store.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { type Effect, effectsOf } from './effect.ts';
import { type Remarks, remarksOn } from './remarks.ts';
import { openPolicy, type PolicyFlags, type StoredPolicy, toYaml } from './stored-policy.ts';

/** A policy that may take the place of the live one. */
export interface Candidate {
  text: string;
  policy: Policy;
  /** The JSON for Parameter Store. */
  value: string;
}

/** What changes if a candidate takes the place of the live policy. */
export interface Difference {
  parameter: string;
  live: ParameterVersion | undefined;
  candidate: Candidate;
  isSame: boolean;
  effects: readonly Effect[];
  remarks: Remarks;
}

/** Shows the difference between a file and the live policy, and its effect. @returns the exit code. */
export async function runDiff(file: string, flags: PolicyFlags, terminal: Terminal): Promise<number> {
  const stored = openPolicy(flags);
  const live = await stored.stage.store.get(stored.parameter);
  const difference = await compareWithLive(readCandidate(file), live, stored, flags, terminal);
  showDifference(difference, { flags, version: null }, terminal);
  return 0;
}

/** @throws {SettingsError} if the file is not a valid policy, or is larger than a parameter may be. */
export function readCandidate(file: string): Candidate {
  const { text, policy, document } = readPolicyFile(file);
  const value = JSON.stringify(document);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_ADVANCED_BYTES) {
    throw new SettingsError(file, `${bytes} bytes as JSON; a parameter holds at most ${MAX_ADVANCED_BYTES}`);
  }
  return { text, policy, value };
}

export async function compareWithLive(
  candidate: Candidate,
  live: ParameterVersion | undefined,
  { stage, parameter }: StoredPolicy,
  flags: PolicyFlags,
  terminal: Terminal,
): Promise<Difference> {
  const remarks = await remarksOn(candidate.policy, stage);
  const { ceilings } = remarks;
  const effects = await effectsOf(stage, { ...flags, ceilings, policy: candidate.policy, live }, terminal);
  const isSame = live !== undefined && isLive(candidate, live);
  return { parameter, live, candidate, isSame, effects, remarks };
}

/** Whether a policy is the live one, apart from its comments and its form. */
export const isLive = ({ value }: Candidate, live: ParameterVersion): boolean =>
  toYaml(live.value) === yamlOf(parse(value));

interface Showing {
  flags: PolicyFlags;
  /** The version that holds the candidate; null before it is written. */
  version: number | null;
}

export function showDifference(
  difference: Difference,
  { flags, version }: Showing,
  { out, paint = plain }: Terminal,
): void {
  const { parameter, live, candidate, isSame, effects, remarks } = difference;
  const bytes = Buffer.byteLength(candidate.value);
  const tier = bytes > MAX_STANDARD_BYTES ? 'advanced' : 'standard';
  const diff = isSame ? [] : diffLines(live, candidate);
  if (flags.json) {
    out(
      toJson('policy-diff', {
        stage: flags.stage,
        parameter,
        liveVersion: live?.version ?? null,
        version,
        mode: candidate.policy.mode,
        bytes,
        tier,
        isSame,
        diff: diff.join('\n'),
        effects,
        warnings: remarks.warnings,
        held: remarks.held,
      }),
    );
    return;
  }
  const lines = [
    ...(isSame
      ? [`${parameter} holds the same, as version ${live?.version}.`]
      : diff.map((line) => inColour(line, paint))),
    `${bytes} of ${tier === 'standard' ? MAX_STANDARD_BYTES : MAX_ADVANCED_BYTES} bytes in a parameter of the ${tier} tier.`,
    ...formatRemarks(difference).map((text) => paint('yellow', `! ${cleanText(text)}`)),
    ...effects.flatMap((effect) => formatEffect(effect, paint)),
    ...(effects.length === 0 && flags.look !== false ? ['No target of the stage uses this policy.'] : []),
  ];
  out(`${lines.join('\n')}\n`);
}

function diffLines(live: ParameterVersion | undefined, candidate: Candidate): string[] {
  const before = live === undefined ? '' : toYaml(live.value);
  const after = yamlOf(parse(candidate.value));
  const patch = createTwoFilesPatch('live', 'new', before, after, undefined, undefined, { context: 2 });
  return patch.split('\n').slice(1);
}

function inColour(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line);
  return line.startsWith('-') ? paint('red', line) : line;
}

function formatRemarks({ remarks: { warnings, held }, candidate, isSame }: Difference): string[] {
  return [
    ...warnings,
    ...(held ?? []).map((text) => `no live sweep of this stage obeys it: ${text}`),
    ...(candidate.policy.mode === 'live' && !isSame && held?.length === 0
      ? ['the first live sweep cancels at most three jobs, unless sweeps used this policy in the last 8 days']
      : []),
  ];
}

function formatEffect(
  { target, project, before, after, capped, added, removed, problem }: Effect,
  paint: Paint,
): string[] {
  const warn = (text: string) => paint('yellow', `! ${target}: ${cleanText(oneLine(text))}`);
  const warnings = problem === null ? [] : [warn(problem)];
  if (after === null) return warnings;
  const byLive = before === null ? 'and an unknown number by the live policy' : `${before} by the live policy`;
  return [
    ...warnings,
    `${target}: ${counted(after, 'victim')} now, ${byLive}.`,
    ...(capped === null ? [] : [warn(`${capped}, so a sweep would not cancel them all`)]),
    ...(project === null ? [] : [`  ${projectWords(project)}`]),
    ...added.map((id) => paint('red', `  + ${cleanText(id)}`)),
    ...removed.map((id) => paint('green', `  - ${cleanText(id)}`)),
  ];
}
