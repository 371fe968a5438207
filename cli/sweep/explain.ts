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
import { formatExplanation } from '../screen/explanation.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { assertJobId } from '../source/flag-values.ts';
import { performSweep, type SweepFlags } from './perform.ts';

/**
 * Shows why a job would be cancelled or spared. It plans the whole project, since groups and caps depend on other jobs.
 *
 * @returns the exit code. @throws {SettingsError} and any other error that keeps a sweep from reporting.
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
 * Shows an explanation, and on stderr what makes its plan incomplete or its ages wrong.
 *
 * @returns the exit code of the plan.
 */
export function showExplanation(
  explanation: Explanation,
  report: SweepReport,
  { json = false }: { json?: boolean },
  terminal: Terminal,
): number {
  const { caps, problems } = report;
  const exitCode = exitCodeOf(report);
  // The exit code is 0 if a cap was exceeded, since the explanation itself shows that.
  if (exitCode !== 0) for (const problem of problems) terminal.err(`! ${cleanText(problem)}\n`);
  terminal.out(json ? toJson('explanation', { ...explanation, caps }) : formatExplanation(explanation, caps));
  return exitCode;
}

/**
 * Explains a job. One that the plan did not list, since it is too young for any rule, is looked up.
 *
 * @param findJob returns undefined if there is no such job.
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

/** Looks a job up in each engine that the policy names. */
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
