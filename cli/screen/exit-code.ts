import type { SweepReport, SweepStatus } from '../../lib/sweep/record/report.ts';

/** Usage, configuration or credentials; also a sweep that was stopped, whatever stopped it. */
export const EXIT_CONFIGURATION = 1;

/** Some job failed, was not seen to stop, or was named in an emergency and is spared or not there. */
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

/** A dry run over its cap has done what it was asked to do: it says so, and that is all well. */
export function exitCodeOf({ status, dryRun }: Judged): number {
  return dryRun && status === 'capped' ? 0 : EXIT_CODES[status];
}

/** Which of several holds for all. */
const ORDER = [EXIT_CONFIGURATION, EXIT_PARTIAL, EXIT_CODES.capped, EXIT_CODES.failed, 0];

export function worstExitCode(reports: readonly Judged[]): number {
  const codes = reports.map(exitCodeOf);
  return ORDER.find((code) => codes.includes(code)) ?? 0;
}
