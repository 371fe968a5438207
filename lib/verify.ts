import type { Cancellation } from './cancel.ts';
import type { Clock } from './clock.ts';
import type { CancelResult } from './dli/client.ts';
import type { Job } from './dli/job.ts';
import type { Reading } from './dli/sql.ts';
import type { Outcome } from './outcome.ts';

/**
 * Waits before each reading. The vendor's own tool looks first after 20 s; we look at once, because a job may be over,
 * and then ever more seldom, because each look is a call.
 */
const WAITS_MS = [0, 2_000, 4_000, 8_000, 16_000, 30_000];

/** A job that lives on at this reading is asked once more: the first request may have met it at a bad moment. */
const ASK_AGAIN_ROUND = 3;

export interface Verification {
  /** By job id; one per cancellation. */
  outcomes: Map<string, Outcome>;
  /** Those given, with the attempts of a second request added. */
  cancellations: Cancellation[];
}

/**
 * Reads back what became of each victim, until all are known or the time is over.
 *
 * @param readBack a reading for each job that was looked at; the others are looked at again.
 * @param askAgain cancels a job that was asked before and lives on.
 * @param untilAt epoch ms; the last reading is made then at the latest. There is always at least one.
 */
export async function verifyCancellations(
  cancellations: readonly Cancellation[],
  { readBack, askAgain }: VerifyDeps,
  { clock, untilAt }: { clock: Clock; untilAt: number },
): Promise<Verification> {
  const outcomes = new Map<string, Outcome>();
  const latest = new Map(cancellations.map((cancellation) => [cancellation.victim.job.id, cancellation]));
  const pending = new Set<string>();
  for (const [id, { result }] of latest) {
    if (result.kind === 'not-sent') outcomes.set(id, { kind: 'skipped', reason: result.reason, error: result.error });
    else pending.add(id);
  }

  const lastReadings = new Map<string, Reading>();
  for (let round = 0; pending.size > 0; round++) {
    const waitMs = Math.min(WAITS_MS[Math.min(round, WAITS_MS.length - 1)] ?? 0, untilAt - clock.now());
    if (round > 0 && waitMs <= 0) break;
    await clock.sleep(Math.max(waitMs, 0));

    const jobs = [...pending].flatMap((id) => latest.get(id)?.victim.job ?? []);
    for (const [id, reading] of await readBack(jobs, round)) {
      const cancellation = latest.get(id);
      if (cancellation === undefined || !pending.has(id)) continue;
      const before = lastReadings.get(id);
      lastReadings.set(id, reading);
      const outcome = conclude(cancellation, reading, before);
      if (outcome === undefined) continue;
      outcomes.set(id, outcome);
      pending.delete(id);
    }

    if (round === ASK_AGAIN_ROUND) {
      const alive = [...pending].flatMap((id) => (lastReadings.get(id)?.kind === 'live' ? (latest.get(id) ?? []) : []));
      await Promise.all(
        alive.map(async (cancellation) => {
          const second = await askAgain(cancellation.victim.job.id);
          latest.set(cancellation.victim.job.id, withSecond(cancellation, second));
        }),
      );
    }
  }

  for (const id of pending) {
    const cancellation = latest.get(id);
    if (cancellation) outcomes.set(id, concludeUnseen(cancellation, lastReadings.get(id)));
  }
  return { outcomes, cancellations: [...latest.values()] };
}

interface VerifyDeps {
  readBack: (jobs: readonly Job[], round: number) => Promise<ReadonlyMap<string, Reading>>;
  askAgain: (jobId: string) => Promise<CancelResult>;
}

/** What the first request came to stands; the second adds another chance, and its error may say more. */
function withSecond({ victim, result }: Cancellation, second: CancelResult): Cancellation {
  const attempts = result.attempts + second.attempts;
  if (second.kind !== 'refused') return { victim, result: { ...result, attempts } };
  return { victim, result: { kind: 'lost', error: second.error, attempts, requestId: second.requestId } };
}

/**
 * @param before the reading of the round before.
 * @returns undefined while the job may still stop.
 */
function conclude({ result }: Cancellation, reading: Reading, before: Reading | undefined): Outcome | undefined {
  switch (reading.kind) {
    case 'terminal':
      // CANCELLED after DLI refused us was somebody else's doing.
      return reading.state === 'cancelled' && result.kind !== 'refused'
        ? { kind: 'cancelled', status: reading.status }
        : { kind: 'already-terminal', status: reading.status };
    case 'gone':
      // One such answer may be a slip; DLI's codes for it are documented nowhere.
      return before?.kind === 'gone' ? { kind: 'already-terminal', status: 'GONE' } : undefined;
    case 'live':
      // Refused because it was about to end, it may still be seen running once.
      return before?.kind === 'live' && result.kind === 'refused' ? { kind: 'failed', error: result.error } : undefined;
    case 'unknown':
      return undefined;
    case 'unreadable':
      // With a refused credential no later reading will succeed either.
      return reading.error.kind === 'authentication' ? concludeUnseen({ result }, reading) : undefined;
    default:
      return reading satisfies never;
  }
}

function concludeUnseen({ result }: Pick<Cancellation, 'result'>, reading: Reading | undefined): Outcome {
  // That it lives on is only said of a job that was read so.
  if (result.kind === 'refused' && reading?.kind === 'live') return { kind: 'failed', error: result.error };
  if (result.kind === 'refused' || result.kind === 'lost') return { kind: 'unconfirmed', error: result.error };
  return { kind: 'unconfirmed', error: reading?.kind === 'unreadable' ? reading.error : undefined };
}
