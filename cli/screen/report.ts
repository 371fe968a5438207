import { stripVTControlCharacters } from 'node:util';
import { dliReaper } from '../../lib/base/command-line.ts';
import { MAX_EMERGENCY_KILLS } from '../../lib/request/emergency.ts';
import type { DryRunReason, SweepReport, SweepStatus } from '../../lib/sweep/record/report.ts';
import { formatGroups } from './groups.ts';
import { formatJobs } from './job-table.ts';
import { formatNeeds } from './needs.ts';
import { projectLine } from './project-words.ts';
import { formatRules } from './rules.ts';
import { type Paint, plain, type Terminal } from './terminal.ts';
import { cleanText, counted } from './text.ts';

type Screen = Pick<Terminal, 'columns' | 'paint'>;

/** With more jobs than this, a report begins with its numbers and its jobs by groups. */
const FEW_JOBS = 12;

/** The longest that a report gets on a screen. */
const SCREEN_LINES = 60;

/** How much a report shows. */
export interface ReportOptions {
  /** Whether to show spared jobs too. */
  spared?: boolean;
  /** Whether to show every job on a screen as well. */
  all?: boolean;
  stage?: string | undefined;
}

/**
 * Shows a report: one sentence with the numbers, the jobs as a table, what went wrong, and last the jobs that need a person.
 * Many jobs are first summed up, and a screen shows only the worst of them.
 */
export function formatReport(report: SweepReport, options: ReportOptions, screen: Screen = {}): string {
  const { spared = false, all: isAll = false } = options;
  const { paint = plain, columns } = screen;
  const jobs = report.jobs.filter(({ decision }) => spared || decision !== 'keep');
  const sentence = paint(COLOURS[report.status], formatSentence(report));
  const isLong = jobs.length > FEW_JOBS;
  const isCut = columns !== undefined && !isAll;
  const head = [
    // Reports of earlier versions have no project.
    ...(report.project == null ? [] : [projectLine(report.project)]),
    ...(isLong ? [sentence, formatGroups(jobs, { ...screen, isCut })] : []),
    // Functions of earlier versions do not log the rules.
    ...(report.dryRun && report.rules?.length ? [formatRules(report.rules, { ...screen, isCut })] : []),
  ];
  const tail = [
    sentence,
    ...remarksOn(report, report.jobs.length - jobs.length, options, paint),
    ...formatNeeds(report, { isAll: !isCut }).map((line) => paint('red', line.startsWith(' ') ? line : `! ${line}`)),
  ];
  const maxLines = isCut ? SCREEN_LINES - linesOf(head, columns) - linesOf(tail, columns) : undefined;
  const table = jobs.length === 0 ? [] : [formatJobs(jobs, { ...screen, isPlan: report.dryRun, maxLines })];
  return `${[...head, ...table, ...tail].join('\n')}\n`;
}

/** Lines that texts take on a screen, where a long line goes on in the next. */
function linesOf(texts: readonly string[], columns: number): number {
  return texts
    .flatMap((text) => stripVTControlCharacters(text).split('\n'))
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
}

/** What else there is to say on the sweep as a whole. */
function remarksOn(report: SweepReport, hidden: number, { stage }: ReportOptions, paint: Paint): string[] {
  const unmanaged = Object.entries(report.unmanagedQueues).map(([queue, count]) => `${cleanText(queue)} (${count})`);
  const ofStage = stage === undefined ? '' : ` --stage ${stage}`;
  const problem = (text: string) => paint('red', `! ${cleanText(text)}`);
  return [
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
    ...letThrough(report),
    ...(report.stoppedBy === 'switch' ? [`${dliReaper(`resume${ofStage}`)} sets the switch to run.`] : []),
  ];
}

/** Names the flag that would let a sweep through its cap; nothing if no number of that flag would. */
function letThrough({
  caps: { exceeded, victims, maxKills, maxKillsPercent, ceiling },
  emergency,
}: SweepReport): string[] {
  const most = Math.min(
    ceiling ?? Number.POSITIVE_INFINITY,
    emergency === null ? Number.POSITIVE_INFINITY : MAX_EMERGENCY_KILLS,
  );
  if (exceeded === null || victims <= maxKills || victims > most) return [];
  const next = maxKillsPercent < 100 ? `; maxKillsPercent ${maxKillsPercent} of the policy is checked after that` : '';
  return [`If all of them are to be cancelled: --max-kills ${victims}${next}`];
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
