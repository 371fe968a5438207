import type { Explanation } from './explain.ts';
import type { LogLevel } from './log.ts';
import type { JobLineName, SweepLog } from './log-lines.ts';
import type { Outcome } from './outcome.ts';
import type { JobReport, SweepReport } from './report.ts';

/** One line per job that was touched, with all that led to its decision, and one summary, always last. */
export function logReport(
  report: SweepReport,
  log: SweepLog,
  explain: (jobId: string) => Explanation | undefined = () => undefined,
): void {
  let jobsLogged = 0;
  for (const notice of report.notices) log.warn('notice', { notice });
  for (const job of report.jobs) {
    const level = levelOf(job);
    // What is not usually shown need not be worked out.
    log[level](phraseOf(job), level === 'debug' ? { ...job } : { ...job, why: explain(job.jobId) });
    if (level !== 'debug') jobsLogged += 1;
  }
  const { jobs: _, ...summary } = report;
  const isFailure = report.status !== 'ok' && !(report.dryRun && report.status === 'capped');
  // Lines may be read in another order than they were written, so the last tells how many there are.
  log[isFailure ? 'error' : 'info']('sweep finished', { ...summary, jobsLogged });
}

const PHRASES: Record<Outcome['kind'], JobLineName> = {
  cancelled: 'job cancelled',
  'already-terminal': 'job already terminal',
  unconfirmed: 'job not seen to stop',
  failed: 'job not cancelled',
  skipped: 'job not asked to stop',
};

function phraseOf({ decision, outcome }: JobReport): JobLineName {
  if (decision === 'cancel') return PHRASES[outcome];
  return decision === 'keep' ? 'job kept' : 'job overdue';
}

function levelOf({ outcome, decision, reason }: JobReport): LogLevel {
  if (decision === 'warn') return 'warn';
  if (outcome === 'failed' || outcome === 'unconfirmed') return 'error';
  return decision === 'keep' && (reason === 'within-limit' || reason === 'queued' || reason === 'terminal')
    ? 'debug'
    : 'info';
}
