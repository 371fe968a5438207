import type { JobReport, SweepReport } from './report.ts';

/**
 * All metrics that the alarms and the dashboard need. Their only dimension is the stage. `ResourceCount`, `ApiCalls` and
 * `PolicyException` have the names that users of Cloud Custodian know.
 */
export const METRICS = {
  /** Targets that a dispatch was to send, readable or not, under the time of its tick. */
  TargetsExpected: 'Count',
  /** Targets whose sweep came to a report, under the time of the same tick. */
  TargetsSwept: 'Count',
  /** Ticks and messages of ticks that were older than a period. */
  TicksDropped: 'Count',
  /**
   * Ticks, and targets of messages, that could not be swept: something is missing, unreadable, invalid or out of reach, or the
   * stage has no target. A request by hand is not counted, since the person who made it has the answer.
   */
  PolicyException: 'Count',
  /** Sweeps that were partial, or with a job that failed or is unconfirmed. */
  SweepsFailed: 'Count',
  SweepsCapped: 'Count',
  /**
   * Sweeps that were stopped, but not by a switch that a person has set to stop; and requests by hand or in an emergency that
   * came too late.
   */
  SweepsStopped: 'Count',
  /** Sweeps that came too late to cancel, and targets of messages that were too old to be swept. */
  SweepsExpired: 'Count',
  /** Live jobs that are old enough to matter. */
  ResourceCount: 'Count',
  /** Jobs over a limit, whether their rule cancels, warns or logs. */
  JobsOverdue: 'Count',
  JobsCancelled: 'Count',
  /** Cancelled jobs that are like one which was cancelled in the 24 hours before. */
  JobsRepeated: 'Count',
  /** Jobs that were asked to stop without success: DLI refused or gave up, or they were not seen to stop. */
  JobsFailed: 'Count',
  /** Jobs that were spared since something about them is not known. */
  JobsUndetermined: 'Count',
  /** Jobs that are alive three periods past their limit, after a sweep that was to cancel them and was not stopped before. */
  JobsStuck: 'Count',
  ApiCalls: 'Count',
  ApiCallsThrottled: 'Count',
  /** Messages that no route is for: they go to the fallback. */
  MessagesWithoutRoute: 'Count',
} as const;

export type MetricName = keyof typeof METRICS;
export type MetricValues = Partial<Record<MetricName, number>>;

/**
 * Writes metrics at once, so that none is lost if the process dies later.
 *
 * @param at epoch ms, now by default. Metrics that an alarm subtracts from each other need the same time: the windows of an
 *   alarm slide, and could otherwise hold the one and not the other.
 */
export type WriteMetrics = (values: MetricValues, at?: number) => void;

const STUCK_AFTER_PERIODS = 3;

interface MetricOptions {
  /** The period of the schedule. */
  periodMs: number;
  /** Whether the switch was seen to be set to stop. */
  isStoppedByHand: boolean;
}

/** Metrics that are written without a report. */
type MetricWithoutReport =
  | 'TargetsExpected'
  | 'TargetsSwept'
  | 'TicksDropped'
  | 'PolicyException'
  | 'MessagesWithoutRoute';

/** Returns the metrics of one report. Pure. */
export function metricsOf(
  report: SweepReport,
  { periodMs, isStoppedByHand }: MetricOptions,
): Record<Exclude<MetricName, MetricWithoutReport>, number> {
  const { status, stoppedBy, counts, apiCalls, dryRun } = report;
  const stuck = report.jobs.filter((job) => isStuck(job, STUCK_AFTER_PERIODS * periodMs));
  return {
    SweepsFailed: toNumber(status === 'failed' || status === 'partial'),
    // A dry run over its cap has stopped nothing.
    SweepsCapped: toNumber(status === 'capped' && !dryRun),
    SweepsStopped: toNumber(status === 'stopped' && !(stoppedBy === 'switch' && isStoppedByHand)),
    SweepsExpired: toNumber(stoppedBy === 'expired'),
    ResourceCount: counts.seen,
    JobsOverdue: counts.overdue,
    JobsCancelled: counts.cancelled,
    JobsRepeated: counts.repeats,
    JobsFailed: counts.failed + counts.unconfirmed,
    JobsUndetermined: counts.skipped.undetermined ?? 0,
    JobsStuck: dryRun ? 0 : stuck.length,
    ApiCalls: apiCalls.list + apiCalls.status + apiCalls.cancel,
    ApiCallsThrottled: apiCalls.throttled,
  };
}

/**
 * Whether a sweep has failed to end a job. It has not if the job is alive for a good reason: a dry run, a stop, the first sweep of
 * changed settings, a rule that only warns or that warns first, a job that is overdue since a short time, or a last reading that spared it.
 */
function isStuck({ decision, outcome, reason, overLimitMs }: JobReport, afterMs: number): boolean {
  const isOver = outcome === 'cancelled' || outcome === 'already-terminal' || reason === 'changed';
  const isLeftAlone =
    outcome === 'skipped' && (reason === 'stopped' || reason === 'first-sweep' || reason === 'warn-first');
  return decision === 'cancel' && !isOver && !isLeftAlone && (overLimitMs ?? 0) >= afterMs;
}

function toNumber(is: boolean): number {
  return is ? 1 : 0;
}
