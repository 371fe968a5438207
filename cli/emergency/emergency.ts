import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { parseRequest, RequestError } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { CANNOT_TYPE, confirm } from '../screen/confirm.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED } from '../screen/exit-code.ts';
import { projectWords } from '../screen/project-words.ts';
import { fitSentences } from '../screen/repeated.ts';
import { interrupted } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import { exitCodeFor, type Swept, showDocument, showFailures, showSwept, showTables } from '../sweep/results.ts';
import { prepareLocal } from './locally.ts';
import { type EmergencyFlags, isExpired, type PreparedEmergency, VALID_FOR } from './payload.ts';

/**
 * Shows the plan, asks for the name of the target, and then cancels exactly the jobs that it showed. With --confirm it
 * shows no plan.
 *
 * @returns the exit code. @throws {SettingsError} and {RequestError} before anything is sent.
 */
export async function runEmergency(
  flags: EmergencyFlags,
  terminal: Terminal,
  clock: Clock = systemClock,
): Promise<number> {
  const missing = missingFlags(flags, terminal);
  if (missing.length > 0) throw new RequestError(missing);
  const prepared = await prepare(flags, terminal, clock);
  const { payload, sweepTargets } = prepared;
  const askedAt = isoTime(clock.now());
  assertFlags(prepared, flags, askedAt);
  if (flags.confirm !== undefined && !flags.dryRun) {
    const record = await prepared.openRecord?.(null);
    return finish(await sweepTargets({ ...payload, dryRun: false, askedAt }, { record }), flags, terminal);
  }
  for (;;) {
    const plan = await sweepTargets({ ...payload, dryRun: true, askedAt: isoTime(clock.now()) });
    if (flags.dryRun) return finish(plan, flags, terminal);
    const exitCode = await actOn(plan, prepared, flags, terminal, clock);
    if (exitCode !== 'too late') return exitCode;
  }
}

/** The flags that are missing, all at once: at night each try costs time. */
function missingFlags(flags: EmergencyFlags, { ask }: Terminal): string[] {
  const {
    stage,
    target,
    allTargets = false,
    projectId,
    olderThan,
    jobId,
    reason,
    confirm: name,
    dryRun = false,
  } = flags;
  const missing: string[] = [];
  if (olderThan === undefined && jobId === undefined) {
    missing.push('--older-than: missing; give an age such as 10m, or the ids of jobs with --job-id');
  }
  if (stage === undefined && projectId === undefined) {
    missing.push('--project-id: missing; give the id of the project, or --stage and --target');
  }
  if (stage !== undefined && target === undefined && !allTargets) {
    missing.push('--target: missing; --stage needs the name of a target, or --all-targets');
  }
  // A plan cancels no job, so it needs no reason.
  if (reason === undefined && !dryRun) missing.push('--reason: missing; say why, for the record');
  if (name === undefined && !dryRun && ask === undefined) {
    missing.push(`--confirm: ${CANNOT_TYPE} give --confirm NAME, or --dry-run to see the plan`);
  }
  return missing;
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

async function prepare(flags: EmergencyFlags, terminal: Terminal, clock: Clock): Promise<PreparedEmergency> {
  const { stage, target, allTargets, remote } = flags;
  if (allTargets && (stage === undefined || target !== undefined)) {
    throw new SettingsError('--all-targets', 'goes with --stage and without --target');
  }
  if (remote) return (await import('./remotely.ts')).prepareRemote(flags, terminal);
  return prepareLocal(flags, terminal, clock);
}

/** Finds every mistake in the flags before the first call. @throws {SettingsError} @throws {RequestError} */
function assertFlags({ name, payload }: PreparedEmergency, flags: EmergencyFlags, askedAt: string): void {
  if (payload.target === undefined) parseRequest({ ...payload, dryRun: true });
  else parseRequest({ ...payload, dryRun: flags.dryRun ?? false, confirm: flags.confirm ?? name, askedAt });
  if (flags.confirm !== undefined && flags.confirm !== name) {
    throw new SettingsError('--confirm', `expected ${name}; nothing was changed`);
  }
}

/** What a plan says about the sweep that may follow. */
interface Outlook {
  /** Reports over their cap, whose targets are left out. */
  capped: SweepReport[];
  /** The other reports. */
  open: SweepReport[];
  /** Named jobs that are spared or missing, one sentence each. */
  unmet: string[];
  /** The jobs to cancel, by target. */
  shown: Map<string, string[]>;
  victims: number;
}

function outlookOf(plan: Swept, flags: EmergencyFlags): Outlook {
  const capped = plan.reports.filter(({ caps }) => caps.exceeded !== null);
  const open = plan.reports.filter(({ caps }) => caps.exceeded === null);
  const shown = new Map(open.map((report) => [report.target, victimsOf(report)]));
  return {
    capped,
    open,
    unmet: [...plan.reports.flatMap((report) => report.unmet), ...nowhereFound(plan, flags)],
    shown,
    victims: [...shown.values()].flat().length,
  };
}

/** Asks for the name, and cancels the jobs of the plan. If the plan is too old by then, it cancels nothing. */
async function actOn(
  plan: Swept,
  { name, payload, sweepTargets, isSwitchedOn, openRecord }: PreparedEmergency,
  flags: EmergencyFlags,
  terminal: Terminal,
  clock: Clock,
): Promise<number | 'too late'> {
  // The request counts from the moment that the plan is on the screen.
  const shownAt = clock.now();
  // The plan goes to stderr, since stdout is for what was done.
  showFailures(plan, terminal);
  showTables(plan, flags, { ...terminal, out: terminal.err });
  const outlook = outlookOf(plan, flags);
  if (outlook.victims === 0 || interrupted.aborted) return endWithPlan(plan, outlook, flags, terminal);
  if (flags.stage !== undefined && (await isSwitchedOff(isSwitchedOn))) {
    terminal.err(
      `The switch of ${flags.stage} is not set to run, so no job can be cancelled. Set it with ${dliReaper(`resume --stage ${flags.stage}`)}, then run this again.\n`,
    );
    return endWithPlan(plan, outlook, flags, terminal);
  }
  // Before the question, so that a person who may not write the record knows it then.
  const record = await openRecord?.(outlook.victims);
  const what = whatToCancel(plan, outlook);
  if (!(await confirm({ name, what, given: undefined }, terminal))) {
    await record?.giveUp();
    return endWithPlan(plan, outlook, flags, terminal);
  }

  if (isExpired(shownAt, clock)) {
    await record?.giveUp();
    terminal.err(
      `The plan is older than ${VALID_FOR}, so other jobs may run now. Nothing was cancelled; listing again.\n`,
    );
    return 'too late';
  }
  const { shown: jobIds } = outlook;
  const swept = await sweepTargets({ ...payload, dryRun: false, askedAt: isoTime(shownAt) }, { jobIds, record });
  return endWithSweep(swept, plan, outlook, flags, terminal);
}

/** Whether it is certain that the switch is off. If it cannot be read here, the sweep says so. */
async function isSwitchedOff(isSwitchedOn: PreparedEmergency['isSwitchedOn']): Promise<boolean> {
  try {
    return (await isSwitchedOn?.()) === false;
  } catch {
    return false;
  }
}

/** The question, such as `cancel these 2 jobs of project 0123…`. */
function whatToCancel(plan: Swept, { capped, open, victims }: Outlook): string {
  const jobs = victims === 1 ? 'this job' : `these ${victims} jobs`;
  const among = capped.length + plan.failures.length === 0 ? [] : [counted(open.length, 'target')];
  const places = [...among, ...placeOf(open)];
  return `cancel ${jobs}${places.length === 0 ? '' : ` of ${places.join(', ')}`}`;
}

/** The project of the victims. If there are several, the tables above name them. */
function placeOf(reports: readonly SweepReport[]): string[] {
  const places = reports.flatMap((report) => (victimsOf(report).length > 0 ? (report.project ?? []) : []));
  const words = [...new Set(places.map(projectWords))];
  return words.length === 1 ? words : [];
}

/** Ends without a cancel. @returns the exit code. */
function endWithPlan(plan: Swept, { unmet, victims }: Outlook, flags: EmergencyFlags, terminal: Terminal): number {
  const nowhere = nowhereFound(plan, flags);
  if (flags.json) showDocument({ ...plan, leftOut: nowhere }, flags, terminal);
  if (victims > 0) return EXIT_CONFIGURATION;
  showLines(nowhere, flags, terminal);
  return exitCodeFor({ ...plan, reports: plan.reports.map(asLive) }) || codeForUnmet(unmet);
}

/** Shows what was done, and what the plan left out. @returns the exit code. */
function endWithSweep(
  swept: Swept,
  plan: Swept,
  { capped, unmet }: Outlook,
  flags: EmergencyFlags,
  terminal: Terminal,
): number {
  // Targets without a plan were not swept: their failures are shown again at the end.
  const failures = [...plan.failures, ...swept.failures];
  const overCap = capped.map(({ target, caps }) => `${target}: nothing was cancelled there, ${caps.exceeded}`);
  // Jobs that the plan could not list or judge are not among those that were cancelled.
  const partial = plan.reports.filter(({ status }) => status === 'partial');
  const unseen = partial.flatMap(({ target, problems }) => problems.map((text) => `${target}: ${text}`));
  const leftOut = [...overCap, ...unseen, ...unmet];
  showSwept({ ...swept, failures, leftOut }, { ...flags, ...spaceFor(leftOut) }, terminal);
  showLines(leftOut, flags, terminal);
  const reports = [...capped.map(asLive), ...partial, ...swept.reports];
  return exitCodeFor({ failures, reports }) || codeForUnmet(unmet);
}

/** A plan that was meant to become live, so that a cap in its way is no success. */
const asLive = (report: SweepReport): SweepReport => ({ ...report, dryRun: false });

const codeForUnmet = (unmet: readonly string[]) => (unmet.length > 0 ? EXIT_FAILED : 0);

/** Lines below a report on a screen. */
const MOST_LINES_BELOW = 10;

const spaceFor = (lines: readonly string[]) => ({ linesBelow: lines.length === 0 ? 0 : MOST_LINES_BELOW });

/** Shows sentences. On a screen those that are the same stand once, and those for which there is no room are counted. */
function showLines(texts: readonly string[], { all = false }: EmergencyFlags, { err, columns }: Terminal): void {
  const toLine = (text: string) => `dli-reaper: ${cleanText(text)}`;
  const isCut = columns !== undefined && !all;
  const lines = isCut ? fitSentences(texts, toLine, { columns, maxLines: MOST_LINES_BELOW }) : texts.map(toLine);
  for (const line of lines) err(`${line}\n`);
}

function finish(swept: Swept, flags: EmergencyFlags, terminal: Terminal): number {
  const nowhere = nowhereFound(swept, flags);
  showSwept({ ...swept, leftOut: nowhere }, { ...flags, ...spaceFor(nowhere) }, terminal);
  showLines(nowhere, flags, terminal);
  return exitCodeFor(swept) || (flags.dryRun ? 0 : codeForUnmet(nowhere));
}

/** Jobs that were named for all targets and that no report mentions, one sentence each. */
function nowhereFound({ reports }: Swept, { allTargets = false, jobId: named = [] }: EmergencyFlags): string[] {
  if (!allTargets || reports.length === 0) return [];
  const isThere =
    (id: string) =>
    ({ jobs, unmet }: SweepReport) =>
      jobs.some(({ jobId }) => jobId.toLowerCase() === id.toLowerCase()) || unmet.some((text) => text.includes(id));
  return named
    .filter((id) => !reports.some(isThere(id)))
    .map((id) => `job ${id} is on none of the targets that could be read; check stage and project`);
}

const victimsOf = ({ jobs }: SweepReport) =>
  jobs.filter(({ decision }) => decision === 'cancel').map(({ jobId }) => jobId);
