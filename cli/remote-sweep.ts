import { randomUUID } from 'node:crypto';
import { systemClock } from '../lib/base/clock.ts';
import { type ManualPayload, parseRequest } from '../lib/request/request.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import type { SweepFlags } from './perform-sweep.ts';
import { sweepRemotely } from './remote.ts';
import { assertRemote } from './settings-source.ts';
import { exitCodeFor, showSwept } from './swept.ts';
import type { Terminal } from './terminal.ts';

/** `sweep` through the deployed function. @returns the exit code. @throws {SettingsError} */
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
