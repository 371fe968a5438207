import { randomUUID } from 'node:crypto';
import { systemClock } from '../../lib/base/clock.ts';
import { type ManualPayload, parseRequest } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { assertRemote } from '../source/load-settings.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import { exitCodeFor, showSwept } from '../sweep/results.ts';
import { sweepRemotely } from './follow.ts';

/** Runs `sweep --remote` in the deployed function. @returns the exit code. @throws {SettingsError} */
export async function runRemoteSweep(flags: SweepFlags, terminal: Terminal): Promise<number> {
  const { stage, target, dryRun, maxKills, verifyFor, reason } = flags;
  if (stage === undefined || target === undefined) {
    throw new SettingsError('--remote', 'goes with --stage and --target, whose function it uses');
  }
  assertRemote(flags);
  const payload = {
    sweepId: randomUUID(),
    target,
    dryRun,
    maxKills,
    verifyFor,
    reason,
    askedAt: new Date(systemClock.now()).toISOString(),
  } satisfies ManualPayload;
  parseRequest(payload);
  const swept = await sweepRemotely(stage, payload, flags, terminal);
  showSwept(swept, flags, terminal);
  return exitCodeFor(swept);
}
