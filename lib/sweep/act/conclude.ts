import { DliError } from '../../dli/errors.ts';
import type { CancelResult } from '../../dli/order.ts';
import type { Reading } from '../../engines/engine.ts';
import type { Outcome } from '../record/outcome.ts';
import type { Cancellation } from './cancel.ts';

/*
 * What became of a job, from what was asked and what was read. Nothing here asks or reads.
 */

/** The outcome of a job whose request was not sent, with its status if it was read right before. */
export function toSkipped({ reason, status, error }: Extract<CancelResult, { kind: 'not-sent' }>): Outcome {
  return { kind: 'skipped', reason, ...(status !== undefined && { status }), error };
}

/** The outcome of a job that was over when it was read right before its cancel. */
export function toOver({ state, status }: Extract<CancelResult, { kind: 'over' }>): Outcome {
  return { kind: 'already-terminal', status, ...(state === 'cancelled' && { endedBy: 'others' as const }) };
}

export function hasLostSavepoint(reading: Reading): boolean {
  return reading.kind === 'gave-up' && reading.cause === 'savepoint';
}

/** DLI can take back only a stop that it accepted. Otherwise the job just runs on. */
export function believed(reading: Reading, { isAccepted }: { isAccepted: boolean }): Reading {
  return hasLostSavepoint(reading) && !isAccepted ? { kind: 'live' } : reading;
}

/** Whether the rule wants the job to stop although its savepoint failed. */
export function mustStopWithoutSavepoint({ victim: { verdict } }: Cancellation): boolean {
  return verdict.savepoint && verdict.onSavepointFailure === 'cancel';
}

/**
 * Joins the results of two requests. A request that was accepted or lost may have stopped the job, and counts even if the other
 * one was refused. Two refusals count as the second.
 */
export function withSecond(first: Cancellation, second: CancelResult): Cancellation {
  const { result } = first;
  const attempts = result.attempts + second.attempts;
  if (second.kind === 'not-sent') return { ...first, result: { ...result, attempts } };
  if (result.kind === 'refused') return { ...first, result: { ...second, attempts } };
  if (second.kind !== 'refused') return { ...first, result: { ...result, attempts } };
  return { ...first, result: { kind: 'lost', error: second.error, attempts, requestId: second.requestId } };
}

/**
 * @param known.isSure whether readings have said the same for long enough.
 * @param known.isAccepted whether DLI has accepted a request.
 * @returns undefined while the job may still stop.
 */
export function conclude(
  cancellation: Cancellation,
  reading: Reading,
  { isSure, isAccepted }: { isSure: boolean; isAccepted: boolean },
): Outcome | undefined {
  const { victim, result } = cancellation;
  switch (reading.kind) {
    case 'terminal':
      return concludeEnd(cancellation, reading, { isAccepted });
    case 'gone':
      // One such answer may be an accident; DLI's codes for it are not documented.
      return isSure ? concludeGone(cancellation) : undefined;
    case 'live':
      // A job that was refused because it was about to end may still be seen running once.
      return isSure && result.kind === 'refused' ? { kind: 'failed', error: result.error } : undefined;
    case 'gave-up':
      return { kind: 'failed', error: new Error(`job ${victim.job.id}: ${WHY[reading.cause]} (${reading.status})`) };
    case 'stopping':
    case 'unknown':
      return undefined;
    case 'unreadable':
      // With a refused credential no later reading will succeed either.
      return reading.error instanceof DliError && reading.error.kind === 'authentication'
        ? concludeUnseen(cancellation, reading)
        : undefined;
    default:
      return reading satisfies never;
  }
}

/** Whether our request may have ended the job. */
const mayBeOurs = ({ kind }: CancelResult): boolean => kind === 'accepted' || kind === 'lost';

/** Calls a job cancelled if it was asked, and DLI's status or an accepted request shows that it stopped for that reason. */
function concludeEnd(
  { victim, result }: Cancellation,
  { state, status, evidence = 'status', fingerprint }: Extract<Reading, { kind: 'terminal' }>,
  { isAccepted }: { isAccepted: boolean },
): Outcome {
  if (state !== 'cancelled') return { kind: 'already-terminal', status };
  // If DLI refused us, or nothing was sent, someone else has cancelled it.
  if (!mayBeOurs(result)) {
    return { kind: 'already-terminal', status, ...(evidence === 'status' && { endedBy: 'others' as const }) };
  }
  if (evidence === 'status' || isAccepted) {
    return { kind: 'cancelled', status, evidence, ...(fingerprint !== undefined && { fingerprint }) };
  }
  const words = `ended (${status}) after a request whose answer was lost; it may have ended by itself, or by that request`;
  return { kind: 'already-terminal', status, error: new Error(`job ${victim.job.id}: ${words}`) };
}

/** If our request may have ended the job, it is not known how a job ended that DLI no longer knows. */
function concludeGone({ victim, result }: Cancellation): Outcome {
  if (!mayBeOurs(result)) return { kind: 'already-terminal', status: 'GONE' };
  const words = `DLI no longer knows it, after a request to stop that ${result.kind === 'accepted' ? 'it accepted' : 'may have reached it'}; it may have ended by itself, or by that request`;
  return { kind: 'already-terminal', status: 'GONE', error: new Error(`job ${victim.job.id}: ${words}`) };
}

const WHY = {
  stop: 'DLI accepted the request and could not stop the job, which may still be running',
  savepoint: 'DLI took the stop back, as it does after a savepoint that failed, and the job runs on',
};

export function concludeUnseen({ victim, result }: Cancellation, reading: Reading | undefined): Outcome {
  // Only a job that was read as alive has failed to stop.
  if (result.kind === 'refused' && reading?.kind === 'live') return { kind: 'failed', error: result.error };
  if (result.kind === 'refused' || result.kind === 'lost') return { kind: 'unconfirmed', error: result.error };
  return { kind: 'unconfirmed', error: reading && whyUnseen(victim.job.id, reading) };
}

function whyUnseen(id: string, reading: Reading): Error | undefined {
  if (reading.kind === 'unreadable') return reading.error;
  if (reading.kind !== 'gave-up') return undefined;
  return new Error(
    `job ${id}: it still runs, and DLI has changed it since; its savepoint may have failed (${reading.status})`,
  );
}
