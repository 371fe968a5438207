import type { Job } from '../base/job.ts';
import type { UnsignedRequest } from './auth.ts';
import type { Call } from './exchange.ts';
import type { AnswerContext } from './wire.ts';

/** One GET below a project. */
export interface ReadCall<T> {
  kind: 'list' | 'status';
  /** For errors, such as "read job 5b3c6e1e-…". */
  operation: string;
  /** API version in the path; it differs by engine. */
  version: 'v1.0' | 'v2.0';
  /** The part of the path after the project id. Ids in it have been checked. */
  path: string;
  query?: [name: string, value: string][];
  /** Texts in the answer that are longer, as JSON writes them, come out as null. Default {@link MAX_TEXT_BYTES}. */
  maxTextBytes?: number | undefined;
  /** Gets the JSON object of a success. @throws {DliProtocolError} if it is not what was asked for. */
  parse: (body: Record<string, unknown>, about: AnswerContext) => T;
}

/** Sends a GET. There is no way to send anything else through it. @throws {DliError} */
export type Get = <T>(call: ReadCall<T>) => Promise<T>;

/** One order below a project that asks a job to stop. */
export interface OrderCall extends CancelOptions {
  method: 'DELETE' | 'POST';
  operation: string;
  version: ReadCall<unknown>['version'];
  path: string;
  /** Returns the JSON for the job as it was read right before; only for orders that read first. */
  body?: (read: Job) => string;
  /** Whether the answer is a verdict or a list of them, which all have to be a yes. Default false. */
  hasVerdicts?: boolean;
  /** The read before the job is asked again. */
  read: ReadCall<Job>;
  /** Whether the job is also read before it is asked for the first time. */
  readsFirst: boolean;
}

export interface CancelOptions {
  /** Epoch ms; from then on the job is not asked (again). */
  notAfter?: number | undefined;
  /** Once aborted, the job is not asked (again). */
  signal?: AbortSignal | undefined;
  /** Whether a live job, as it is read right before, may still be asked. Default: any live job may. */
  mayStillBeAsked?: ((read: Job) => boolean) | undefined;
  /** Replaces the read of this job alone before it is first asked. A job that the look does not find is read alone. */
  look?: SharedLook | undefined;
}

/** A look at many jobs at once, so that they need not be read one by one right before each is asked. */
export interface SharedLook {
  /** Returns the job as the look saw it, null if it was not there; undefined if no look at it is new enough. */
  find: () => Job | null | undefined;
  /** Looks again, so that {@link find} has an answer. */
  repeat: (get: Get) => Promise<void>;
}

/**
 * Ids, names, tags and the request of a batch are shorter. A statement may have 500,000 characters and a page a hundred of
 * them, so they are held only if asked for ("Submitting a SQL Job", sql; "Querying All Jobs", statement).
 */
const MAX_TEXT_BYTES = 16 * 1024;

/** Makes the connection's call of a read. */
export function toCall<T>(read: ReadCall<T>, projectId: string): Call<T> {
  const { kind, operation, query = [], maxTextBytes = MAX_TEXT_BYTES, parse } = read;
  const request: UnsignedRequest = { method: 'GET', path: pathOf(read, projectId), query };
  return { kind, operation, request, maxTextBytes, parse };
}

export function pathOf({ version, path }: Pick<ReadCall<unknown>, 'version' | 'path'>, projectId: string): string {
  return `/${version}/${projectId}${path}`;
}
