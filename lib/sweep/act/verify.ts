import type { Clock } from '../../base/clock.ts';
import type { Job } from '../../base/job.ts';
import type { CancelResult } from '../../dli/order.ts';
import { type ReadBack, type Reading, tryReadings } from '../../engines/engine.ts';
import type { Victim } from '../judge/cap.ts';
import type { Outcome } from '../record/outcome.ts';
import type { Cancellation } from './cancel.ts';
import {
  believed,
  conclude,
  concludeUnseen,
  hasLostSavepoint,
  mustStopWithoutSavepoint,
  toOver,
  toSkipped,
  withSecond,
} from './conclude.ts';
import { firstLookAt, nextLookAt } from './look-times.ts';

/**
 * What could be a slip of DLI, or the last moment of a job, is believed once all readings for so long say so: that it knows a
 * job no more, or that one it refused to stop lives on.
 */
const SURE_AFTER_MS = 2_000;

/** A job that lives on for so long is asked once more: the first request may have met it at a bad moment. */
const ASK_AGAIN_AFTER_MS = 15_000;

/**
 * A savepoint counts as failed once all readings for so long say so. DLI may note the stop in a job before its status follows,
 * which looks the same. How long that takes is not documented.
 */
const GIVEN_UP_AFTER_MS = 10_000;

export interface Verification {
  /** By job id; one per cancellation. */
  outcomes: Map<string, Outcome>;
  /** Those given, with the attempts of a second request added. */
  cancellations: Cancellation[];
  /** Requests sent for jobs that had been asked before. */
  askedAgain: number;
}

export interface VerifyDeps {
  /** Reads jobs of one engine. */
  readBack: ReadBack;
  /** Stops a job that was asked before and lives on; without a savepoint if the last one failed. */
  askAgain: (victim: Victim, options: { savepoint: boolean }) => Promise<CancelResult>;
  /** Whether that is safe while nothing is known of the first request. */
  mayAskAgain: (job: Job) => boolean;
  /** Called before each look and after the last one, with the number of jobs that may still stop and that run on. */
  onLook?: (counts: { pending: number; failed: number }) => void;
}

/** What is known of one job that may still stop. */
interface Pending {
  cancellation: Cancellation;
  /** When it was last asked, epoch ms. */
  askedAt: number;
  /** DLI has accepted a request, the first or the second. */
  isAccepted: boolean;
  lastReading: Reading | undefined;
  /** Since when all readings have been of that kind, epoch ms. */
  readingSince: number;
  /** Since when each reading has said that its savepoint failed, epoch ms. */
  givenUpSince: number | undefined;
  /** Its savepoint failed, and it was asked to stop without one. */
  isWithoutSavepoint: boolean;
  wasAskedAgain: boolean;
}

/**
 * Reads back what became of each victim, until all are known or the time is over.
 *
 * @param cancellations of jobs of one engine, in the order in which they were asked.
 * @param untilAt epoch ms; the last look is made then at the latest. There is always at least one.
 */
export async function verifyCancellations(
  cancellations: readonly Cancellation[],
  deps: VerifyDeps,
  { clock, untilAt }: { clock: Clock; untilAt: number },
): Promise<Verification> {
  const outcomes = new Map<string, Outcome>();
  const pending = new Map<string, Pending>();
  for (const cancellation of cancellations) {
    const { victim, result } = cancellation;
    if (result.kind === 'not-sent') outcomes.set(victim.job.id, toSkipped(result));
    else if (result.kind === 'over') outcomes.set(victim.job.id, toOver(result));
    else pending.set(victim.job.id, toPending(cancellation));
  }
  const latest = new Map(cancellations.map((cancellation) => [cancellation.victim.job.id, cancellation]));
  let askedAgain = 0;
  const ask = async (one: Pending, options: { savepoint: boolean }) => {
    const { victim } = one.cancellation;
    const second = await deps.askAgain(victim, options);
    askedAgain += second.attempts;
    if (second.kind === 'accepted') one.isAccepted = true;
    if (second.kind !== 'not-sent') one.askedAt = clock.now();
    one.cancellation = withSecond(one.cancellation, second);
    latest.set(victim.job.id, one.cancellation);
  };

  let dueAt = firstLookAt(askTimes(pending));
  let quickestStopMs: number | undefined;
  let hasFoundSome = false;
  while (pending.size > 0) {
    const isLast = Math.max(dueAt, clock.now()) >= untilAt;
    await clock.sleep(Math.max(Math.min(dueAt, untilAt) - clock.now(), 0));
    const lookedAt = clock.now();
    const isGlance = !(isLast || hasFoundSome || needsEveryWord(pending, deps, lookedAt));
    const jobs = [...pending.values()].map(toJob);
    deps.onLook?.({ pending: jobs.length, failed: countFailed(outcomes) });
    const readings = await tryReadings(jobs, () => deps.readBack(jobs, { isGlance }));

    const ended = take(readings, pending, outcomes, clock.now());
    hasFoundSome = ended.length > 0;
    for (const { askedAt } of ended)
      quickestStopMs = Math.min(quickestStopMs ?? Number.POSITIVE_INFINITY, clock.now() - askedAt);
    await Promise.all(withoutTheirSavepoints(pending, clock.now()).map((one) => ask(one, { savepoint: false })));
    if (isLast) break;
    await Promise.all(
      stillAlive(pending, deps, lookedAt).map((one) => {
        one.wasAskedAgain = true;
        return ask(one, { savepoint: one.cancellation.victim.verdict.savepoint });
      }),
    );
    dueAt = nextLookAt({ lookedAt, askedAt: askTimes(pending), quickestStopMs });
  }

  for (const [id, { cancellation, lastReading }] of pending)
    outcomes.set(id, concludeUnseen(cancellation, lastReading));
  const unconfirmed = [...outcomes.values()].filter(({ kind }) => kind === 'unconfirmed').length;
  deps.onLook?.({ pending: unconfirmed, failed: countFailed(outcomes) });
  return { outcomes, cancellations: [...latest.values()], askedAgain };
}

const countFailed = (outcomes: ReadonlyMap<string, Outcome>): number =>
  [...outcomes.values()].filter(({ kind }) => kind === 'failed').length;

function toPending(cancellation: Cancellation): Pending {
  return {
    cancellation,
    askedAt: cancellation.askedAt,
    isAccepted: cancellation.result.kind === 'accepted',
    lastReading: undefined,
    readingSince: cancellation.askedAt,
    givenUpSince: undefined,
    isWithoutSavepoint: false,
    wasAskedAgain: false,
  };
}

/** The job as it was when it was asked. */
function toJob({ cancellation, isWithoutSavepoint }: Pending): Job {
  const { job } = cancellation.victim;
  // A change since the first request says that it failed; it says nothing of the second.
  return isWithoutSavepoint ? { ...job, updatedAt: undefined } : job;
}

function* askTimes(pending: ReadonlyMap<string, Pending>): Iterable<number> {
  for (const { askedAt } of pending.values()) yield askedAt;
}

/** Whether a look has to say something of each job: some can only be concluded upon, or asked again, when they are read. */
function needsEveryWord(pending: ReadonlyMap<string, Pending>, deps: VerifyDeps, now: number): boolean {
  return [...pending.values()].some(
    (one) =>
      (one.cancellation.result.kind === 'refused' && mayBeSure(one, now)) ||
      one.lastReading?.kind === 'gone' ||
      one.lastReading?.kind === 'gave-up' ||
      isDueAgain(one, deps, now),
  );
}

/** Whether a reading of a job that was refused can say something new: the first one, and one that comes late enough. */
const mayBeSure = ({ lastReading, readingSince }: Pending, now: number) =>
  lastReading === undefined || now - readingSince >= SURE_AFTER_MS;

const isDueAgain = ({ cancellation, askedAt, wasAskedAgain }: Pending, { mayAskAgain }: VerifyDeps, now: number) =>
  !wasAskedAgain && now - askedAt >= ASK_AGAIN_AFTER_MS && mayAskAgain(cancellation.victim.job);

/** Jobs that were read as alive although they were asked long ago. */
function stillAlive(pending: ReadonlyMap<string, Pending>, deps: VerifyDeps, now: number): Pending[] {
  return [...pending.values()].filter((one) => one.lastReading?.kind === 'live' && isDueAgain(one, deps, now));
}

/** Jobs that DLI did not stop since their savepoint failed, and that their rule wants stopped all the same. */
function withoutTheirSavepoints(pending: ReadonlyMap<string, Pending>, now: number): Pending[] {
  const insisted = [...pending.values()].filter((one) => hasGivenUp(one, now) && mayInsist(one));
  for (const one of insisted) one.isWithoutSavepoint = true;
  return insisted;
}

const hasGivenUp = ({ givenUpSince }: Pending, now: number) =>
  givenUpSince !== undefined && now - givenUpSince >= GIVEN_UP_AFTER_MS;

const mayInsist = ({ cancellation, isWithoutSavepoint }: Pending) =>
  mustStopWithoutSavepoint(cancellation) && !isWithoutSavepoint;

/** Moves what the readings decide from `pending` to `outcomes`. Returns it. */
function take(
  readings: ReadonlyMap<string, Reading>,
  pending: Map<string, Pending>,
  outcomes: Map<string, Outcome>,
  now: number,
): Pending[] {
  const ended: Pending[] = [];
  for (const [id, read] of readings) {
    const one = pending.get(id);
    if (one === undefined) continue;
    const reading = believed(read, one);
    if (one.lastReading?.kind !== reading.kind) one.readingSince = now;
    one.lastReading = reading;
    if (hasLostSavepoint(reading)) {
      one.givenUpSince ??= now;
      if (!hasGivenUp(one, now) || mayInsist(one)) continue;
    } else {
      one.givenUpSince = undefined;
    }
    const outcome = conclude(one.cancellation, reading, {
      isSure: now - one.readingSince >= SURE_AFTER_MS,
      isAccepted: one.isAccepted,
    });
    if (outcome === undefined) continue;
    outcomes.set(id, outcome);
    pending.delete(id);
    if (reading.kind === 'terminal') ended.push(one);
  }
  return ended;
}
