import { dliReaper } from '../../lib/base/command-line.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import { cleanText, counted } from './text.ts';

/** Ids that are written out for one reason. */
const MOST_IDS = 5;
/** Reasons that are written out. */
const MOST_REASONS = 6;

/** Jobs that a person should look at, all for one reason. */
interface Need {
  outcome: string;
  why: string;
  jobs: JobReport[];
}

/**
 * Says which jobs need a person, and what to do: those that failed, are unconfirmed or were not reached. Each reason stands
 * once, with the ids of its jobs.
 *
 * @param isAll whether to write out every id and every reason.
 */
export function formatNeeds({ jobs, dryRun }: SweepReport, { isAll }: { isAll: boolean }): string[] {
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
  const sorted = [...needs.values()].sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  const shown = isAll ? sorted : sorted.slice(0, MOST_REASONS);
  const left = sorted.slice(shown.length).reduce((sum, need) => sum + need.jobs.length, 0);
  return [
    ...shown.flatMap((need) => inLines(need, isAll)),
    ...(left === 0 ? [] : [`${counted(left, 'more job')}, for other reasons: see --all or --json`]),
  ];
}

/** What is most urgent comes last, right above the prompt. */
const ORDER = ['cancelled', 'already terminal', 'not reached', 'unconfirmed', 'failed'];

function inLines({ outcome, why, jobs }: Need, isAll: boolean): string[] {
  const ids = isAll ? jobs : jobs.slice(0, MOST_IDS);
  const left = jobs.length - ids.length;
  return [
    `${outcome}, ${counted(jobs.length, 'job')}: ${why}`,
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

const UNCONFIRMED = `it was asked to stop, and was not seen to stop; look again with ${dliReaper('explain')}, or leave it to the next sweep`;

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
