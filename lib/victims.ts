import type { Decision, Verdict } from './decide.ts';

export type Victim = Decision & { verdict: Extract<Verdict, { reason: 'over-limit' }> };

/** The jobs the policy wants cancelled: the longest over its limit first, so that it goes before time runs out. */
export function chooseVictims(decisions: readonly Decision[]): Victim[] {
  return decisions
    .filter((decision): decision is Victim => decision.verdict.action === 'cancel')
    .sort((a, b) => b.verdict.overLimitMs - a.verdict.overLimitMs || (a.job.id < b.job.id ? -1 : 1));
}

export interface Caps {
  /** More victims than this are too many. */
  maxKills: number;
  /** Rather the worst offenders up to the cap than none. */
  drain: boolean;
  /** Of all live jobs of the project, 0 to 100. */
  maxKillsPercent: number;
  /** With fewer live jobs the percentage is not applied: one orphan at night is 100 %. Zero percent always is. */
  percentFloor: number;
}

/** Why a cap stops the sweep, in words for a person; undefined if none does. */
export function exceededCap(victimCount: number, liveCount: number, caps: Caps): string | undefined {
  if (victimCount > caps.maxKills) return `${victimCount} victims are more than maxKills ${caps.maxKills}`;
  if (isPercentApplied(liveCount, caps) && victimCount * 100 > liveCount * caps.maxKillsPercent) {
    return `${victimCount} victims of ${liveCount} live jobs are more than maxKillsPercent ${caps.maxKillsPercent}`;
  }
  return undefined;
}

/** How many may be cancelled where the worst offenders go first. */
export function allowedKills(liveCount: number, caps: Caps): number {
  const byPercent = isPercentApplied(liveCount, caps) ? Math.floor((liveCount * caps.maxKillsPercent) / 100) : Infinity;
  return Math.min(caps.maxKills, byPercent);
}

function isPercentApplied(liveCount: number, { maxKillsPercent, percentFloor }: Caps): boolean {
  return maxKillsPercent === 0 || liveCount >= percentFloor;
}

/**
 * Whether the number of live jobs has to be asked for: it need not be when the victims are within the percentage of
 * those listed alone, since there are at least as many.
 */
export function needsLiveCount(victimCount: number, listedLiveCount: number, caps: Caps): boolean {
  // Too many already; but for a drain the number that may go has to be known.
  if (victimCount === 0 || (victimCount > caps.maxKills && !caps.drain)) return false;
  return victimCount * 100 > listedLiveCount * caps.maxKillsPercent;
}
