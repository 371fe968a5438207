import { exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatReport } from '../screen/report.ts';
import type { Terminal } from '../screen/terminal.ts';
import { performSweep, type SweepFlags } from './perform.ts';

/** Runs `plan` or `sweep`. @returns the exit code. @throws {SettingsError} and any other error that keeps a sweep from reporting. */
export async function runSweep(flags: SweepFlags, terminal: Terminal): Promise<number> {
  const report = await performSweep(flags, terminal);
  terminal.out(flags.json ? toJson('sweep', report) : formatReport(report, flags, terminal));
  return exitCodeOf(report);
}
