import { messageOf } from '../../lib/base/error-words.ts';
import { ENGINE_NAMES, type Engine } from '../../lib/base/job.ts';
import { readCeilings } from '../../lib/settings/ceilings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import { planFrom } from '../../lib/sweep/sweep.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatReport } from '../screen/report.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { readText } from '../source/files.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { explainOne, showExplanation } from '../sweep/explain.ts';
import { observe } from '../sweep/observe.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import { parseSnapshot, toSnapshot } from './document.ts';

/** Prints every live job as JSON. @returns 1 if the clocks disagree, 4 if some jobs could not be listed. */
export async function runSnapshot(
  { withStatements = false, engine, ...flags }: SettingsFlags & { withStatements?: boolean; engine?: Engine[] },
  terminal: Terminal,
): Promise<number> {
  // Statements are asked for either way, since their fingerprints are made of them.
  const { seen } = await withSpinner('Listing every live job', {}, terminal, () =>
    observe(flags, terminal, { engines: engine ?? ENGINE_NAMES }),
  );
  const { clockProblem, gaps } = seen;
  if (clockProblem !== undefined) terminal.err(`! ${clockProblem}\n`);
  for (const { what } of gaps) terminal.err(`! listing incomplete: ${cleanText(what)}\n`);
  terminal.out(toJson('snapshot', toSnapshot(seen, { withStatements })));
  // As a plan ends at such a moment.
  return exitCodeOf({
    status: clockProblem !== undefined ? 'stopped' : gaps.length > 0 ? 'partial' : 'ok',
    dryRun: true,
  });
}

/** @throws {SettingsError} naming the file. */
export function readSnapshot(path: string): StoredLook {
  const text = readText(path);
  try {
    return parseSnapshot(JSON.parse(text));
  } catch (error) {
    throw new SettingsError(path, messageOf(error), { cause: error });
  }
}

/** `plan` of a moment that is over. The exemptions of the policy hold; those of a stage are no part of a snapshot. */
export async function runPlanFrom(path: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { report } = await judgeFile(path, flags, terminal);
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
  const { stored, report, judgement } = await judgeFile(path, flags, terminal);
  const explanation = await explainOne(jobId, judgement, async () =>
    stored.jobs.find(({ id }) => id.toLowerCase() === jobId.toLowerCase()),
  );
  if (explanation === undefined) throw new SettingsError('JOB_ID', `${path} holds no such job of the policy's engines`);
  return showExplanation(explanation, report, flags, terminal);
}

async function judgeFile(path: string, flags: SweepFlags, { env }: Terminal) {
  const { policy, maxKills, stage, target, endpoint, projectId, projectName, region } = flags;
  const others = { stage, target, endpoint, 'project-id': projectId, 'project-name': projectName, region };
  for (const [flag, value] of Object.entries(others)) {
    if (value !== undefined) throw new SettingsError(`--${flag}`, 'goes without --from; a snapshot is of one target');
  }
  if (policy === undefined) throw new SettingsError('--policy', 'missing; --from needs the policy to judge by');
  const stored = readSnapshot(path);
  // As a plan without a stage.
  const ceilings = readCeilings(env, 'terminal');
  return { stored, ...(await planFrom(stored, readPolicyFile(policy).policy, { maxKills, ceilings })) };
}
