import { decide } from '../lib/decide.ts';
import { DliError } from '../lib/dli/errors.ts';
import { isJobId } from '../lib/dli/job.ts';
import { type Explanation, explain } from '../lib/explain.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import type { Decided } from '../lib/sweep.ts';
import { assertJobId } from './arguments.ts';
import { toJson } from './json.ts';
import { performSweep, type SweepFlags } from './perform-sweep.ts';
import { formatExplanation } from './print.ts';
import type { Terminal } from './terminal.ts';

/**
 * Why a job would be cancelled or spared, by a dry run of the whole project: groups and caps depend on the other jobs.
 *
 * @returns the exit code. @throws {SettingsError} and whatever else keeps a sweep from reporting.
 */
export async function runExplain(jobId: string, flags: SweepFlags, terminal: Terminal): Promise<number> {
  assertJobId('JOB_ID', jobId);
  let explanation: Explanation | undefined;
  const report = await performSweep({ ...flags, dryRun: true, quiet: true }, terminal, {
    onDecided: async (decided) => {
      explanation = await explainOne(jobId, decided);
    },
  });
  if (explanation === undefined) throw new SettingsError('JOB_ID', 'DLI knows no such job');
  const { caps } = report;
  terminal.out(flags.json ? toJson('explanation', { ...explanation, caps }) : formatExplanation(explanation, caps));
  return 0;
}

/** A job too young for any rule is not listed, so it is asked for: of each engine that the policy names. */
async function explainOne(jobId: string, { decisions, context, readers }: Decided): Promise<Explanation | undefined> {
  const listed = decisions.find(({ job }) => job.id.toLowerCase() === jobId.toLowerCase());
  if (listed !== undefined) return explain(listed, context);
  for (const [engine, reads] of readers) {
    if (!isJobId(jobId, engine)) continue;
    try {
      const [decision] = decide([await reads.show(jobId)], context);
      return decision && explain(decision, context);
    } catch (error) {
      if (!(error instanceof DliError) || error.kind !== 'not-found') throw error;
    }
  }
  return undefined;
}
