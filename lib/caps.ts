import type { EngineReads } from './dli/engine.ts';
import { ENGINES } from './dli/engines.ts';
import { DliError } from './dli/errors.ts';
import { type Engine, isLive } from './dli/job.ts';
import type { Scan } from './scan.ts';
import { allowedKills, type Caps, exceededCap, needsLiveCount, type Victim } from './victims.ts';

/** What the caps say of the victims of one sweep. */
export interface CapState {
  /** In words; undefined if no cap stands in the way. */
  exceeded: string | undefined;
  /** Whom the caps leave room for, the worst offenders first; all victims unless one is exceeded. */
  drainable: Victim[];
  /** How many jobs are alive, of all engines in scope, at least. */
  liveCount: number;
  /** What could not be counted, in words. */
  gaps: string[];
  /** Of which engines the number of live jobs is not known, although it matters. */
  uncounted: ReadonlySet<Engine>;
}

/**
 * `maxKills` is for all victims together, `maxKillsPercent` for each engine's own: a hundred live queries are no reason to
 * end the last five batches.
 */
export async function checkCaps(
  victims: readonly Victim[],
  scanned: Scan,
  caps: Caps,
  readers: ReadonlyMap<Engine, Pick<EngineReads, 'countLive'>>,
): Promise<CapState> {
  const gaps: string[] = [];
  const uncounted = new Set<Engine>();
  const live = new Map<Engine, number>();
  const isOverall = victims.length > caps.maxKills && !caps.drain;
  for (const [engine, reads] of readers) {
    const listed = scanned.jobs.filter((job) => job.engine === engine && isLive(job.state)).length;
    live.set(engine, listed);
    const count = countOf(victims, engine);
    if (isOverall || !needsLiveCount(count, listed, caps)) continue;
    try {
      // A job may have ended since it was listed; it was alive when it was chosen, so it counts.
      live.set(engine, Math.max(await reads.countLive(), listed));
    } catch (error) {
      if (!(error instanceof DliError)) throw error;
      gaps.push(`the number of live jobs: ${error.message}`);
      uncounted.add(engine);
    }
  }

  const known = new Map([...live].filter(([engine]) => !uncounted.has(engine)));
  return {
    exceeded: exceededOf(victims, known, caps),
    drainable: drain(victims, known, caps),
    liveCount: [...live.values()].reduce((sum, count) => sum + count, 0),
    gaps,
    uncounted,
  };
}

const countOf = (victims: readonly Victim[], engine: Engine): number =>
  victims.filter(({ job }) => job.engine === engine).length;

function exceededOf(victims: readonly Victim[], live: ReadonlyMap<Engine, number>, caps: Caps): string | undefined {
  const counted = victims.filter(({ job }) => live.has(job.engine));
  const overall = exceededCap(counted.length, 0, { ...caps, maxKillsPercent: 100 });
  if (overall !== undefined) return overall;
  for (const [engine, liveCount] of live) {
    const words = exceededCap(countOf(victims, engine), liveCount, caps);
    if (words !== undefined) return live.size === 1 ? words : `${ENGINES[engine].facts.jobs}: ${words}`;
  }
  return undefined;
}

function drain(victims: readonly Victim[], live: ReadonlyMap<Engine, number>, caps: Caps): Victim[] {
  const taken = new Map<Engine, number>();
  return victims
    .filter(({ job: { engine } }) => {
      const liveCount = live.get(engine);
      const count = (taken.get(engine) ?? 0) + 1;
      taken.set(engine, count);
      return liveCount !== undefined && count <= allowedKills(liveCount, caps);
    })
    .slice(0, caps.maxKills);
}
