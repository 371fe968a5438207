import { formatDuration } from '../../lib/base/duration.ts';
import { clockOf } from '../../lib/policy/clocks.ts';
import type { PastOfJob } from '../../lib/sweep/past/job-past.ts';
import { cleanText } from './text.ts';

/** A screen shows so many entries. */
const MOST_ENTRIES = 8;

/**
 * Shows what sweeps did about a job, the latest first. Sweeps in a row that came to the same are one entry.
 *
 * @param within how far back the record was read, such as `7d`.
 */
export function formatPast(past: readonly PastOfJob[], within: string, { all = false }: { all?: boolean }): string {
  if (past.length === 0) return `Record of ${within}: no sweep found this job over a limit, or kept it for a reason.\n`;
  const runs = inRuns(past);
  const shown = all ? runs : runs.slice(0, MOST_ENTRIES);
  const left = runs.length - shown.length;
  return [
    `Record of ${within}, the latest first:`,
    ...shown.flatMap(formatRun),
    ...(left === 0 ? [] : [`and ${left} more: see --all or --json`]),
    '',
  ].join('\n');
}

/** Sweeps in a row that came to the same, the latest first. */
type Run = [PastOfJob, ...PastOfJob[]];

/** What a person did stays apart: it has its own name and reason. */
const resultOf = (one: PastOfJob): string =>
  JSON.stringify([one.trigger === 'schedule' || one.sweepId, one.decision, one.outcome, one.reason, one.rule]);

function inRuns(past: readonly PastOfJob[]): Run[] {
  const runs: Run[] = [];
  for (const one of past) {
    const run = runs.at(-1);
    if (run !== undefined && resultOf(run[0]) === resultOf(one)) run.push(one);
    else runs.push([one]);
  }
  return runs;
}

function formatRun([latest, ...before]: Run): string[] {
  const first = before.at(-1);
  const since = first === undefined ? '' : ` (and in ${before.length} sweeps before, since ${first.at})`;
  return [
    `${latest.at}  ${cleanText(resultText(latest))}${since}`,
    `  ${cleanText([whoText(latest), `in ${latest.record}`].join(', '))}`,
  ];
}

function resultText(one: PastOfJob): string {
  const { rule, clock, limitMs, readingMs } = one;
  const by = rule === null ? '' : ` by ${rule}`;
  const reading = clock === null || readingMs === null ? '' : `, ${clockOf(clock).word} ${formatDuration(readingMs)}`;
  const limit = clock === null || limitMs === null ? '' : ` against ${clock} ${formatDuration(limitMs)}`;
  return `${outcomeText(one)}${by}${reading}${limit}${proofText(one)}${repeatText(one)}`;
}

/** The times of a client that runs it again and again. */
const repeatText = ({ repeats }: PastOfJob): string =>
  repeats === null || repeats === 0
    ? ''
    : `; ${repeats === 1 ? 'a sweep' : `${repeats} sweeps`} of the 24 hours before cancelled a job like it: a client may run it again, see docs/owners.md`;

function outcomeText({ outcome, decision, reason, mayBeCancelledAt }: PastOfJob): string {
  if (mayBeCancelledAt !== null) return `may be cancelled from ${mayBeCancelledAt} on`;
  switch (outcome) {
    case 'cancelled':
      return 'cancelled';
    case 'already-terminal':
      return 'had ended before it was asked to stop';
    case 'unconfirmed':
      return 'asked to stop, and not seen to stop';
    case 'failed':
      return 'not cancelled, an error';
    case 'skipped':
      if (decision === 'keep') return `kept, ${reason}`;
      return decision === 'cancel' ? `over a limit, not asked to stop: ${reason}` : `over a limit, ${decision} only`;
    case null:
      return 'chosen to be cancelled; no result is on record, so the sweep is under way, or died';
    default:
      return outcome satisfies never;
  }
}

/** What was read back, and how it is known. */
function proofText({ outcome, status, evidence, endedBy, error }: PastOfJob): string {
  const why = error === null ? '' : `; ${error}`;
  if (outcome === null || outcome === 'skipped' || status === null) return why;
  const known =
    evidence === 'own-record' ? ', which is also what a job that failed has: only this record says more' : '';
  const who = endedBy === 'others' ? ', by someone else' : '';
  return `; DLI then said ${status}${known}${who}${why}`;
}

const TRIGGERS: Record<NonNullable<PastOfJob['trigger']>, string> = {
  schedule: 'the schedule',
  manual: 'a sweep by request',
  emergency: 'an emergency',
};

/** Whose sweep it was, and why. */
function whoText({ trigger, recordedBy, requestReason, sweepId }: PastOfJob): string {
  const who = [trigger === null ? 'a sweep' : TRIGGERS[trigger], ...(recordedBy === null ? [] : [`of ${recordedBy}`])];
  const why = requestReason === null ? '' : `: "${requestReason}"`;
  return `${who.join(' ')}${why}, sweep ${sweepId ?? '?'}`;
}
