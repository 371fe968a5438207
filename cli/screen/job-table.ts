import { formatDuration } from '../../lib/base/duration.ts';
import type { JobReport } from '../../lib/sweep/record/report.ts';
import { fitRows, type Space } from './fit.ts';
import type { Column } from './table.ts';
import { type Colour, type Paint, plain } from './terminal.ts';
import { cleanText } from './text.ts';

interface JobsOptions extends Space {
  isPlan: boolean;
}

/**
 * Shows jobs as a table: overdue jobs first, the longest over its limit at the top. A table that is too wide for the screen
 * loses its least needed columns. If that is not enough, each job takes two lines or more instead. The jobs for which there is
 * no room are counted.
 */
export function formatJobs(jobs: readonly JobReport[], { isPlan, ...space }: JobsOptions): string {
  const sorted = jobs.toSorted((a, b) => rank(a) - rank(b) || overLimit(b) - overLimit(a));
  const hasNames = jobs.some(({ name }) => name !== null);
  const { paint = plain } = space;
  return fitRows(
    sorted,
    {
      columns: COLUMNS.filter(({ head }) => (isPlan || head !== BAR) && (hasNames || head !== NAME)),
      toText: (job) => formatCard(job, paint, isPlan),
      more: (left) => `and ${left.length} more: see --all or --json`,
    },
    space,
  );
}

const NAME = 'name';
const BAR = 'against limit';

const COLUMNS: readonly Column<JobReport>[] = [
  { head: 'job', cell: ({ jobId }) => jobId },
  { head: 'engine', cell: ({ engine }) => engine, dropped: 2 },
  { head: NAME, cell: ({ name }) => name ?? '', dropped: 5 },
  { head: 'queue', cell: ({ queue }) => queue ?? '?' },
  { head: 'owner', cell: ({ owner }) => owner ?? '?' },
  { head: 'type', cell: ({ jobType }) => jobType ?? '?', dropped: 1 },
  { head: 'time', cell: formatTime },
  { head: 'limit', cell: formatLimit, dropped: 4 },
  { head: BAR, cell: formatBar, dropped: 3 },
  { head: 'rule', cell: ({ rule }) => rule ?? '–' },
  { head: 'outcome', cell: formatOutcome, colour: colourOf },
];

function formatCard(job: JobReport, paint: Paint, isPlan: boolean): string {
  const { jobId, engine, name, jobType, queue, owner, rule } = job;
  const what = [engine, jobType ?? '?', ...(name === null ? [] : [name]), 'on', queue ?? '?', 'by', owner ?? '?']
    .map(cleanText)
    .join(' ');
  const bar = isPlan && formatBar(job) !== '' ? `${formatBar(job)} ` : '';
  const limit = job.limitMs === null ? '' : ` of ${formatLimit(job)}`;
  return [
    `${cleanText(jobId)}  ${paint(colourOf(job), cleanText(formatOutcome(job)))}`,
    `  ${what}, ${bar}${formatTime(job)}${limit}, ${cleanText(rule ?? '–')}`,
  ].join('\n');
}

const RANKS: Record<JobReport['decision'], number> = { cancel: 0, warn: 1, log: 2, keep: 3 };
const rank = ({ decision }: JobReport): number => RANKS[decision];
export const timeOf = ({ runTimeMs, queueTimeMs, totalTimeMs }: JobReport): number | null =>
  runTimeMs ?? queueTimeMs ?? totalTimeMs;
const overLimit = (job: JobReport): number =>
  job.overLimitMs ?? (job.limitMs === null ? 0 : (timeOf(job) ?? 0) - job.limitMs);

/** The job's time, with the clock it is from if that is not the run time. */
function formatTime({ runTimeMs, queueTimeMs, totalTimeMs }: JobReport): string {
  if (runTimeMs !== null) return formatMinutes(runTimeMs);
  if (queueTimeMs !== null) return `${formatMinutes(queueTimeMs)} waiting`;
  return totalTimeMs === null ? '?' : `${formatMinutes(totalTimeMs)} in all`;
}

/** The limit, with its clock if the limit was exceeded. */
function formatLimit({ clock, limitMs }: JobReport): string {
  if (limitMs === null) return '–';
  return clock === null ? formatDuration(limitMs) : `${clock} ${formatDuration(limitMs)}`;
}

/** A duration without seconds from one minute on: in a job of hours they are noise. */
export function formatMinutes(ms: number): string {
  return formatDuration(ms < 60_000 ? ms : ms - (ms % 60_000));
}

const BAR_CELLS = 10;

/**
 * Draws time against limit: `██▓▓▓▓▓▓▓▓` is five times the limit, `████░░░░░░` two fifths of it. The bar is empty if the job
 * was not compared with a limit, such as a job that is spared for another reason.
 */
export function formatBar(job: JobReport): string {
  const { limitMs } = job;
  const time = timeAgainstLimit(job);
  if (time === null || limitMs === null) return '';
  const whole = Math.max(time, limitMs, 1);
  const share = Math.round((BAR_CELLS * Math.min(time, limitMs)) / whole);
  // A job that is just over its limit still shows one cell.
  const within = time > limitMs ? Math.min(share, BAR_CELLS - 1) : share;
  const over = time > limitMs ? BAR_CELLS - within : 0;
  return '█'.repeat(within) + '▓'.repeat(over) + '░'.repeat(BAR_CELLS - within - over);
}

function timeAgainstLimit(job: JobReport): number | null {
  const { decision, reason, limitMs, overLimitMs } = job;
  if (decision !== 'keep') return limitMs === null || overLimitMs === null ? null : limitMs + overLimitMs;
  return reason === 'within-limit' ? timeOf(job) : null;
}

export function formatOutcome({ outcome, reason, status, decision }: JobReport): string {
  if (outcome === 'already-terminal') return `already terminal (${status})`;
  if (outcome !== 'skipped') return outcome;
  if (decision === 'cancel') return reason === 'dry-run' ? 'would be cancelled' : `skipped: ${reason}`;
  if (decision !== 'keep') return `overdue: ${decision}`;
  return reason === 'undetermined' ? `kept: undetermined (${status ?? 'no status'})` : `kept: ${reason}`;
}

/** Undefined if the decision says more. */
const COLOURS: Record<JobReport['outcome'], Colour | undefined> = {
  cancelled: 'green',
  'already-terminal': 'green',
  unconfirmed: 'red',
  failed: 'red',
  skipped: undefined,
};

function colourOf({ outcome, decision }: JobReport): Colour {
  return COLOURS[outcome] ?? (decision === 'keep' ? 'gray' : 'yellow');
}
