import { systemClock } from '../../lib/base/clock.ts';
import { formatDuration, parseDuration } from '../../lib/base/duration.ts';
import { describeError } from '../../lib/dli/errors.ts';
import { inWords } from '../../lib/settings/project-claims.ts';
import { askToResume, describeStop, isOverdue, parseStop } from '../../lib/settings/stop-order.ts';
import type { Judgement } from '../../lib/sweep/judge/judge.ts';
import { LONGEST_SWEEP_MS } from '../../lib/sweep/record/past.ts';
import { type EndLine, findSweeps, type LogLine } from '../../lib/sweep/record/sweep-log.ts';
import { calendarNotices } from '../../lib/sweep/tell/calendar.ts';
import { ceilingsOrNot } from '../policy/remarks.ts';
import { judgeSchedule, killsInDay, type LastSweep, lastSweepOf, type ScheduleStatus } from '../remote/last-sweeps.ts';
import { EXIT_CONFIGURATION, exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { interrupted } from '../screen/signals.ts';
import { withSpinner } from '../screen/spinner.ts';
import { formatTable } from '../screen/table.ts';
import { plain, type Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';
import { performSweep } from '../sweep/perform.ts';

export interface StatusFlags extends StageFlags {
  within: string;
  /** Ask DLI what is overdue. */
  look?: boolean;
}

export interface TargetStatus {
  target: string;
  lastSweep: LastSweep | null;
  /** Now; null if nobody looked, or the look failed. */
  overdue: number | null;
  /** Jobs that could not be judged, so they may be overdue too; null as above. */
  undetermined: number | null;
  /** Which exemptions and freezes hold, begin and end, a sentence each; null as above. */
  calendar: string[] | null;
  /** Jobs that its sweeps cancelled in 24 hours; null if the log does not tell. */
  killsInDay: number | null;
  problem: string | null;
}

const UNSEEN = { overdue: null, undetermined: null, calendar: null };

const DAY_MS = 86_400_000;

/**
 * The reaper keeps no state: what it did is in its log.
 *
 * @returns 0; 1 if the log or some target could not be looked at, or a target's last sweep came to no report.
 */
export async function runStatus(flags: StatusFlags, terminal: Terminal): Promise<number> {
  const { json, look = true } = flags;
  const stage = openStage(flags.stage);
  const { names, read, readClaims, readClashes, listTargets } = stage;
  const now = systemClock.now();
  // Less than a day is no time to tell of a schedule that it does not tick.
  const since = now - Math.max(parseDuration(flags.within), DAY_MS + LONGEST_SWEEP_MS);
  const [values, targetNames, claims, clashes, log, ceilings] = await Promise.all([
    read([names.switch]),
    listTargets(),
    readClaims(),
    readClashes(),
    readLog(stage.name, since),
    ceilingsOrNot(stage),
  ]);
  const killsPerDay = ceilings?.killsPerDay ?? null;
  const { ends, lines, logProblem } = log;
  const schedule = logProblem === null ? judgeSchedule(ends, now) : null;
  const targets = await withSpinner('Looking', { ...flags, handleSignals: false }, terminal, async ({ say }) => {
    const statuses: TargetStatus[] = [];
    // One after the other, since they may share a credential.
    for (const target of targetNames) {
      say(`Looking at ${target}`);
      const seen = look ? await lookAt(stage, target, terminal) : { ...UNSEEN, problem: null };
      const clash = clashes.get(target);
      const problems = [clash && inWords(clash), seen.problem].filter((one) => one != null);
      const problem = problems.length === 0 ? null : problems.join('; ');
      const { projectId } = claims.find((claim) => claim.target === target) ?? {};
      const kills = logProblem === null ? killsInDay({ target, projectId }, lines, now) : null;
      statuses.push({ target, lastSweep: lastSweepOf(target, ends), killsInDay: kills, ...seen, problem });
    }
    return statuses;
  });

  const switchValue = values.get(names.switch) ?? null;
  const order = parseStop(switchValue);
  const stop = order && {
    until: order.until === undefined ? null : new Date(order.until).toISOString(),
    reason: order.reason ?? null,
    isOver: isOverdue(order, now),
  };
  terminal.out(
    json
      ? toJson('status', {
          stage: stage.name,
          switch: switchValue,
          stop: stop ?? null,
          schedule,
          logProblem,
          targets,
          killsPerDay,
        })
      : format(flags, { switchValue, schedule, logProblem, targets, killsPerDay, now }, terminal),
  );
  const isTrouble = targets.some(({ problem, lastSweep }) => problem !== null || (lastSweep?.error ?? null) !== null);
  return logProblem !== null || isTrouble ? EXIT_CONFIGURATION : 0;
}

/** Whoever may not read the log may still see the switch, and what is overdue. */
async function readLog(
  stage: string,
  since: number,
): Promise<{ ends: EndLine[]; lines: LogLine[]; logProblem: string | null }> {
  try {
    return { ...(await findSweeps(stage, since)), logProblem: null };
  } catch (error) {
    return { ends: [], lines: [], logProblem: describeError(error) };
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
    // Over a cap a look is as good as any.
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

function format(
  { stage, within }: StatusFlags,
  facts: {
    switchValue: string | null;
    schedule: ScheduleStatus | null;
    logProblem: string | null;
    targets: TargetStatus[];
    killsPerDay: number | null;
    now: number;
  },
  { columns, paint = plain }: Terminal,
): string {
  const { switchValue, schedule, logProblem, targets, killsPerDay, now } = facts;
  const ago = (iso: string) => `${formatDuration(Math.max(now - Date.parse(iso), 0))} ago`;
  const noSweep = logProblem === null ? `none in ${within}` : '?';
  const table = formatTable<TargetStatus>(
    [
      { head: 'target', cell: ({ target }) => target },
      { head: 'last sweep', cell: ({ lastSweep }) => (lastSweep === null ? noSweep : ago(lastSweep.at)) },
      { head: 'by', cell: ({ lastSweep }) => lastSweep?.trigger ?? '–', dropped: 1 },
      { head: 'status', cell: ({ lastSweep }) => statusText(lastSweep) },
      { head: 'cancelled', cell: ({ lastSweep }) => String(lastSweep?.cancelled ?? '–'), dropped: 2 },
      { head: 'overdue now', cell: overdueText },
      { head: 'kills in 24h', cell: ({ killsInDay: kills }) => `${kills ?? '?'} of ${killsPerDay ?? '?'}`, dropped: 3 },
    ],
    targets,
    { columns },
  );
  const isRun = switchValue === 'run';
  const alive =
    schedule === null
      ? paint('red', `! Whether the schedule is alive cannot be told: ${cleanText(logProblem ?? '')}`)
      : schedule.lastTickAt === null
        ? paint('red', `No scheduled sweep in ${within}: the schedule is not alive.`)
        : schedule.isAlive
          ? paint('green', `The schedule is alive; its last sweep was ${ago(schedule.lastTickAt)}.`)
          : paint('yellow', `The schedule is late, or pauses; its last sweep was ${ago(schedule.lastTickAt)}.`);
  const order = parseStop(switchValue);
  const calendar = targets.flatMap((one) => one.calendar ?? []);
  // What the stage holds is the same for each target.
  const noteOf = (target: string, notice: string) =>
    targets.length > 1 && calendar.filter((one) => one === notice).length < targets.length
      ? `${target}: ${notice}`
      : notice;
  const notes = new Set(targets.flatMap((one) => (one.calendar ?? []).map((notice) => noteOf(one.target, notice))));
  return [
    paint(
      isRun ? 'green' : 'yellow',
      `The switch of ${stage} reads ${switchText(switchValue)}${isRun ? '' : ': no job is cancelled'}.`,
    ),
    ...(order !== undefined && isOverdue(order, now) ? [paint('red', `! ${askToResume(order, stage)}.`)] : []),
    alive,
    table ?? targets.map((one) => `${one.target}: ${overdueText(one)} overdue`).join('\n'),
    ...[...notes].map((note) => paint('yellow', `Note: ${cleanText(note)}.`)),
    ...targets.flatMap(({ target, problem, lastSweep }) => {
      const error = lastSweep?.error ?? null;
      const problems = [error === null ? null : `the last sweep could not run: ${error}`, problem];
      return problems.flatMap((text) =>
        text === null ? [] : [paint('red', `! ${target}: ${cleanText(oneLine(text))}`)],
      );
    }),
    '',
  ].join('\n');
}

/** Quoted where it is not one of the two words, since a blank too many is what is wrong with it. */
function switchText(value: string | null): string {
  if (value === null) return 'nothing';
  const order = parseStop(value);
  if (order !== undefined) return cleanText(describeStop(order));
  return value === 'run' ? value : JSON.stringify(cleanText(value));
}

function overdueText({ overdue, undetermined }: TargetStatus): string {
  const more = undetermined === null || undetermined === 0 ? '' : `, ${undetermined} undetermined`;
  return `${overdue ?? '?'}${more}`;
}

function statusText(last: TargetStatus['lastSweep']): string {
  if (last === null) return '–';
  return last.dryRun ? `${last.status} (dry run)` : last.status;
}
