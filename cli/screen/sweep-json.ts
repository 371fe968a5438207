import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { toJson } from './json.ts';
import { needsOf } from './needs.ts';
import { hintsOf, type ReportOptions } from './report.ts';

/** A report with everything else that its screen shows. */
export const withShown = (report: SweepReport, options: Pick<ReportOptions, 'stage'>) => ({
  ...report,
  hints: hintsOf(report, options),
  needs: needsOf(report).map(({ outcome, why, jobs }) => ({ outcome, why, jobIds: jobs.map(({ jobId }) => jobId) })),
});

/**
 * Formats the document of one sweep.
 *
 * @param leftOut what the plan of an emergency left out, one sentence each.
 */
export function toSweepJson(
  report: SweepReport,
  options: Pick<ReportOptions, 'stage'>,
  leftOut: readonly string[] = [],
): string {
  return toJson('sweep', { ...withShown(report, options), leftOut });
}
