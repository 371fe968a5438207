import { toError } from '../base/error-words.ts';
import type { Job } from '../base/job.ts';
import type { DliReader } from '../dli/client.ts';
import { DliError } from '../dli/errors.ts';
import type { SqlJobPage } from '../dli/sql-wire.ts';
import { MAX_PAGE, MAX_PAGE_SIZE, type SqlJobQuery } from '../dli/sql-wire.ts';
import { createLine } from './concurrency.ts';
import {
  createCallCeiling,
  type EngineAdapter,
  isHopeless,
  JobSet,
  type Listing,
  type ListScope,
  type Reading,
  Rows,
  toReading,
  tryReading,
  weigh,
} from './engine.ts';
import { createQueuedLook } from './queued-look.ts';

export const sqlEngine: EngineAdapter = {
  createReads: (dli, { withStatements }) => ({
    listLive: ({ startedBefore }) => listLiveSqlJobs(dli, { startedBefore, withStatements }),
    countLive: () => countLiveSqlJobs(dli),
    show: (jobId) => dli.showSqlJobStatus(jobId, { withStatements: true }),
    readBack: (jobs, round) => readBackSqlJobs(dli, jobs, round),
  }),
  createCancels: (dli, clock) => {
    const lookAt = createQueuedLook(clock);
    return {
      cancel: (job, { mayStillBeAsked, notAfter, signal }) => {
        const { id, startedAt } = job;
        const hasToWait = job.state === 'queued' && !mayStillBeAsked({ ...job, status: 'RUNNING', state: 'running' });
        return dli.cancelSqlJob(id, {
          notAfter,
          signal,
          mayStillBeAsked,
          // Otherwise it makes no difference whether it has begun to run, and DLI itself refuses a job that is over.
          look: hasToWait && startedAt !== undefined ? lookAt({ ...job, startedAt }) : undefined,
        });
      },
      mayAskAgain: true,
    };
  },
};

type ListFilter = Omit<SqlJobQuery, 'page' | 'pageSize'>;

/**
 * All SQL jobs that are LAUNCHING or RUNNING and started before `startedBefore` (epoch ms).
 *
 * LAUNCHING is read first, so that a job that begins to run meanwhile is met in one list or in both, never in neither.
 *
 * @throws {DliError} if the credential, a permission or a setting is wrong, or DLI cannot be reached at all.
 */
export async function listLiveSqlJobs(
  dli: DliReader,
  { startedBefore, withStatements }: Pick<SqlJobQuery, 'withStatements'> & ListScope,
): Promise<Listing> {
  const seen = new JobSet();
  const gaps: string[] = [];
  const pages = createPages(dli, gaps);
  for (const status of ['LAUNCHING', 'RUNNING'] as const) {
    await listEveryPage(pages, { status, startedBefore, withStatements }, seen, gaps);
  }
  return { jobs: [...seen], gaps };
}

/** How many SQL jobs are LAUNCHING or RUNNING at this moment, whatever their age. */
export async function countLiveSqlJobs(dli: DliReader): Promise<number> {
  // In this order a job that begins to run meanwhile is counted in neither: too few are safe, since caps are a share of them.
  const running = await dli.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 1 });
  const queued = await dli.listSqlJobs({ status: 'LAUNCHING', page: 1, pageSize: 1 });
  return queued.jobCount + running.jobCount;
}

/** The pages of one listing. */
interface Pages {
  /** @returns undefined for a page that could not be read, and is a gap, or that was not wanted any more. */
  read: (filter: ListFilter, page: number, isWanted?: () => boolean) => Promise<SqlJobPage | undefined>;
  warmUp: (callCount: number) => void;
}

/** No more can be under way, since a client has as many connections; what waits may turn out not to be wanted. */
const MOST_PAGES_AT_ONCE = 32;

/** The bytes of statements that may be under way at once, unless one page alone has more. While it is read a page is held four times. */
const MOST_BYTES_AT_ONCE = 10_000_000;

function createPages(dli: DliReader, gaps: string[]): Pages {
  const ceiling = createCallCeiling(gaps);
  let heaviest = 1;
  const inLine = createLine(() => Math.min(MOST_PAGES_AT_ONCE, MOST_BYTES_AT_ONCE / heaviest));
  const ask = (query: SqlJobQuery) =>
    ceiling.call(`${query.status} jobs`, async () => {
      const page = await dli.listSqlJobs(query);
      heaviest = Math.max(heaviest, weigh(page.jobs));
      return page;
    });
  return {
    warmUp: (callCount) => dli.warmUp(callCount),
    read: (filter, page, isWanted = () => true) =>
      inLine(async () => {
        if (!isWanted()) return undefined;
        try {
          return await askTwice(ask, { ...filter, page, pageSize: MAX_PAGE_SIZE }, gaps);
        } catch (error) {
          if (!(error instanceof DliError) || isHopeless(error, dli)) throw error;
          gaps.push(error.message);
          return undefined;
        }
      }),
  };
}

/** A page that does not fit its own count, and does not when it is asked for again either, is a gap: rows may be missing. */
async function askTwice(
  ask: (query: SqlJobQuery) => Promise<SqlJobPage | undefined>,
  query: SqlJobQuery,
  gaps: string[],
): Promise<SqlJobPage | undefined> {
  const first = await ask(query);
  if (first === undefined || fitsItsCount(first, query.page)) return first;
  const gap = misfit(query);
  if (gaps.includes(gap)) return first;
  // A job may have ended after the service counted, and before it read the rows.
  const second = await ask(query);
  if (second === undefined) return first;
  if (!fitsItsCount(second, query.page) && !gaps.includes(gap)) gaps.push(gap);
  return second;
}

const misfit = ({ status }: ListFilter) => `${status} jobs: job_count does not fit the rows`;

/** As many rows as the count leaves for this page; a page that is not full may hold more than was counted. */
function fitsItsCount({ jobs, jobCount }: SqlJobPage, page: number): boolean {
  const left = jobCount - (page - 1) * MAX_PAGE_SIZE;
  if (jobs.length < MAX_PAGE_SIZE) return jobs.length >= left;
  return jobs.length <= left;
}

/**
 * Pages of a live list are not one instant: a job that ends between two of them pulls the next rows up, and one slips
 * through. So a list of more than a page is read twice: by page number, for all that is there, and then by windows of
 * start time that hold at most a page each. A start time never changes, so what is in a window cannot slip out of it.
 */
async function listEveryPage(pages: Pages, filter: ListFilter, seen: JobSet, gaps: string[]): Promise<void> {
  const rows = new Rows();
  const starts: number[] = [];
  let isTooMany = false;
  let from: number | undefined;

  // More than 100 pages are out of reach, so the rest is asked for from the last start time on.
  for (;;) {
    const slice: ListFilter = from === undefined ? filter : { ...filter, startedAfter: from - 1 };
    const { shown, jobCount, isRepeating } = await listSlice(pages, slice, seen);
    const fresh = rows.add(shown);
    for (const { startedAt } of fresh) if (startedAt !== undefined) starts.push(startedAt);
    if (jobCount <= MAX_PAGE_SIZE && from === undefined) return;
    if (jobCount <= MAX_PAGE * MAX_PAGE_SIZE || isRepeating) break;

    const last = shown.at(-1)?.startedAt;
    if (last === undefined || last === from || fresh.length === 0) {
      isTooMany = true;
      break;
    }
    from = last;
  }

  if (isTooMany) {
    gaps.push(
      `${filter.status} jobs: more than ${MAX_PAGE * MAX_PAGE_SIZE}, and their start times do not tell them apart`,
    );
  }
  await readWindows(pages, filter, windowsOf(starts, filter), seen, gaps);
}

/** What one reading of one filter has shown. */
interface Slice {
  /** In the order of the list, without what is heavy. */
  shown: Pick<Job, 'id' | 'startedAt'>[];
  /** How many of them had never been seen. */
  newcomers: number;
  /** As the first page tells. */
  jobCount: number;
  /** A page showed nothing that others had not shown, so that no further one was read. */
  isRepeating: boolean;
  /** Whether as many jobs were shown as there are, by the least of what the pages told. */
  isWhole: boolean;
}

/** Pages 1 to 100 of one filter, the first alone and the others side by side. */
async function listSlice(pages: Pages, filter: ListFilter, seen: JobSet): Promise<Slice> {
  const rows = new Rows();
  let newcomers = 0;
  let isRepeating = false;
  const read = async (page: number): Promise<ShownPage | undefined> => {
    const answer = await pages.read(filter, page, () => !isRepeating);
    if (answer === undefined) return undefined;
    // At once: pages that wait for the others would hold their statements.
    newcomers += seen.add(answer.jobs);
    const isNothingNew = rows.add(answer.jobs).length === 0;
    if (isNothingNew && page > 1) isRepeating = true;
    return { jobCount: answer.jobCount, shown: answer.jobs.map(({ id, startedAt }) => ({ id, startedAt })) };
  };

  const first = await read(1);
  if (first === undefined) return { shown: [], newcomers, jobCount: 0, isRepeating, isWhole: true };
  // For the other pages, and because each job may have to be cancelled.
  if (first.jobCount > FEW) pages.warmUp(first.jobCount);

  const pageCount = Math.min(Math.ceil(first.jobCount / MAX_PAGE_SIZE), MAX_PAGE);
  const others = await Promise.all(Array.from({ length: Math.max(pageCount - 1, 0) }, (_, i) => read(i + 2)));
  const answers = [first, ...others].flatMap((page) => page ?? []);
  return {
    shown: answers.flatMap(({ shown }) => shown),
    newcomers,
    jobCount: first.jobCount,
    isRepeating,
    isWhole: rows.size >= Math.min(...answers.map(({ jobCount }) => jobCount)),
  };
}

type ShownPage = Pick<Slice, 'shown' | 'jobCount'>;

interface Window {
  startedAfter: number | undefined;
  startedBefore: number | undefined;
}

/** Room for jobs that enter a window between the two readings, as a job does that begins to run. */
const WINDOW_ROWS = 80;

/** Cuts the start times met into windows that overlap by their bounds, so that it does not matter who includes them. */
function windowsOf(starts: readonly number[], { startedBefore }: ListFilter): Window[] {
  const sorted = starts.toSorted((a, b) => a - b);
  const bounds = [...new Set(sorted.filter((_, i) => i > 0 && i % WINDOW_ROWS === 0))];
  return [undefined, ...bounds].map((bound, i) => ({
    startedAfter: bound === undefined ? undefined : bound - 1,
    startedBefore: bounds[i] === undefined ? startedBefore : bounds[i] + 1,
  }));
}

const MAX_READINGS = 5;

async function readWindows(
  pages: Pages,
  filter: ListFilter,
  windows: Window[],
  seen: JobSet,
  gaps: string[],
): Promise<void> {
  await Promise.all(
    windows.map(async (window) => {
      let misfits = 0;
      for (let reading = 1; reading <= MAX_READINGS; reading++) {
        const { newcomers, jobCount, isWhole } = await listSlice(pages, { ...filter, ...window }, seen);
        // One page is one instant. Several are trusted when they hold nothing new, and as many as they say.
        if (jobCount <= MAX_PAGE_SIZE || (newcomers === 0 && isWhole)) return;
        if (newcomers === 0) misfits += 1;
        if (misfits < 2) continue;
        if (!gaps.includes(misfit(filter))) gaps.push(misfit(filter));
        return;
      }
      gaps.push(`${filter.status} jobs: the list still changed after ${MAX_READINGS} readings`);
    }),
  );
}

/** Up to so many jobs are cheaper read one by one than through lists. */
const FEW = 2;

/**
 * What became of jobs that were asked to stop, in about one call per hundred of them: first who still waits or runs; later
 * who is among the CANCELLED ones of the same start times, then who still waits or runs. Only who is in neither list is read alone, and
 * so is everybody where the lists are so long with other jobs that reading them would cost more.
 *
 * @param round 0 for the first look, when most are still stopping, and it is enough to know that of some.
 */
export async function readBackSqlJobs(
  dli: DliReader,
  jobs: readonly Job[],
  round: number,
): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  const pending: Pending = new Map(jobs.map((job) => [job.id.toLowerCase(), job]));
  try {
    if (pending.size > FEW) await readThroughLists(dli, windowAround(jobs), pending, readings, round);
    await readEach(dli, pending, readings);
  } catch (error) {
    for (const { id } of pending.values()) readings.set(id, { kind: 'unreadable', error: toError(error) });
  }
  return readings;
}

/** Jobs that are still to be read, by id in lower case. */
type Pending = Map<string, Job>;

/** Takes those that it finds out of `pending`; what it leaves there is to be read alone. */
async function readThroughLists(
  dli: DliReader,
  window: Window,
  pending: Pending,
  readings: Map<string, Reading>,
  round: number,
): Promise<void> {
  if (round > 0) await findInList(dli, { ...window, status: 'CANCELLED' }, pending, readings);
  // A job that waited when it was asked may wait still, or have begun to run.
  const mayWait = [...pending.values()].some(({ state }) => state === 'queued');
  for (const status of mayWait ? (['LAUNCHING', 'RUNNING'] as const) : (['RUNNING'] as const)) {
    if (pending.size <= FEW) return;
    // At the first look the rest of a long list can wait: most of it is still stopping.
    const maxPages = round === 0 ? 1 : Number.POSITIVE_INFINITY;
    const isWhole = await findInList(dli, { ...window, status }, pending, readings, maxPages);
    if (round === 0 && !isWhole) return pending.clear();
  }
  if (round === 0 && pending.size > FEW) await findInList(dli, { ...window, status: 'CANCELLED' }, pending, readings);
}

/**
 * Goes through a list, the oldest first, in steps of start times: a live list shifts between its pages. It stops where
 * the rest of it would cost more than reading the jobs that are left one by one, or where it has cost as much, and at a
 * page that shows nothing new.
 *
 * @returns whether the whole list was read.
 */
async function findInList(
  dli: DliReader,
  { status, ...window }: Window & Pick<SqlJobQuery, 'status'>,
  pending: Pending,
  readings: Map<string, Reading>,
  maxPages = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  let { startedAfter } = window;
  const rows = new Rows();
  const mostPages = Math.min(maxPages, 1 + pagesWorth(pending.size));
  for (let page = 1; ; page++) {
    const query: SqlJobQuery = { ...window, startedAfter, status, page: 1, pageSize: MAX_PAGE_SIZE };
    const { jobs, jobCount } = await dli.listSqlJobs(query);
    for (const job of jobs) {
      const reading = toReading(job);
      const key = job.id.toLowerCase();
      const asked = pending.get(key);
      // By its own status, whatever was asked for.
      if (asked === undefined || reading.kind === 'unknown') continue;
      pending.delete(key);
      readings.set(asked.id, reading);
    }
    if (jobCount <= jobs.length) return true;

    const last = jobs.at(-1)?.startedAt;
    const pagesLeft = Math.ceil((jobCount - jobs.length) / MAX_PAGE_SIZE);
    const isStuck = last === undefined || last - 1 === startedAfter || rows.add(jobs).length === 0;
    if (isStuck || page >= mostPages || pending.size === 0 || pagesLeft > pagesWorth(pending.size)) return false;
    startedAfter = last - 1;
  }
}

/** So many jobs are read alone rather than through one more page of which nobody knows whether they are on it. */
const WORTH_A_PAGE = 20;

const pagesWorth = (jobs: number) => 1 + Math.floor(jobs / WORTH_A_PAGE);

function windowAround(jobs: readonly Job[]): Window {
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { startedAt } of jobs) {
    if (startedAt === undefined) continue;
    earliest = Math.min(earliest, startedAt);
    latest = Math.max(latest, startedAt);
  }
  return { startedAfter: earliest - 1, startedBefore: latest + 1 };
}

async function readEach(dli: DliReader, pending: Pending, readings: Map<string, Reading>): Promise<void> {
  await Promise.all(
    [...pending.values()].map(async ({ id }) => {
      readings.set(id, await tryReading(async () => toReading(await dli.showSqlJobStatus(id))));
    }),
  );
}
