import { dliReaper } from '../../lib/base/command-line.ts';
import { MAX_EMERGENCY_KILLS } from '../../lib/request/emergency.ts';
import type { DryRunReason, JobReport, SweepReport, SweepStatus } from '../../lib/sweep/record/report.ts';
import { clip, fitParts, linesOf, type Part, type Space } from './fit.ts';
import { groupsPart } from './groups.ts';
import { formatJobs } from './job-table.ts';
import { needsOf, needsPart } from './needs.ts';
import { projectLine } from './project-words.ts';
import { fitSentences } from './repeated.ts';
import { rulesPart } from './rules.ts';
import { type Colour, type Paint, plain, type Terminal } from './terminal.ts';
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
  /** Number of lines that follow it on the same screen. Default: 0. */
  linesBelow?: number;
}

/**
 * Shows a report: one sentence with the numbers, the jobs as a table, what went wrong, and last the jobs that need a person.
 * Many jobs are first summed up, and a screen shows only the worst of them. A pipe gets everything.
 */
export function formatReport(report: SweepReport, options: ReportOptions, screen: Screen = {}): string {
  const { spared = false, all = false, linesBelow = 0 } = options;
  const jobs = report.jobs.filter(({ decision }) => spared || decision !== 'keep');
  const isCut = screen.columns !== undefined && !all;
  const space: ReportSpace = { ...screen, isCut };
  const tail = tailOf(report, report.jobs.length - jobs.length, options, space);
  const partsOf = (isLong: boolean) => [...headOf(report, jobs, isLong, space), ...tail];
  const few = partsOf(jobs.length > FEW_JOBS);
  if (!isCut) return textOf(few.map((part) => part.render(Number.POSITIVE_INFINITY)));
  const maxLines = SCREEN_LINES - linesBelow;
  const isTooLong = few.reduce((sum, { most }) => sum + most, 0) > maxLines;
  return textOf(fitParts(isTooLong ? partsOf(true) : few, maxLines));
}

const textOf = (texts: readonly string[]) => `${texts.join('\n')}\n`;

interface ReportSpace extends Screen {
  /** Whether there are only so many lines. */
  isCut: boolean;
}

/** What comes before the numbers of a short report. A long one begins with them. */
function headOf(report: SweepReport, jobs: readonly JobReport[], isLong: boolean, space: ReportSpace): Part[] {
  const { project, dryRun, rules } = report;
  return [
    // Reports of earlier versions have no project.
    ...(project == null ? [] : [fixed(projectLine(project), space)]),
    ...(isLong ? [sentencePart(report, space)] : []),
    ...(isLong && jobs.length > 0 ? [groupsPart(jobs, space)] : []),
    // Functions of earlier versions do not log the rules.
    ...(dryRun && rules?.length ? [rulesPart(rules, space)] : []),
    ...(jobs.length === 0 ? [] : [jobsPart(jobs, dryRun, space)]),
  ];
}

function jobsPart(jobs: readonly JobReport[], isPlan: boolean, space: ReportSpace): Part {
  const { columns = Number.POSITIVE_INFINITY } = space;
  const render = (maxLines: number) => formatJobs(jobs, { ...space, isPlan, maxLines });
  const isMany = jobs.length > SCREEN_LINES;
  const most = isMany ? SCREEN_LINES : linesOf(render(Number.POSITIVE_INFINITY), columns);
  return { rank: 8, least: 3, most, render };
}

/** The numbers, and what else there is to say on the sweep as a whole. */
function tailOf(report: SweepReport, hidden: number, options: ReportOptions, space: ReportSpace): Part[] {
  const { dryRun, unmet, notices, problems, emergency, unmanagedQueues } = report;
  const needs = needsOf(report);
  const unmanaged = Object.entries(unmanagedQueues);
  return [
    sentencePart(report, space),
    ...(hidden === 0
      ? []
      : [fixed(`${hidden} more spared by a rule, an exemption or a protection: see --spared.`, space)]),
    ...(unmanaged.length === 0 ? [] : [unmanagedPart(unmanaged, space)]),
    ...formatFreed(report).map((line) => fixed(line, space)),
    // A live sweep has these among its problems.
    ...(dryRun ? textsPart(unmet, { rank: 3, colour: 'red', toLine: (text) => `! ${text}` }, space) : []),
    ...(emergency?.includeExempt ? [fixed(INCLUDED, space, 'yellow')] : []),
    ...textsPart(notices, { rank: 4, colour: 'yellow', toLine: (text) => `Note: ${text}.` }, space),
    ...textsPart(problems, { rank: 2, colour: 'red', toLine: (text) => `! ${text}` }, space),
    ...hintsOf(report, options).map((line) => fixed(line, space)),
    ...(needs.length === 0 ? [] : [needsPart(needs, space)]),
  ];
}

const sentencePart = (report: SweepReport, space: ReportSpace): Part =>
  fixed(formatSentence(report), space, COLOURS[report.status]);

/** Lines of a text that always stands there. Only names from outside could make it longer. */
const MOST_FIXED_LINES = 3;

function fixed(text: string, { columns = Number.POSITIVE_INFINITY, paint = plain }: Space, colour?: Colour): Part {
  const lines = Math.min(linesOf(text, columns), MOST_FIXED_LINES);
  return {
    rank: 0,
    least: lines,
    most: lines,
    render: (maxLines) => paintLines(clip(text, maxLines, columns), paint, colour),
  };
}

const paintLines = (text: string, paint: Paint, colour: Colour | undefined): string =>
  colour === undefined
    ? text
    : text
        .split('\n')
        .map((line) => paint(colour, line))
        .join('\n');

/** Lines that sentences of one kind get before the jobs. */
const TEXT_SHARE = 10;

/** Sentences of one kind. On a screen those that are the same stand once, and those that do not fit are counted. */
function textsPart(
  texts: readonly string[],
  { rank, colour, toLine }: { rank: number; colour: Colour; toLine: (text: string) => string },
  { columns = Number.POSITIVE_INFINITY, paint = plain, isCut }: ReportSpace,
): Part[] {
  if (texts.length === 0) return [];
  const render = (maxLines: number) => {
    const lines = isCut ? fitSentences(texts, toLine, { maxLines, columns }) : texts.map(cleanText).map(toLine);
    return paintLines(lines.join('\n'), paint, colour);
  };
  return [{ rank, least: 2, most: linesOf(render(Number.POSITIVE_INFINITY), columns), share: TEXT_SHARE, render }];
}

const MOST_QUEUES = 50;
const MOST_QUEUE_LINES = 4;

/** The queues that no rule names. Those for which there is no room are counted. */
function unmanagedPart(
  unmanaged: readonly [string, number][],
  { columns = Number.POSITIVE_INFINITY }: ReportSpace,
): Part {
  const withFirst = (count: number) => {
    const names = unmanaged.slice(0, count).map(([queue, jobs]) => `${cleanText(queue)} (${jobs})`);
    const left = unmanaged.length - count;
    return `${QUEUES}: ${[...names, ...(left === 0 ? [] : [`and ${left} more, see --all or --json`])].join(', ')}.`;
  };
  const render = (maxLines: number) => {
    if (maxLines === Number.POSITIVE_INFINITY) return withFirst(unmanaged.length);
    let count = Math.min(unmanaged.length, MOST_QUEUES);
    while (count > 0 && linesOf(withFirst(count), columns) > maxLines) count -= 1;
    return clip(withFirst(count), maxLines, columns);
  };
  return { rank: 7, least: 2, most: Math.min(linesOf(render(MOST_QUEUE_LINES), columns), MOST_QUEUE_LINES), render };
}

const QUEUES = 'Queues that no rule names, with their number of old jobs';

/** Flags and commands that let a sweep do what something kept it from, one sentence each. */
export function hintsOf(report: SweepReport, { stage }: Pick<ReportOptions, 'stage'>): string[] {
  const ofStage = stage === undefined ? '' : ` --stage ${stage}`;
  return [
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

function formatSentence({ trigger, dryRun, dryRunBecause, status, counts, apiCalls }: SweepReport): string {
  const calls = apiCalls.list + apiCalls.status + apiCalls.cancel;
  // A person who asks for an emergency sees its plan first, and set no dry run.
  const isPlan = trigger === 'emergency' && dryRunBecause.every((reason) => reason === 'request');
  const plan = isPlan ? 'Plan of the emergency' : `Dry run (${whyDryRun(dryRunBecause)})`;
  const head = dryRun ? plan : `Sweep ${status}`;
  const skipped = Object.values(counts.skipped).reduce((sum, n) => sum + n, 0);
  const overdue = [
    `${counts.overdue} overdue`,
    // The rules of the others only warn or log.
    ...(counts.toCancel === counts.overdue ? [] : [`${counts.toCancel} of them to be cancelled`]),
    ...(counts.warned > 0 ? [`${counts.warned} may be cancelled soon`] : []),
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
