import { fewOf } from '../base/few.ts';
import type { Job } from '../base/job.ts';
import type { Freeze } from './schema.ts';
import { type Selected, selectedBy, type Tried, trySelector } from './select.ts';

/** A freeze in force that matches a job, or may. */
export interface TriedFreeze {
  freeze: Freeze;
  /** What its selector found: never a no. */
  tried: Tried;
}

/** Whether a freeze keeps a job from being cancelled; `unknown` spares it as well. */
export interface FreezeResult {
  frozen: Selected;
  /** The id of the freeze; undefined unless the job is frozen. */
  by?: string | undefined;
}

/** Whether a freeze holds at an instant. @param now epoch ms. */
export function isFreezeInForce({ from = 0, until = 0, recurring }: Freeze, now: number): boolean {
  return recurring === undefined ? from <= now && now < until : recurring.holdsAt(now);
}

/** The freezes that hold at an instant: asked once for all jobs. */
export const freezesInForce = (freezes: readonly Freeze[], now: number): readonly Freeze[] =>
  freezes.filter((freeze) => isFreezeInForce(freeze, now));

/** When a freeze holds: now, or the next time, or for one that is over the last. */
export interface FreezeSpan {
  freeze: Freeze;
  isInForce: boolean;
  /** Epoch ms; undefined for a recurring one that is in force. */
  from: number | undefined;
  until: number;
}

const known = new WeakMap<readonly Freeze[], { now: number; spans: readonly FreezeSpan[] }>();

/** Worked out once for all jobs that are explained. @param now epoch ms. */
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

/** Tries freezes in force on a job. @param maxSteps what each text of the job is worth. */
export function tryFreezes(job: Job, inForce: readonly Freeze[], maxSteps?: number): TriedFreeze[] {
  return inForce.flatMap((freeze) => {
    const tried = trySelector(freeze.match, job, maxSteps);
    return selectedBy(tried) === 'no' ? [] : [{ freeze, tried }];
  });
}

/** @param tried as {@link tryFreezes} gives it. */
export function frozenBy(tried: readonly TriedFreeze[]): FreezeResult {
  const certain = tried.find((one) => selectedBy(one.tried) === 'yes');
  if (certain !== undefined) return { frozen: 'yes', by: certain.freeze.id };
  return { frozen: tried.length > 0 ? 'unknown' : 'no' };
}

/** What somebody should know of freezes that are over. */
export function endedNotices(spans: readonly FreezeSpan[], now: number): string[] {
  const sentences = spans.flatMap(({ freeze, until }) =>
    until <= now
      ? [`freeze ${freeze.id} ended at ${new Date(until).toISOString()}; it holds nothing, remove or renew it`]
      : [],
  );
  return fewOf(sentences, 'freezes that have ended');
}
