import type { Clock } from '../base/clock.ts';
import { toError } from '../base/error-words.ts';
import { fingerprint } from '../base/fingerprint.ts';
import { isLive, isTerminal, type Job, type PastJob, type TerminalState } from '../base/job.ts';
import type { CancelOptions } from '../dli/calls.ts';
import type { DliClient, DliReader } from '../dli/client.ts';
import { DliError, DliNetworkError } from '../dli/errors.ts';
import type { CancelResult } from '../dli/order.ts';

/**
 * Everything that differs between engines. The stages of a sweep know no engine by name, and one more engine is one more
 * file that makes an adapter.
 */
export interface EngineAdapter {
  createReads: (dli: DliReader, options: ReadOptions) => EngineReads;
  createCancels: (dli: DliClient, clock: Clock) => EngineCancels;
  /** Reads jobs that are over; undefined for an engine whose lists do not say how long they ran. */
  createPast?: (dli: DliReader, options: ReadOptions) => ReadPast;
  /** Reads a row of its lists as a job, with the statement if it has one. A job can so be made without DLI. */
  toJob: (row: unknown) => Job;
}

/**
 * Reads one more page of jobs of any state, in one call.
 *
 * @param place where to go on: undefined at first, and then what the page before said.
 * @throws {DliError}
 */
export type ReadPast = (scope: PastScope, place: PastPlace | undefined) => Promise<PastPage>;

export interface PastScope {
  /** Epoch ms; older jobs need not be read. */
  since: number | undefined;
  /** Epoch ms; younger jobs are left out. */
  until: number;
}

/** A place in a list of the past. */
export interface PastPlace {
  /** Epoch ms; jobs that started earlier than this come next. Undefined for a list that is paged by rows. */
  before?: number | undefined;
  /** The number of the next page, or the number of rows that come before it. */
  at: number;
}

export interface PastPage {
  jobs: PastJob[];
  /** Undefined if the list has been read to its end. */
  next: PastPlace | undefined;
  /** The number of jobs that DLI says are left, this page included. */
  left: number;
  /** Set if more jobs started in one millisecond than can be read; in words. */
  gap?: string | undefined;
}

/** The jobs that could be listed: one entry per job id, from the later reading of a job that was met twice. */
export interface Listing {
  jobs: Job[];
  /** The parts that could not be listed, in words; empty if the listing is complete. */
  gaps: string[];
}

export interface ReadOptions {
  /** Whether listed jobs carry their statements, which are long, if the engine has them. */
  withStatements: boolean;
}

export interface ListScope {
  /** Epoch ms; younger jobs need not be listed. */
  startedBefore: number;
}

/** The reads of one engine. */
export interface EngineReads {
  /** Lists all live jobs that are old enough. @throws {DliError} if no listing of this engine can succeed. */
  listLive: (scope: ListScope) => Promise<Listing>;
  /** Counts the live jobs of any age. @throws {DliError} */
  countLive: () => Promise<number>;
  /** Reads one job, with its statement if it has one. @throws {DliError} of kind `not-found` if DLI has no such job. */
  show: (jobId: string) => Promise<Job>;
  /** Adds what the list leaves out, for a job that may be cancelled. @throws {DliError} */
  examine?: (job: Job) => Promise<Job>;
  readBack: ReadBack;
}

/** How much a look has to say of the jobs that were asked to stop. */
export interface Look {
  /** True if it is enough to learn, in as few calls as possible, whether any has stopped. False for a reading of each. */
  isGlance: boolean;
}

/**
 * Reads what became of jobs that were asked to stop.
 *
 * @param jobs in the order in which they were asked.
 * @returns readings by id. A job without one was not looked at this time.
 */
export type ReadBack = (jobs: readonly Job[], look: Look) => Promise<ReadonlyMap<string, Reading>>;

export interface EngineCancels {
  cancel: (job: Job, options: StopOptions) => Promise<CancelResult>;
  /** Whether a job that lives on after an accepted request may be asked once more in the same sweep. */
  mayAskAgain: boolean;
}

export interface StopOptions extends Omit<CancelOptions, 'look'> {
  /** Write a savepoint first, if the engine has savepoints. */
  savepoint: boolean;
  mayStillBeAsked: (read: Job) => boolean;
}

/** What became of a job, as a reading shows it. */
export type Reading =
  /** `evidence`: `status` if DLI's word says that it was cancelled, `own-record` if failed jobs have the same word. */
  | {
      kind: 'terminal';
      state: TerminalState;
      status: string;
      evidence?: 'status' | 'own-record';
      /** Hash of the shape of its statement; only for a cancelled SQL job, and only if DLI's answer has the statement. */
      fingerprint?: string | undefined;
    }
  | { kind: 'live' }
  /** The stop has begun. */
  | { kind: 'stopping'; status: string }
  /**
   * DLI gave up stopping it (`stop`), and it may still be running. Or it runs, and DLI changed it since it was asked
   * (`savepoint`): so a job looks after a savepoint that failed, and maybe for a moment while a stop is under way.
   */
  | { kind: 'gave-up'; status: string; cause: 'stop' | 'savepoint' }
  /** In a state that this code does not know: neither over nor surely alive. */
  | { kind: 'unknown'; status: string }
  /** DLI says that there is no such job, after having listed it. */
  | { kind: 'gone' }
  | { kind: 'unreadable'; error: Error };

export function toReading({ state, status = '', statement }: Job): Reading {
  if (isTerminal(state)) {
    const isKnown = state === 'cancelled' && typeof statement === 'string';
    return { kind: 'terminal', state, status, ...(isKnown && { fingerprint: fingerprint(statement) }) };
  }
  if (isLive(state)) return { kind: 'live' };
  if (state === 'stopping') return { kind: 'stopping', status };
  if (state === 'stop-failed') return { kind: 'gave-up', status, cause: 'stop' };
  return { kind: 'unknown', status };
}

/** Whether the reading shows that the job does not just run on, or stop. */
export function saysMore({ kind }: Reading): boolean {
  return kind === 'terminal' || kind === 'gone' || kind === 'gave-up';
}

/** Reads one job. An error makes this job unreadable, and costs no other job its reading. */
export async function tryReading(read: () => Promise<Reading>): Promise<Reading> {
  try {
    return await read();
  } catch (error) {
    const isNotFound = error instanceof DliError && error.kind === 'not-found';
    return isNotFound ? { kind: 'gone' } : { kind: 'unreadable', error: toError(error) };
  }
}

/** Reads jobs together. An error makes all of them unreadable. */
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

/** Whether every further call of the same kind would fail in the same way. */
export function isHopeless(error: DliError, dli: DliReader): boolean {
  const isRefused = error.kind === 'authentication' || error.kind === 'configuration' || error.kind === 'permission';
  const wasNeverThere = error instanceof DliNetworkError && !error.isAmbiguous && dli.clockReading() === undefined;
  return isRefused || wasNeverThere;
}
