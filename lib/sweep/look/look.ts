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

/** Which jobs a look is for. */
export interface Scope {
  /** By engine, epoch ms: jobs that started then or later need not be listed. */
  startedBefore: ReadonlyMap<Engine, number>;
  /** The jobs that have to be known in detail, where an engine's lists do not tell all. Pure; asked until none is new. */
  needsDetail: (jobs: readonly Job[], now: number) => ReadonlySet<Job>;
  /** Jobs that somebody has named, by id: those that no list holds are read one by one, as far as they are few. */
  named?: readonly string[] | undefined;
}

/** What there was to see at one moment. */
export interface Sight {
  engines: readonly Engine[];
  /** The live jobs in scope; one entry per job id. */
  jobs: readonly Job[];
  /**
   * Epoch ms: the earlier of DLI's clock and ours, so that neither can make a job look older than it is. In an emergency
   * the instant of the asking, likewise.
   */
  now: number;
  /** Why the ages of jobs mean nothing, in words. */
  clockProblem: string | undefined;
  /** What could not be read; empty if nothing is missing. */
  gaps: readonly Gap[];
  /** How many jobs of the engine are alive, whatever their age. @throws {DliError} */
  countLive: (engine: Engine) => Promise<number>;
}

export interface Gap {
  /** Undefined where it is not on record, so that it may be any. */
  engine: Engine | undefined;
  /** In words. */
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

/** The jobs that any rule of a policy could call overdue. @param now epoch ms, our clock. */
export const scopeOf = (policy: Policy, now: number): Scope['startedBefore'] =>
  new Map(enginesOf(policy).map((engine) => [engine, youngestOverdueStart(policy, engine, now)]));

/** Ages are worth nothing when the two clocks disagree further. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/** What a look has of time, epoch ms. */
export interface LookClock {
  /** Our clock when the look began. */
  startedAt: number;
  /** DLI's, as its answers tell it, beside ours. */
  reading: () => ClockReading | undefined;
  /** Our clock at the earlier instant that jobs are to be judged at; what was submitted later is then not seen. */
  asOf?: number | undefined;
}

/**
 * Lists the live jobs of all engines side by side, and asks for what the lists do not tell of those that need it. An
 * engine whose listing fails leaves a gap, and stops no other.
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
  // A DLI that gave no answer told no time either, and that is no trouble of the clocks.
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
  // A credential that has failed for one has failed for all, even if another one's list came in before.
  if (failure !== undefined && (failures.length === readers.size || failure.kind === 'authentication')) throw failure;
  return { jobs, gaps };
}

const namedIn = ({ named = [] }: Scope) => {
  const ids = new Set(named.map((id) => id.toLowerCase()));
  return ({ id }: Job): boolean => ids.has(id.toLowerCase());
};

/** With more named jobs missing than this, the target is likely to be another one; each would cost a call. */
const MOST_READ_BY_NAME = 50;

/**
 * Reads the named jobs that the lists lack, so that one that has ended, or is too young for the lists, is told from one that
 * is not there.
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
 * Reads jobs until every one that needs detail has it: what is read of one may make another the oldest of its group. A job
 * that cannot be read any more is of unknown state, and so spared.
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
    // What the list said of it is no reading of it as it is now.
    return { ...job, status: undefined, state: 'unknown' };
  }
}

/** The instant that jobs are judged at, by the earlier of the two clocks. */
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
      ? `DLI's clock and ours differ by ${formatDuration(skewMs)}, more than ${formatDuration(MAX_CLOCK_SKEW_MS)}; correct ours, or ages mean nothing`
      : undefined;
  return { now: (asOf ?? localAt) - Math.max(aheadMs, 0), problem };
}

/** A look that was stored: every live job of a target, in detail. */
export interface StoredLook extends Omit<Sight, 'countLive'> {
  target: string;
  /** Null if it is not on record. */
  project: SweptProject | null;
}

/** What a look with this scope would have seen at the moment of a stored one. Makes no call. */
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
