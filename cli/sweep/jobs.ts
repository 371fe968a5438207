import { ENGINE_NAMES, type Engine, type Job } from '../../lib/base/job.ts';
import { compileMatcher, compileQueueMatcher } from '../../lib/policy/matcher.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import { formatMinutes } from '../screen/job-table.ts';
import { toJson } from '../screen/json.ts';
import { projectLine } from '../screen/project-words.ts';
import { withSpinner } from '../screen/spinner.ts';
import { type Column, formatTable } from '../screen/table.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import { observe, sayDoubts } from './observe.ts';

export interface JobsFlags extends SettingsFlags {
  queue?: string[];
  owner?: string[];
  engine?: Engine[];
  json?: boolean;
  all?: boolean;
}

/** The live jobs of one queue, owner and engine. */
interface Share {
  queue: string | null;
  owner: string | null;
  engine: Engine;
  running: number;
  waiting: number;
  /** Jobs that are stopping, or in a state that this program does not know. */
  other: number;
  /** Time since the oldest of them was submitted; null if DLI does not say when. */
  oldestMs: number | null;
}

/** So many lines of the table are shown on a screen. */
const MOST_SHARES = 40;

/** Shows who uses the queues now. It only reads, and needs no policy. @returns 1 if the clocks disagree, 4 if some jobs could not be listed. */
export async function runJobs(flags: JobsFlags, terminal: Terminal): Promise<number> {
  const { engine: engines = ENGINE_NAMES, json = false, all = false } = flags;
  const { seen } = await withSpinner('Listing every live job', flags, terminal, () =>
    observe(flags, terminal, { engines, isBrief: true }),
  );
  const { clockProblem, gaps, now, project, target } = seen;
  const exitCode = sayDoubts(seen, terminal);
  const shares = sharesOf(seen, flags);
  if (json) {
    terminal.out(
      toJson('jobs', {
        target,
        project,
        seenAt: new Date(now).toISOString(),
        clockProblem: clockProblem ?? null,
        gaps: gaps.map(({ what }) => what),
        shares,
      }),
    );
  } else {
    if (project !== null) terminal.out(`${projectLine(project)}\n`);
    const most = terminal.columns === undefined || all ? shares.length : MOST_SHARES;
    terminal.out(formatShares(shares, most, terminal));
  }
  return exitCode;
}

/** Sums the jobs up, those that hold the most first. */
function sharesOf({ jobs, now }: StoredLook, { queue: queueWords, owner: ownerWords }: JobsFlags): Share[] {
  const queues = queueWords?.map(compileQueueMatcher);
  const owners = ownerWords?.map(compileMatcher);
  const isWanted = (job: Job) =>
    (queues?.some((one) => one.matches(job.queue ?? '')) ?? true) &&
    (owners?.some((one) => one.matches(job.owner ?? '')) ?? true);
  const groups = Map.groupBy(jobs.filter(isWanted), ({ queue, owner, engine }) =>
    JSON.stringify([queue, owner, engine]),
  );
  return [...groups.values()]
    .flatMap((group) => toShare(group, now))
    .sort((a, b) => b.running - a.running || b.waiting - a.waiting || (b.oldestMs ?? 0) - (a.oldestMs ?? 0));
}

function toShare(jobs: readonly Job[], now: number): Share[] {
  const [first] = jobs;
  if (first === undefined) return [];
  const running = jobs.filter(({ state }) => state === 'running').length;
  const waiting = jobs.filter(({ state }) => state === 'queued').length;
  const ages = jobs.flatMap(({ since, startedAt }) => {
    const submittedAt = since.submitted ?? startedAt;
    return submittedAt === undefined ? [] : [now - submittedAt];
  });
  return [
    {
      queue: first.queue ?? null,
      owner: first.owner ?? null,
      engine: first.engine,
      running,
      waiting,
      other: jobs.length - running - waiting,
      oldestMs: ages.length === 0 ? null : ages.reduce((a, b) => Math.max(a, b)),
    },
  ];
}

function formatShares(shares: readonly Share[], most: number, terminal: Terminal): string {
  const sum = (of: (share: Share) => number) => shares.reduce((all, share) => all + of(share), 0);
  const running = sum((one) => one.running);
  const waiting = sum((one) => one.waiting);
  const other = sum((one) => one.other);
  const queues = new Set(shares.map(({ queue }) => queue)).size;
  const sentence = `${counted(running + waiting + other, 'live job')} on ${counted(queues, 'queue')}: ${running} running, ${waiting} waiting${other === 0 ? '' : `, ${other} other`}.\n`;
  if (shares.length === 0) return sentence;
  const shown = shares.slice(0, most);
  const left = shares.slice(most).reduce((all, one) => all + one.running + one.waiting + one.other, 0);
  const table = formatTable(COLUMNS, shown, terminal) ?? shown.map(inOneLine).join('\n');
  return `${sentence}${table}\n${left === 0 ? '' : `and ${left} more jobs in ${shares.length - most} smaller groups: see --all or --json\n`}`;
}

const oldest = ({ oldestMs }: Share) => (oldestMs === null ? '?' : formatMinutes(oldestMs));
const orNone = (count: number) => (count === 0 ? '' : String(count));

const COLUMNS: readonly Column<Share>[] = [
  { head: 'queue', cell: ({ queue }) => queue ?? '?' },
  { head: 'owner', cell: ({ owner }) => owner ?? '?' },
  { head: 'engine', cell: ({ engine }) => engine },
  { head: 'running', cell: ({ running }) => orNone(running) },
  { head: 'waiting', cell: ({ waiting }) => orNone(waiting) },
  { head: 'other', cell: ({ other }) => orNone(other), dropped: 1 },
  { head: 'oldest', cell: oldest },
];

function inOneLine(share: Share): string {
  const { queue, owner, engine, running, waiting } = share;
  return cleanText(
    `${queue ?? '?'}, ${owner ?? '?'}, ${engine}: ${running} running, ${waiting} waiting, oldest ${oldest(share)}`,
  );
}
