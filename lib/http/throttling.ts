import type { Clock } from '../base/clock.ts';

/** A limit that a gateway states in a refusal: calls per window. */
export interface RateHint {
  calls: number;
  windowMs: number;
}

/** What a gateway says when it refuses a call for too many calls. */
export interface Refusal {
  hint: RateHint | undefined;
  retryAfterMs: number | undefined;
}

/** The rate at which calls may begin, learned from their ends. */
export interface LearnedRate {
  /** Calls per ms that may begin at this time; infinite while no call has been refused. */
  rateAt(now: number): number;
  /** The number of calls that may be under way, as far as the rate says. Infinite once the rate is known. */
  mostAtOnce(): number;
  /** Notes that a call could have begun for so long and none was waiting: such time teaches nothing. */
  unused(ms: number): void;
  /** Notes that the gateway let a call through. */
  accepted(sentAt: number): void;
  /** Notes a refusal. @returns how long to pause, apart from what the refusal asks for. */
  refused(sentAt: number, refusal: Refusal): number;
}

/**
 * Calls at once before the first refusal: `calls` to begin with, until `until` were accepted, and `growth` more with each
 * call accepted after that. All calls under way when a gateway's bucket runs empty are refused, so the window starts
 * narrow. Where there is no limit, it has to widen soon.
 */
const OPENING = { calls: 7, until: 16, growth: 3 };
/** Calls between two refusals after which the rate counts as measured. */
const ENOUGH_TO_MEASURE = 20;
/** Factor by which each answer raises a rate that is still searched for. Each refusal takes its square root. */
const FIRST_GROWTH = 2;
/** A search with a smaller factor than this is over. */
const LAST_GROWTH = 1.08;
/** Share of the rate that is given up after a refusal. A rate stated by the gateway is trusted more than a measured one. */
const CAUTION = { stated: 0.02, measured: 0.03 };
/** Time that it takes to come back to a rate after a refusal: so many calls, and for high rates at least so long. */
const REGAIN = { calls: 40, ms: 20_000 };
/** Factor by which the curve is steeper beyond the rate than before it. */
const STEEPNESS = 2;
/** Limits of the pauses, which double after refusals in a row. The gateway's usual windows are a second and a minute. */
const PAUSE = { minMs: 100, maxMs: 10_000 };
/** Weight of the time in which calls could pass, beside a pause that the gateway asked for. */
const ACTIVE_WEIGHT = 0.75;
/** Share of unused time above which the accepted calls say nothing about the limit. */
const MAX_SLACK = 0.05;

/** What is believed at present. */
interface Belief {
  /** Calls per ms; undefined while no call has been refused. */
  rate: number | undefined;
  /** How the rate moves once it is known; undefined while it is searched for. */
  curve: { from: number; caution: number; regainMs: number } | undefined;
  growth: number;
  grewAt: number;
  /** The rate right after the bucket was last empty: the slowest since then. */
  slowestRate: number;
}

/** What was seen since the bucket was last empty. */
interface Seen {
  /** Epoch ms of the first of the latest refusals in a row; undefined before any refusal. */
  emptyAt: number | undefined;
  accepted: number;
  /** Time in which a call could have begun and none was waiting. */
  slackMs: number;
  /** The longest wait that the latest refusals in a row asked for. A call might have passed meanwhile. */
  askedMs: number;
}

/**
 * Learns a rate from what a gateway accepts and refuses. At a refusal the gateway's bucket was empty. So what it accepted
 * between two refusals is what flowed into it, unless it was full in between, when more would have been possible.
 *
 * @see docs/decisions/0003-pacing.md
 */
export function createLearnedRate(clock: Clock): LearnedRate {
  let startedAt = clock.now();
  let belief: Belief = {
    rate: undefined,
    curve: undefined,
    growth: FIRST_GROWTH,
    grewAt: Number.NEGATIVE_INFINITY,
    slowestRate: 0,
  };
  let seen: Seen = { emptyAt: undefined, accepted: 0, slackMs: 0, askedMs: 0 };
  let refusedAt: number | undefined;
  let refusalsInARow = 0;

  function learn(now: number, hint: RateHint | undefined): Belief {
    const statedRate = hint && hint.calls / hint.windowMs;
    // Of several limits the gateway names the one that was hit. A limit far above what was sent cannot be the whole truth.
    if (statedRate !== undefined && statedRate < rateOf(belief, now) * 1.5) return stated(belief, statedRate, now);
    if (seen.emptyAt === undefined) {
      // What came before the first refusal may have been a full bucket, so this rate is only a bound.
      return { ...belief, rate: Math.max(seen.accepted, 1) / Math.max(now - startedAt, 1) };
    }
    // Further refusals in a row only say that the bucket is still empty.
    return refusalsInARow === 1 ? measured(belief, seen, now - seen.emptyAt, now) : belief;
  }

  return {
    rateAt: (now) => rateOf(belief, now),

    mostAtOnce: () => {
      const isProbing = refusalsInARow > (belief.curve === undefined ? 0 : 1);
      // After refusals, one call goes ahead alone until it is accepted.
      if (isProbing) return 1;
      if (belief.rate !== undefined) return Number.POSITIVE_INFINITY;
      return OPENING.calls + OPENING.growth * Math.max(0, seen.accepted - OPENING.until);
    },

    unused: (ms) => {
      if (!(ms > 0 && Number.isFinite(ms))) return;
      const { rate, curve } = belief;
      seen = { ...seen, slackMs: seen.slackMs + ms };
      if (curve !== undefined) belief = { ...belief, curve: { ...curve, from: curve.from + ms } };
      if (rate === undefined) startedAt += ms;
    },

    accepted: (sentAt) => {
      const now = clock.now();
      seen = { ...seen, accepted: seen.accepted + 1 };
      const firstAfterMs = refusalsInARow > 0 && refusedAt !== undefined ? now - refusedAt : undefined;
      belief = grown(belief, { sentAt, now, firstAfterMs, askedMs: seen.askedMs });
      refusalsInARow = 0;
    },

    refused: (sentAt, { hint, retryAfterMs = 0 }) => {
      const now = clock.now();
      if (refusalsInARow > 0) seen = { ...seen, askedMs: Math.max(seen.askedMs, retryAfterMs) };
      // A call that was sent before the last refusal came back says nothing new, unless the clock was set back meanwhile.
      if (refusedAt !== undefined && sentAt < refusedAt && refusedAt <= now) return 0;
      refusedAt = now;
      refusalsInARow += 1;
      belief = learn(now, hint);
      if (refusalsInARow === 1) seen = { emptyAt: now, accepted: 0, slackMs: 0, askedMs: retryAfterMs };
      const isKnown = belief.curve !== undefined && refusalsInARow === 1;
      const intervalMs = Math.max(1 / rateOf(belief, now), isKnown ? 0 : PAUSE.minMs);
      return Math.min(intervalMs * 2 ** (refusalsInARow - 1), Math.max(PAUSE.maxMs, intervalMs));
    },
  };
}

/** The rate at a time. Around a known rate it moves on a cubic, flat at the rate itself, as TCP CUBIC does. */
function rateOf({ rate, curve }: Belief, now: number): number {
  if (rate === undefined) return Number.POSITIVE_INFINITY;
  // However low the limit, a call is tried now and then.
  if (curve === undefined) return Math.max(rate, 1 / PAUSE.maxMs);
  const x = (now - curve.from) / curve.regainMs - 1;
  return Math.max(rate * (1 + curve.caution * (x < 0 ? x : STEEPNESS * x) ** 3), 1 / PAUSE.maxMs);
}

/** The belief after a refusal that states the limit. */
function stated(belief: Belief, rate: number, now: number): Belief {
  const regainMs = Math.max(REGAIN.ms, REGAIN.calls / rate);
  return { ...belief, rate, curve: { caution: CAUTION.stated, regainMs, from: now } };
}

/**
 * The belief after an accepted call: a rate that is searched for grows.
 *
 * @param call.firstAfterMs time since the last refusal, for the first call accepted after it.
 */
function grown(
  belief: Belief,
  call: { sentAt: number; now: number; firstAfterMs: number | undefined; askedMs: number },
): Belief {
  const { rate, curve, growth, grewAt } = belief;
  if (rate === undefined || curve !== undefined) return belief;
  if (call.firstAfterMs !== undefined && growth === FIRST_GROWTH) {
    // The first call that passes again shows how long a single one takes, at most.
    const slower = Math.min(rate, rateWithPause(1, call.firstAfterMs, call.askedMs));
    return { ...belief, rate: slower, slowestRate: slower };
  }
  // A call that was sent before the last growth took effect says nothing about it.
  return call.sentAt >= grewAt ? { ...belief, rate: rate * growth, grewAt: call.now } : belief;
}

/**
 * The rate at which calls passed, where a part of the time was a pause that the gateway asked for. If the pause filled the
 * bucket as the rest did, all of the time counts. If it filled nothing, none of the pause counts. Nothing shows which of
 * the two is true, so the rate is taken between them.
 */
function rateWithPause(calls: number, elapsedMs: number, askedMs: number): number {
  const activeMs = Math.max(elapsedMs - askedMs, 1);
  return calls / (activeMs ** ACTIVE_WEIGHT * elapsedMs ** (1 - ACTIVE_WEIGHT));
}

/** The belief after a refusal without a limit in it, from what was accepted since the bucket was last empty. */
function measured(belief: Belief, seen: Seen, sinceEmptyMs: number, now: number): Belief {
  const elapsedMs = Math.max(sinceEmptyMs, 1);
  if (seen.slackMs > MAX_SLACK * elapsedMs) return slowed(belief, now);
  const { curve } = belief;
  const rate = measuredRate(belief, seen, elapsedMs, now);
  const growth = curve === undefined ? Math.sqrt(belief.growth) : belief.growth;
  const found = { ...belief, rate, growth, slowestRate: rate };
  if (growth > LAST_GROWTH && seen.accepted < ENOUGH_TO_MEASURE) return found;

  const regainCalls = Math.min(Math.max(4 * seen.accepted, 8), REGAIN.calls);
  // A measurement is trusted no longer than it took, at first.
  const trustedMs = Math.min(Math.max(elapsedMs, curve?.regainMs ?? 0), REGAIN.ms);
  const regainMs = Math.max(regainCalls / rate, trustedMs);
  const known = { ...found, curve: { caution: CAUTION.measured, regainMs, from: now } };
  return { ...known, slowestRate: rateOf(known, now) };
}

function measuredRate(belief: Belief, { accepted, askedMs }: Seen, elapsedMs: number, now: number): number {
  const sentRate = rateOf(belief, now);
  // The half is for the part of a call that was in the bucket; after a pause it was in the pause.
  const inflow = rateWithPause(accepted + (askedMs === 0 ? 0.5 : 0), elapsedMs, askedMs);
  // Then the bucket was never full, and the inflow is the rate itself. Otherwise the inflow is a lower bound, and what was
  // sent is an upper one.
  const isCertain = askedMs === 0 && (accepted + 1) / elapsedMs < belief.slowestRate * 0.97;
  if (isCertain) return inflow;
  if (belief.curve === undefined) return Math.max(inflow, Math.min(sentRate / belief.growth, 4 * inflow));
  return (inflow + Math.min(sentRate, 2 * inflow)) / 2;
}

/** The belief where the bucket had time to fill: this refusal only says that the rate is not much higher. */
function slowed(belief: Belief, now: number): Belief {
  const { curve, growth } = belief;
  const next =
    curve === undefined
      ? { ...belief, rate: rateOf(belief, now) / growth, growth: Math.sqrt(growth) }
      : { ...belief, curve: { ...curve, from: now } };
  return { ...next, slowestRate: rateOf(next, now) };
}
