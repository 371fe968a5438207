import { type DecideOptions, decide, enginesOf, youngestOverdueStart } from './decide.ts';
import type { DliReader } from './dli/client.ts';
import type { EngineReads, ReadOptions } from './dli/engine.ts';
import { ENGINES } from './dli/engines.ts';
import { DliError } from './dli/errors.ts';
import type { Engine, Job } from './dli/job.ts';
import type { Policy } from './policy/schema.ts';

/** The jobs of every engine that the policy names. */
export interface Scan {
  jobs: Job[];
  /** What could not be read, in words; empty if nothing is missing. */
  gaps: string[];
  /** Of which engines something is missing. */
  incomplete: ReadonlySet<Engine>;
}

export type Readers = ReadonlyMap<Engine, EngineReads>;

export function createReaders(policy: Policy, dli: DliReader, options: ReadOptions): Readers {
  return new Map(enginesOf(policy).map((engine) => [engine, ENGINES[engine].createReads(dli, options)]));
}

/**
 * Lists the live jobs of all engines side by side. One whose listing fails makes the scan incomplete, and stops no other.
 *
 * @throws {DliError} if no engine can be listed.
 */
export async function scan(readers: Readers, policy: Policy, { now }: { now: number }): Promise<Scan> {
  const jobs: Job[] = [];
  const gaps: string[] = [];
  const incomplete = new Set<Engine>();
  const failures: DliError[] = [];

  await Promise.all(
    [...readers].map(async ([engine, reads]) => {
      try {
        const startedBefore = youngestOverdueStart(policy, engine, now);
        const listing = await reads.listLive({ startedBefore });
        jobs.push(...listing.jobs);
        gaps.push(...listing.gaps);
        if (listing.gaps.length > 0) incomplete.add(engine);
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        failures.push(error);
        gaps.push(error.message);
        incomplete.add(engine);
      }
    }),
  );
  const [failure] = failures;
  // A credential that has failed for one has failed for all, even if another one's list came in before.
  if (failure !== undefined && (failures.length === readers.size || failure.kind === 'authentication')) throw failure;
  return { jobs, gaps, incomplete };
}

/**
 * Asks for what the lists do not tell of the jobs that would be cancelled, where an engine has more to tell. What cannot
 * be read any more is of unknown state, and so spared.
 */
export async function examineVictims(readers: Readers, scanned: Scan, context: DecideOptions): Promise<Scan> {
  const gaps = [...scanned.gaps];
  const incomplete = new Set(scanned.incomplete);
  const victims = new Set(
    decide(scanned.jobs, context).flatMap(({ job, verdict }) => (verdict.action === 'cancel' ? [job] : [])),
  );

  const jobs = await Promise.all(
    scanned.jobs.map(async (job): Promise<Job> => {
      const examine = victims.has(job) ? readers.get(job.engine)?.examine : undefined;
      if (examine === undefined) return job;
      try {
        return await examine(job);
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        if (error.kind !== 'not-found') {
          gaps.push(error.message);
          incomplete.add(job.engine);
        }
        return { ...job, state: 'unknown' };
      }
    }),
  );
  return { jobs, gaps, incomplete };
}
