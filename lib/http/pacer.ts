import type { Clock } from '../base/clock.ts';
import { createLearnedRate, type Refusal } from './throttling.ts';

/** @template Priority the names by which calls are ranked. */
export interface Pacer<Priority extends string> {
  /**
   * Waits for its turn, runs the call, and learns from its end. A call that is made again with the same `turn` keeps its
   * place in line, so that a refusal does not put the most urgent behind all others.
   *
   * @throws {TurnMissed} if the turn would come at or after `notAfter`; the call has then not been made.
   */
  run<T>(turn: Turn<Priority>, call: () => Promise<T>): Promise<T>;
  /** Whether a rate holds calls back, so that more connections would not help. */
  isLimited(): boolean;
  /** The present time between two calls, ms; 0 without a limit. */
  intervalMs(): number;
}

export interface Turn<Priority extends string> {
  priority: Priority;
  /** Epoch ms. */
  notAfter: number;
  /** Once aborted, a turn that has not come yet is missed. */
  signal?: AbortSignal | undefined;
  /** @returns what the gateway said if it refused the call for too many calls; undefined for any other error. */
  refusalIn: (error: unknown) => Refusal | undefined;
  /** Whether an error, not a refusal, shows that the gateway let the call through. */
  isAnswer: (error: unknown) => boolean;
}

/** The call was not made: its turn would have come too late, or it is no longer wanted. */
export class TurnMissed extends Error {
  override name = 'TurnMissed';
}

export interface PacerOptions<Priority extends string> {
  clock: Clock;
  /** Calls under way at once. */
  maxConcurrent: number;
  /** Every priority, the most urgent first. */
  order: readonly Priority[];
}

/** A longer wait can only come from a clock that was set back. */
const MAX_WAIT_MS = 30_000;
/** Longest sleep: a cancel that arrives meanwhile, or an abort, need not wait out a long pause. */
const MAX_NAP_MS = 1_000;
/** A late timer may be made up for, but never with a burst. */
const MAX_LAG_MS = 25;

/**
 * Spaces calls evenly at a rate that is not published. Before the first refusal there is no rate, only the connections.
 * From then on the rate is what the gateway states, or what it accepted between two refusals.
 *
 * @see docs/decisions/0003-pacing.md
 */
export function createPacer<Priority extends string>(options: PacerOptions<Priority>): Pacer<Priority> {
  const { clock, maxConcurrent, order } = options;
  const learned = createLearnedRate(clock);
  const line = createLine(order);
  let active = 0;
  let isPumping = false;
  let nextAt = Number.NEGATIVE_INFINITY;
  /** When the last call ended. Before that the connections held calls back, not the lack of calls. */
  let idleSince = clock.now();

  /** Starts calls one after the other, each when its time has come. */
  async function pump(): Promise<void> {
    if (isPumping) return;
    isPumping = true;
    try {
      for (;;) {
        const next = line.first();
        if (next === undefined || active >= Math.min(maxConcurrent, learned.mostAtOnce())) return;

        const now = clock.now();
        nextAt = Math.min(nextAt, now + MAX_WAIT_MS);
        if (next.turn.signal?.aborted || Math.max(now, nextAt) >= next.turn.notAfter) {
          line.leave();
          next.miss(new TurnMissed('its turn came too late'));
          continue;
        }
        if (nextAt > now) {
          await clock.sleep(Math.min(nextAt - now, MAX_NAP_MS));
          continue;
        }
        line.leave();
        active += 1;
        learned.unused(now - Math.max(nextAt, idleSince));
        nextAt = Math.max(nextAt, now - MAX_LAG_MS) + 1 / learned.rateAt(now);
        next.start();
      }
    } finally {
      isPumping = false;
    }
  }

  return {
    run: async (turn, call) => {
      await new Promise<void>((start, miss) => {
        line.join({ turn, start, miss });
        void pump();
      });
      const sentAt = clock.now();
      try {
        const result = await call();
        learned.accepted(sentAt);
        return result;
      } catch (error) {
        const refusal = turn.refusalIn(error);
        if (refusal === undefined) {
          if (turn.isAnswer(error)) learned.accepted(sentAt);
        } else {
          const pauseMs = Math.max(learned.refused(sentAt, refusal), refusal.retryAfterMs ?? 0);
          nextAt = Math.max(nextAt, clock.now() + pauseMs);
        }
        throw error;
      } finally {
        active -= 1;
        idleSince = clock.now();
        void pump();
      }
    },
    isLimited: () => Number.isFinite(learned.rateAt(clock.now())),
    intervalMs: () => 1 / learned.rateAt(clock.now()),
  };
}

interface Waiting<Priority extends string> {
  turn: Turn<Priority>;
  start: () => void;
  miss: (error: TurnMissed) => void;
}

/** Calls that wait for their turn: the most urgent first, and among equals the one that came first. */
function createLine<Priority extends string>(order: readonly Priority[]) {
  const line: (Waiting<Priority> & { rank: number; place: number })[] = [];
  const places = new WeakMap<Turn<Priority>, number>();
  let nextPlace = 0;
  return {
    first: (): Waiting<Priority> | undefined => line[0],
    /** A turn that was in line before gets its old place. */
    join: (waiting: Waiting<Priority>) => {
      const { turn } = waiting;
      const rank = order.indexOf(turn.priority);
      const place = places.get(turn) ?? nextPlace++;
      places.set(turn, place);
      const before = line.findLastIndex((other) => other.rank < rank || (other.rank === rank && other.place < place));
      line.splice(before + 1, 0, { ...waiting, rank, place });
    },
    /** Takes the first one out. */
    leave: () => void line.shift(),
  };
}
