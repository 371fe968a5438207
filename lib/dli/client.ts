import { toError } from '../base/error-words.ts';
import { isJobId, isLive, isProjectId, isTerminal, type Job, type TerminalState } from '../base/job.ts';
import type { UnsignedRequest } from './auth.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { DliError, DliNotSentError, DliResponseError, isNeverSent } from './errors.ts';
import type { Call } from './exchange.ts';
import type { DliTurn } from './pacing.ts';
import type { ClockReading } from './service-time.ts';
import { MAX_STATEMENT_BYTES, parseSqlJobPage, parseSqlJobStatus, type SqlJobPage } from './sql-wire.ts';
import type { AnswerContext } from './wire.ts';

/** "Querying All Jobs": page-size range 1–100. */
export const MAX_PAGE_SIZE = 100;
/** "Querying All Jobs": current-page range 1–100, so one listing reaches 10,000 rows. */
export const MAX_PAGE = 100;

export interface SqlJobQuery {
  /** The service takes one status at a time. */
  status: 'LAUNCHING' | 'RUNNING' | 'CANCELLED';
  /** Epoch ms; jobs whose start time is later than this. */
  startedAfter?: number | undefined;
  /** Epoch ms; jobs whose start time is earlier than this. The service's name for it, `end`, says something else. */
  startedBefore?: number | undefined;
  /** 1-based, up to {@link MAX_PAGE}. */
  page: number;
  /** Up to {@link MAX_PAGE_SIZE}. */
  pageSize: number;
  /** Whether jobs carry their statements; not unless told, since those are long. */
  withStatements?: boolean | undefined;
}

/**
 * Ids, names, tags and the request of a batch are shorter. A statement of up to 500,000 characters need not be held where it
 * is not asked for: a page has a hundred ("Submitting a SQL Job", sql; "Querying All Jobs", statement).
 */
const MAX_TEXT_BYTES = 16 * 1024;

/** One GET below a project. */
export interface ReadCall<T> {
  kind: 'list' | 'status';
  /** For errors, such as "read job 5b3c6e1e-…". */
  operation: string;
  /** Of the path, which is another one for each engine, such as `v1.0`. */
  version: 'v1.0' | 'v2.0';
  /** What follows the project id. Ids in it have been checked. */
  path: string;
  query?: [name: string, value: string][];
  /** Texts in the answer that are longer, as JSON writes them, come out as null. Default {@link MAX_TEXT_BYTES}. */
  maxTextBytes?: number | undefined;
  /** Gets the JSON object of a success. @throws {DliProtocolError} if it is not what was asked for. */
  parse: (body: Record<string, unknown>, about: AnswerContext) => T;
}

/** One order below a project that asks a job to stop. */
export interface OrderCall extends CancelOptions {
  method: 'DELETE' | 'POST';
  operation: string;
  version: ReadCall<unknown>['version'];
  path: string;
  /** JSON, for the job as it was read right before; for orders that read first. */
  body?: (read: Job) => string;
  /** Whether the answer is a verdict or a list of them, none of which may be a no. Default false. */
  hasVerdicts?: boolean;
  /** How the job is read before it is asked again. */
  read: ReadCall<Job>;
  /** Whether it is read before it is asked for the first time as well. */
  readsFirst: boolean;
}

/** A look at many jobs at once, so that they need not be read one by one right before each is asked. */
export interface SharedLook {
  /** Returns the job as the look saw it, null if it was not there; undefined if no look at it is new enough. */
  find: () => Job | null | undefined;
  /** Looks again, so that {@link find} has an answer. */
  repeat: (get: DliReader['get']) => Promise<void>;
}

/** One page of SQL jobs, the oldest start first. */
export function sqlListCall(query: SqlJobQuery): ReadCall<SqlJobPage> {
  const { status, startedAfter, startedBefore, page, pageSize, withStatements } = query;
  const wire: [string, string][] = [
    ['current-page', String(page)],
    ['job-status', status],
    // Oldest first: with an upper bound on the start time, rows can then only leave the list, not push others down.
    ['order', 'start_time_asc'],
    ['page-size', String(pageSize)],
  ];
  if (startedBefore !== undefined) wire.push(['end', String(startedBefore)]);
  // 0 means no bound, and less is refused.
  if (startedAfter !== undefined && startedAfter > 0) wire.push(['start', String(startedAfter)]);
  return {
    kind: 'list',
    operation: `list ${status} jobs, page ${page}`,
    version: 'v1.0',
    path: '/jobs',
    query: wire,
    maxTextBytes: withStatements ? MAX_STATEMENT_BYTES : undefined,
    parse: (body, about) => parseSqlJobPage(body, about, withStatements),
  };
}

/** Reads only. A dry run is given this and nothing else. */
export interface DliReader {
  /** Sends a GET: there is no way to send anything else through here. @throws {DliError} */
  get<T>(call: ReadCall<T>): Promise<T>;
  /** One page of live rows, oldest start first. @throws {DliError} */
  listSqlJobs(query: SqlJobQuery): Promise<SqlJobPage>;
  /** @throws {DliError} of kind `not-found` if DLI knows no such job; @throws {TypeError} for a malformed id. */
  showSqlJobStatus(jobId: string, options?: Pick<SqlJobQuery, 'withStatements'>): Promise<Job>;
  /** The first answer's Date header and our clock at that moment; undefined until there was one. */
  clockReading(): ClockReading | undefined;
  /** Opens connections for so many calls, so that those need not wait for a handshake each. */
  warmUp(callCount: number): void;
  /** Closes all connections; a call under way fails. */
  close(): void;
}

export interface DliClient extends DliReader {
  /**
   * Asks DLI to cancel one SQL job. After a failure that may have reached DLI, the job is read before it is asked again.
   *
   * @throws {TypeError} for a malformed id. What DLI or the network did is in the result instead.
   * @see "Canceling a Job" (CancelSqlJob): DELETE /v1.0/{project_id}/jobs/{job_id}, no body, 200
   * `{"is_success":true,"message":""}`, both optional
   */
  cancelSqlJob(jobId: string, options?: CancelOptions): Promise<CancelResult>;
  /** Gives an order that asks one job to stop; likewise read before it is repeated, and likewise never thrown. */
  order(call: OrderCall): Promise<CancelResult>;
}

export interface CancelOptions {
  /** Epoch ms; from then on it is not asked (again). */
  notAfter?: number | undefined;
  /** Once aborted, it is not asked (again). */
  signal?: AbortSignal | undefined;
  /** Whether a live job, as it is read right before, is still one to be asked. By default any is. */
  mayStillBeAsked?: ((read: Job) => boolean) | undefined;
  /** What spares reading it alone before it is asked for the first time. A job that is not in it is read alone. */
  look?: SharedLook | undefined;
}

/** How long a reading of one job counts as right before its cancel, where calls are not that far apart by themselves. */
const READING_GOOD_FOR_MS = 1_500;

/** What the cancel call came to. None of them proves that the job stopped. */
export type CancelResult = {
  /** Requests sent for it; not those that never got as far as a connection. */
  attempts: number;
  requestId: string | undefined;
} & (
  | { kind: 'accepted' }
  /** The request may have been carried out; its answer never came. The error is the last one, which may say more. */
  | { kind: 'lost'; error: Error }
  | { kind: 'refused'; error: DliError }
  /** It was read right before, and was over already. No request was sent. */
  | { kind: 'over'; state: TerminalState; status: string }
  /** No request can have been carried out. The error says why if the reason does not. */
  | { kind: 'not-sent'; reason: NotSentReason; status?: string | undefined; error?: Error | undefined }
);

export type NotSentReason =
  /** Its time was over, or somebody said stop. */
  | DliNotSentError['reason']
  /** Read right before, it was being stopped already, in a state that nobody knows, or not any more what was to be asked. */
  | 'stopping'
  | 'undetermined'
  | 'changed'
  /** It could not be read right before, or DLI was not reached. */
  | 'unsent';

export interface DliClientOptions extends Omit<ConnectionOptions, 'credentials'> {
  /** Or where to read them, if they may change. */
  credentials: Credentials | CredentialSource;
}

/**
 * Everything of DLI but the cancel. There is no option that would add it.
 *
 * @throws {TypeError} for an endpoint that is not https (or loopback http), or a malformed project id.
 */
export function createDliReader(options: DliClientOptions): DliReader {
  return connect(options).reader;
}

/**
 * The shared client of DLI's job endpoints. It signs, spaces its calls by the rate that the gateway allows, repeats what
 * is worth repeating, and tells what happened by one family of errors, {@link DliError}. It logs nothing: `onCall` tells
 * of every exchange.
 *
 * @example
 * const dli = createDliClient({
 *   endpoint: new URL('https://dli.eu-west-101.myhuaweicloud.eu'),
 *   projectId: '0123456789abcdef0123456789abcdef',
 *   credentials: { accessKeyId: env.HUAWEICLOUD_SDK_AK, secretAccessKey: env.HUAWEICLOUD_SDK_SK },
 *   clock: systemClock,
 *   random: Math.random,
 * });
 * const { jobs } = await dli.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 100 });
 * const [oldest] = jobs;
 * const result = await dli.cancelSqlJob(oldest.id);
 * if (result.kind === 'refused') throw result.error;
 * const { status } = await dli.showSqlJobStatus(oldest.id);
 * console.log(oldest.id, result.kind, status);
 * dli.close();
 *
 * @throws {TypeError} as {@link createDliReader}.
 */
export function createDliClient(options: DliClientOptions): DliClient {
  const { reader, order, cancelSqlJob } = connect(options);
  return { ...reader, order, cancelSqlJob };
}

function connect({ credentials, ...options }: DliClientOptions) {
  const { projectId } = options;
  if (!isProjectId(projectId)) throw new TypeError('project id: expected up to 64 letters and digits');
  const connection = createConnection({ ...options, credentials: toSource(credentials) });

  const pathOf = ({ version, path }: Pick<ReadCall<unknown>, 'version' | 'path'>) => `/${version}/${projectId}${path}`;
  const toCall = <T>(read: ReadCall<T>): Call<T> => {
    const { kind, operation, query = [], maxTextBytes = MAX_TEXT_BYTES, parse, ...at } = read;
    const request: UnsignedRequest = { method: 'GET', path: pathOf(at), query };
    return {
      kind,
      operation,
      request,
      maxTextBytes,
      parse,
    };
  };
  const jobPath = (jobId: string): string => {
    if (!isJobId(jobId)) throw new TypeError('job id: expected 8-4-4-4-12 hexadecimal digits');
    return `/jobs/${jobId}`;
  };
  const statusCall = (jobId: string, withStatement = false): ReadCall<Job> => ({
    kind: 'status',
    operation: `read job ${jobId}`,
    version: 'v1.0',
    path: `${jobPath(jobId)}/status`,
    maxTextBytes: withStatement ? MAX_STATEMENT_BYTES : undefined,
    parse: (body, about) => parseSqlJobStatus(body, about, jobId, withStatement),
  });
  const get = async <T>(call: ReadCall<T>): Promise<T> => (await connection.send(toCall(call))).value;

  const reader: DliReader = {
    get,
    clockReading: () => connection.clockReading(),
    warmUp: (callCount) => connection.warmUp(callCount),
    close: () => connection.close(),
    listSqlJobs: async (query) => get(sqlListCall(query)),
    showSqlJobStatus: async (jobId, { withStatements } = {}) => get(statusCall(jobId, withStatements)),
  };

  async function order(call: OrderCall): Promise<CancelResult> {
    const { operation, hasVerdicts, notAfter, signal, look, mayStillBeAsked = () => true } = call;
    const limits = { notAfter, signal };
    let attempts = 0;
    let ambiguous: DliError | undefined;
    let isPreparing = false;
    /** The job as the look had it that the order goes by; undefined where it goes by no look. */
    let lookedAt: Job | undefined;
    /** When it was read by itself, epoch ms; undefined where it was not. */
    let readAt: number | undefined;
    const request: UnsignedRequest = { method: call.method, path: pathOf(call), query: [] };

    const readBefore = async (turn: DliTurn): Promise<Job | undefined> => {
      // In the order's own turn: the reading is no older than the pace makes it, however many others wait.
      const getNow: DliReader['get'] = async (read) => (await connection.send({ ...toCall(read), turn })).value;
      const readNow = async () => {
        const job = await getNow(call.read);
        readAt = options.clock.now();
        return job;
      };
      if (ambiguous === undefined && look !== undefined) {
        while (look.find() === undefined) await look.repeat(getNow);
        lookedAt = look.find() ?? undefined;
        return lookedAt ?? readNow();
      }
      return ambiguous === undefined && !call.readsFirst ? undefined : readNow();
    };
    const prepare = async (turn: DliTurn): Promise<void> => {
      isPreparing = true;
      lookedAt = undefined;
      readAt = undefined;
      const job = await readBefore(turn);
      // Over; stopping; in a state that nobody knows, and so not to be touched; or not what was decided upon any more.
      if (job !== undefined && !(isLive(job.state) && mayStillBeAsked(job))) throw new Settled(job);
      if (job !== undefined && call.body !== undefined) request.body = call.body(job);
      isPreparing = false;
    };
    const onExchange = (error: DliError | undefined) => {
      if (!isNeverSent(error)) attempts += 1;
      if (error?.isAmbiguous) ambiguous = error;
    };

    try {
      // Accepted is not done, whatever else the answer says: the job ends later.
      const parse = () => undefined;
      // A look that is newer than the one it goes by may have it otherwise, or not any more.
      const isStale = (intervalMs: number) =>
        (lookedAt !== undefined && look?.find() !== lookedAt) ||
        (readAt !== undefined && options.clock.now() - readAt > Math.max(READING_GOOD_FOR_MS, 2 * intervalMs));
      const { requestId } = await connection.send(
        { ...limits, kind: 'cancel', operation, request, hasVerdicts, parse, onExchange, isStale },
        prepare,
      );
      return { kind: 'accepted', attempts, requestId };
    } catch (error) {
      const requestId = error instanceof DliResponseError ? error.requestId : undefined;
      // Once a request may have arrived, no later answer takes that back: only reading the job tells.
      if (ambiguous !== undefined) {
        const isAnswer = error instanceof DliResponseError;
        return { kind: 'lost', error: isAnswer ? error : ambiguous, attempts, requestId };
      }
      if (error instanceof Settled) return { ...notAsked(error.job), attempts, requestId };
      if (error instanceof DliNotSentError) {
        return { kind: 'not-sent', reason: error.reason, attempts, requestId };
      }
      if (error instanceof DliError && error.kind === 'authentication' && (isPreparing || attempts === 0)) {
        return { kind: 'not-sent', reason: 'stopped', error, attempts, requestId };
      }
      // Whatever kept the job from being read, it was not asked.
      if (isPreparing || isNeverSent(error)) {
        return { kind: 'not-sent', reason: 'unsent', error: toError(error), attempts, requestId };
      }
      if (!(error instanceof DliError)) throw error;
      return { kind: 'refused', error, attempts, requestId };
    }
  }

  const cancelSqlJob: DliClient['cancelSqlJob'] = async (jobId, options = {}) =>
    order({
      ...options,
      method: 'DELETE',
      operation: `cancel job ${jobId}`,
      version: 'v1.0',
      path: jobPath(jobId),
      read: statusCall(jobId),
      // "Canceling a Job" refuses a job that has ended, so there is nothing to lose by asking.
      readsFirst: false,
    });

  return { reader, order, cancelSqlJob };
}

function toSource(credentials: Credentials | CredentialSource): CredentialSource {
  return 'read' in credentials ? credentials : { name: '', read: () => Promise.resolve(credentials) };
}

/** The job turned out not to be one that may be asked. */
class Settled extends Error {
  readonly job: Job;
  constructor(job: Job) {
    super('not to be asked');
    this.job = job;
  }
}

function notAsked({ state, status = '' }: Job) {
  if (isTerminal(state)) return { kind: 'over', state, status } as const;
  const reason = isLive(state) ? 'changed' : state === 'stopping' ? 'stopping' : 'undetermined';
  return { kind: 'not-sent', reason, status } as const;
}
