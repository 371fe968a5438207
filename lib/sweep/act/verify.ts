import type { Clock } from '../../base/clock.ts';
import type { Job } from '../../base/job.ts';
import { DliError } from '../../dli/errors.ts';
import type { CancelResult } from '../../dli/order.ts';
import { type Reading, tryReadings } from '../../engines/engine.ts';
import type { Victim } from '../judge/cap.ts';
import type { Outcome } from '../record/outcome.ts';
import type { Cancellation } from './cancel.ts';

/**
 * Waits before each reading. The vendor's own tool looks first after 20 s. We look at once, because a job may be over, and then
 * less and less often, because each look is a call.
 */
const WAITS_MS = [0, 2_000, 4_000, 8_000, 16_000, 30_000];

/** A job that still runs at this reading is asked once more: the first request may have met it at a bad moment. */
const ASK_AGAIN_ROUND = 3;

/**
 * A savepoint counts as failed once all readings for so long say so. DLI may note the stop in a job before its status follows,
 * which looks the same. How long that takes is not documented.
 */
const GIVEN_UP_AFTER_MS = 10_000;

export interface Verification {
  /** By job id; one per cancellation. */
  outcomes: Map<string, Outcome>;
  /** The cancellations that were given, with the attempts of a second request added. */
  cancellations: Cancellation[];
}

interface VerifyDeps {
  /** Reads each of these jobs. A job without a reading is read again; what it throws makes all unreadable, this time. */
  readBack: (jobs: readonly Job[], round: number) => Promise<ReadonlyMap<string, Reading>>;
  /** Asks a job again that still runs, without a savepoint if the last one failed. */
  askAgain: (victim: Victim, options: { savepoint: boolean }) => Promise<CancelResult>;
  /** Whether that is safe while nothing is known of the first request. */
  mayAskAgain: (job: Job) => boolean;
}

/**
 * Reads back what became of each victim, until all are known or the time is over.
 *
 * @param untilAt epoch ms: the last reading is made then at the latest. There is always at least one.
 */
export async function verifyCancellations(
  cancellations: readonly Cancellation[],
  { readBack, askAgain, mayAskAgain }: VerifyDeps,
  { clock, untilAt }: { clock: Clock; untilAt: number },
): Promise<Verification> {
  const all = cancellations.map(toWatched);
  const pending = () => all.filter(({ outcome }) => outcome === undefined);
  const ask = async (one: Watched, options: { savepoint: boolean }) => {
    const second = await askAgain(one.cancellation.victim, options);
    one.isAccepted ||= second.kind === 'accepted';
    one.cancellation = withSecond(one.cancellation, second);
  };

  for (let round = 0; pending().length > 0; round++) {
    const waitMs = Math.min(WAITS_MS[Math.min(round, WAITS_MS.length - 1)] ?? 0, untilAt - clock.now());
    if (round > 0 && waitMs <= 0) break;
    await clock.sleep(Math.max(waitMs, 0));

    const jobs = pending().map(toRead);
    const readings = await tryReadings(jobs, () => readBack(jobs, round));
    for (const one of pending()) note(one, readings.get(one.cancellation.victim.job.id), clock.now());

    const insisted = pending().filter(({ insists }) => insists === 'now');
    await Promise.all(
      insisted.map((one) => {
        one.insists = 'asked';
        return ask(one, { savepoint: false });
      }),
    );
    if (round === ASK_AGAIN_ROUND) {
      const again = pending().filter(
        ({ last, cancellation: { victim } }) => last?.kind === 'live' && mayAskAgain(victim.job),
      );
      await Promise.all(again.map((one) => ask(one, { savepoint: one.cancellation.victim.verdict.savepoint })));
    }
  }

  return {
    outcomes: new Map(
      all.map(({ cancellation, outcome, last }) => [
        cancellation.victim.job.id,
        outcome ?? concludeUnseen(cancellation, last),
      ]),
    ),
    cancellations: all.map(({ cancellation }) => cancellation),
  };
}

/** What is known of a victim while it is looked at. */
interface Watched {
  cancellation: Cancellation;
  /** Whether DLI has accepted a request, the first or the second. */
  isAccepted: boolean;
  last: Reading | undefined;
  /** Epoch ms: since when each reading has said that its savepoint failed. */
  givenUpSince: number | undefined;
  /** Whether it is to be asked, or was asked, to stop without the savepoint that failed. */
  insists: undefined | 'now' | 'asked';
  /** Undefined while it may still stop. */
  outcome: Outcome | undefined;
}

function toWatched(cancellation: Cancellation): Watched {
  const { result } = cancellation;
  return {
    cancellation,
    isAccepted: result.kind === 'accepted',
    last: undefined,
    givenUpSince: undefined,
    insists: undefined,
    outcome: result.kind === 'not-sent' ? toSkipped(result) : result.kind === 'over' ? toOver(result) : undefined,
  };
}

/** A change of the job that showed that the first request failed says nothing of the second. */
function toRead({ cancellation: { victim }, insists }: Watched): Job {
  return insists === undefined ? victim.job : { ...victim.job, updatedAt: undefined };
}

/** Notes a reading of a victim, and what follows from it. @param now epoch ms. */
function note(one: Watched, read: Reading | undefined, now: number): void {
  if (read === undefined) return;
  const { cancellation, isAccepted, last: before } = one;
  const reading = believed(read, { isAccepted });
  one.last = reading;
  one.givenUpSince = hasLostSavepoint(reading) ? (one.givenUpSince ?? now) : undefined;
  if (one.givenUpSince !== undefined) {
    if (now - one.givenUpSince < GIVEN_UP_AFTER_MS) return;
    if (one.insists === undefined && mustStopWithoutSavepoint(cancellation)) {
      one.insists = 'now';
      return;
    }
  }
  one.outcome = conclude(cancellation, reading, { before, isAccepted });
}

/** The outcome of a job whose request was not sent, with its status if it was read right before. */
function toSkipped({ reason, status, error }: Extract<CancelResult, { kind: 'not-sent' }>): Outcome {
  return { kind: 'skipped', reason, ...(status !== undefined && { status }), error };
}

/** The outcome of a job that was over when it was read right before its cancel. */
function toOver({ state, status }: Extract<CancelResult, { kind: 'over' }>): Outcome {
  return { kind: 'already-terminal', status, ...(state === 'cancelled' && { endedBy: 'others' as const }) };
}

function hasLostSavepoint(reading: Reading): boolean {
  return reading.kind === 'gave-up' && reading.cause === 'savepoint';
}

/** DLI can take back only a stop that it accepted. Otherwise the job just runs on. */
function believed(reading: Reading, { isAccepted }: { isAccepted: boolean }): Reading {
  return hasLostSavepoint(reading) && !isAccepted ? { kind: 'live' } : reading;
}

/** Whether the rule wants the job to stop although its savepoint failed. */
function mustStopWithoutSavepoint({ victim: { verdict } }: Cancellation): boolean {
  return verdict.savepoint && verdict.onSavepointFailure === 'cancel';
}

/**
 * Joins the results of two requests. A request that was accepted or lost may have stopped the job, and counts even if the other
 * one was refused. Two refusals count as the second.
 */
function withSecond({ victim, result }: Cancellation, second: CancelResult): Cancellation {
  const attempts = result.attempts + second.attempts;
  if (second.kind === 'not-sent') return { victim, result: { ...result, attempts } };
  if (result.kind === 'refused') return { victim, result: { ...second, attempts } };
  if (second.kind !== 'refused') return { victim, result: { ...result, attempts } };
  return { victim, result: { kind: 'lost', error: second.error, attempts, requestId: second.requestId } };
}

/**
 * @param known.before the reading of the round before.
 * @param known.isAccepted whether DLI has accepted a request.
 * @returns undefined while the job may still stop.
 */
function conclude(
  { victim, result }: Cancellation,
  reading: Reading,
  { before, isAccepted }: { before: Reading | undefined; isAccepted: boolean },
): Outcome | undefined {
  switch (reading.kind) {
    case 'terminal':
      return concludeEnd({ victim, result }, reading, { isAccepted });
    case 'gone':
      // One such answer may be an accident; DLI's codes for it are not documented.
      return before?.kind === 'gone' ? concludeGone({ victim, result }) : undefined;
    case 'live':
      // A job that was refused because it was about to end may still be seen running once.
      return before?.kind === 'live' && result.kind === 'refused' ? { kind: 'failed', error: result.error } : undefined;
    case 'gave-up':
      return { kind: 'failed', error: new Error(`job ${victim.job.id}: ${WHY[reading.cause]} (${reading.status})`) };
    case 'stopping':
    case 'unknown':
      return undefined;
    case 'unreadable':
      // With a refused credential no later reading will succeed either.
      return reading.error instanceof DliError && reading.error.kind === 'authentication'
        ? concludeUnseen({ victim, result }, reading)
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
  { state, status, evidence = 'status' }: Extract<Reading, { kind: 'terminal' }>,
  { isAccepted }: { isAccepted: boolean },
): Outcome {
  if (state !== 'cancelled') return { kind: 'already-terminal', status };
  // If DLI refused us, or nothing was sent, someone else has cancelled it.
  if (!mayBeOurs(result)) {
    return { kind: 'already-terminal', status, ...(evidence === 'status' && { endedBy: 'others' as const }) };
  }
  if (evidence === 'status' || isAccepted) return { kind: 'cancelled', status, evidence };
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

function concludeUnseen({ victim, result }: Cancellation, reading: Reading | undefined): Outcome {
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
