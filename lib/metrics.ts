import type { JobReport, SweepReport } from './report.ts';

/**
 * All that the alarms and the dashboard need; the only dimension is the stage. `ResourceCount`, `ApiCalls` and
 * `PolicyException` bear the names that users of Cloud Custodian know.
 */
export const METRICS = {
  /** Targets that the stage has, readable or not; by each dispatch. */
  TargetsExpected: 'Count',
  /** Of these, the ones whose sweep came to a report. */
  TargetsSwept: 'Count',
  /** Ticks and messages of ticks that were older than a period. */
  TicksDropped: 'Count',
  /** Something missing, unreadable, invalid or out of reach kept a sweep from a report. */
  PolicyException: 'Count',
  /** A sweep that was partial, or of which a job failed or is unconfirmed. */
  SweepsFailed: 'Count',
  SweepsCapped: 'Count',
  /** Also those that were asked for, by hand or in an emergency, and came too late. */
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
  /** Alive three periods past their limit, and after a sweep that was to cancel them. */
  JobsStuck: 'Count',
  ApiCalls: 'Count',
  ApiCallsThrottled: 'Count',
} as const;

export type MetricName = keyof typeof METRICS;
export type MetricValues = Partial<Record<MetricName, number>>;

const STUCK_AFTER_PERIODS = 3;

/** Pure; of one report. */
export function metricsOf(report: SweepReport, { periodMs }: { periodMs: number }): MetricValues {
  const { status, counts, apiCalls, dryRun } = report;
  const stuck = report.jobs.filter((job) => isStuck(job, STUCK_AFTER_PERIODS * periodMs));
  return {
    SweepsFailed: toNumber(status === 'failed' || status === 'partial'),
    // A dry run over its cap has stopped nothing.
    SweepsCapped: toNumber(status === 'capped' && !dryRun),
    SweepsStopped: toNumber(status === 'stopped'),
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
 * What a dry run, a rule that only warns or a young overdue job leaves alive is as it should be; so is a job that its last
 * reading spared.
 */
function isStuck({ decision, outcome, reason, overLimitMs }: JobReport, afterMs: number): boolean {
  const isOver = outcome === 'cancelled' || outcome === 'already-terminal' || reason === 'changed';
  return decision === 'cancel' && !isOver && (overLimitMs ?? 0) >= afterMs;
}

function toNumber(is: boolean): number {
  return is ? 1 : 0;
}
