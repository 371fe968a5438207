import type { CredentialSource, Credentials, UnsignedRequest } from './auth.ts';
import { type Call, type ClockReading, type ConnectionOptions, createConnection } from './connection.ts';
import { DliError, DliNotSentError, DliResponseError } from './errors.ts';
import { isJobId, isLive, isProjectId, type Job } from './job.ts';
import { parseSqlCancel, parseSqlJobPage, parseSqlJobStatus, type SqlJobPage, type WireAnswer } from './wire.ts';

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

/** Reads only. A dry run is given this and nothing else. */
export interface DliReader {
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
   * @see "Canceling a Job" (CancelSqlJob): DELETE /v1.0/{project_id}/jobs/{job_id}, no body
   */
  cancelSqlJob(jobId: string, options?: CancelOptions): Promise<CancelResult>;
}

export interface CancelOptions {
  /** Epoch ms; from then on it is not asked (again). */
  notAfter?: number | undefined;
  /** Once aborted, it is not asked (again). */
  signal?: AbortSignal | undefined;
}

/** What the cancel call came to. None of them proves that the job stopped. */
export type CancelResult = {
  /** Requests sent for it. */
  attempts: number;
  requestId: string | undefined;
} & (
  | { kind: 'accepted' }
  /** The request may have been carried out; its answer never came. The error is the last one, which may say more. */
  | { kind: 'lost'; error: Error }
  | { kind: 'refused'; error: DliError }
  /** No request can have been carried out. The error says why if it was neither time nor anybody's wish. */
  | { kind: 'not-sent'; reason: DliNotSentError['reason']; error?: Error | undefined }
);

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
  const { reader, cancelSqlJob } = connect(options);
  return { ...reader, cancelSqlJob };
}

function connect({ credentials, ...options }: DliClientOptions) {
  const { projectId } = options;
  if (!isProjectId(projectId)) throw new TypeError('project id: expected up to 64 letters and digits');
  const connection = createConnection({ ...options, credentials: toSource(credentials) });

  const jobPath = (jobId: string): string => {
    if (!isJobId(jobId)) throw new TypeError('job id: expected 8-4-4-4-12 hexadecimal digits');
    return `/v1.0/${projectId}/jobs/${jobId}`;
  };
  const statusCall = (jobId: string, withStatement = false): Call<Job> => ({
    kind: 'status',
    operation: `read job ${jobId}`,
    request: { method: 'GET', path: `${jobPath(jobId)}/status`, query: [] },
    parse: (answer: WireAnswer) => parseSqlJobStatus(answer, jobId, withStatement),
  });

  const reader: DliReader = {
    clockReading: () => connection.clockReading(),
    warmUp: (callCount) => connection.warmUp(callCount),
    close: () => connection.close(),

    listSqlJobs: async ({ status, startedAfter, startedBefore, page, pageSize, withStatements }) => {
      const query: [string, string][] = [
        ['current-page', String(page)],
        ['job-status', status],
        // Oldest first: with an upper bound on the start time, rows can then only leave the list, not push others down.
        ['order', 'start_time_asc'],
        ['page-size', String(pageSize)],
      ];
      if (startedBefore !== undefined) query.push(['end', String(startedBefore)]);
      // 0 means no bound, and less is refused.
      if (startedAfter !== undefined && startedAfter > 0) query.push(['start', String(startedAfter)]);
      const request: UnsignedRequest = { method: 'GET', path: `/v1.0/${projectId}/jobs`, query };
      const operation = `list ${status} jobs, page ${page}`;
      const parse = (answer: WireAnswer) => parseSqlJobPage(answer, withStatements);
      return (await connection.send({ kind: 'list', operation, request, parse })).value;
    },

    showSqlJobStatus: async (jobId, { withStatements } = {}) =>
      (await connection.send(statusCall(jobId, withStatements))).value,
  };

  async function cancelSqlJob(jobId: string, { notAfter, signal }: CancelOptions = {}): Promise<CancelResult> {
    const limits = { notAfter, signal };
    let attempts = 0;
    let ambiguous: DliError | undefined;
    const call: Call<void> = {
      ...limits,
      kind: 'cancel',
      operation: `cancel job ${jobId}`,
      request: { method: 'DELETE', path: jobPath(jobId), query: [] },
      parse: parseSqlCancel,
    };
    const readBeforeRepeating = async () => {
      if (ambiguous === undefined) return;
      // With the priority of the cancel that waits for it, or it would come after all others.
      const { value: job } = await connection.send({ ...statusCall(jobId), ...limits, priority: 'cancel' });
      // Over; or in a state that nobody knows, and so not to be touched.
      if (!isLive(job.state)) throw new Settled();
    };
    const onExchange = (error: DliError | undefined) => {
      attempts += 1;
      if (error?.isAmbiguous) ambiguous = error;
    };

    try {
      const { requestId } = await connection.send({ ...call, onExchange }, readBeforeRepeating);
      return { kind: 'accepted', attempts, requestId };
    } catch (error) {
      const requestId = error instanceof DliResponseError ? error.requestId : undefined;
      // Once a request may have arrived, no later answer takes that back: only reading the job tells.
      if (ambiguous !== undefined) {
        const isAnswer = error instanceof DliResponseError;
        return { kind: 'lost', error: isAnswer ? error : ambiguous, attempts, requestId };
      }
      if (!(error instanceof DliError)) throw error;
      if (error instanceof DliNotSentError) {
        return { kind: 'not-sent', reason: error.reason, attempts, requestId };
      }
      if (attempts === 0) return { kind: 'not-sent', reason: 'stopped', error, attempts, requestId };
      return { kind: 'refused', error, attempts, requestId };
    }
  }

  return { reader, cancelSqlJob };
}

function toSource(credentials: Credentials | CredentialSource): CredentialSource {
  return 'read' in credentials ? credentials : { name: 'given', read: () => Promise.resolve(credentials) };
}

/** The job turned out to be over before it was asked again. */
class Settled extends Error {}
