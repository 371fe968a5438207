import { dliReaper } from '../../lib/base/command-line.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import { clip, linesOf, type Part, type Space } from './fit.ts';
import { plain } from './terminal.ts';
import { cleanText, counted } from './text.ts';

/** Ids that are written out for one reason. */
const MOST_IDS = 5;
/** Reasons that are written out. */
const MOST_REASONS = 6;
const SHARE = 24;

const FULL = { reasons: MOST_REASONS, ids: MOST_IDS };

/** How many reasons and ids are tried, one after the other, until they fit. */
const CUTS = [
  ...Array.from({ length: MOST_IDS }, (_, i) => ({ reasons: MOST_REASONS, ids: MOST_IDS - i })),
  ...Array.from({ length: MOST_REASONS - 1 }, (_, i) => ({ reasons: MOST_REASONS - 1 - i, ids: 1 })),
];

/** Jobs that a person should look at, all for one reason. */
export interface Need {
  /** `not reached`, or the outcome in words. */
  outcome: string;
  /** Why, and what to do. */
  why: string;
  jobs: JobReport[];
}

/** Returns the jobs that failed, are unconfirmed or were not reached, by the reason. The most urgent come last. */
export function needsOf({ jobs, dryRun }: SweepReport): Need[] {
  const needs = new Map<string, Need>();
  for (const job of jobs) {
    const why = dryRun ? null : whyLookAt(job);
    if (why === null) continue;
    const outcome = job.outcome === 'skipped' ? 'not reached' : job.outcome.replace('-', ' ');
    const key = `${outcome}: ${why}`;
    const need = needs.get(key) ?? { outcome, why, jobs: [] };
    needs.set(key, need);
    need.jobs.push(job);
  }
  return [...needs.values()].sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
}

/** Says which jobs need a person, and what to do. Each reason stands once, with the ids of its jobs that fit. */
export function needsPart(needs: readonly Need[], { columns = Number.POSITIVE_INFINITY, paint = plain }: Space): Part {
  const fits = (lines: readonly string[], maxLines: number) => linesOf(lines.join('\n'), columns) <= maxLines;
  const cut = (maxLines: number): string[] => {
    for (const shown of CUTS) {
      const lines = linesFor(needs, shown);
      if (fits(lines, maxLines)) return lines;
    }
    const count = needs.reduce((sum, { jobs }) => sum + jobs.length, 0);
    return [clip(`! ${counted(count, 'job')} that a person should look at: see --all or --json`, maxLines, columns)];
  };
  return {
    rank: 1,
    least: 2,
    most: linesOf(linesFor(needs, FULL).join('\n'), columns),
    share: SHARE,
    render: (maxLines) =>
      (maxLines === Number.POSITIVE_INFINITY ? linesFor(needs, { reasons: maxLines, ids: maxLines }) : cut(maxLines))
        .map((line) => paint('red', line))
        .join('\n'),
  };
}

/** What is most urgent comes last, right above the prompt. */
const ORDER = ['cancelled', 'already terminal', 'not reached', 'unconfirmed', 'failed'];

function linesFor(needs: readonly Need[], { reasons, ids }: { reasons: number; ids: number }): string[] {
  const left = needs.slice(0, Math.max(0, needs.length - reasons));
  const count = left.reduce((sum, need) => sum + need.jobs.length, 0);
  return [
    ...(count === 0 ? [] : [`! ${counted(count, 'more job')}, for other reasons: see --all or --json`]),
    ...needs.slice(left.length).flatMap((need) => inLines(need, ids)),
  ];
}

function inLines({ outcome, why, jobs }: Need, most: number): string[] {
  const ids = jobs.slice(0, most);
  const left = jobs.length - ids.length;
  return [
    `! ${outcome}, ${counted(jobs.length, 'job')}: ${why}`,
    ...ids.map(({ jobId, queue, owner }) => `    ${jobId} on ${queue ?? '?'} by ${owner ?? '?'}`),
    ...(left === 0 ? [] : [`    and ${left} more`]),
  ].map(cleanText);
}

/** Why a person should look at a job, without what differs from job to job; null if there is no need. */
function whyLookAt({ outcome, decision, reason, error, jobId }: JobReport): string | null {
  const isUnreached = decision === 'cancel' && outcome === 'skipped' && Object.hasOwn(UNREACHED, reason);
  const isNeedy = outcome === 'failed' || outcome === 'unconfirmed' || isUnreached;
  if (!isNeedy && error === null) return null;
  const words = error === null ? [] : [withoutIds(error, jobId)];
  if (outcome === 'unconfirmed') words.push(UNCONFIRMED);
  if (isUnreached) words.push(UNREACHED[reason] ?? '');
  return words.join('; ');
}

const UNCONFIRMED = `it was asked to stop, and was not seen to stop; look again with ${dliReaper('why')}, or leave it to the next sweep`;

/** What to do about overdue jobs that were not asked, by the reason. */
const UNREACHED: Readonly<Record<string, string>> = {
  deadline: 'the deadline came first; the next sweep begins with the worst, or run this one again',
  stopped: 'the sweep was stopped before; run it again to go on',
  unsent: 'it could not be read right before its cancel, or DLI was not reached; run it again',
};

/** Takes out the job's id and the id of the request, so that one reason is one text. */
function withoutIds(error: string, jobId: string): string {
  return error
    .replaceAll(jobId, '…')
    .replaceAll(/ \(request [^)]*\)/g, '')
    .replaceAll(/^(job|cancel job) …: /g, '');
}
