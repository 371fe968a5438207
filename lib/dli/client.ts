import { isProjectId, type Job } from '../base/job.ts';
import { type CancelOptions, type Get, type OrderCall, toCall } from './calls.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { type CancelResult, giveOrder } from './order.ts';
import type { ClockReading } from './service-time.ts';
import { type SqlJobPage, type SqlJobQuery, sqlCancelCall, sqlListCall, sqlStatusCall } from './sql-wire.ts';

/** The part of the client that only reads. A dry run gets this and nothing else. */
export interface DliReader {
  get: Get;
  /** Lists one page of jobs, oldest start first. @throws {DliError} */
  listSqlJobs(query: SqlJobQuery): Promise<SqlJobPage>;
  /** @throws {DliError} of kind `not-found` if DLI has no such job; @throws {TypeError} for a malformed id. */
  showSqlJobStatus(jobId: string, options?: Pick<SqlJobQuery, 'withStatements'>): Promise<Job>;
  /** Returns the first answer's Date header and our clock at that moment; undefined before the first answer. */
  clockReading(): ClockReading | undefined;
  /** Opens connections for so many calls, so that those need not wait for a handshake each. */
  warmUp(callCount: number): void;
  /** Returns the limit that DLI's refusals have taught; undefined as long as there was none. */
  callsPerMinute(): number | undefined;
  /** Closes all connections; a call under way fails. */
  close(): void;
}

export interface DliClient extends DliReader {
  /**
   * Asks DLI to cancel one SQL job. After a failure that may have reached DLI, the job is read before it is asked again.
   *
   * @throws {TypeError} for a malformed id. What DLI or the network did is in the result instead.
   */
  cancelSqlJob(jobId: string, options?: CancelOptions): Promise<CancelResult>;
  /** Gives an order that asks one job to stop. As with {@link cancelSqlJob}, failures are in the result. */
  order(call: OrderCall): Promise<CancelResult>;
}

export interface DliClientOptions extends Omit<ConnectionOptions, 'credentials'> {
  /** The credential, or where to read it if it may change. */
  credentials: Credentials | CredentialSource;
}

/**
 * Makes a client that can do everything but cancel. No option would add that.
 *
 * @throws {TypeError} for an endpoint that is not https (or loopback http), or a malformed project id.
 */
export function createDliReader(options: DliClientOptions): DliReader {
  return connect(options).reader;
}

/**
 * Makes a client of DLI's job endpoints. It signs its calls, spaces them by the rate that the gateway allows, repeats what
 * is worth repeating, and fails with one family of errors, {@link DliError}. It logs nothing; `onCall` is called after
 * every exchange.
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
  const { projectId, clock } = options;
  if (!isProjectId(projectId)) throw new TypeError('project id: expected up to 64 letters and digits');
  const connection = createConnection({ ...options, credentials: toSource(credentials) });
  const { send } = connection;
  const get: Get = async (call) => (await send(toCall(call, projectId))).value;

  const reader: DliReader = {
    get,
    clockReading: () => connection.clockReading(),
    warmUp: (callCount) => connection.warmUp(callCount),
    callsPerMinute: () => connection.callsPerMinute(),
    close: () => connection.close(),
    listSqlJobs: async (query) => get(sqlListCall(query)),
    showSqlJobStatus: async (jobId, { withStatements } = {}) => get(sqlStatusCall(jobId, withStatements)),
  };
  const order: DliClient['order'] = (call) => giveOrder(call, { send, projectId, clock });
  const cancelSqlJob: DliClient['cancelSqlJob'] = async (jobId, limits = {}) =>
    order({ ...limits, ...sqlCancelCall(jobId) });
  return { reader, order, cancelSqlJob };
}

function toSource(credentials: Credentials | CredentialSource): CredentialSource {
  return 'read' in credentials ? credentials : { name: '', read: () => Promise.resolve(credentials) };
}
