import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { EXIT_CONFIGURATION, worstExitCode } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatReport, type ReportOptions } from '../screen/report.ts';
import { toSweepJson, withShown } from '../screen/sweep-json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';

/** The results of one run over all its targets. */
export interface Swept {
  reports: SweepReport[];
  /** Targets that could not be swept, or whose report is incomplete, one sentence each. */
  failures: string[];
  /** What the plan of an emergency left out, or could not see, one sentence each. */
  leftOut?: string[];
}

export function exitCodeFor({ reports, failures }: Swept): number {
  return failures.length > 0 ? EXIT_CONFIGURATION : worstExitCode(reports);
}

interface ShowFlags extends ReportOptions {
  json?: boolean;
  allTargets?: boolean;
}

export function showSwept(swept: Swept, flags: ShowFlags, terminal: Terminal): void {
  showFailures(swept, terminal);
  if (flags.json) showDocument(swept, flags, terminal);
  else showTables(swept, flags, terminal);
}

export function showFailures({ failures }: Swept, { err }: Terminal): void {
  for (const failure of failures) err(`dli-reaper: ${cleanText(oneLine(failure))}\n`);
}

export function showDocument(swept: Swept, flags: ShowFlags, { out }: Terminal): void {
  const { reports, failures, leftOut = [] } = swept;
  if (flags.allTargets) {
    out(toJson('sweeps', { sweeps: reports.map((report) => withShown(report, flags)), failures, leftOut }));
  } else for (const report of reports) out(toSweepJson(report, flags, leftOut));
}

export function showTables({ reports }: Swept, options: ReportOptions, terminal: Terminal): void {
  for (const report of reports) {
    if (reports.length > 1) terminal.out(`${report.target}\n`);
    terminal.out(formatReport(report, options, terminal));
  }
}
