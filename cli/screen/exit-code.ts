import type { SweepReport, SweepStatus } from '../../lib/sweep/record/report.ts';

/** A problem with usage, configuration or credentials; also a sweep that was stopped, for any reason. */
export const EXIT_CONFIGURATION = 1;

/** A job failed, was not seen to stop, or was named in an emergency and is spared or missing; or a test of a policy failed. */
export const EXIT_FAILED = 3;

/** The listing is incomplete, no job could be judged, or the deadline came first. */
export const EXIT_PARTIAL = 4;

const EXIT_CODES: Record<SweepStatus, number> = {
  ok: 0,
  stopped: EXIT_CONFIGURATION,
  failed: EXIT_FAILED,
  partial: EXIT_PARTIAL,
  capped: 5,
};

type Judged = Pick<SweepReport, 'status' | 'dryRun'>;

/** Returns the exit code of a report. A dry run over its cap did its work, so its code is 0. */
export function exitCodeOf({ status, dryRun }: Judged): number {
  return dryRun && status === 'capped' ? 0 : EXIT_CODES[status];
}

/** Exit codes from the worst to the best. */
const ORDER = [EXIT_CONFIGURATION, EXIT_PARTIAL, EXIT_CODES.capped, EXIT_CODES.failed, 0];

/** Returns the exit code of several reports together. */
export function worstExitCode(reports: readonly Judged[]): number {
  const codes = reports.map(exitCodeOf);
  return ORDER.find((code) => codes.includes(code)) ?? 0;
}
