import { messageOf } from '../base/error-words.ts';
import { TimeoutError } from '../http/errors.ts';
import { within } from '../http/timeout.ts';
import type { SweepDeps } from './deps.ts';
import { warns } from './judge/warnings.ts';
import { LONGEST_SWEEP_MS, type PastSweep } from './past/past-sweeps.ts';
import type { Order } from './prepare.ts';

/** What earlier sweeps of the target warned of. */
export interface Recalled {
  /** The sweeps of the last 24 hours; undefined if they were not read. */
  past: readonly PastSweep[] | undefined;
  /** One sentence each, for the report. */
  notices: readonly string[];
}

const DAY_MS = 86_400_000;
const WITHIN_MS = 20_000;

const NOTHING: Recalled = { past: undefined, notices: [] };

/**
 * Reads what earlier sweeps warned of, for a live sweep whose policy warns. It runs while the jobs are listed, and never rejects:
 * what it cannot read costs a message, and no sweep.
 */
export async function recall(
  { request, settings, clearance, ceilings }: Order,
  { readRecord, clock, deadlineAt }: Pick<SweepDeps, 'readRecord' | 'clock' | 'deadlineAt'>,
): Promise<Recalled> {
  const isLive = clearance.dryRunBecause.length === 0 && !('because' in ceilings);
  if (readRecord === undefined || !isLive || !settings.isSwitchedOn || !warns(settings.policy)) return NOTHING;
  const now = clock.now();
  const timeoutMs = Math.max(Math.min(WITHIN_MS, (deadlineAt - now) / 4), 0);
  const asked = {
    target: request.target,
    projectId: settings.target.projectId,
    since: now - DAY_MS - LONGEST_SWEEP_MS,
    signal: AbortSignal.timeout(timeoutMs),
  };
  try {
    return { past: await within(readRecord(asked), timeoutMs), notices: [] };
  } catch (error) {
    const why = error instanceof TimeoutError ? 'it was not read in time' : messageOf(error);
    const notice = `the record of earlier warnings could not be read, so no owner hears that a job ended or is kept: ${why}`;
    return { past: undefined, notices: [notice] };
  }
}
