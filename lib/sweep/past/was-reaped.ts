import type { JobState } from '../../base/job.ts';
import type { JobRecord, PastOfJob } from './job-past.ts';

/** Whether the sweeps of a stage cancelled a job, for whatever may run it again. */
export interface WasReaped {
  /** `no` is never a guess: the orchestrator would run the job again, and the next sweep would cancel it again. */
  answer: 'yes' | 'no' | 'unknown';
  /** One sentence each; for `unknown` what is missing. */
  because: string[];
}

/** What is known of the job itself, from DLI and from the caller. Times are epoch ms. */
export interface JobLife {
  /** Undefined if DLI was not asked, or does not say. */
  state: JobState | undefined;
  /** Start of its latest run. */
  startedAt: number | undefined;
  /** An instant at which it had ended; undefined if it is not known to have ended. */
  endedAt: number | undefined;
  /** Whether it may have run before under the same id, as a Flink job may. */
  hasRuns: boolean;
  /** What keeps this from being certain, one sentence each. */
  doubts: readonly string[];
}

/** A deployed sweep of the target that came to its end. Times are epoch ms. */
export interface FinishedSweep {
  startedAt: number;
  finishedAt: number;
}

/**
 * The clocks of DLI, of AWS and of the caller may differ by so much, and CloudWatch shows a line some seconds after it was
 * written. A sweep writes its victims before it cancels the first, so their line is at least this old when it matters.
 */
export const SETTLED_AFTER_MS = 5 * 60_000;

/** A job over its limit is asked to stop by one sweep after the other, so a day before its end is long enough. */
const LONGEST_END_MS = 24 * 60 * 60_000;

/**
 * Judges whether a live sweep cancelled a job. Pure.
 *
 * - `yes` as soon as a live sweep has chosen it, unless the result of that sweep says otherwise.
 * - `no` if the job has ended, no sweep chose it, both records could be read, and the record has a sweep of the target that ended
 *   before the job began, and one that began after the job ended.
 * - `unknown` in any other case.
 */
export function judgeReaped(
  life: JobLife,
  { past, problems, sweeps }: JobRecord & { sweeps: readonly FinishedSweep[] },
): WasReaped {
  const chosen = past.filter((one) => wasChosen(one) && !isOfEarlierRun(one, life));
  const [latest] = chosen;
  const whichRun =
    latest !== undefined && life.hasRuns && life.startedAt === undefined
      ? [`a sweep chose it at ${chosenTime(latest)}, and it is not known whether it has been started again since`]
      : [];
  const reaped = chosen.find((one) => endedIt(one, life));
  if (reaped !== undefined && whichRun.length === 0) {
    return { answer: 'yes', because: [`a live sweep chose it at ${chosenTime(reaped)}`] };
  }
  const notByIt =
    latest !== undefined && reaped === undefined
      ? [`a live sweep chose it at ${chosenTime(latest)}, but may not be why it ended: ${resultOf(latest, life)}`]
      : [];
  const missing = [...life.doubts, ...whichRun, ...notByIt, ...problems, ...gapsAround(life, sweeps)];
  if (missing.length > 0) return { answer: 'unknown', because: missing };
  return { answer: 'no', because: ['no sweep on record chose it, and the record goes on after its end'] };
}

const RESULTS_OF_CHOSEN: readonly PastOfJob['outcome'][] = ['cancelled', 'unconfirmed', 'already-terminal', 'failed'];

/** Whether a live sweep chose it. The victims of a dry run, or of a sweep over its cap, were skipped before that. */
const wasChosen = ({ decision, chosenAt, outcome }: PastOfJob): boolean =>
  decision === 'cancel' && (chosenAt !== null || RESULTS_OF_CHOSEN.includes(outcome));

/** Whether that may be why the job ended. A result that is not on record yet counts as one. */
function endedIt({ outcome }: PastOfJob, { state }: JobLife): boolean {
  if (outcome === 'cancelled') return true;
  return (outcome === null || outcome === 'unconfirmed') && state !== 'finished';
}

const resultOf = ({ outcome, reason, status }: PastOfJob, { state }: JobLife): string =>
  outcome === null || outcome === 'unconfirmed'
    ? `DLI says that it ${state}`
    : [outcome, ...(outcome === 'skipped' ? [reason] : [`DLI then said ${status}`])].join(', ');

const chosenTime = ({ chosenAt, at }: PastOfJob): string => chosenAt ?? at;

const isOfEarlierRun = (one: PastOfJob, { hasRuns, startedAt }: JobLife): boolean =>
  hasRuns && startedAt !== undefined && Date.parse(chosenTime(one)) < startedAt - SETTLED_AFTER_MS;

/** Says what the record lacks before and after the end of the job. */
function gapsAround({ startedAt, endedAt }: JobLife, sweeps: readonly FinishedSweep[]): string[] {
  if (endedAt === undefined) return [];
  const neededFrom = Math.max(startedAt ?? 0, endedAt - LONGEST_END_MS) - SETTLED_AFTER_MS;
  const neededTo = endedAt + SETTLED_AFTER_MS;
  return [
    ...(sweeps.some(({ finishedAt }) => finishedAt < neededFrom)
      ? []
      : [`no sweep of this target before ${timeText(neededFrom)} is on record: read more of it with --within`]),
    ...(sweeps.some((one) => one.startedAt > neededTo)
      ? []
      : [`no sweep of this target that began after ${timeText(neededTo)} has ended yet: ask again later`]),
  ];
}

const timeText = (ms: number): string => new Date(ms).toISOString();
