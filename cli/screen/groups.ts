import type { JobReport } from '../../lib/sweep/record/report.ts';
import { formatMinutes, formatOutcome, timeOf } from './job-table.ts';
import { type Column, formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/** So many groups fit on a screen of 24 lines, with the sentence above them. */
const MOST_GROUPS = 14;

/** Jobs of one queue, owner and rule. */
interface Group {
  queue: string;
  owner: string;
  rule: string;
  count: number;
  oldestMs: number | undefined;
  /** Number of jobs by outcome, in words. */
  outcomes: Map<string, number>;
}

/** Sums jobs up by queue, owner and rule, the largest group first. */
export function formatGroups(jobs: readonly JobReport[], screen: Pick<Terminal, 'columns' | 'paint'>): string {
  const groups = toGroups(jobs);
  const shown = groups.slice(0, MOST_GROUPS);
  const left = groups.slice(MOST_GROUPS);
  const table = formatTable(COLUMNS, shown, screen) ?? shown.map(inOneLine).join('\n');
  if (left.length === 0) return table;
  const jobsLeft = left.reduce((sum, { count }) => sum + count, 0);
  return `${table}\nand ${jobsLeft} more jobs in ${left.length} smaller groups`;
}

const COLUMNS: readonly Column<Group>[] = [
  { head: 'jobs', cell: ({ count }) => String(count) },
  { head: 'queue', cell: ({ queue }) => queue },
  { head: 'owner', cell: ({ owner }) => owner },
  { head: 'rule', cell: ({ rule }) => rule },
  { head: 'oldest', cell: oldestWords, dropped: 1 },
  { head: 'outcome', cell: outcomeWords },
];

function toGroups(jobs: readonly JobReport[]): Group[] {
  const groups = new Map<string, Group>();
  for (const job of jobs) {
    const { queue, owner, rule } = job;
    const key = JSON.stringify([queue, owner, rule]);
    const group = groups.get(key) ?? {
      queue: queue ?? '?',
      owner: owner ?? '?',
      rule: rule ?? '–',
      count: 0,
      oldestMs: undefined,
      outcomes: new Map<string, number>(),
    };
    groups.set(key, group);
    group.count += 1;
    const time = timeOf(job);
    if (time !== null) group.oldestMs = Math.max(group.oldestMs ?? 0, time);
    const outcome = formatOutcome(job);
    group.outcomes.set(outcome, (group.outcomes.get(outcome) ?? 0) + 1);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
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
