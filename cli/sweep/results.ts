import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { EXIT_CONFIGURATION, worstExitCode } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatReport, type ReportOptions } from '../screen/report.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';

/** The results of one run over all its targets. */
export interface Swept {
  reports: SweepReport[];
  /** Targets that could not be swept, or whose report is incomplete, one sentence each. */
  failures: string[];
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

export function showDocument({ reports, failures }: Swept, { allTargets = false }: ShowFlags, { out }: Terminal): void {
  if (allTargets) out(toJson('sweeps', { sweeps: reports, failures }));
  else for (const report of reports) out(toJson('sweep', report));
}

export function showTables({ reports }: Swept, options: ReportOptions, terminal: Terminal): void {
  for (const report of reports) {
    if (reports.length > 1) terminal.out(`${report.target}\n`);
    terminal.out(formatReport(report, options, terminal));
  }
}
