import type { Clock } from '../base/clock.ts';
import { DliError } from '../dli/errors.ts';
import type { NotSwept, SweepLog } from '../sweep/record/log-lines.ts';
import type { SweepReport } from '../sweep/record/report.ts';

/** What became of one target of a message. */
export type TargetResult =
  | { target: string; kind: 'swept'; status: SweepReport['status'] }
  /** The error is in the log already. */
  | { target: string; kind: 'failed' }
  | { target: string; kind: 'not-swept'; reason: NotSwept };

/** Reading the settings and the first page may take some seconds. With less time left, a sweep would do nothing. */
const LEAST_MS = 10_000;

interface GroupDeps {
  clock: Clock;
  log: SweepLog;
  /** Epoch ms, for all targets together. */
  deadlineAt: number;
  /** Epoch ms; no sweep begins later. */
  expiresAt: number;
  /** The reason for a target whose sweep would begin later. */
  lateAs: Extract<NotSwept, 'stale' | 'expired'>;
  /** Rejects if there is nothing to report on. */
  sweepTarget: (target: string) => Promise<SweepReport>;
}

/**
 * Sweeps targets that share a credential one after the other. An error of one target stops no other, with one exception: once DLI
 * has refused the credential, it would refuse it for the others too, and lock the key in the end.
 *
 * @returns one result for each target, in the order given. Never throws: the message must not be delivered again.
 */
export async function sweepGroup(targets: readonly string[], deps: GroupDeps): Promise<TargetResult[]> {
  const { log, sweepTarget } = deps;
  const results: TargetResult[] = [];
  let isRefused = false;

  for (const target of targets) {
    const reason = isRefused ? 'credential-refused' : whyTooLate(deps);
    if (reason !== undefined) {
      results.push(skipTarget(target, reason, log));
      continue;
    }
    try {
      const { status, credentialRefused } = await sweepTarget(target);
      isRefused = credentialRefused;
      results.push({ target, kind: 'swept', status });
    } catch (error) {
      isRefused = error instanceof DliError && error.kind === 'authentication';
      results.push({ target, kind: 'failed' });
    }
  }
  return results;
}

function whyTooLate({ clock, deadlineAt, expiresAt, lateAs }: GroupDeps): NotSwept | undefined {
  const now = clock.now();
  if (now > expiresAt) return lateAs;
  return deadlineAt - now < LEAST_MS ? 'deadline' : undefined;
}

/** Logs that a target is not swept, so that each expected target has a line. */
export function skipTarget(target: string, reason: NotSwept, log: SweepLog): TargetResult {
  log.error('target not swept', { target, reason });
  return { target, kind: 'not-swept', reason };
}
