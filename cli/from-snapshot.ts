import { readFileSync } from 'node:fs';
import { ENGINE_NAMES, type Engine } from '../lib/dli/job.ts';
import { codeOf, messageOf } from '../lib/error-words.ts';
import { explain } from '../lib/explain.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { EXIT_PARTIAL, exitCodeOf } from './exit-code.ts';
import { toJson } from './json.ts';
import { judge } from './judge.ts';
import { observe } from './observe.ts';
import type { SweepFlags } from './perform-sweep.ts';
import { readPolicyFile } from './policy-file.ts';
import { formatExplanation, formatReport } from './print.ts';
import type { SettingsFlags } from './settings-source.ts';
import { withSpinner } from './spinner.ts';
import type { Terminal } from './terminal.ts';
import { parseSnapshot, toSnapshot, type World } from './world.ts';

/** Prints every live job as JSON. @returns 4 if some could not be listed. */
export async function runSnapshot(
  { withStatements = false, engine, ...flags }: SettingsFlags & { withStatements?: boolean; engine?: Engine[] },
  terminal: Terminal,
): Promise<number> {
  // Statements are asked for either way, since their fingerprints are made of them.
  const { world } = await withSpinner('Listing every live job', {}, terminal, () =>
    observe(flags, terminal, { engines: engine ?? ENGINE_NAMES }),
  );
  for (const gap of world.gaps) terminal.err(`! listing incomplete: ${gap}\n`);
  terminal.out(toJson('snapshot', toSnapshot(world, { withStatements })));
  return world.gaps.length > 0 ? EXIT_PARTIAL : 0;
}

/** @throws {SettingsError} naming the file. */
export function readSnapshot(path: string): World {
  try {
    return parseSnapshot(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const problem = error instanceof Error && 'code' in error ? `cannot be read (${codeOf(error)})` : messageOf(error);
    throw new SettingsError(path, problem, { cause: error });
  }
}

/** `plan` of a moment that is over. The exemptions of the policy hold; those of a stage are no part of a snapshot. */
export async function runPlanFrom(path: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { report } = await judgeFile(path, flags);
  terminal.out(
    flags.json ? toJson('sweep', report) : formatReport(report, { spared: flags.spared ?? false }, terminal),
  );
  return exitCodeOf(report);
}

export async function runExplainFrom(
  path: string,
  jobId: string,
  flags: SweepFlags,
  terminal: Terminal,
): Promise<number> {
  const { report, decisions, context } = await judgeFile(path, flags);
  const decision = decisions.find(({ job }) => job.id.toLowerCase() === jobId.toLowerCase());
  if (decision === undefined) throw new SettingsError('JOB_ID', `${path} holds no such job of the policy's engines`);
  const explanation = explain(decision, context);
  const { caps } = report;
  terminal.out(flags.json ? toJson('explanation', { ...explanation, caps }) : formatExplanation(explanation, caps));
  return 0;
}

function judgeFile(path: string, { policy, maxKills, stage, target, endpoint, projectId, region }: SweepFlags) {
  const others = { stage, target, endpoint, 'project-id': projectId, region };
  for (const [flag, value] of Object.entries(others)) {
    if (value !== undefined) throw new SettingsError(`--${flag}`, 'goes without --from; a snapshot is of one target');
  }
  if (policy === undefined) throw new SettingsError('--policy', 'missing; --from needs the policy to judge by');
  return judge(readSnapshot(path), readPolicyFile(policy).policy, { maxKills });
}
