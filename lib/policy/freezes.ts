import type { Job } from '../base/job.ts';
import { fewOf } from '../base/text.ts';
import type { Freeze } from './schema.ts';
import { type Selected, selectedBy, type Tried, trySelector } from './select.ts';

/** A freeze in force that matches a job, or may match it. */
export interface TriedFreeze {
  freeze: Freeze;
  /** The answers of its selector; together they are never a no. */
  tried: Tried;
}

/** The answer to whether a job is frozen; `unknown` spares it as well. */
export interface FreezeResult {
  frozen: Selected;
  /** The id of the freeze; undefined unless the job is frozen. */
  by?: string | undefined;
}

/** Whether a freeze is in force at an instant. @param now epoch ms. */
export function isFreezeInForce({ from = 0, until = 0, recurring }: Freeze, now: number): boolean {
  return recurring === undefined ? from <= now && now < until : recurring.holdsAt(now);
}

/** Returns the freezes in force at an instant; called once for all jobs. */
export const freezesInForce = (freezes: readonly Freeze[], now: number): readonly Freeze[] =>
  freezes.filter((freeze) => isFreezeInForce(freeze, now));

/** The time for which a freeze holds: the present one, otherwise the next, otherwise the last. */
export interface FreezeSpan {
  freeze: Freeze;
  isInForce: boolean;
  /** Epoch ms; undefined for a recurring freeze that is in force. */
  from: number | undefined;
  until: number;
}

const known = new WeakMap<readonly Freeze[], { now: number; spans: readonly FreezeSpan[] }>();

/** Returns the span of each freeze; computed once for all jobs that are explained. @param now epoch ms. */
export function spansOf(freezes: readonly Freeze[], now: number): readonly FreezeSpan[] {
  const before = known.get(freezes);
  if (before?.now === now) return before.spans;
  const spans = freezes.map((freeze) => spanOf(freeze, now));
  known.set(freezes, { now, spans });
  return spans;
}

function spanOf(freeze: Freeze, now: number): FreezeSpan {
  const { from, until = 0, recurring } = freeze;
  const isInForce = isFreezeInForce(freeze, now);
  if (recurring === undefined) return { freeze, isInForce, from, until };
  if (isInForce) return { freeze, isInForce, from: undefined, until: recurring.endOf(now) };
  const next = recurring.nextAfter(now);
  return { freeze, isInForce, from: next, until: recurring.endOf(next) };
}

/** Finds the freezes that match a job, or may match it. @param maxSteps most steps of matching for each text of the job. */
export function tryFreezes(job: Job, inForce: readonly Freeze[], maxSteps?: number): TriedFreeze[] {
  return inForce.flatMap((freeze) => {
    const tried = trySelector(freeze.match, job, maxSteps);
    return selectedBy(tried) === 'no' ? [] : [{ freeze, tried }];
  });
}

/** Decides whether a job is frozen. @param tried the result of {@link tryFreezes}. */
export function frozenBy(tried: readonly TriedFreeze[]): FreezeResult {
  const certain = tried.find((one) => selectedBy(one.tried) === 'yes');
  if (certain !== undefined) return { frozen: 'yes', by: certain.freeze.id };
  return { frozen: tried.length > 0 ? 'unknown' : 'no' };
}

/** Sentences about freezes that are over. */
export function endedNotices(spans: readonly FreezeSpan[], now: number): string[] {
  const sentences = spans.flatMap(({ freeze, until }) =>
    until <= now
      ? [`freeze ${freeze.id} ended at ${new Date(until).toISOString()}; it has no effect any more; remove or renew it`]
      : [],
  );
  return fewOf(sentences, 'freezes that have ended');
}
