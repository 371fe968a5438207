import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/base/clock.ts';
import { isJobId } from '../../../lib/base/job.ts';
import { isRecord, toNumber, toText } from '../../../lib/dli/wire.ts';
import { type Answer, type Question, type Read, rowsOf } from './ask.ts';

type Row = Record<string, unknown>;
type Query = NonNullable<Question<unknown>['query']>;

/** How a list answers to a name: to one that no job has, to parts of a job's name, and to all of it. */
export interface NameAnswers {
  noneFits: NameAnswer;
  inner: NameAnswer;
  beginning: NameAnswer;
  whole: NameAnswer;
}

export interface NameAnswer {
  /** What was asked for. */
  text: string;
  answer: Answer;
}

/** What lists and details say of what is there. */
export interface Sight {
  queues: Answer;
  sqlJobs: Answer;
  unknownSql: Answer;
  unknownBatch: Answer;
  /** Details of a query; undefined without one. */
  sqlDetail: Answer | undefined;
  batches: Answer;
  batchDetail: Answer | undefined;
  /** One for each state that a listed batch is in. */
  batchStates: Answer[];
  /** The list with a parameter that no batch fits, if it is known; undefined without a batch. */
  batchFilters: Record<'owner' | 'start' | 'end', Answer> | undefined;
  batchOrders: Record<'CREATE_TIME_ASC' | 'CREATE_TIME_DESC', Answer> | undefined;
  batchNames: NameAnswers | undefined;
  flinkJobs: Answer;
  flinkDetail: Answer | undefined;
  flinkNames: NameAnswers | undefined;
}

const PAGE = 10;
const LARGE_PAGE = 100;
/** A number that no Flink job has: they are counted from 1. */
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

/** Reads, and changes nothing. @param queues the list of queues, which was asked for first. */
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
  // Imports and exports are documented; a query is what is not.
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

async function lookAtBatches(ask: Read, clock: Clock) {
  const list = (call: string, query: Query = [], size = PAGE) =>
    ask({
      call,
      version: 'v2.0',
      path: '/batches',
      query: [['from', '0'], ['size', String(size)], ...query],
    });
  const read = (call: string, id: string, rest = '', shown = '{batch_id}') =>
    ask({
      call,
      version: 'v2.0',
      path: `/batches/${id}${rest}`,
      shown: `/batches/${shown}${rest}`,
    });

  const batches = await list('list batches');
  const unknownBatch = await read('read a batch that does not exist', randomUUID(), '', '{no_batch}');
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
  for (const id of byState.values()) batchStates.push(await read('read the state of a batch', id, '/state'));
  const createdAt = new Set(rows.map((row) => toNumber(row.create_time)));
  const name = rows.map((row) => toText(row.name)).find(isLongEnough);
  return {
    ...none,
    batchDetail: await read('read a batch', String(first.id)),
    batchStates,
    batchFilters: {
      owner: await list('list batches of no owner', [['owner', noName(), '{no_owner}']]),
      start: await list('list batches of the future', [['start', String(clock.now() + YEAR_MS), '{in_a_year}']]),
      end: await list('list batches of the past', [['end', '1']]),
    },
    batchOrders:
      createdAt.size < 2
        ? undefined
        : {
            CREATE_TIME_ASC: await list('list batches, the oldest first', [['order', 'CREATE_TIME_ASC']]),
            CREATE_TIME_DESC: await list('list batches, the newest first', [['order', 'CREATE_TIME_DESC']]),
          },
    batchNames:
      name === undefined
        ? undefined
        : await tryNames(name, (text, shown) => list('list batches by name', [['job_name', text, shown]], LARGE_PAGE)),
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
  // Documented, and so no question of the emulator's; recorded all the same.
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

/** A shorter name has nothing between its first and its last character. */
const isLongEnough = (name: string | undefined): boolean => name !== undefined && Array.from(name).length >= 3;

const noName = () => `nobody${randomUUID().replaceAll('-', '')}`;

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
