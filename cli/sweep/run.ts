import { exitCodeOf } from '../screen/exit-code.ts';
import { formatReport } from '../screen/report.ts';
import { toSweepJson } from '../screen/sweep-json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { performSweep, type SweepFlags } from './perform.ts';

/** Runs `plan` or `sweep`. @returns the exit code. @throws {SettingsError} and any other error that keeps a sweep from reporting. */
export async function runSweep(flags: SweepFlags, terminal: Terminal): Promise<number> {
  const report = await performSweep(flags, terminal);
  terminal.out(flags.json ? toSweepJson(report, flags) : formatReport(report, flags, terminal));
  return exitCodeOf(report);
}
