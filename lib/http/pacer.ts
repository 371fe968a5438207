import type { Clock } from '../base/clock.ts';

/** Cancels first: they free what is being paid for. Then what finds more of them, then what only proves. */
export type Priority = 'cancel' | 'list' | 'status';

/** Calls per window, as a gateway may tell them in its refusal. */
export interface RateHint {
  calls: number;
  windowMs: number;
}

export interface Pacer {
  /**
   * Waits for its turn, runs the call, and learns from its end. A call that is made again with the same `turn` keeps its
   * place in line, so that a refusal does not put the most urgent behind all others.
   *
   * @throws {TurnMissed} if the turn would come at or after `notAfter`; the call has then not been made.
   */
  run<T>(turn: Turn, call: () => Promise<T>): Promise<T>;
  /** Whether a rate holds calls back, so that more connections would not help. */
  isLimited(): boolean;
  /** How far apart calls are at present, ms; 0 without a limit. */
  intervalMs(): number;
}

export interface Turn {
  priority: Priority;
  /** Epoch ms. */
  notAfter: number;
  /** Once aborted, a turn that has not come yet is missed. */
  signal?: AbortSignal | undefined;
  /** @returns what a refusal for being too many told; undefined for any other error. */
  refusalIn: (error: unknown) => Refusal | undefined;
  /** Whether an error, not a refusal, shows that the gateway let the call through. */
  isAnswer: (error: unknown) => boolean;
}

export interface Refusal {
  hint: RateHint | undefined;
  retryAfterMs: number | undefined;
}

/** The call was not made: its turn would have come too late, or nobody wants it any more. */
export class TurnMissed extends Error {
  override name = 'TurnMissed';
}

interface Waiting {
  turn: Turn;
  place: number;
  start: () => void;
  miss: (error: TurnMissed) => void;
}

const ORDER: readonly Priority[] = ['cancel', 'list', 'status'];

/**
 * Without a refusal so far: calls at once to begin with, until so many were accepted, and how many more with each one from
 * then on. What is under way when a gateway's bucket empties is refused, so a small bucket must not meet a wide window; and
 * where there is no limit, the narrow window must soon be forgotten.
 */
const OPENING = { calls: 7, until: 16, growth: 3 };
/** Calls between two refusals after which the rate counts as measured. */
const ENOUGH_TO_MEASURE = 20;
/** While a rate is searched for it grows by this factor with each answer, and by its square root after each refusal. */
const FIRST_GROWTH = 2;
const LAST_GROWTH = 1.08;
/** What a gateway told is trusted more than what was measured: less is given away for it after a refusal. */
const CAUTION = { told: 0.02, measured: 0.03 };
/** How long it takes to come back to a rate after a refusal: in calls, and for high rates at least in time. */
const REGAIN = { calls: 40, ms: 20_000 };
/** Beyond the rate it gathers speed so much faster than it slowed down towards it. */
const STEEPNESS = 2;
/** After refusals in a row the pauses double up to here; the usual windows of the gateway are a second and a minute. */
const PAUSE = { minMs: 100, maxMs: 10_000 };
/** What a server asks for is waited out up to here; a longer wait can only come of a clock that has been set back. */
const MAX_WAIT_MS = 30_000;
/** How much of a pause that the gateway asked for is taken for time in which nothing could pass. */
const ACTIVE_WEIGHT = 0.75;
/** A late timer may be made up for, but never with a burst. */
const MAX_LAG_MS = 25;
/** With more of the time unused for lack of calls, what was accepted says nothing about what could have been. */
const MAX_SLACK = 0.05;

/**
 * Spaces calls evenly at a rate that nobody publishes. Without a refusal there is no rate, only the connections. From
 * the first refusal on there is one: the gateway's own words if it tells them, otherwise what was accepted between two
 * refusals. Around a known rate it moves on a cubic, flat at the rate itself, as TCP CUBIC does.
 *
 * @param options.maxConcurrent calls under way at once.
 * @see docs/decisions/0003-pacing.md
 */
export function createPacer({ clock, maxConcurrent }: { clock: Clock; maxConcurrent: number }): Pacer {
  const law = createRateLaw(clock);
  const waiting: Record<Priority, Waiting[]> = { cancel: [], list: [], status: [] };
  const places = new WeakMap<Turn, number>();
  let nextPlace = 0;
  let active = 0;
  let isPumping = false;
  let nextAt = Number.NEGATIVE_INFINITY;
  /** When the last call ended: before that the connections held calls back, and not the lack of them. */
  let idleSince = clock.now();

  /** Lets calls go, one after the other, each when its time has come. */
  async function pump(): Promise<void> {
    if (isPumping) return;
    isPumping = true;
    try {
      for (;;) {
        const queue = ORDER.map((priority) => waiting[priority]).find((entries) => entries.length > 0);
        const next = queue?.[0];
        if (queue === undefined || next === undefined || active >= Math.min(maxConcurrent, law.mostAtOnce())) return;

        const now = clock.now();
        nextAt = Math.min(nextAt, now + MAX_WAIT_MS);
        if (next.turn.signal?.aborted || Math.max(now, nextAt) >= next.turn.notAfter) {
          queue.shift();
          next.miss(new TurnMissed('its turn came too late'));
          continue;
        }
        if (nextAt > now) {
          // Wakes now and then, so that a cancel that arrives meanwhile, or an abort, need not wait out a long pause.
          await clock.sleep(Math.min(nextAt - now, 1_000));
          continue;
        }
        queue.shift();
        active += 1;
        law.unused(now - Math.max(nextAt, idleSince));
        nextAt = Math.max(nextAt, now - MAX_LAG_MS) + 1 / law.rateAt(now);
        next.start();
      }
    } finally {
      isPumping = false;
    }
  }

  return {
    run: async (turn, call) => {
      await new Promise<void>((resolve, reject) => {
        const place = places.get(turn) ?? nextPlace++;
        places.set(turn, place);
        const line = waiting[turn.priority];
        const behind = line.findLastIndex((other) => other.place < place);
        line.splice(behind + 1, 0, { turn, place, start: resolve, miss: reject });
        void pump();
      });
      const sentAt = clock.now();
      try {
        const result = await call();
        law.accepted(sentAt);
        return result;
      } catch (error) {
        const refusal = turn.refusalIn(error);
        if (refusal === undefined) {
          if (turn.isAnswer(error)) law.accepted(sentAt);
        } else {
          const pauseMs = Math.max(law.refused(sentAt, refusal), refusal.retryAfterMs ?? 0);
          nextAt = Math.max(nextAt, clock.now() + pauseMs);
        }
        throw error;
      } finally {
        active -= 1;
        idleSince = clock.now();
        void pump();
      }
    },
    isLimited: () => Number.isFinite(law.rateAt(clock.now())),
    intervalMs: () => 1 / law.rateAt(clock.now()),
  };
}

/**
 * What is believed about the rate. At a refusal the gateway's bucket was empty; so what it accepted between two refusals
 * is what flowed into it, unless it was full in between, when more would have been possible.
 */
function createRateLaw(clock: Clock) {
  let startedAt = clock.now();
  /** Calls per ms; undefined while there has been no refusal. */
  let rate: number | undefined;
  /** How the rate moves once it is known; undefined while it is searched for. */
  let curve: { from: number; caution: number; regainMs: number } | undefined;
  let growth = FIRST_GROWTH;
  let grewAt = Number.NEGATIVE_INFINITY;
  /** The rate right after the last empty bucket: the slowest of the time since. */
  let slowestRate = 0;
  let refusedAt: number | undefined;
  /** The first of the latest refusals in a row. */
  let emptyAt: number | undefined;
  let acceptedSinceEmpty = 0;
  let refusalsInARow = 0;
  /** Of the time since the bucket was empty, when a call could have gone and none was there. */
  let slackMs = 0;
  /** The longest that the latest refusals in a row asked to wait: time in which a call might have passed. */
  let askedMs = 0;

  function rateAt(now: number): number {
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    // However little was allowed, somebody tries again now and then.
    if (curve === undefined) return Math.max(rate, 1 / PAUSE.maxMs);
    const x = (now - curve.from) / curve.regainMs - 1;
    return Math.max(rate * (1 + curve.caution * (x < 0 ? x : STEEPNESS * x) ** 3), 1 / PAUSE.maxMs);
  }

  /** How many calls may be under way, as far as the rate says: any number once it is known. */
  function mostAtOnce(): number {
    const isProbing = refusalsInARow > (curve === undefined ? 0 : 1);
    // After refusals, one call goes ahead alone until it is accepted.
    if (isProbing) return 1;
    if (rate !== undefined) return Number.POSITIVE_INFINITY;
    return OPENING.calls + OPENING.growth * Math.max(0, acceptedSinceEmpty - OPENING.until);
  }

  /** Time in which nothing was sent for lack of calls teaches nothing, and does not make bolder. */
  function unused(ms: number): void {
    if (!(ms > 0 && Number.isFinite(ms))) return;
    slackMs += ms;
    if (curve !== undefined) curve.from += ms;
    if (rate === undefined) startedAt += ms;
  }

  /** @param sentAt of a call that was sent before the last change was felt nothing new is learned. */
  function accepted(sentAt: number): void {
    const now = clock.now();
    acceptedSinceEmpty += 1;
    if (rate !== undefined && curve === undefined) {
      if (refusalsInARow > 0 && refusedAt !== undefined && growth === FIRST_GROWTH) {
        // The first call that passes again tells how long a single one takes, at most.
        rate = Math.min(rate, rateWithPause(1, now - refusedAt));
        slowestRate = rate;
      } else if (sentAt >= grewAt) {
        rate *= growth;
        grewAt = now;
      }
    }
    refusalsInARow = 0;
  }

  /** @returns how long to pause, apart from what the refusal asks for. */
  function refused(sentAt: number, { hint, retryAfterMs = 0 }: Refusal): number {
    const now = clock.now();
    if (refusalsInARow > 0) askedMs = Math.max(askedMs, retryAfterMs);
    // Unless the clock has been set back meanwhile.
    if (refusedAt !== undefined && sentAt < refusedAt && refusedAt <= now) return 0;
    refusedAt = now;
    refusalsInARow += 1;
    learn(now, hint);
    if (refusalsInARow === 1) {
      emptyAt = now;
      acceptedSinceEmpty = 0;
      slackMs = 0;
      askedMs = retryAfterMs;
    }
    const isKnown = curve !== undefined && refusalsInARow === 1;
    const intervalMs = Math.max(1 / rateAt(now), isKnown ? 0 : PAUSE.minMs);
    return Math.min(intervalMs * 2 ** (refusalsInARow - 1), Math.max(PAUSE.maxMs, intervalMs));
  }

  function learn(now: number, hint: RateHint | undefined): void {
    const sentRate = rateAt(now);
    const toldRate = hint && hint.calls / hint.windowMs;
    // Of several limits it names the one that was hit; far above what was sent it cannot be the whole truth.
    if (toldRate !== undefined && toldRate < sentRate * 1.5) {
      rate = toldRate;
      curve = { caution: CAUTION.told, regainMs: Math.max(REGAIN.ms, REGAIN.calls / rate), from: now };
    } else if (emptyAt === undefined) {
      // What came before the first refusal may have been a full bucket, so this is no more than a bound.
      rate = Math.max(acceptedSinceEmpty, 1) / Math.max(now - startedAt, 1);
    } else if (refusalsInARow === 1) {
      measure(now, sentRate, Math.max(now - emptyAt, 1));
    }
    // Further refusals in a row say only that the bucket is still empty: there is nothing to measure.
  }

  /**
   * Returns the rate at which so many calls passed, where a part of the time was a pause that the gateway asked for. If the
   * pause filled the bucket as the rest did, all of the time counts; if it filled nothing, none of the pause does. Nobody
   * tells which, so the rate is taken between the two.
   */
  function rateWithPause(calls: number, elapsedMs: number): number {
    const activeMs = Math.max(elapsedMs - askedMs, 1);
    return calls / (activeMs ** ACTIVE_WEIGHT * elapsedMs ** (1 - ACTIVE_WEIGHT));
  }

  function measure(now: number, sentRate: number, elapsedMs: number): void {
    if (slackMs > MAX_SLACK * elapsedMs) {
      // The bucket had time to fill, so this refusal says no more than that the rate is not much higher.
      rate = curve === undefined ? sentRate / growth : rate;
      if (curve === undefined) growth = Math.sqrt(growth);
      else curve = { ...curve, from: now };
      slowestRate = rateAt(now);
      return;
    }
    // The half is for the part of a call that was in the bucket; after a pause it was in the pause.
    const inflow = rateWithPause(acceptedSinceEmpty + (askedMs === 0 ? 0.5 : 0), elapsedMs);
    // Then the bucket was never full, and the inflow is the rate itself. Otherwise it is a bound from below, and what was
    // sent is one from above.
    const isCertain = askedMs === 0 && (acceptedSinceEmpty + 1) / elapsedMs < slowestRate * 0.97;
    if (isCertain) rate = inflow;
    else if (curve === undefined) rate = Math.max(inflow, Math.min(sentRate / growth, 4 * inflow));
    else rate = (inflow + Math.min(sentRate, 2 * inflow)) / 2;
    slowestRate = rate;

    if (curve === undefined) growth = Math.sqrt(growth);
    if (growth > LAST_GROWTH && acceptedSinceEmpty < ENOUGH_TO_MEASURE) return;
    const regainCalls = Math.min(Math.max(4 * acceptedSinceEmpty, 8), REGAIN.calls);
    // A measurement is trusted no longer than it took, at first.
    const regainMs = Math.min(Math.max(elapsedMs, curve?.regainMs ?? 0), REGAIN.ms);
    curve = { caution: CAUTION.measured, regainMs: Math.max(regainCalls / rate, regainMs), from: now };
    slowestRate = rateAt(now);
  }

  return {
    rateAt,
    unused,
    accepted,
    refused,
    mostAtOnce,
  };
}

/**
 * The limit that a refusal names: `…policy user over ratelimit,limit:60,time:1 minute`. A hint and nothing more: the
 * text is not documented to stay, and without it the pacer measures.
 */
export function parseRateHint(text: string): RateHint | undefined {
  const match = /limit:\s*(\d{1,7}),\s*time:\s*(\d{1,4})\s*(second|minute)/.exec(text);
  if (!match) return undefined;
  const calls = Number(match[1]);
  const windowMs = Number(match[2]) * (match[3] === 'minute' ? 60_000 : 1_000);
  return calls > 0 && windowMs > 0 && windowMs <= MAX_WINDOW_MS ? { calls, windowMs } : undefined;
}

/** A quota for hours or days is no pace: spaced over a day, a sweep would make a handful of calls. */
const MAX_WINDOW_MS = 60_000;
