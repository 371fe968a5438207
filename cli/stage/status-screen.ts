import type { CodeVersion } from '../../lib/base/code-version.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { askToResume, describeStop, isOverdue, parseStop } from '../../lib/settings/stop-order.ts';
import type { Repeat } from '../../lib/sweep/past/repeats.ts';
import type { LastSweep, ScheduleStatus } from '../remote/last-sweeps.ts';
import { type Column, formatTable } from '../screen/table.ts';
import { type Paint, plain, type Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';

export interface TargetStatus {
  target: string;
  lastSweep: LastSweep | null;
  /** Number of jobs that are overdue now; null with --no-look, or if the look failed. */
  overdue: number | null;
  /** Number of jobs that could not be judged, which may be overdue too; null as above. */
  undetermined: number | null;
  /** Exemptions and freezes that apply, begin or end, one sentence each; null as above. */
  calendar: string[] | null;
  /** Number of jobs that its sweeps cancelled in 24 hours; null if the log does not show it. */
  killsInDay: number | null;
  /** What several of them cancelled in 24 hours; null as above. */
  repeats: Repeat[] | null;
  problem: string | null;
}

export interface StageStatus {
  stage: string;
  switchValue: string | null;
  /** Null if the log cannot be read. */
  schedule: ScheduleStatus | null;
  /** The code of the function that swept last; null if no sweep in the log names it. */
  code: CodeVersion | null;
  logProblem: string | null;
  /** Why the record of sweeps by hand cannot be read; null also if the log cannot be read. */
  byHandProblem: string | null;
  targets: TargetStatus[];
  killsPerDay: number | null;
  /** How far back the log was asked for, such as 24h. */
  within: string;
  now: number;
}

export function formatStatus(status: StageStatus, { columns, paint = plain }: Terminal): string {
  const { switchValue, targets, stage, byHandProblem, now } = status;
  const isRun = switchValue === 'run';
  const order = parseStop(switchValue);
  const table = formatTable(columnsFor(status), targets, { columns });
  return [
    paint(
      isRun ? 'green' : 'yellow',
      `The switch of ${stage} reads ${switchText(switchValue)}${isRun ? '' : ': no job is cancelled'}.`,
    ),
    ...(order !== undefined && isOverdue(order, now) ? [paint('red', `! ${askToResume(order, stage)}.`)] : []),
    formatSchedule(status, paint),
    ...codeLines(status),
    table ?? targets.map((one) => `${one.target}: ${overdueText(one)} overdue`).join('\n'),
    ...(byHandProblem === null ? [] : [paint('yellow', `! Sweeps by hand are not shown: ${cleanText(byHandProblem)}`)]),
    ...targets.flatMap(repeatLines).map((line) => paint('yellow', `! ${line}`)),
    ...notesOf(targets).map((note) => paint('yellow', `Note: ${cleanText(note)}.`)),
    ...targets.flatMap(problemsOf).map((problem) => paint('red', `! ${problem}`)),
    '',
  ].join('\n');
}

const agoOf = (iso: string, now: number): string => `${formatDuration(Math.max(now - Date.parse(iso), 0))} ago`;

function columnsFor({ logProblem, within, killsPerDay, now }: StageStatus): Column<TargetStatus>[] {
  const noSweep = logProblem === null ? `none in ${within}` : '?';
  return [
    { head: 'target', cell: ({ target }) => target },
    { head: 'last sweep', cell: ({ lastSweep }) => (lastSweep === null ? noSweep : agoOf(lastSweep.at, now)) },
    { head: 'by', cell: ({ lastSweep }) => byText(lastSweep), dropped: 1 },
    { head: 'status', cell: ({ lastSweep }) => statusText(lastSweep) },
    { head: 'cancelled', cell: ({ lastSweep }) => String(lastSweep?.cancelled ?? '–'), dropped: 2 },
    { head: 'overdue now', cell: overdueText },
    {
      head: 'ceiling used, 24h',
      cell: ({ killsInDay: kills }) => `${kills ?? '?'} of ${killsPerDay ?? '?'}`,
      dropped: 3,
    },
  ];
}

function formatSchedule({ schedule, logProblem, within, now }: StageStatus, paint: Paint): string {
  if (schedule === null) {
    return paint('red', `! The log cannot be read, so the schedule is unknown: ${cleanText(logProblem ?? '')}`);
  }
  const { lastTickAt, isAlive } = schedule;
  if (lastTickAt === null) return paint('red', `No scheduled sweep in ${within}: the schedule is not running.`);
  const ago = agoOf(lastTickAt, now);
  return isAlive
    ? paint('green', `The schedule is running; its last sweep was ${ago}.`)
    : paint('yellow', `The schedule is late or pauses; its last sweep was ${ago}.`);
}

function codeLines({ code }: StageStatus): string[] {
  return code === null ? [] : [cleanText(`It swept with version ${code.version}, commit ${code.commit}.`)];
}

const MOST_REPEATS = 3;

/** Names what a client may run again and again. */
function repeatLines({ target, repeats }: TargetStatus): string[] {
  const all = repeats ?? [];
  const more = all.length - MOST_REPEATS;
  return [
    ...all.slice(0, MOST_REPEATS).map(({ cancelled, owner, queue, name, jobId, fingerprint }) => {
      const what = fingerprint === null ? `jobs named ${name}` : 'queries that differ only in values';
      return `${target}: ${cancelled} sweeps in 24 hours cancelled ${what}, of ${owner} on ${queue}, the latest ${jobId}: does a client run them again? See docs/owners.md`;
    }),
    ...(more > 0 ? [`${target}: and ${more} more such repeats; --json has all`] : []),
  ].map((line) => cleanText(oneLine(line)));
}

/** The calendar of all targets. A note that all targets share stands once, without a target. */
function notesOf(targets: readonly TargetStatus[]): string[] {
  const all = targets.flatMap(({ calendar }) => calendar ?? []);
  const isShared = (note: string) =>
    targets.length === 1 || all.filter((one) => one === note).length === targets.length;
  const notes = targets.flatMap(({ target, calendar }) =>
    (calendar ?? []).map((note) => (isShared(note) ? note : `${target}: ${note}`)),
  );
  return [...new Set(notes)];
}

function problemsOf({ target, problem, lastSweep }: TargetStatus): string[] {
  const error = lastSweep?.error ?? null;
  const problems = [error === null ? null : `the last sweep could not run: ${error}`, problem];
  return problems.flatMap((text) => (text === null ? [] : [`${target}: ${cleanText(oneLine(text))}`]));
}

/** The value of the switch. An invalid one is quoted, since a stray blank may be the mistake. */
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

/** What started a sweep, and who, if it was by hand. Of the ARN the last part is enough here. */
function byText(last: LastSweep | null): string {
  if (last === null) return '–';
  return [last.trigger, ...(last.recordedBy?.split('/').slice(-1) ?? [])].map(cleanText).join(', ');
}

function statusText(last: LastSweep | null): string {
  if (last === null) return '–';
  return last.dryRun ? `${last.status} (dry run)` : last.status;
}
