import { isJobId, isTerminal, type Job, type JobState, NO_TAGS } from '../base/job.ts';
import type { ReadCall } from '../dli/calls.ts';
import { DliProtocolError } from '../dli/errors.ts';
import { type AnswerContext, isNumberAsText, isRecord, parseJson, toCount, toNumber, toText } from '../dli/wire.ts';
import { type EngineAdapter, type Reading, toReading } from './engine.ts';
import { liveByOffset, type Page } from './paging.ts';
import { readBackOneByOne } from './read-back.ts';

/*
 * Spark batches. Their API is Livy's: only errors have `is_success`, lists are paged by rows, and there is no state for a
 * batch that was cancelled.
 */

/**
 * "Obtaining the List of Batch Processing Jobs", state. The documents write them in lower case, and one example with a
 * capital. A batch with auto_recovery is `recovering` between two attempts: it lives, and holds its compute units.
 */
const STATES: Readonly<Record<string, JobState>> = {
  starting: 'queued',
  running: 'running',
  recovering: 'running',
  success: 'finished',
  dead: 'failed',
};

/** A batch may begin to recover while the lists are read one after the other, so that list is read again at the end. */
const LIVE_STATES = ['starting', 'recovering', 'running', 'recovering'] as const;

/** The default. No document gives a maximum, and the vendor's Terraform provider asks for as many. */
const PAGE_SIZE = 100;

export const sparkEngine: EngineAdapter = {
  createReads: (dli) => ({
    ...liveByOffset(dli, { jobs: 'batches', statuses: LIVE_STATES, pageSize: PAGE_SIZE, call: listCall }),
    show: (id) => dli.get(showCall(id)),

    readBack: readBackOneByOne(
      async ({ id }) => toBatchReading(await dli.get(stateCall(id))),
      () => dli.get(listCall('running', 0, PAGE_SIZE)),
    ),
  }),

  /** Reads batches of any state, by rows: only some versions of the list can be cut by time. */
  createPast: (dli) => async (_scope, place) => {
    const at = place?.at ?? 0;
    const { jobs, total } = await dli.get(pastCall(at));
    const end = at + jobs.length;
    return {
      jobs: jobs.map((job) => ({ job, endedAt: isTerminal(job.state) ? job.updatedAt : undefined })),
      next: jobs.length === 0 || end >= total ? undefined : { at: end },
      left: Math.max(total - at, jobs.length),
    };
  },

  toJob: toBatch,

  createCancels: (dli) => ({
    /**
     * Cancels a batch. No document says what a DELETE does to a batch that is over: it may erase its history. So the state
     * is always read right before, in the same place in line.
     *
     * @see "Canceling a Batch Processing Job": DELETE /v2.0/{project_id}/batches/{batch_id}, 200 {"msg":"deleted"}
     */
    cancel: async ({ id }, { mayStillBeAsked, notAfter, signal }) =>
      dli.order({
        method: 'DELETE',
        operation: `cancel batch ${id}`,
        version: 'v2.0',
        path: batchPath(id),
        notAfter,
        signal,
        read: stateCall(id),
        readsFirst: true,
        mayStillBeAsked,
      }),
    mayAskAgain: true,
  }),
};

/** Reads what became of a batch that was asked to stop. A failed batch is `dead` too, so only our request says "cancelled". */
function toBatchReading(job: Job): Reading {
  const reading = toReading(job);
  if (reading.kind !== 'terminal' || reading.state !== 'failed') return reading;
  return { ...reading, state: 'cancelled', evidence: 'own-record' };
}

function batchPath(id: string): string {
  if (!isJobId(id, 'spark')) throw new TypeError('batch id: expected 8-4-4-4-12 hexadecimal digits');
  return `/batches/${id}`;
}

const listCall = (state: string, offset: number, size: number): ReadCall<Page> => ({
  kind: 'list',
  operation: `list ${state} batches, from ${offset}`,
  version: 'v2.0',
  path: '/batches',
  query: [
    ['from', String(offset)],
    // Only some versions know this parameter. The others may ignore it, and nothing here relies on it.
    ['order', 'CREATE_TIME_ASC'],
    ['size', String(size)],
    ['state', state],
  ],
  parse: parsePage,
});

/** Newer batches come in at the end if the list is the oldest first, and push others down if it is not: they are met twice. */
const pastCall = (offset: number): ReadCall<Page> => {
  const { query = [], ...call } = listCall('', offset, PAGE_SIZE);
  return {
    ...call,
    operation: `list past batches, from ${offset}`,
    query: query.filter(([name]) => name !== 'state'),
  };
};

const showCall = (id: string): ReadCall<Job> => ({
  kind: 'status',
  operation: `read batch ${id}`,
  version: 'v2.0',
  path: batchPath(id),
  parse: (body, about) => parseBatch(body, about, id),
});

/** `{"id":"…","state":"running"}`, both optional. */
const stateCall = (id: string): ReadCall<Job> => ({ ...showCall(id), path: `${batchPath(id)}/state` });

function parseBatch(body: Record<string, unknown>, about: AnswerContext, id: string): Job {
  const job = toBatch(body);
  if (job.id !== '' && job.id.toLowerCase() !== id.toLowerCase()) {
    throw new DliProtocolError(about.operation, 'about another batch', about);
  }
  return { ...job, id };
}

/** `{"from":0,"total":1,"sessions":[…]}` */
function parsePage(body: Record<string, unknown>, about: AnswerContext): Page {
  const { sessions } = body;
  if (!Array.isArray(sessions)) throw new DliProtocolError(about.operation, 'without a list of batches', about);
  const total = toCount(body.total);
  if (total === undefined) throw new DliProtocolError(about.operation, 'without total', about);
  return { jobs: sessions.map(toBatch), total };
}

/**
 * `{"id":"80ce…","state":"running","name":"nightly","owner":"ana","sc_type":"A","queue":"gen_q","cluster_name":"gen_q",
 * "create_time":1785540000000,"req_body":"{…}",…}`, every field optional. `req_body` may hold secrets, and is not kept.
 *
 * @see "Obtaining the List of Batch Processing Jobs", sessions
 */
function toBatch(row: unknown): Job {
  const fields = isRecord(row) ? row : {};
  const status = toText(fields.state);
  const createdAt = toNumber(fields.create_time);
  const state = status?.toLowerCase() ?? '';
  return {
    engine: 'spark',
    id: toText(fields.id) ?? '',
    name: toText(fields.name),
    queue: toText(fields.queue) ?? toText(fields.cluster_name),
    owner: toText(fields.owner),
    type: null,
    protection: 'none',
    database: null,
    statement: null,
    // Batches have no tags.
    tags: NO_TAGS,
    status,
    state: (Object.hasOwn(STATES, state) && STATES[state]) || 'unknown',
    startedAt: createdAt,
    isStartText: isNumberAsText(fields.create_time) || undefined,
    // create_time is the only instant. No field says since when a batch has been running.
    since: { running: undefined, waiting: createdAt, submitted: createdAt },
    updatedAt: toNumber(fields.update_time),
    cus: cusOf(fields),
  };
}

/** "Creating a Batch Processing Job", sc_type: vCPUs and memory of each type; 1 CU is 1 vCPU and 4 GB. */
const CUS_BY_TYPE: Readonly<Record<string, number>> = { A: 8, B: 16, C: 32 };

function cusOf({ sc_type: type, req_body: request }: Record<string, unknown>): number | undefined {
  if (typeof type === 'string' && Object.hasOwn(CUS_BY_TYPE, type)) return CUS_BY_TYPE[type];
  const sizes = typeof request === 'string' ? parseJson(request) : undefined;
  if (!isRecord(sizes)) return undefined;
  const driver = cusOfProcess(sizes.driverCores, sizes.driverMemory);
  const executor = cusOfProcess(sizes.executorCores, sizes.executorMemory);
  const executors = toNumber(sizes.numExecutors);
  if (driver === undefined || executor === undefined || executors === undefined) return undefined;
  return driver + executor * executors;
}

const GB_PER_UNIT: Readonly<Record<string, number>> = { k: 2 ** -20, m: 2 ** -10, g: 1, t: 2 ** 10 };

function cusOfProcess(coresField: unknown, memory: unknown): number | undefined {
  const cores = toNumber(coresField);
  const [, amount, unit = ''] = /^(\d+)\s*([kmgt])b?$/i.exec(typeof memory === 'string' ? memory : '') ?? [];
  if (cores === undefined || amount === undefined) return undefined;
  return Math.max(cores, (Number(amount) * (GB_PER_UNIT[unit.toLowerCase()] ?? 0)) / 4);
}
