import { type Engine, isLive } from '../../base/job.ts';
import { compareText } from '../../base/text.ts';
import { DliError } from '../../dli/errors.ts';
import { ENGINE_FACTS } from '../../policy/facts.ts';
import type { Policy } from '../../policy/schema.ts';
import type { Gap, Sight } from '../look/look.ts';
import type { CapReport } from '../record/report.ts';
import type { Verdict } from '../record/verdict.ts';
import type { Decision } from './decide.ts';

/** A job that the policy wants cancelled. */
export type Victim = Decision & { verdict: Extract<Verdict, { reason: 'over-limit' }> };

export interface Caps {
  /** More victims than this are too many. */
  maxKills: number;
  /** Whether the worst offenders up to the cap are cancelled, and not none. */
  drain: boolean;
  /** More victims than this share of the project's live jobs are too many, 0 to 100. */
  maxKillsPercent: number;
  /** With fewer live jobs the percentage does not apply: one orphan at night is 100 %. Zero percent always applies. */
  percentFloor: number;
  /** The number that no sweep may exceed, whatever `maxKills` says; undefined if it is not known or does not matter. */
  ceiling?: number | undefined;
}

/** The overdue jobs that may be cancelled by the caps, and by gaps in the listing. */
export interface Choice {
  /** Longest over its limit first. */
  overdue: readonly Victim[];
  /** The jobs of `overdue` that there is room for; all of them if no cap is exceeded. */
  chosen: readonly Victim[];
  /** Why each other job is spared, by job id. */
  spared: ReadonlyMap<string, 'cap' | 'partial'>;
  /** Whether a cap spares every job, and not only those beyond it. */
  isCapped: boolean;
  caps: CapReport;
  /** What could not be counted. */
  gaps: readonly Gap[];
}

/**
 * Chooses victims by the caps. `maxKills` holds for all victims together, `maxKillsPercent` for each engine by itself: a hundred
 * live queries are no reason to end the last five batches.
 */
export async function chooseVictims(
  decisions: readonly Decision[],
  sight: Sight,
  { policy, caps }: { policy: Policy; caps: Caps },
): Promise<Choice> {
  const overdue = victimsOf(decisions);
  const doubtful = enginesInDoubt(policy, caps, sight);
  const certain = overdue.filter(({ job }) => !doubtful.has(job.engine));
  const live = await countLive(certain, sight, caps);
  const known = new Map([...live.counts].filter(([engine]) => !live.uncounted.has(engine)));
  const exceeded = exceededOf(certain, known, caps);

  const isClear = ({ job }: Victim) => !doubtful.has(job.engine) && !live.uncounted.has(job.engine);
  const chosen = exceeded === undefined ? overdue.filter(isClear) : drain(certain, known, caps);
  const isChosen = new Set(chosen);
  const others = overdue.filter((victim) => !isChosen.has(victim));
  return {
    overdue,
    chosen,
    // Nothing else held these back, so it was the cap.
    spared: new Map(others.map((victim) => [victim.job.id, isClear(victim) ? 'cap' : 'partial'])),
    isCapped: exceeded !== undefined && !caps.drain,
    caps: {
      victims: overdue.length,
      liveJobs: [...live.counts.values()].reduce((sum, count) => sum + count, 0),
      exceeded: exceeded ?? null,
      maxKills: caps.maxKills,
      maxKillsPercent: caps.maxKillsPercent,
      percentFloor: caps.percentFloor,
      drain: caps.drain,
      ceiling: caps.ceiling ?? null,
    },
    gaps: live.gaps,
  };
}

/** Returns the jobs that the policy wants cancelled, the longest over its limit first: it goes before time runs out. */
export function victimsOf(decisions: readonly Decision[]): Victim[] {
  return decisions
    .filter((decision): decision is Victim => decision.verdict.action === 'cancel')
    .sort((a, b) => b.verdict.overLimitMs - a.verdict.overLimitMs || compareText(a.job.id, b.job.id));
}

/**
 * Returns the engines whose jobs are all spared. A job that was not listed may be what would exceed the percentage, or may be
 * older than the oldest that was listed.
 */
function enginesInDoubt({ rules }: Policy, { maxKillsPercent }: Caps, { engines, gaps }: Sight): ReadonlySet<Engine> {
  const incomplete = new Set(gaps.flatMap(({ engine }) => engine ?? engines));
  // The groups of a rule hold jobs of all its engines.
  const withoutOldest = rules
    .filter((rule) => rule.victims === 'oldest' && rule.engines.some((engine) => incomplete.has(engine)))
    .flatMap((rule) => rule.engines);
  return new Set([...(maxKillsPercent < 100 ? incomplete : []), ...withoutOldest]);
}

interface LiveCounts {
  /** The least number of live jobs, by engine. */
  counts: ReadonlyMap<Engine, number>;
  /** Engines whose live jobs could not be counted although a cap needs the count. */
  uncounted: ReadonlySet<Engine>;
  gaps: readonly Gap[];
}

async function countLive(victims: readonly Victim[], sight: Sight, caps: Caps): Promise<LiveCounts> {
  const counts = new Map<Engine, number>();
  const uncounted = new Set<Engine>();
  const gaps: Gap[] = [];
  const isOverall = victims.length > mostKills(caps) && !caps.drain;
  for (const engine of sight.engines) {
    const listed = sight.jobs.filter((job) => job.engine === engine && isLive(job.state)).length;
    counts.set(engine, listed);
    if (isOverall || !needsLiveCount(countOf(victims, engine), listed, caps)) continue;
    try {
      // A job may have ended since it was listed; it was alive when it was chosen, so it counts.
      counts.set(engine, Math.max(await sight.countLive(engine), listed));
    } catch (error) {
      if (!(error instanceof DliError)) throw error;
      gaps.push({ engine, what: `the number of live jobs: ${error.message}` });
      uncounted.add(engine);
    }
  }
  return { counts, uncounted, gaps };
}

const countOf = (victims: readonly Victim[], engine: Engine): number =>
  victims.filter(({ job }) => job.engine === engine).length;

/** @param live the number of live jobs, for engines where it is known. */
function exceededOf(victims: readonly Victim[], live: ReadonlyMap<Engine, number>, caps: Caps): string | undefined {
  const counted = victims.filter(({ job }) => live.has(job.engine));
  const overall = exceededCap(counted.length, 0, { ...caps, maxKillsPercent: 100 });
  if (overall !== undefined) return overall;
  for (const [engine, liveCount] of live) {
    const words = exceededCap(countOf(victims, engine), liveCount, caps);
    if (words !== undefined) return live.size === 1 ? words : `${ENGINE_FACTS[engine].jobs}: ${words}`;
  }
  return undefined;
}

/** Returns the victims that the caps leave room for. @param live the number of live jobs, for engines where it is known. */
function drain(victims: readonly Victim[], live: ReadonlyMap<Engine, number>, caps: Caps): Victim[] {
  const taken = new Map<Engine, number>();
  return victims
    .filter(({ job: { engine } }) => {
      const liveCount = live.get(engine);
      const count = (taken.get(engine) ?? 0) + 1;
      taken.set(engine, count);
      return liveCount !== undefined && count <= allowedKills(liveCount, caps);
    })
    .slice(0, mostKills(caps));
}

/** The lower of two numbers: what policy or request want, and what no sweep may exceed. */
const mostKills = ({ maxKills, ceiling = Number.POSITIVE_INFINITY }: Caps): number => Math.min(maxKills, ceiling);

/** Says why a cap stops the sweep; undefined if no cap does. */
export function exceededCap(victimCount: number, liveCount: number, caps: Caps): string | undefined {
  const most = mostKills(caps);
  if (victimCount > most) {
    return most === caps.maxKills
      ? `${victimCount} victims are more than maxKills ${most}`
      : `${victimCount} victims are more than ${most}, the ceiling for a sweep here, which maxKills ${caps.maxKills} does not raise`;
  }
  if (isPercentApplied(liveCount, caps) && victimCount * 100 > liveCount * caps.maxKillsPercent) {
    return `${victimCount} victims of ${liveCount} live jobs are more than maxKillsPercent ${caps.maxKillsPercent}`;
  }
  return undefined;
}

/** Returns how many jobs may be cancelled if the worst offenders go first. */
export function allowedKills(liveCount: number, caps: Caps): number {
  const byPercent = isPercentApplied(liveCount, caps) ? Math.floor((liveCount * caps.maxKillsPercent) / 100) : Infinity;
  return Math.min(mostKills(caps), byPercent);
}

function isPercentApplied(liveCount: number, { maxKillsPercent, percentFloor }: Caps): boolean {
  return maxKillsPercent === 0 || liveCount >= percentFloor;
}

/**
 * Whether DLI must be asked for the number of live jobs. It need not be if the victims are within the percentage of the listed
 * jobs alone, since at least as many are alive.
 */
export function needsLiveCount(victimCount: number, listedLiveCount: number, caps: Caps): boolean {
  // Too many already. Only a drain needs the number, since some may still go.
  if (victimCount === 0 || (victimCount > mostKills(caps) && !caps.drain)) return false;
  return victimCount * 100 > listedLiveCount * caps.maxKillsPercent;
}
