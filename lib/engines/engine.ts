import type { Clock } from '../base/clock.ts';
import { toError } from '../base/error-words.ts';
import { isLive, isTerminal, type Job, type TerminalState } from '../base/job.ts';
import type { CancelOptions, ReadCall } from '../dli/calls.ts';
import type { DliClient, DliReader } from '../dli/client.ts';
import { DliError, DliNetworkError } from '../dli/errors.ts';
import type { CancelResult } from '../dli/order.ts';

/**
 * What there is to know of one engine. The stages of a sweep know no engine by name: what differs is here, and a further
 * engine is a file that makes one of these.
 */
export interface EngineAdapter {
  createReads: (dli: DliReader, options: ReadOptions) => EngineReads;
  createCancels: (dli: DliClient, clock: Clock) => EngineCancels;
}

/** What could be listed. One entry per job id; the later reading of a job that was met twice. */
export interface Listing {
  jobs: Job[];
  /** What could not be listed, in words; empty if the listing is complete. */
  gaps: string[];
}

export interface ReadOptions {
  /** Whether listed jobs carry their statements, where an engine has them; these are long. */
  withStatements: boolean;
}

export interface ListScope {
  /** Epoch ms; younger jobs need not be listed. */
  startedBefore: number;
}

/** Of one engine, and reads only. */
export interface EngineReads {
  /** All live jobs old enough. @throws {DliError} if no listing of this engine can succeed. */
  listLive: (scope: ListScope) => Promise<Listing>;
  /** How many are alive, whatever their age. @throws {DliError} */
  countLive: () => Promise<number>;
  /** One job, with its statement if it has one. @throws {DliError} of kind `not-found` if DLI knows no such job. */
  show: (jobId: string) => Promise<Job>;
  /** What the list does not tell, of a job that may be cancelled. @throws {DliError} */
  examine?: (job: Job) => Promise<Job>;
  /**
   * What became of jobs that were asked to stop. A job without a reading was not looked at this time.
   *
   * @param round 0 for the first look.
   */
  readBack: (jobs: readonly Job[], round: number) => Promise<Map<string, Reading>>;
}

export interface EngineCancels {
  cancel: (job: Job, options: StopOptions) => Promise<CancelResult>;
  /** Whether a job that lives on after an accepted request may be asked once more in the same sweep. */
  mayAskAgain: boolean;
}

export interface StopOptions extends Omit<CancelOptions, 'look'> {
  /** Write a savepoint first, where the engine has such a thing. */
  savepoint: boolean;
  mayStillBeAsked: (read: Job) => boolean;
}

/** What a reading says became of a job. */
export type Reading =
  /** `evidence`: whether DLI's word says that it was cancelled, or the word is the same for a job that failed. */
  | { kind: 'terminal'; state: TerminalState; status: string; evidence?: 'status' | 'own-record' }
  | { kind: 'live' }
  /** The stop has begun. */
  | { kind: 'stopping'; status: string }
  /**
   * DLI gave up stopping it (`stop`), and it may still be running; or it runs and has been changed since it was asked
   * (`savepoint`), as it is after a savepoint that failed, and may be for a moment after a stop that is under way.
   */
  | { kind: 'gave-up'; status: string; cause: 'stop' | 'savepoint' }
  /** In a state that nobody knows: neither over nor surely alive. */
  | { kind: 'unknown'; status: string }
  /** DLI says that there is no such job, after having listed it. */
  | { kind: 'gone' }
  | { kind: 'unreadable'; error: Error };

export function toReading({ state, status = '' }: Job): Reading {
  if (isTerminal(state)) return { kind: 'terminal', state, status };
  if (isLive(state)) return { kind: 'live' };
  if (state === 'stopping') return { kind: 'stopping', status };
  if (state === 'stop-failed') return { kind: 'gave-up', status, cause: 'stop' };
  return { kind: 'unknown', status };
}

/** Whatever is thrown makes the job unreadable, and costs no other job its reading. */
export async function tryReading(read: () => Promise<Reading>): Promise<Reading> {
  try {
    return await read();
  } catch (error) {
    const isNotFound = error instanceof DliError && error.kind === 'not-found';
    return isNotFound ? { kind: 'gone' } : { kind: 'unreadable', error: toError(error) };
  }
}

/** The same for jobs that are read together: what is thrown makes all of them unreadable. */
export async function tryReadings(
  jobs: readonly Job[],
  read: () => Promise<ReadonlyMap<string, Reading>>,
): Promise<ReadonlyMap<string, Reading>> {
  try {
    return await read();
  } catch (thrown) {
    const error = toError(thrown);
    return new Map(jobs.map(({ id }): [string, Reading] => [id, { kind: 'unreadable', error }]));
  }
}

/** Whether the next call of the same kind would fail the same way. */
export function isHopeless(error: DliError, dli: DliReader): boolean {
  const isRefused = error.kind === 'authentication' || error.kind === 'configuration' || error.kind === 'permission';
  const wasNeverThere = error instanceof DliNetworkError && !error.isAmbiguous && dli.clockReading() === undefined;
  return isRefused || wasNeverThere;
}

/** So many bytes of statements are held at once, in UTF-8. A text takes no more than that in memory. */
const MAX_HELD_BYTES = 100_000_000;

const weightOf = ({ statement }: Job): number => (typeof statement === 'string' ? Buffer.byteLength(statement) : 0);

/** Bytes of statements, in UTF-8. */
export const weigh = (jobs: readonly Job[]): number => jobs.reduce((sum, job) => sum + weightOf(job), 0);

/**
 * Jobs by id, in whatever case it is written. Rows without an id cannot be told apart, so each of them counts.
 *
 * Statements that are too many to be held are let go, the longest first: those who submit long ones must not take from
 * others what is known of theirs. A job without its statement is not known to match.
 */
export class JobSet {
  readonly #byId = new Map<string, Job>();
  readonly #nameless: Job[] = [];
  readonly #maxHeldBytes: number;
  #heldBytes = 0;
  /** A statement that weighs more is not held. */
  #maxBytes = Number.POSITIVE_INFINITY;

  constructor(maxHeldBytes = MAX_HELD_BYTES) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** @returns how many of them were new. */
  add(jobs: readonly Job[]): number {
    const before = this.#byId.size;
    for (const job of jobs) this.#put(this.#lightened(job));
    while (this.#heldBytes > this.#maxHeldBytes) this.#lighten();
    return this.#byId.size - before;
  }

  #put(job: Job): void {
    const key = job.id.toLowerCase();
    this.#heldBytes += weightOf(job);
    if (key === '') {
      this.#nameless.push(job);
      return;
    }
    const known = this.#byId.get(key);
    if (known !== undefined) this.#heldBytes -= weightOf(known);
    this.#byId.set(key, job);
  }

  #lighten(): void {
    let heaviest = 0;
    for (const job of this) heaviest = Math.max(heaviest, weightOf(job));
    this.#maxBytes = Math.floor(heaviest / 2);
    for (const [key, job] of this.#byId) this.#byId.set(key, this.#lightened(job));
    for (const [i, job] of this.#nameless.entries()) this.#nameless[i] = this.#lightened(job);
    this.#heldBytes = weigh([...this]);
  }

  #lightened(job: Job): Job {
    return weightOf(job) > this.#maxBytes ? { ...job, statement: undefined } : job;
  }

  *[Symbol.iterator](): Generator<Job> {
    yield* this.#byId.values();
    yield* this.#nameless;
  }
}

/** Rows that one reading of a list has shown, each job once. */
export class Rows {
  readonly #ids = new Set<string>();
  #size = 0;

  /** @returns those that it had not shown before. Rows without an id cannot be told apart, so each of them is new. */
  add<Row extends Pick<Job, 'id'>>(rows: readonly Row[]): Row[] {
    const fresh = rows.filter(({ id }) => {
      const key = id.toLowerCase();
      const isNew = key === '' || !this.#ids.has(key);
      this.#ids.add(key);
      return isNew;
    });
    this.#size += fresh.length;
    return fresh;
  }

  get size(): number {
    return this.#size;
  }
}

/**
 * A listing of an engine takes so many calls at most: enough for 40,000 jobs. A list that does not end, as of a service
 * that ignores what page it is asked for, must not be asked for ever.
 */
const MAX_CALLS = 1_000;

/** Counts the calls of a listing. */
export function createCallCeiling(gaps: string[]) {
  let calls = 0;
  return {
    /** Makes one more call. @returns undefined, and leaves a gap, where there may be no more. */
    call: async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
      if (calls < MAX_CALLS) {
        calls += 1;
        return read();
      }
      const gap = `${what}: not read to the end, since the listing has taken ${MAX_CALLS} calls`;
      if (!gaps.includes(gap)) gaps.push(gap);
      return undefined;
    },
  };
}

export interface Page {
  jobs: Job[];
  /** How many there are in all. */
  total: number;
}

const MAX_READINGS = 5;

interface LiveLists {
  /** For messages, such as `batches`. */
  jobs: string;
  /** In the order in which they are read; one may come twice. */
  statuses: readonly string[];
  pageSize: number;
  call: (status: string, offset: number, size: number) => ReadCall<Page>;
}

/** Reads the live jobs of an engine whose lists are paged by rows and take one status at a time. */
export function liveByOffset(
  dli: DliReader,
  { jobs, statuses, pageSize, call }: LiveLists,
): Pick<EngineReads, 'listLive' | 'countLive'> {
  return {
    listLive: async () => {
      const seen = new JobSet();
      const gaps: string[] = [];
      const ceiling = createCallCeiling(gaps);
      for (const status of statuses) {
        const what = `${status} ${jobs}`;
        const read = (offset: number) => ceiling.call(what, () => dli.get(call(status, offset, pageSize)));
        await listByOffset(dli, { what, pageSize, read }, seen, gaps);
      }
      return { jobs: [...seen], gaps };
    },
    countLive: async () => {
      let count = 0;
      // Backwards, so that a job that begins to run meanwhile is not counted twice: caps are a share of the live jobs.
      for (const status of new Set(statuses.toReversed())) count += (await dli.get(call(status, 0, 1))).total;
      return count;
    },
  };
}

/**
 * A list that is paged by rows and cannot be cut by start time. More than a page of it is no one instant: a job that ends
 * meanwhile pulls others up, past the place that is read next. So it is read until a reading holds nothing new.
 *
 * A list that does not fit its own total is read again, since a job may have ended after the service counted. If it does
 * not fit then either, rows may be missing. A reading ends at a page that shows nothing that it had not shown before.
 *
 * @param read rows from `offset` on, up to `pageSize` of them; undefined if there may be no more calls.
 * @throws {DliError} if no reading of it can succeed.
 */
async function listByOffset(
  dli: DliReader,
  { what, pageSize, read }: { what: string; pageSize: number; read: (offset: number) => Promise<Page | undefined> },
  seen: JobSet,
  gaps: string[],
): Promise<void> {
  const met = new Set<string>();
  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const pages: Page[] = [];
    const shownNow = new Rows();
    let newcomers = 0;
    for (let offset = 0, total = 1; offset < total; ) {
      try {
        const page = await read(offset);
        if (page === undefined) return;
        pages.push(page);
        newcomers += seen.add(page.jobs);
        if (shownNow.add(page.jobs).length === 0) break;
        offset += page.jobs.length;
        total = page.total;
      } catch (error) {
        if (!(error instanceof DliError) || isHopeless(error, dli)) throw error;
        gaps.push(error.message);
        return;
      }
    }
    const rows = pages.flatMap(({ jobs }) => jobs);
    // By id in whatever case, as jobs are told apart: two spellings of one are no second row.
    for (const { id } of rows) if (id !== '') met.add(id.toLowerCase());
    // Jobs that came while it was read need not be met, so it is the first total that counts.
    const [{ total } = { total: 0 }] = pages;
    const shown = met.size + rows.filter(({ id }) => id === '').length;
    const fits = shown >= total && rows.length <= Math.max(...pages.map((page) => page.total));
    // One page is one instant.
    if (fits && total <= pageSize) return;
    if (reading > 1 && newcomers === 0) {
      if (!fits) gaps.push(`${what}: the list says that there are ${total}, and shows ${shown}`);
      return;
    }
  }
  gaps.push(`${what}: the list still changed after ${MAX_READINGS} readings`);
}
