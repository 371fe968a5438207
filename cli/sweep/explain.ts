import { isJobId, type Job } from '../../lib/base/job.ts';
import { DliError } from '../../lib/dli/errors.ts';
import { enginesOf } from '../../lib/policy/scope.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { decide } from '../../lib/sweep/judge/decide.ts';
import type { Judgement } from '../../lib/sweep/judge/judge.ts';
import type { Readers } from '../../lib/sweep/look/look.ts';
import type { Explanation } from '../../lib/sweep/record/explanation.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { explain } from '../../lib/sweep/tell/explain.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatExplanation } from '../screen/report.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { assertJobId } from '../source/job-id.ts';
import { performSweep, type SweepFlags } from './perform.ts';

/**
 * Why a job would be cancelled or spared, by a dry run of the whole project: groups and caps depend on the other jobs.
 *
 * @returns the exit code. @throws {SettingsError} and whatever else keeps a sweep from reporting.
 */
export async function runExplain(jobId: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  assertJobId('JOB_ID', jobId);
  let explanation: Explanation | undefined;
  const report = await performSweep({ ...flags, dryRun: true, quiet: true }, terminal, {
    onJudged: async (judgement, readers) => {
      explanation = await explainOne(jobId, judgement, () => show(jobId, readers));
    },
  });
  if (explanation === undefined) throw new SettingsError('JOB_ID', 'DLI knows no such job');
  return showExplanation(explanation, report, flags, terminal);
}

/**
 * A plan that is not whole, or whose ages mean nothing, explains no more than it plans: that is said beside the verdict.
 *
 * @returns the exit code, as of a plan.
 */
export function showExplanation(
  explanation: Explanation,
  report: SweepReport,
  { json = false }: { json?: boolean },
  terminal: Terminal,
): number {
  const { caps, problems } = report;
  const exitCode = exitCodeOf(report);
  // That a cap is exceeded is part of the explanation.
  if (exitCode !== 0) for (const problem of problems) terminal.err(`! ${cleanText(problem)}\n`);
  terminal.out(json ? toJson('explanation', { ...explanation, caps }) : formatExplanation(explanation, caps));
  return exitCode;
}

/**
 * Explains a job that was seen; or one that was not, since it is too young for any rule.
 *
 * @param findJob undefined if there is no such job.
 */
export async function explainOne(
  jobId: string,
  { decisions, context }: Judgement,
  findJob: () => Promise<Job | undefined>,
): Promise<Explanation | undefined> {
  const seen = decisions.find(({ job }) => job.id.toLowerCase() === jobId.toLowerCase());
  if (seen !== undefined) return explain(seen, context);
  const job = await findJob();
  if (job === undefined || !enginesOf(context.policy).includes(job.engine)) return undefined;
  const [decision] = decide([job], context);
  return decision && explain(decision, context);
}

/** Asks each engine that the policy names. */
async function show(jobId: string, readers: Readers): Promise<Job | undefined> {
  for (const [engine, reads] of readers) {
    if (!isJobId(jobId, engine)) continue;
    try {
      return await reads.show(jobId);
    } catch (error) {
      if (!(error instanceof DliError) || error.kind !== 'not-found') throw error;
    }
  }
  return undefined;
}
