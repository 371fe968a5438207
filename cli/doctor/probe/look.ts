import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/base/clock.ts';
import { isJobId } from '../../../lib/base/job.ts';
import { isRecord, toNumber, toText } from '../../../lib/dli/wire.ts';
import { type Answer, type Question, type Read, rowsOf } from './ask.ts';

type Row = Record<string, unknown>;
type Query = NonNullable<Question<unknown>['query']>;

/** Answers of a list to a name that no job has, to parts of a job's name, and to the whole name. */
export interface NameAnswers {
  noneFits: NameAnswer;
  inner: NameAnswer;
  beginning: NameAnswer;
  whole: NameAnswer;
}

export interface NameAnswer {
  /** The name or part that was asked for. */
  text: string;
  answer: Answer;
}

/** What the lists and details show. */
export interface Sight {
  queues: Answer;
  sqlJobs: Answer;
  unknownSql: Answer;
  unknownBatch: Answer;
  /** Details of a query; undefined if there is no query. */
  sqlDetail: Answer | undefined;
  batches: Answer;
  batchDetail: Answer | undefined;
  /** One answer for each state of the listed batches. */
  batchStates: Answer[];
  /** The list with a filter that no batch matches; undefined if there is no batch. */
  batchFilters: Record<'owner' | 'start' | 'end', Answer> | undefined;
  batchOrders: Record<'CREATE_TIME_ASC' | 'CREATE_TIME_DESC', Answer> | undefined;
  batchNames: NameAnswers | undefined;
  flinkJobs: Answer;
  flinkDetail: Answer | undefined;
  flinkNames: NameAnswers | undefined;
}

const PAGE = 10;
const LARGE_PAGE = 100;
/** A number that no Flink job has, since they count from 1. */
const NO_FLINK_ID = '999999999999999';
const YEAR_MS = 365 * 86_400_000;

export const sessionsOf = ({ body }: Answer): Row[] => (isRecord(body) ? rowsOf(body.sessions) : []);

export const flinkRowsOf = ({ body }: Answer): Row[] =>
  isRecord(body) && isRecord(body.job_list) ? rowsOf(body.job_list.jobs) : [];

export const queuesOf = ({ body }: Answer): Row[] => (isRecord(body) ? rowsOf(body.queues) : []);

export const listQueues = (ask: Read): Promise<Answer> =>
  ask({
    call: 'list queues',
    version: 'v1.0',
    path: '/queues',
    query: [['queue_type', 'all']],
  });

export const askDetail = (ask: Read, id: string, call: string, signal?: AbortSignal): Promise<Answer> =>
  ask({
    call,
    ...(signal !== undefined && { signal }),
    version: 'v1.0',
    path: `/jobs/${id}/detail`,
    shown: '/jobs/{job_id}/detail',
  });

/** Asks all questions that only read. @param queues the list of queues, which was read before. */
export async function lookAround(ask: Read, queues: Answer, clock: Clock): Promise<Sight> {
  return { queues, ...(await lookAtSql(ask)), ...(await lookAtBatches(ask, clock)), ...(await lookAtFlink(ask)) };
}

async function lookAtSql(ask: Read) {
  const list = await ask({
    call: 'list SQL jobs',
    version: 'v1.0',
    path: '/jobs',
    query: [['page-size', String(PAGE)]],
  });
  const rows = isRecord(list.body) ? rowsOf(list.body.jobs) : [];
  // Only the details of queries are undocumented; those of imports and exports are documented.
  const queryId = toText(rows.find(({ job_type: type }) => type === 'QUERY')?.job_id);
  const unknownSql = await ask({
    call: 'read a SQL job that does not exist',
    version: 'v1.0',
    path: `/jobs/${randomUUID()}/status`,
    shown: '/jobs/{no_job}/status',
  });
  const isThere = queryId !== undefined && isJobId(queryId);
  return {
    sqlJobs: list,
    unknownSql,
    sqlDetail: isThere ? await askDetail(ask, queryId, 'read the details of a query') : undefined,
  };
}

const listBatches = (ask: Read, call: string, query: Query = [], size = PAGE): Promise<Answer> =>
  ask({
    call,
    version: 'v2.0',
    path: '/batches',
    query: [['from', '0'], ['size', String(size)], ...query],
  });

const readBatch = (ask: Read, call: string, id: string, rest = '', shown = '{batch_id}'): Promise<Answer> =>
  ask({
    call,
    version: 'v2.0',
    path: `/batches/${id}${rest}`,
    shown: `/batches/${shown}${rest}`,
  });

async function lookAtBatches(ask: Read, clock: Clock) {
  const batches = await listBatches(ask, 'list batches');
  const unknownBatch = await readBatch(ask, 'read a batch that does not exist', randomUUID(), '', '{no_batch}');
  const rows = sessionsOf(batches).filter(({ id }) => isJobId(toText(id) ?? '', 'spark'));
  const [first] = rows;
  const none = {
    batches,
    unknownBatch,
    batchDetail: undefined,
    batchStates: [],
    batchFilters: undefined,
    batchOrders: undefined,
    batchNames: undefined,
  };
  if (first === undefined) return none;

  const batchStates: Answer[] = [];
  const byState = new Map(rows.map((row) => [String(row.state).toLowerCase(), String(row.id)]));
  for (const id of byState.values()) batchStates.push(await readBatch(ask, 'read the state of a batch', id, '/state'));
  const createdAt = new Set(rows.map((row) => toNumber(row.create_time)));
  const name = rows.map((row) => toText(row.name)).find(isLongEnough);
  const listByName = (text: string, shown: string) =>
    listBatches(ask, 'list batches by name', [['job_name', text, shown]], LARGE_PAGE);
  return {
    ...none,
    batchDetail: await readBatch(ask, 'read a batch', String(first.id)),
    batchStates,
    batchFilters: await filterBatches(ask, clock),
    batchOrders: createdAt.size < 2 ? undefined : await orderBatches(ask),
    batchNames: name === undefined ? undefined : await tryNames(name, listByName),
  };
}

/** Lists batches by filters that no batch matches. */
async function filterBatches(ask: Read, clock: Clock): Promise<NonNullable<Sight['batchFilters']>> {
  const inAYear = String(clock.now() + YEAR_MS);
  return {
    owner: await listBatches(ask, 'list batches of no owner', [['owner', noName(), '{no_owner}']]),
    start: await listBatches(ask, 'list batches of the future', [['start', inAYear, '{in_a_year}']]),
    end: await listBatches(ask, 'list batches of the past', [['end', '1']]),
  };
}

async function orderBatches(ask: Read): Promise<NonNullable<Sight['batchOrders']>> {
  return {
    CREATE_TIME_ASC: await listBatches(ask, 'list batches, the oldest first', [['order', 'CREATE_TIME_ASC']]),
    CREATE_TIME_DESC: await listBatches(ask, 'list batches, the newest first', [['order', 'CREATE_TIME_DESC']]),
  };
}

async function lookAtFlink(ask: Read) {
  const list = (call: string, query: Query = [], limit = PAGE) =>
    ask({
      call,
      version: 'v1.0',
      path: '/streaming/jobs',
      query: [['limit', String(limit)], ...query],
    });
  const read = (call: string, id: string, shown: string) =>
    ask({
      call,
      version: 'v1.0',
      path: `/streaming/jobs/${id}`,
      shown: `/streaming/jobs/${shown}`,
    });

  const flinkJobs = await list('list Flink jobs');
  // The answer is documented, so it decides no question. It is recorded nevertheless.
  await read('read a Flink job that does not exist', NO_FLINK_ID, '{no_job}');
  const rows = flinkRowsOf(flinkJobs);
  const id = rows.map((row) => String(row.job_id)).find((text) => isJobId(text, 'flink'));
  const name = rows.map((row) => toText(row.name)).find(isLongEnough);
  return {
    flinkJobs,
    flinkDetail: id === undefined ? undefined : await read('read a Flink job', id, '{job_id}'),
    flinkNames:
      name === undefined
        ? undefined
        : await tryNames(name, (text, shown) => list('list Flink jobs by name', [['name', text, shown]], LARGE_PAGE)),
  };
}

/** Whether a name has a part between its first and its last character. */
const isLongEnough = (name: string | undefined): boolean => name !== undefined && Array.from(name).length >= 3;

const noName = () => `noname${randomUUID().replaceAll('-', '')}`;

async function tryNames(wanted: string, list: (text: string, shown: string) => Promise<Answer>): Promise<NameAnswers> {
  const ask = async (text: string, shown: string) => ({ text, answer: await list(text, shown) });
  const characters = Array.from(wanted);
  return {
    noneFits: await ask(noName(), '{no_name}'),
    inner: await ask(characters.slice(1, -1).join(''), '{part_of_a_name}'),
    beginning: await ask(characters.slice(0, -1).join(''), '{beginning_of_a_name}'),
    whole: await ask(wanted, '{a_name}'),
  };
}
