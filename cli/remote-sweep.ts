import { randomUUID } from 'node:crypto';
import { type ManualPayload, parseRequest } from '../lib/request.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { exitCodeOf } from './exit-code.ts';
import { toJson } from './json.ts';
import type { SweepFlags } from './perform-sweep.ts';
import { formatReport } from './print.ts';
import { sayFor, sweepRemotely } from './remote.ts';
import type { Terminal } from './terminal.ts';

/** `sweep` through the deployed function. @returns the exit code. @throws {SettingsError} */
export async function runRemoteSweep(flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { stage, target, dryRun, maxKills, verifyFor, reason } = flags;
  if (stage === undefined || target === undefined) {
    throw new SettingsError('--remote', 'goes with --stage and --target, whose function it uses');
  }
  const payload = { sweepId: randomUUID(), target, dryRun, maxKills, verifyFor, reason } satisfies ManualPayload;
  parseRequest(payload);
  const { reports, failures } = await sweepRemotely(stage, payload, sayFor(flags, terminal));
  const [report] = reports;
  if (report === undefined) throw new SettingsError('--remote', `the sweep could not run: ${failures.join('; ')}`);
  terminal.out(
    flags.json ? toJson('sweep', report) : formatReport(report, { spared: flags.spared ?? false }, terminal),
  );
  return exitCodeOf(report);
}
