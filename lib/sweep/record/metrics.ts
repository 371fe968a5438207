import type { JobReport, SweepReport } from './report.ts';

/**
 * All that the alarms and the dashboard need; the only dimension is the stage. `ResourceCount`, `ApiCalls` and
 * `PolicyException` bear the names that users of Cloud Custodian know.
 */
export const METRICS = {
  /** Targets that the stage has, readable or not; by each dispatch, under the time of its tick. */
  TargetsExpected: 'Count',
  /** Of these, the ones whose sweep came to a report; under the time of the same tick. */
  TargetsSwept: 'Count',
  /** Ticks and messages of ticks that were older than a period. */
  TicksDropped: 'Count',
  /**
   * What kept a tick, or a message of the queue, from its sweep: something missing, unreadable, invalid or out of reach, or
   * a stage without targets. A request by hand is answered to the person who made it, and not counted.
   */
  PolicyException: 'Count',
  /** A sweep that was partial, or of which a job failed or is unconfirmed. */
  SweepsFailed: 'Count',
  SweepsCapped: 'Count',
  /**
   * A sweep that was stopped, and not by a switch that somebody has set to stop; or that was asked for, by hand or in an
   * emergency, and came too late.
   */
  SweepsStopped: 'Count',
  /** Jobs looked at: the live ones that are old enough to matter. */
  ResourceCount: 'Count',
  /** Over a limit, whether their rule cancels, warns or logs. */
  JobsOverdue: 'Count',
  JobsCancelled: 'Count',
  /** Asked to stop in vain: DLI refused or gave up, or they were not seen to stop. */
  JobsFailed: 'Count',
  /** Spared since something that has to be known of them is not. */
  JobsUndetermined: 'Count',
  /** Alive three periods past their limit, and after a sweep that was to cancel them and was not stopped before it could. */
  JobsStuck: 'Count',
  ApiCalls: 'Count',
  ApiCallsThrottled: 'Count',
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

/** Pure; of one report. */
export function metricsOf(report: SweepReport, { periodMs, isStoppedByHand }: MetricOptions): MetricValues {
  const { status, stoppedBy, counts, apiCalls, dryRun } = report;
  const stuck = report.jobs.filter((job) => isStuck(job, STUCK_AFTER_PERIODS * periodMs));
  return {
    SweepsFailed: toNumber(status === 'failed' || status === 'partial'),
    // A dry run over its cap has stopped nothing.
    SweepsCapped: toNumber(status === 'capped' && !dryRun),
    SweepsStopped: toNumber(status === 'stopped' && !(stoppedBy === 'switch' && isStoppedByHand)),
    ResourceCount: counts.seen,
    JobsOverdue: counts.overdue,
    JobsCancelled: counts.cancelled,
    JobsFailed: counts.failed + counts.unconfirmed,
    JobsUndetermined: counts.skipped.undetermined ?? 0,
    JobsStuck: dryRun ? 0 : stuck.length,
    ApiCalls: apiCalls.list + apiCalls.status + apiCalls.cancel,
    ApiCallsThrottled: apiCalls.throttled,
  };
}

/**
 * What a dry run, a stop, the first sweep of changed settings, a rule that only warns or a young overdue job leaves alive is
 * as it should be; so is a job that its last reading spared.
 */
function isStuck({ decision, outcome, reason, overLimitMs }: JobReport, afterMs: number): boolean {
  const isOver = outcome === 'cancelled' || outcome === 'already-terminal' || reason === 'changed';
  const isLeftAlone = outcome === 'skipped' && (reason === 'stopped' || reason === 'first-sweep');
  return decision === 'cancel' && !isOver && !isLeftAlone && (overLimitMs ?? 0) >= afterMs;
}

function toNumber(is: boolean): number {
  return is ? 1 : 0;
}
