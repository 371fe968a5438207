import { messageOf } from '../base/error-words.ts';
import { ENGINE_NAMES, type Engine, type PastJob } from '../base/job.ts';
import { createDliReader } from '../dli/client.ts';
import { DliError } from '../dli/errors.ts';
import type { PastPlace } from '../engines/engine.ts';
import { ENGINES } from '../engines/engines.ts';
import { weigh } from '../engines/job-set.ts';
import type { Settings } from '../settings/settings.ts';
import { connectionTo } from '../sweep/connection.ts';
import type { SweepDeps } from '../sweep/deps.ts';
import { projectOf } from '../sweep/look/identity.ts';
import type { Gap } from '../sweep/look/look.ts';
import type { SweptProject } from '../sweep/record/report.ts';
import { createPacker } from './packed.ts';

/** The engines whose lists say how long the jobs were there. */
export const ENGINES_WITH_PAST: readonly Engine[] = ENGINE_NAMES.filter(
  (engine) => ENGINES[engine].createPast !== undefined,
);

/** What DLI remembers of the jobs of a project. */
export interface History {
  target: string;
  project: SweptProject | null;
  /** Epoch ms, our clock: jobs that were submitted later are not in it. */
  until: number;
  /** Epoch ms: jobs that were submitted earlier were not asked for; undefined if all were. */
  since: number | undefined;
  /** One entry for each job. */
  jobs: PastJob[];
  /** Where a later reading goes on, by engine; an engine that has been read to its end is not in it. */
  places: Map<Engine, PastPlace | undefined>;
  gaps: Gap[];
}

/** A history, and how its reading ended. */
export interface HistoryReading extends History {
  /** The calls of this reading. */
  calls: number;
  /** Set if it ended early: all calls were made, a person stopped it, or DLI refused, in its words. */
  endedBy: { kind: 'calls' | 'signal' } | { kind: 'error'; error: string } | undefined;
}

/** A history of which nothing has been read yet. */
export function emptyHistory(
  { target }: Pick<Settings, 'target'>,
  engines: readonly Engine[],
  { until, since }: Pick<History, 'until' | 'since'>,
): History {
  return {
    target: target.name,
    project: projectOf(target),
    until,
    since,
    jobs: [],
    places: new Map(engines.map((engine) => [engine, undefined])),
    gaps: [],
  };
}

export interface ReadOptions extends Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'> {
  /** Most calls of this reading. */
  maxCalls: number;
  withStatements: boolean;
  signal?: AbortSignal | undefined;
  /** Called after each call. @param left the number of jobs that DLI says are left. @param read makes the history so far. */
  onPage?: (progress: { calls: number; left: number }, read: () => History) => void;
}

/**
 * Reads on where a history ends, until all is read, the calls run out, or DLI refuses. What has been read is kept in any case.
 *
 * One call at a time, and at most half of what DLI's refusals have taught: a live reaper may share the limit.
 *
 * @throws {DliError} if nothing can be read at all.
 */
export async function readHistory(
  history: History,
  { target, credentials }: Pick<Settings, 'target' | 'credentials'>,
  { maxCalls, withStatements, signal, onPage = () => {}, ...deps }: ReadOptions,
): Promise<HistoryReading> {
  const dli = createDliReader(connectionTo(target, credentials, deps));
  const known = new Map<Engine, Map<string, PastJob>>();
  const pack = createPacker();
  let heldBytes = 0;
  const keep = ({ job, endedAt }: PastJob): void => {
    const bytes = weigh([job]);
    const isLight = heldBytes + bytes <= MOST_HELD_BYTES;
    if (isLight) heldBytes += bytes;
    const jobs = known.get(job.engine) ?? new Map<string, PastJob>();
    known.set(job.engine, jobs);
    // Rows without an id cannot be told apart, so each of them counts.
    const key = job.id === '' ? `row ${jobs.size}` : job.id.toLowerCase();
    jobs.set(key, pack({ job: isLight ? job : { ...job, statement: undefined }, endedAt }));
  };
  history.jobs.forEach(keep);
  const places = new Map(history.places);
  const gaps = [...history.gaps];
  const read = (): History => ({
    ...history,
    jobs: [...known.values()].flatMap((jobs) => [...jobs.values()]),
    places,
    gaps,
  });
  let calls = 0;
  try {
    for (const [engine, first] of history.places) {
      const readPage = ENGINES[engine].createPast?.(dli, { withStatements });
      if (readPage === undefined) continue;
      let place = first;
      do {
        if (signal?.aborted) return { ...read(), calls, endedBy: { kind: 'signal' } };
        if (calls >= maxCalls) return { ...read(), calls, endedBy: { kind: 'calls' } };
        if (calls > 0) await waitAsLong(dli.callsPerMinute(), deps.clock, signal);
        calls += 1;
        const page = await readPage(history, place);
        page.jobs.filter((past) => isWanted(past, history)).forEach(keep);
        if (page.gap !== undefined) gaps.push({ engine, what: page.gap });
        place = page.next;
        if (place === undefined) places.delete(engine);
        else places.set(engine, place);
        onPage({ calls, left: page.left - page.jobs.length }, read);
      } while (place !== undefined);
    }
    return { ...read(), calls, endedBy: undefined };
  } catch (error) {
    if (!(error instanceof DliError) || known.size === 0) throw error;
    return { ...read(), calls, endedBy: { kind: 'error', error: messageOf(error) } };
  } finally {
    dli.close();
  }
}

/** Most bytes of statements that are held. A job without its statement is not known to match, and is spared. */
const MOST_HELD_BYTES = 100_000_000;

/** A list may hold jobs outside the span, where it cannot be cut by time. A job without a start is kept, and counted. */
function isWanted({ job: { startedAt } }: PastJob, { since, until }: History): boolean {
  if (startedAt === undefined) return true;
  return startedAt < until && (since === undefined || startedAt >= since);
}

/** Waits two intervals of the rate that DLI's refusals have taught; the pacer alone would wait one. */
async function waitAsLong(
  perMinute: number | undefined,
  clock: SweepDeps['clock'],
  signal?: AbortSignal,
): Promise<void> {
  if (perMinute === undefined) return;
  await clock.sleep((2 * 60_000) / perMinute, signal).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}
