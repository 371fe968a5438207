import { systemClock } from '../../lib/base/clock.ts';
import { parseDuration } from '../../lib/base/duration.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { inWords } from '../../lib/settings/project-claims.ts';
import { isOverdue, parseStop } from '../../lib/settings/stop-order.ts';
import type { Judgement } from '../../lib/sweep/judge/judge.ts';
import { type EndLine, findSweeps, type LogLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import { LONGEST_SWEEP_MS } from '../../lib/sweep/past/past-sweeps.ts';
import { calendarNotices } from '../../lib/sweep/tell/calendar.ts';
import { codeOf, judgeSchedule, killsInDay, lastSweepOf, repeatsInDay } from '../remote/last-sweeps.ts';
import { EXIT_CONFIGURATION, exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { interrupted } from '../screen/signals.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { ceilingsOrNot, openStage, type Stage, type StageFlags } from '../source/open-stage.ts';
import { performSweep } from '../sweep/perform.ts';
import { formatStatus, type StageStatus, type TargetStatus } from './status-screen.ts';

export interface StatusFlags extends StageFlags {
  within: string;
  /** Whether to ask DLI what is overdue. */
  look?: boolean;
}

const UNSEEN = { overdue: null, undetermined: null, calendar: null };

const DAY_MS = 86_400_000;

/**
 * Shows a stage: its switch, its schedule, and each target. The reaper keeps no state, so its log says what it did.
 *
 * @returns 0; 1 if the log or a target could not be read, the last sweep of a target has no report, or the schedule is late.
 */
export async function runStatus(flags: StatusFlags, terminal: Terminal): Promise<number> {
  const stage = openStage(flags.stage);
  const { names, read, listTargets } = stage;
  const now = systemClock.now();
  // A schedule may tick once a day, so less than a day of log does not show whether it runs.
  const since = now - Math.max(parseDuration(flags.within), DAY_MS + LONGEST_SWEEP_MS);
  const [values, targetNames, claims, clashes, log, ceilings] = await Promise.all([
    read([names.switch]),
    listTargets(),
    stage.readClaims(),
    stage.readClashes(),
    readLog(stage.name, since),
    ceilingsOrNot(stage),
  ]);
  const { ends, lines, logProblem, byHandProblem } = log;
  const targets = await withSpinner('Looking', { ...flags, handleSignals: false }, terminal, async ({ say }) => {
    const statuses: TargetStatus[] = [];
    // One after the other, since targets may share a credential.
    for (const target of targetNames) {
      say(`Looking at ${target}`);
      const seen = flags.look === false ? { ...UNSEEN, problem: null } : await lookAt(stage, target, terminal);
      const clash = clashes.get(target);
      const problems = [clash && inWords(clash), seen.problem].filter((one) => one != null);
      const problem = problems.length === 0 ? null : problems.join('; ');
      const { projectId } = claims.find((claim) => claim.target === target) ?? {};
      const kills = logProblem === null ? killsInDay({ target, projectId }, lines, now) : null;
      const repeats = logProblem === null ? repeatsInDay({ target, projectId }, lines, now) : null;
      statuses.push({ target, lastSweep: lastSweepOf(target, ends), killsInDay: kills, repeats, ...seen, problem });
    }
    return statuses;
  });

  const status: StageStatus = {
    stage: stage.name,
    switchValue: values.get(names.switch) ?? null,
    schedule: logProblem === null ? judgeSchedule(ends, now) : null,
    code: codeOf(ends),
    logProblem,
    byHandProblem,
    targets,
    killsPerDay: ceilings?.killsPerDay ?? null,
    within: flags.within,
    now,
  };
  terminal.out(flags.json ? toDocument(status) : formatStatus(status, terminal));
  const isTrouble = targets.some(({ problem, lastSweep }) => problem !== null || (lastSweep?.error ?? null) !== null);
  // The log does not say that a schedule pauses by design, so a pause of more than two periods counts too.
  const isLate = status.schedule?.isAlive === false;
  return logProblem !== null || isTrouble || isLate ? EXIT_CONFIGURATION : 0;
}

function toDocument(status: StageStatus): string {
  const { stage, switchValue, schedule, code, logProblem, byHandProblem, targets, killsPerDay, now } = status;
  const order = parseStop(switchValue);
  const stop = order && {
    until: order.until === undefined ? null : new Date(order.until).toISOString(),
    reason: order.reason ?? null,
    isOver: isOverdue(order, now),
  };
  return toJson('status', {
    stage,
    switch: switchValue,
    stop: stop ?? null,
    schedule,
    code,
    logProblem,
    byHandProblem,
    targets,
    killsPerDay,
  });
}

/** Reads the log. If that fails, the switch and the overdue jobs can still be shown. */
async function readLog(
  stage: string,
  since: number,
): Promise<{ ends: EndLine[]; lines: LogLine[]; logProblem: string | null; byHandProblem: string | null }> {
  try {
    return { ...(await findSweeps(stage, since)), logProblem: null };
  } catch (error) {
    return { ends: [], lines: [], logProblem: describeError(error), byHandProblem: null };
  }
}

async function lookAt(stage: Stage, target: string, terminal: Terminal) {
  if (interrupted.aborted) return { ...UNSEEN, problem: 'not looked at, the operator interrupted it' };
  let judgement: Judgement | undefined;
  try {
    const flags = { stage: stage.name, target, dryRun: true, quiet: true };
    const onJudged = (seen: Judgement) => {
      judgement = seen;
    };
    const report = await performSweep(flags, terminal, { stage, onJudged });
    // An exceeded cap does not make a look less complete.
    const [problem = null] = exitCodeOf(report) === 0 ? [] : report.problems;
    const { overdue, seen, skipped } = report.counts;
    // If the clocks differ, the ages are wrong. A list that failed may hold overdue jobs that were not seen.
    if (report.stoppedBy === 'clock' || (problem !== null && seen === 0)) return { ...UNSEEN, problem };
    const calendar = judgement === undefined ? [] : calendarNotices(judgement.decisions, judgement.context);
    return { overdue, undetermined: skipped.undetermined ?? 0, calendar, problem };
  } catch (error) {
    return { ...UNSEEN, problem: describeError(error) };
  }
}
