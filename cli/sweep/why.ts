import { systemClock } from '../../lib/base/clock.ts';
import { parseDuration } from '../../lib/base/duration.ts';
import type { Job } from '../../lib/base/job.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { enginesOf } from '../../lib/policy/scope.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { decide } from '../../lib/sweep/judge/decide.ts';
import type { Judgement } from '../../lib/sweep/judge/judge.ts';
import { showJob } from '../../lib/sweep/look/look.ts';
import type { JobRecord } from '../../lib/sweep/past/job-past.ts';
import type { Explanation } from '../../lib/sweep/record/explanation.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { explain } from '../../lib/sweep/tell/explain.ts';
import { EXIT_PARTIAL, exitCodeOf } from '../screen/exit-code.ts';
import { formatExplanation } from '../screen/explanation.ts';
import { formatPast } from '../screen/job-past.ts';
import { toJson } from '../screen/json.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';
import { assertJobId } from '../source/flag-values.ts';
import { performSweep, type SweepFlags } from './perform.ts';

export interface WhyFlags extends SweepFlags {
  /** How far back the record is read, such as 7d. */
  within?: string;
}

/** The rules and caps that apply to a job now. */
interface Now {
  explanation: Explanation;
  report: SweepReport;
}

/**
 * Shows why a job would be cancelled or spared now, and what earlier sweeps of the stage did about it. It plans the whole
 * project, since groups and caps depend on other jobs.
 *
 * @returns the exit code. @throws {SettingsError} and any other error that keeps a sweep from reporting, if the record has
 * nothing about the job either.
 */
export async function runWhy(jobId: string, flags: WhyFlags, terminal: Terminal): Promise<number> {
  assertJobId('JOB_ID', jobId);
  const { stage, within = '7d' } = flags;
  const record = stage === undefined ? undefined : recordOf(stage, jobId.toLowerCase(), within);
  let now: Now | undefined;
  let problem: unknown;
  try {
    now = await explainNow(jobId, flags, terminal);
  } catch (error) {
    problem = error;
  }
  const known = await record;
  if ((known?.past.length ?? 0) === 0) {
    if (problem !== undefined) throw problem;
    if (now === undefined) throw new SettingsError('JOB_ID', `DLI knows no such job${noRecord(known, within)}`);
  }
  const doubts = [...(problem === undefined ? [] : [describeError(problem)]), ...(known?.problems ?? [])];
  return show(jobId, { now, record: known, doubts, within }, flags, terminal);
}

function noRecord(record: JobRecord | undefined, within: string): string {
  if (record === undefined) return '';
  return record.problems.length === 0 ? `, and the record of ${within} has none` : `; ${record.problems.join('; ')}`;
}

async function recordOf(stage: string, jobId: string, within: string): Promise<JobRecord> {
  const { readJobRecord } = await import('../../lib/sweep/past/job-past.ts');
  return readJobRecord(stage, jobId, systemClock.now() - parseDuration(within));
}

/** @returns undefined if DLI knows no such job of the policy's engines. */
async function explainNow(jobId: string, flags: SweepFlags, terminal: Terminal): Promise<Now | undefined> {
  let explanation: Explanation | undefined;
  // The sweep itself handles Ctrl-C.
  const report = await withSpinner('Looking', { ...flags, handleSignals: false }, terminal, () =>
    performSweep({ ...flags, dryRun: true, quiet: true }, terminal, {
      onJudged: async (judgement, readers) => {
        explanation = await explainOne(jobId, judgement, () => showJob(jobId, readers));
      },
    }),
  );
  return explanation && { explanation, report };
}

/** What is known of a job. */
interface Known {
  now: Now | undefined;
  /** Undefined without a stage, which has no record. */
  record?: JobRecord | undefined;
  /** What could not be read, one sentence each. */
  doubts?: readonly string[];
  within?: string;
}

/**
 * Shows what is known of a job, and on stderr what makes it incomplete or its ages wrong.
 *
 * @returns the exit code of the plan; of a partial one if something could not be read.
 */
export function show(
  jobId: string,
  { now, record, doubts = [], within = '' }: Known,
  { json = false, all = false }: { json?: boolean; all?: boolean },
  terminal: Terminal,
): number {
  const exitCode = now === undefined ? 0 : exitCodeOf(now.report);
  // The exit code is 0 if a cap was exceeded, since the explanation itself shows that.
  const problems = [...(now !== undefined && exitCode !== 0 ? now.report.problems : []), ...doubts];
  for (const problem of problems) terminal.err(`! ${cleanText(oneLine(problem))}\n`);
  if (json) {
    const explained = now === undefined ? null : { ...now.explanation, caps: now.report.caps };
    terminal.out(toJson('why', { jobId, now: explained, record: record?.past ?? null, problems }));
  } else {
    const present = now === undefined ? NOT_KNOWN : formatExplanation(now.explanation, now.report.caps);
    const past = record === undefined ? [] : [formatPast(record.past, within, { all })];
    // Of a job that is over, what became of it comes first.
    const [latest] = record?.past ?? [];
    const isOver =
      now === undefined ||
      now.explanation.verdict.reason === 'terminal' ||
      latest?.outcome === 'cancelled' ||
      latest?.outcome === 'already-terminal';
    terminal.out((isOver ? [...past, present] : [present, ...past]).join('\n'));
  }
  return exitCode || (doubts.length > 0 ? EXIT_PARTIAL : 0);
}

const NOT_KNOWN = 'What DLI says of it now is not known.\n';

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
