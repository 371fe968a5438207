import { formatDuration } from '../../base/duration.ts';
import { type Engine, isJobId, isLive, type Job } from '../../base/job.ts';
import type { DliReader } from '../../dli/client.ts';
import { DliError } from '../../dli/errors.ts';
import type { ClockReading } from '../../dli/service-time.ts';
import type { EngineReads } from '../../engines/engine.ts';
import { ENGINES } from '../../engines/engines.ts';
import { ENGINE_FACTS } from '../../policy/facts.ts';
import type { Policy } from '../../policy/schema.ts';
import { enginesOf, youngestOverdueStart } from '../../policy/scope.ts';
import type { SweptProject } from '../record/report.ts';

/** The jobs that a look is for. */
export interface Scope {
  /** Epoch ms by engine: jobs that started then or later need not be listed. */
  startedBefore: ReadonlyMap<Engine, number>;
  /** Returns the jobs whose details are needed, if an engine's lists lack some. Pure; called until no job is new. */
  needsDetail: (jobs: readonly Job[], now: number) => ReadonlySet<Job>;
  /** Ids of jobs that a person named. If no list holds them and they are few, each is read by itself. */
  named?: readonly string[] | undefined;
}

/** What was seen at one moment. */
export interface Sight {
  engines: readonly Engine[];
  /** The live jobs in scope; one entry per job id. */
  jobs: readonly Job[];
  /**
   * Epoch ms: the earlier of DLI's clock and ours, so that neither can make a job look older than it is. In an emergency it is
   * the instant of the request, by the same rule.
   */
  now: number;
  /** Why the ages of jobs cannot be trusted; undefined if they can. */
  clockProblem: string | undefined;
  /** What could not be read. */
  gaps: readonly Gap[];
  /** How many jobs of the engine are alive, whatever their age. @throws {DliError} */
  countLive: (engine: Engine) => Promise<number>;
}

export interface Gap {
  /** Undefined if it is not on record: it may be any. */
  engine: Engine | undefined;
  /** A phrase for a person. */
  what: string;
}

export type Readers = ReadonlyMap<Engine, EngineReads>;

/** @param options.withStatements whether jobs carry their statements, which are long. */
export function createReaders(
  engines: Iterable<Engine>,
  dli: DliReader,
  options: { withStatements: boolean },
): Readers {
  return new Map([...engines].map((engine) => [engine, ENGINES[engine].createReads(dli, options)]));
}

/** Covers the jobs that any rule of a policy could call overdue. @param now epoch ms, our clock. */
export const scopeOf = (policy: Policy, now: number): Scope['startedBefore'] =>
  new Map(enginesOf(policy).map((engine) => [engine, youngestOverdueStart(policy, engine, now)]));

/** Looks a job up in each engine whose ids have that form. @returns undefined if DLI knows no such job. @throws {DliError} */
export async function showJob(jobId: string, readers: Readers): Promise<Job | undefined> {
  for (const [engine, reads] of readers) {
    if (!isJobId(jobId, engine)) continue;
    try {
      return await reads.show(jobId);
    } catch (error) {
      if (!(error instanceof DliError) || error.kind !== 'not-found') throw error;
    }
  }
  return undefined;
}

/** If the two clocks differ by more, no age can be trusted. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/** The clocks of a look, epoch ms. */
export interface LookClock {
  /** Our clock when the look began. */
  startedAt: number;
  /** Reads DLI's clock, from its answers, and ours at the same moment. */
  reading: () => ClockReading | undefined;
  /** Our clock at an earlier instant to judge at. Jobs that were submitted later are then not seen. */
  asOf?: number | undefined;
}

/**
 * Lists the live jobs of all engines side by side, and reads the details that the lists lack and that are needed. If the
 * listing of one engine fails, it leaves a gap, and the others go on.
 *
 * @throws {DliError} if no engine can be listed, or the credential is refused.
 */
export async function look(scope: Scope, readers: Readers, clock: LookClock): Promise<Sight> {
  const listed = await list(scope, readers);
  const { now, problem } = compareClocks(clock);
  const isNamed = namedIn(scope);
  const isSeen = (job: Job) => isNamed(job) || clock.asOf === undefined || (job.since.submitted ?? now) <= now;
  const named = await readNamed(scope, readers, listed.jobs);
  const jobs = [...listed.jobs.filter(isSeen), ...named.jobs];
  const detailed = await readDetails(scope, readers, { jobs, now });
  const gaps = [...listed.gaps, ...named.gaps, ...detailed.gaps];
  // Without any answer DLI's clock is not known either, and that is no problem of the clocks.
  const isUnanswered = jobs.length === 0 && gaps.length > 0 && clock.reading() === undefined;
  return {
    engines: [...readers.keys()],
    jobs: detailed.jobs,
    now,
    clockProblem: isUnanswered ? undefined : problem,
    gaps,
    countLive: async (engine) => (await readers.get(engine)?.countLive()) ?? 0,
  };
}

interface Listed {
  jobs: Job[];
  gaps: Gap[];
}

async function list({ startedBefore }: Scope, readers: Readers): Promise<Listed> {
  const jobs: Job[] = [];
  const gaps: Gap[] = [];
  const failures: DliError[] = [];

  await Promise.all(
    [...readers].map(async ([engine, reads]) => {
      try {
        const listing = await reads.listLive({ startedBefore: startedBefore.get(engine) ?? Number.NEGATIVE_INFINITY });
        jobs.push(...listing.jobs);
        gaps.push(...listing.gaps.map((what) => ({ engine, what })));
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        failures.push(error);
        gaps.push({ engine, what: error.message });
      }
    }),
  );
  const [failure] = failures;
  // A credential that fails for one engine fails for all, even if another engine's list came in before.
  if (failure !== undefined && (failures.length === readers.size || failure.kind === 'authentication')) throw failure;
  return { jobs, gaps };
}

const namedIn = ({ named = [] }: Scope) => {
  const ids = new Set(named.map((id) => id.toLowerCase()));
  return ({ id }: Job): boolean => ids.has(id.toLowerCase());
};

/** If more named jobs are missing, the target is likely to be the wrong one. Each would cost a call. */
const MOST_READ_BY_NAME = 50;

/**
 * Reads the named jobs that the lists lack. A job that has ended, or is too young for the lists, so differs from one that does
 * not exist.
 */
async function readNamed({ named = [] }: Scope, readers: Readers, listed: readonly Job[]): Promise<Listed> {
  const seen = new Set(listed.map(({ id }) => id.toLowerCase()));
  const missing = [...new Set(named.map((id) => id.toLowerCase()))].filter((id) => !seen.has(id));
  const jobs: Job[] = [];
  const gaps: Gap[] = [];
  if (missing.length > MOST_READ_BY_NAME) return { jobs, gaps };
  await Promise.all(
    missing.map(async (id) => {
      for (const [engine, reads] of readers) {
        if (!isJobId(id, engine)) continue;
        try {
          jobs.push(await reads.show(id));
          return;
        } catch (error) {
          if (!(error instanceof DliError)) throw error;
          if (error.kind !== 'not-found') gaps.push({ engine, what: error.message });
        }
      }
    }),
  );
  return { jobs, gaps };
}

/**
 * Reads jobs until each that needs details has them: what is read of one may make another the oldest of its group. A job that
 * can no longer be read has an unknown state, and is spared.
 */
async function readDetails(
  { needsDetail }: Scope,
  readers: Readers,
  { jobs: listed, now }: Pick<Listed, 'jobs'> & { now: number },
): Promise<Listed> {
  const gaps: Gap[] = [];
  let jobs = listed;
  if ([...readers.values()].every(({ examine }) => examine === undefined)) return { jobs, gaps };

  const known = new Set<Job>();
  for (;;) {
    const needed = needsDetail(jobs, now);
    const isWanted = (job: Job) => needed.has(job) && !known.has(job) && readers.get(job.engine)?.examine !== undefined;
    if (!jobs.some(isWanted)) return { jobs, gaps };
    jobs = await Promise.all(
      jobs.map(async (job) => {
        if (!isWanted(job)) return job;
        const detailed = await readDetail(job, readers, gaps);
        known.add(detailed);
        return detailed;
      }),
    );
  }
}

async function readDetail(job: Job, readers: Readers, gaps: Gap[]): Promise<Job> {
  try {
    return (await readers.get(job.engine)?.examine?.(job)) ?? job;
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    if (error.kind !== 'not-found') gaps.push({ engine: job.engine, what: error.message });
    // What the list said of the job may no longer be true.
    return { ...job, status: undefined, state: 'unknown' };
  }
}

/** Returns the instant to judge jobs at, by the earlier of the two clocks. */
function compareClocks({ startedAt, reading, asOf }: LookClock): { now: number; problem: string | undefined } {
  const clocks = reading();
  if (clocks === undefined) {
    const problem = 'DLI sent no readable Date header, so the clocks cannot be compared';
    return { now: asOf ?? startedAt, problem };
  }
  const { serviceAt, localAt } = clocks;
  const aheadMs = localAt - serviceAt;
  const skewMs = Math.abs(aheadMs);
  const problem =
    skewMs > MAX_CLOCK_SKEW_MS
      ? `DLI's clock and ours differ by ${formatDuration(skewMs)}, more than ${formatDuration(MAX_CLOCK_SKEW_MS)}; correct ours: until then no age of a job can be trusted`
      : undefined;
  return { now: (asOf ?? localAt) - Math.max(aheadMs, 0), problem };
}

/** A look that was stored: every live job of a target, in detail. */
export interface StoredLook extends Omit<Sight, 'countLive'> {
  target: string;
  /** Null if it is not on record. */
  project: SweptProject | null;
}

/** Returns what a look with this scope would have seen at the moment of a stored look. Makes no call. */
export function lookBack(stored: StoredLook, startedBefore: Scope['startedBefore']): Sight {
  const isListed = ({ engine, since: { submitted } }: Job): boolean => {
    const before = startedBefore.get(engine);
    if (before === undefined) return false;
    return !ENGINE_FACTS[engine].listsByStart || submitted === undefined || submitted < before;
  };
  const { jobs, gaps, now, clockProblem } = stored;
  return {
    now,
    clockProblem,
    engines: [...startedBefore.keys()],
    jobs: jobs.filter(isListed),
    gaps: [
      ...gaps.filter(({ engine }) => engine === undefined || startedBefore.has(engine)),
      ...[...startedBefore.keys()]
        .filter((engine) => !stored.engines.includes(engine))
        .map((engine) => ({ engine, what: `${ENGINE_FACTS[engine].jobs}: not looked at` })),
    ],
    countLive: async (engine) => jobs.filter((job) => job.engine === engine && isLive(job.state)).length,
  };
}
