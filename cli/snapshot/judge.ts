import { readCeilings } from '../../lib/settings/ceilings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { planFrom } from '../../lib/sweep/snapshot.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { formatReport } from '../screen/report.ts';
import { toSweepJson } from '../screen/sweep-json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import { explainOne, show } from '../sweep/why.ts';
import { readSnapshot } from './document.ts';

/**
 * Runs `plan` on a snapshot. The exemptions of the policy apply; those of a stage are not part of a snapshot.
 *
 * @returns the exit code. @throws {SettingsError}
 */
export async function runPlanFrom(path: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { report } = await judgeFile(path, flags, terminal);
  terminal.out(flags.json ? toSweepJson(report, flags) : formatReport(report, flags, terminal));
  return exitCodeOf(report);
}

/** Runs `why` on a snapshot, which has no record of sweeps. @returns the exit code. @throws {SettingsError} */
export async function runWhyFrom(path: string, jobId: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { stored, report, judgement } = await judgeFile(path, flags, terminal);
  const explanation = await explainOne(jobId, judgement, async () =>
    stored.jobs.find(({ id }) => id.toLowerCase() === jobId.toLowerCase()),
  );
  if (explanation === undefined) throw new SettingsError('JOB_ID', `${path} holds no such job of the policy's engines`);
  return show(jobId, { now: { explanation, report } }, flags, terminal);
}

async function judgeFile(path: string, flags: SweepFlags, { env }: Terminal) {
  const { policy, maxKills, stage, target, endpoint, projectId, projectName, region } = flags;
  const others = { stage, target, endpoint, 'project-id': projectId, 'project-name': projectName, region };
  for (const [flag, value] of Object.entries(others)) {
    if (value !== undefined) throw new SettingsError(`--${flag}`, 'goes without --from; a snapshot is of one target');
  }
  if (policy === undefined) throw new SettingsError('--policy', 'missing; --from needs the policy to judge by');
  const stored = readSnapshot(path);
  // A plan without a stage uses the ceilings of this terminal.
  const ceilings = readCeilings(env, 'terminal');
  return { stored, ...(await planFrom(stored, readPolicyFile(policy).policy, { maxKills, ceilings })) };
}
