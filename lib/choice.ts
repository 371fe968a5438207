import { type CapState, checkCaps } from './caps.ts';
import type { Decision } from './decide.ts';
import type { EngineReads } from './dli/engine.ts';
import type { Engine } from './dli/job.ts';
import type { Outcome, SkipReason } from './outcome.ts';
import type { Policy } from './policy/schema.ts';
import type { CapReport } from './report.ts';
import type { Scan } from './scan.ts';
import { type Caps, chooseVictims, type Victim } from './victims.ts';

/** Which of the overdue jobs the caps, and gaps in the listing, leave to be cancelled. */
export interface Choice {
  overdue: readonly Victim[];
  /** The longest over its limit first. */
  chosen: readonly Victim[];
  /** Of an engine whose jobs were listed, and counted, well enough to cancel any of them. */
  isClear: (victim: Victim) => boolean;
  cap: CapState;
  caps: Caps;
}

/** @param readers for counting live jobs, where that matters. */
export async function choose(
  decisions: readonly Decision[],
  scanned: Scan,
  {
    policy,
    caps,
    readers,
  }: { policy: Policy; caps: Caps; readers: ReadonlyMap<Engine, Pick<EngineReads, 'countLive'>> },
): Promise<Choice> {
  const overdue = chooseVictims(decisions);
  const doubtful = enginesInDoubt(policy, caps, scanned.incomplete);
  const certain = overdue.filter(({ job }) => !doubtful.has(job.engine));
  const cap = await checkCaps(certain, scanned, caps, readers);
  const isClear = ({ job }: Victim) => !doubtful.has(job.engine) && !cap.uncounted.has(job.engine);
  const chosen = (cap.exceeded === undefined ? overdue : cap.drainable).filter(isClear);
  return { overdue, chosen, isClear, cap, caps };
}

/**
 * Of these engines nobody is cancelled: what was not listed may be what would have exceeded the percentage, or a job older
 * than the one taken for the oldest.
 */
function enginesInDoubt(
  { rules }: Policy,
  { maxKillsPercent }: Caps,
  incomplete: ReadonlySet<Engine>,
): ReadonlySet<Engine> {
  const needsOldest = (engine: Engine) =>
    rules.some(({ engines, victims }) => victims === 'oldest' && engines.includes(engine));
  return new Set([...incomplete].filter((engine) => maxKillsPercent < 100 || needsOldest(engine)));
}

/** Whether a cap keeps everybody from being cancelled, and not only those beyond it. */
export const isCapped = ({ cap, caps }: Choice): boolean => cap.exceeded !== undefined && !caps.drain;

export function skipAll(victims: readonly Victim[], reason: SkipReason): Map<string, Outcome> {
  return new Map(victims.map(({ job }) => [job.id, { kind: 'skipped', reason }]));
}

/**
 * One for each overdue job, by id.
 *
 * @param obstacle what kept the chosen ones from being cancelled. @param verified of those that were.
 */
export function outcomesOf(
  { overdue, isClear }: Choice,
  obstacle: SkipReason | undefined,
  verified: ReadonlyMap<string, Outcome>,
): Map<string, Outcome> {
  // Whoever was not chosen although nothing else stands in the way is one too many.
  const reasonForOthers = obstacle === undefined || obstacle === 'dry-run' ? 'cap' : obstacle;
  const unclear = overdue.filter((victim) => !isClear(victim));
  return new Map([
    ...skipAll(overdue.filter(isClear), reasonForOthers),
    ...skipAll(unclear, obstacle === 'stopped' ? 'stopped' : 'partial'),
    ...verified,
  ]);
}

export function toCapReport({ overdue, cap, caps }: Choice): CapReport {
  return {
    ...{ victims: overdue.length, liveJobs: cap.liveCount, exceeded: cap.exceeded ?? null },
    ...{ maxKills: caps.maxKills, maxKillsPercent: caps.maxKillsPercent },
    ...{ percentFloor: caps.percentFloor, drain: caps.drain },
  };
}
