import type { SweepReport } from '../lib/report.ts';
import { cleanText } from './clean-text.ts';
import { EXIT_CONFIGURATION, worstExitCode } from './exit-code.ts';
import { toJson } from './json.ts';
import { formatReport } from './print.ts';
import type { Terminal } from './terminal.ts';

/** What one run over all its targets came to. */
export interface Swept {
  reports: SweepReport[];
  /** Of targets that could not be swept at all, or whose report is not whole, one sentence each. */
  failures: string[];
}

export const exitCodeFor = ({ reports, failures }: Swept) =>
  failures.length > 0 ? EXIT_CONFIGURATION : worstExitCode(reports);

/** @param asText also with --json. */
export function showSwept(
  { reports, failures }: Swept,
  { json, spared = false, allTargets = false }: { json?: boolean; spared?: boolean; allTargets?: boolean },
  terminal: Terminal,
  asText = false,
): void {
  for (const failure of failures) terminal.err(`dli-reaper: ${cleanText(failure)}\n`);
  if (json && !asText) {
    for (const report of allTargets ? [] : reports) terminal.out(toJson('sweep', report));
    if (allTargets) terminal.out(toJson('sweeps', { sweeps: reports, failures }));
    return;
  }
  for (const report of reports) {
    if (reports.length > 1) terminal.out(`${report.target}\n`);
    terminal.out(formatReport(report, { spared }, terminal));
  }
}
