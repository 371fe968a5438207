import type { LogLevel } from '../../base/log.ts';
import { fewOf } from '../../base/text.ts';
import type { LoggedExplanation } from '../record/explanation.ts';
import type { JobLineName, Summary, SweepLog } from '../record/log-lines.ts';
import type { Outcome } from '../record/outcome.ts';
import type { JobReport, SweepReport } from '../record/report.ts';

/**
 * Writes a line for each job of the report, with the reasons for its decision, and the summary, which is always last. What would be
 * the same at every sweep of a quiet project has the level debug: jobs within their limits, and notices, which the summary has.
 */
export function logReport(
  report: SweepReport,
  log: SweepLog,
  explain: (jobId: string) => LoggedExplanation | undefined = () => undefined,
): void {
  let jobsLogged = 0;
  for (const notice of brief(report.notices, 'notices')) log.debug('notice', { notice });
  for (const job of report.jobs) {
    // Lines that are not usually written need no explanation.
    const why = isWithinLimit(job) ? undefined : explain(job.jobId);
    const { msg, level } = lineOf(job, why);
    log[level](msg, why === undefined || level === 'debug' ? { ...job } : { ...job, why: JSON.stringify(why) });
    if (level !== 'debug') jobsLogged += 1;
  }
  const isFailure = report.status !== 'ok' && !(report.dryRun && report.status === 'capped');
  // Lines may be read in another order than they were written, so the last one has their number.
  log[isFailure ? 'error' : 'info']('sweep finished', { ...summaryOf(report), jobsLogged });
}

const MOST_SENTENCES = 40;
const MOST_LETTERS = 1_000;
const MOST_QUEUES = 100;
const MOST_VERSIONS = 500;

/** Returns the report without its jobs, with lists short enough for a line: CloudWatch cuts a line at 256 KB. */
function summaryOf(report: SweepReport): Summary {
  const { jobs: _, ...summary } = report;
  const { unmanagedQueues, parameterVersions } = summary;
  const queues = first(unmanagedQueues, MOST_QUEUES, ([, a], [, b]) => b - a);
  const waiting = first(summary.waiting ?? {}, MOST_QUEUES, ([, a], [, b]) => b.jobs - a.jobs);
  const exemptions = first(parameterVersions?.exemptions ?? {}, MOST_VERSIONS);
  const freezes = first(parameterVersions?.freezes ?? {}, MOST_VERSIONS);
  const cuts = [
    ...cut('unmanagedQueues names the', queues, 'queues, those with the most jobs'),
    ...cut('waiting names the', waiting, 'queues, those with the most waiting jobs'),
    ...cut('parameterVersions names the first', exemptions, 'exemptions'),
    ...cut('parameterVersions names the first', freezes, 'freezes'),
  ];
  return {
    ...summary,
    problems: brief(report.problems, 'problems'),
    unmet: brief(report.unmet, 'jobs'),
    notices: [...brief(report.notices, 'notices'), ...cuts],
    unmanagedQueues: queues.kept,
    waiting: waiting.kept,
    parameterVersions: parameterVersions && {
      ...parameterVersions,
      exemptions: exemptions.kept,
      freezes: freezes.kept,
    },
  };
}

const brief = (sentences: readonly string[], what: string): string[] =>
  fewOf(
    sentences.map((text) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text)),
    `${what} that the log has no room for`,
    MOST_SENTENCES,
  );

type Entry<T> = [name: string, value: T];

interface First<T> {
  kept: Record<string, T>;
  count: number;
  of: number;
}

/** Returns the first entries. By default their order stays. */
function first<T>(
  all: Record<string, T>,
  most: number,
  order: (a: Entry<T>, b: Entry<T>) => number = () => 0,
): First<T> {
  const entries = Object.entries(all);
  if (entries.length <= most) return { kept: all, count: entries.length, of: entries.length };
  return { kept: Object.fromEntries(entries.sort(order).slice(0, most)), count: most, of: entries.length };
}

const cut = (which: string, { count, of }: First<unknown>, what: string): string[] =>
  count === of ? [] : [`in the log ${which} ${count} of ${of} ${what}`];

interface Line {
  msg: JobLineName;
  level: LogLevel;
}

/** The line of a job that was to be cancelled. */
const LINES: Record<Outcome['kind'], Line> = {
  cancelled: { msg: 'job cancelled', level: 'info' },
  'already-terminal': { msg: 'job already terminal', level: 'info' },
  unconfirmed: { msg: 'job not seen to stop', level: 'error' },
  failed: { msg: 'job not cancelled', level: 'error' },
  skipped: { msg: 'job not asked to stop', level: 'info' },
};

function lineOf(job: JobReport, why: LoggedExplanation | undefined): Line {
  const { outcome, decision, warning } = job;
  if (warning !== null) return { msg: 'job may be cancelled', level: 'info' };
  if (decision === 'cancel') return LINES[outcome];
  if (decision !== 'keep') return { msg: 'job overdue', level: decision === 'warn' ? 'warn' : 'info' };
  return { msg: 'job kept', level: isWithinLimit(job) || isSparedWithinLimit(job, why) ? 'debug' : 'info' };
}

const isWithinLimit = ({ decision, reason, warning }: JobReport): boolean =>
  decision === 'keep' &&
  warning === null &&
  (reason === 'within-limit' || reason === 'queued' || reason === 'terminal');

/** Whether something spares a job that no rule would have found over a limit. */
function isSparedWithinLimit({ reason }: JobReport, why: LoggedExplanation | undefined): boolean {
  if (why === undefined || (reason !== 'exempt' && reason !== 'ignored' && reason !== 'protected')) return false;
  return why.rules.every(
    ({ result, limits }) =>
      result === 'no-rule' || limits.every(({ limitMs, readingMs }) => readingMs === null || readingMs <= limitMs),
  );
}
