import type { JobReport } from '../../lib/sweep/record/report.ts';
import { type Part, rowsPart, type Space } from './fit.ts';
import { formatMinutes, formatOutcome, timeOf } from './job-table.ts';
import type { Column } from './table.ts';
import { cleanText, counted } from './text.ts';

/** So many groups fit on a screen of 24 lines, with the sentence above them. */
const MOST_GROUPS = 14;
const MOST_LINES = 19;

/** Jobs of one queue, owner and rule. */
interface Group {
  queue: string;
  owner: string;
  rule: string;
  count: number;
  oldestMs: number | undefined;
  /** Number of jobs by outcome, in words. */
  outcomes: ReadonlyMap<string, number>;
}

/** Sums jobs up by queue, owner and rule, the largest group first. The smaller groups are counted if they do not fit. */
export function groupsPart(jobs: readonly JobReport[], screen: Space): Part {
  const look = { columns: COLUMNS, toText: inOneLine, more: wordsForMore };
  return rowsPart(toGroups(jobs), look, screen, { rank: 5, mostRows: MOST_GROUPS, mostLines: MOST_LINES });
}

const wordsForMore = (left: readonly Group[]) =>
  `and ${left.reduce((sum, { count }) => sum + count, 0)} more jobs in ${counted(left.length, 'smaller group')}`;

const COLUMNS: readonly Column<Group>[] = [
  { head: 'jobs', cell: ({ count }) => String(count) },
  { head: 'queue', cell: ({ queue }) => queue },
  { head: 'owner', cell: ({ owner }) => owner },
  { head: 'rule', cell: ({ rule }) => rule },
  { head: 'oldest', cell: oldestWords, dropped: 1 },
  { head: 'outcome', cell: outcomeWords },
];

function toGroups(jobs: readonly JobReport[]): Group[] {
  const groups = Map.groupBy(jobs, ({ queue, owner, rule }) => JSON.stringify([queue, owner, rule]));
  return [...groups.values()].flatMap(toGroup).sort((a, b) => b.count - a.count);
}

function toGroup(jobs: readonly JobReport[]): Group[] {
  const [first] = jobs;
  if (first === undefined) return [];
  const times = jobs.flatMap((job) => timeOf(job) ?? []);
  return [
    {
      queue: first.queue ?? '?',
      owner: first.owner ?? '?',
      rule: first.rule ?? '–',
      count: jobs.length,
      oldestMs: times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b)),
      outcomes: new Map([...Map.groupBy(jobs, formatOutcome)].map(([outcome, those]) => [outcome, those.length])),
    },
  ];
}

function oldestWords({ oldestMs }: Group): string {
  return oldestMs === undefined ? '?' : formatMinutes(oldestMs);
}

/** The outcome of a group, such as `cancelled`; with numbers if its jobs have several. */
function outcomeWords({ outcomes }: Group): string {
  const sorted = [...outcomes].sort(([, a], [, b]) => b - a);
  return sorted.length === 1
    ? sorted.map(([outcome]) => outcome).join('')
    : sorted.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

function inOneLine(group: Group): string {
  const { count, queue, owner, rule } = group;
  return cleanText(`${count} on ${queue} by ${owner}, ${rule}, oldest ${oldestWords(group)}: ${outcomeWords(group)}`);
}
