import { dliReaper } from '../../lib/base/command-line.ts';
import type { DryRunReason, SweepReport, SweepStatus } from '../../lib/sweep/record/report.ts';
import { formatJobs } from './job-table.ts';
import { projectLine } from './project-words.ts';
import { plain, type Terminal } from './terminal.ts';
import { cleanText, counted } from './text.ts';

type Screen = Pick<Terminal, 'columns' | 'paint'>;

/** Shows a report: the jobs as a table, one sentence with the numbers, and what went wrong. */
export function formatReport(
  report: SweepReport,
  { spared, stage }: { spared: boolean; stage?: string | undefined },
  screen: Screen = {},
): string {
  const { paint = plain } = screen;
  const jobs = report.jobs.filter(({ decision }) => spared || decision !== 'keep');
  const hidden = report.jobs.length - jobs.length;
  const unmanaged = Object.entries(report.unmanagedQueues).map(([queue, count]) => `${cleanText(queue)} (${count})`);
  const ofStage = stage === undefined ? '' : ` --stage ${stage}`;
  const problem = (text: string) => paint('red', `! ${cleanText(text)}`);
  const lines = [
    // Reports of earlier versions have no project.
    ...(report.project == null ? [] : [projectLine(report.project)]),
    ...(jobs.length === 0 ? [] : [formatJobs(jobs, { ...screen, isPlan: report.dryRun })]),
    paint(COLOURS[report.status], formatSentence(report)),
    ...(hidden === 0 ? [] : [`${hidden} more spared by a rule, an exemption or a protection: see --spared.`]),
    ...(unmanaged.length === 0
      ? []
      : [`Queues that no rule names, with their number of old jobs: ${unmanaged.join(', ')}.`]),
    ...formatFreed(report),
    // A live sweep has these among its problems.
    ...(report.dryRun ? report.unmet.map(problem) : []),
    ...(report.emergency?.includeExempt ? [paint('yellow', INCLUDED)] : []),
    ...report.notices.map((notice) => paint('yellow', `Note: ${cleanText(notice)}.`)),
    ...report.problems.map(problem),
    ...(report.stoppedBy === 'switch' ? [`${dliReaper(`resume${ofStage}`)} sets the switch to run.`] : []),
    ...report.jobs.flatMap(({ error }) => (error === null ? [] : [problem(error)])),
  ];
  return `${lines.join('\n')}\n`;
}

const INCLUDED = 'Note: --include-exempt: exempt and frozen jobs are not spared.';

/** The estimated capacity that was freed, and the number of batches that only this record proves as cancelled. */
function formatFreed({ freed, jobs }: SweepReport): string[] {
  if (freed === null) return [];
  const { cus, cuHoursAtMost } = freed;
  const range = cus.from === cus.to ? `${cus.from}` : `${cus.from} to ${cus.to ?? 'an unknown number of'}`;
  const hours = cuHoursAtMost === null ? '' : `; up to ${cuHoursAtMost} CU-hours if the jobs had run as long again`;
  const witnessed = jobs.filter(({ engine, evidence }) => engine === 'spark' && evidence === 'own-record').length;
  return [
    `Freed (estimate): ${range} CUs${hours}.`,
    ...(witnessed === 0
      ? []
      : [`DLI shows failed and cancelled batches as dead. Only this record proves that ${witnessed} were cancelled.`]),
  ];
}

const COLOURS: Record<SweepStatus, 'green' | 'yellow' | 'red'> = {
  ok: 'green',
  capped: 'yellow',
  partial: 'yellow',
  stopped: 'red',
  failed: 'red',
};

/** Why a sweep was a dry run. Identity and ceilings each stand alone; several other reasons may apply at once. */
function whyDryRun(reasons: readonly DryRunReason[]): string {
  if (reasons.includes('identity')) return 'held back: the project is not certain';
  if (reasons.includes('ceilings')) return 'held back by the ceilings of the stage';
  return `set by the ${reasons.join(', the ')}`;
}

function formatSentence({ dryRun, dryRunBecause, status, counts, apiCalls }: SweepReport): string {
  const calls = apiCalls.list + apiCalls.status + apiCalls.cancel;
  const head = dryRun ? `Dry run (${whyDryRun(dryRunBecause)})` : `Sweep ${status}`;
  const skipped = Object.values(counts.skipped).reduce((sum, n) => sum + n, 0);
  const overdue = [
    `${counts.overdue} overdue`,
    // The rules of the others only warn or log.
    ...(counts.toCancel === counts.overdue ? [] : [`${counts.toCancel} of them to be cancelled`]),
  ];
  const byOthers = counts.cancelledByOthers > 0 ? ` (${counts.cancelledByOthers} cancelled by someone else)` : '';
  const outcomes = dryRun
    ? [...overdue, 'none cancelled']
    : [
        ...overdue,
        `${counts.cancelled} cancelled`,
        `${counts.alreadyTerminal} already terminal${byOthers}`,
        ...(counts.unconfirmed > 0 ? [`${counts.unconfirmed} unconfirmed`] : []),
        ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
        `${skipped} left alone`,
      ];
  return `${head}: ${counted(counts.seen, 'job')} seen, ${outcomes.join(', ')}; ${counted(calls, 'call')}.`;
}
