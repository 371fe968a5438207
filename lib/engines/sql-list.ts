import type { Job } from '../base/job.ts';
import type { DliReader } from '../dli/client.ts';
import { DliError } from '../dli/errors.ts';
import { MAX_PAGE, MAX_PAGE_SIZE, type SqlJobPage, type SqlJobQuery } from '../dli/sql-wire.ts';
import { createConcurrencyLimit } from './concurrency.ts';
import { isHopeless, type Listing, type ListScope } from './engine.ts';
import { JobSet, Rows, weigh } from './job-set.ts';
import { createCallCeiling, MAX_READINGS } from './paging.ts';

type ListFilter = Omit<SqlJobQuery, 'page' | 'pageSize'>;

/**
 * Lists all SQL jobs that are LAUNCHING or RUNNING and started before `startedBefore` (epoch ms).
 *
 * LAUNCHING is read first, so that a job that begins to run meanwhile is met in one list or in both, never in neither.
 *
 * @throws {DliError} if the credential, a permission or a setting is wrong, or DLI cannot be reached at all.
 */
export async function listLiveSqlJobs(
  dli: DliReader,
  { startedBefore, withStatements }: Pick<SqlJobQuery, 'withStatements'> & ListScope,
): Promise<Listing> {
  const lists = createLists(dli);
  for (const status of ['LAUNCHING', 'RUNNING'] as const) {
    await listEveryPage(lists, { status, startedBefore, withStatements });
  }
  return { jobs: [...lists.seen], gaps: lists.gaps };
}

/** Counts the SQL jobs that are LAUNCHING or RUNNING at this moment, of any age. */
export async function countLiveSqlJobs(dli: DliReader): Promise<number> {
  // In this order a job that begins to run meanwhile is not counted at all. Too few are safe: caps are a share of them.
  const running = await dli.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 1 });
  const queued = await dli.listSqlJobs({ status: 'LAUNCHING', page: 1, pageSize: 1 });
  return queued.jobCount + running.jobCount;
}

/** The lists of one listing, and what they have shown so far. */
interface Lists {
  /** @returns undefined for a page that could not be read, which is a gap, or that was no longer wanted. */
  read: (filter: ListFilter, page: number, isWanted?: () => boolean) => Promise<SqlJobPage | undefined>;
  warmUp: (callCount: number) => void;
  seen: JobSet;
  gaps: string[];
}

/** A client has no more connections. A page that waits its turn may turn out not to be wanted. */
const MOST_PAGES_AT_ONCE = 32;

/** Most bytes of statements under way at once, unless one page alone has more. A page is held four times while it is read. */
const MOST_BYTES_AT_ONCE = 10_000_000;

function createLists(dli: DliReader): Lists {
  const gaps: string[] = [];
  const ceiling = createCallCeiling(gaps);
  let heaviest = 1;
  const limited = createConcurrencyLimit(() => Math.min(MOST_PAGES_AT_ONCE, MOST_BYTES_AT_ONCE / heaviest));
  const ask = (query: SqlJobQuery) =>
    ceiling.call(`${query.status} jobs`, async () => {
      const page = await dli.listSqlJobs(query);
      heaviest = Math.max(heaviest, weigh(page.jobs));
      return page;
    });
  return {
    seen: new JobSet(),
    gaps,
    warmUp: (callCount) => dli.warmUp(callCount),
    read: (filter, page, isWanted = () => true) =>
      limited(async () => {
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

/** Asks again for a page that does not fit its own count. If it does not fit then either, rows may be missing: a gap. */
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

const misfit = ({ status }: ListFilter) => `${status} jobs: DLI's job_count does not match the jobs that it lists`;

/** Whether a page has as many rows as its count leaves for it. One that is not full may hold more than was counted. */
function fitsItsCount({ jobs, jobCount }: SqlJobPage, page: number): boolean {
  const left = jobCount - (page - 1) * MAX_PAGE_SIZE;
  if (jobs.length < MAX_PAGE_SIZE) return jobs.length >= left;
  return jobs.length <= left;
}

/**
 * Reads a list twice if it has more than a page: first by page number, then by windows of start time that hold at most a
 * page each. The pages of a live list are not one instant: a job that ends between two of them pulls the next rows up, and
 * one slips through. A start time never changes, so no job can slip out of its window.
 */
async function listEveryPage(lists: Lists, filter: ListFilter): Promise<void> {
  const rows = new Rows();
  const starts: number[] = [];
  let isTooMany = false;
  let from: number | undefined;

  // More than 100 pages are out of reach, so the rest is asked for from the last start time on.
  for (;;) {
    const slice: ListFilter = from === undefined ? filter : { ...filter, startedAfter: from - 1 };
    const { shown, jobCount, isRepeating } = await listSlice(lists, slice);
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
    lists.gaps.push(
      `${filter.status} jobs: more than ${MAX_PAGE * MAX_PAGE_SIZE}, and too many of them started at the same time to list them all`,
    );
  }
  await Promise.all(windowsOf(starts, filter).map((window) => readWindow(lists, { ...filter, ...window })));
}

/** What one reading of one filter has shown. */
interface Slice {
  /** In the order of the list, and only the light fields. */
  shown: Pick<Job, 'id' | 'startedAt'>[];
  /** The number of jobs that no reading had shown before. */
  newcomers: number;
  /** As the first page gives it. */
  jobCount: number;
  /** A page showed nothing that others had not shown, so no further one was read. */
  isRepeating: boolean;
  /** Whether as many jobs were shown as the smallest count on the pages says. */
  isWhole: boolean;
}

/** Up to so many jobs are not worth a connection opened beforehand. */
const FEW = 2;

/** Reads pages 1 to 100 of one filter, the first alone and the others side by side. */
async function listSlice(lists: Lists, filter: ListFilter): Promise<Slice> {
  const rows = new Rows();
  let newcomers = 0;
  let isRepeating = false;
  const read = async (page: number): Promise<ShownPage | undefined> => {
    const answer = await lists.read(filter, page, () => !isRepeating);
    if (answer === undefined) return undefined;
    // At once: pages that wait for the others would hold their statements.
    newcomers += lists.seen.add(answer.jobs);
    const isNothingNew = rows.add(answer.jobs).length === 0;
    if (isNothingNew && page > 1) isRepeating = true;
    return { jobCount: answer.jobCount, shown: answer.jobs.map(({ id, startedAt }) => ({ id, startedAt })) };
  };

  const first = await read(1);
  if (first === undefined) return { shown: [], newcomers, jobCount: 0, isRepeating, isWhole: true };
  // For the other pages, and because each job may have to be cancelled.
  if (first.jobCount > FEW) lists.warmUp(first.jobCount);

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

/** Fewer than a page, to leave room for jobs that enter a window between the two readings because they begin to run. */
const WINDOW_ROWS = 80;

/** Cuts the start times into windows that overlap by their bounds, so that it does not matter which of them includes a bound. */
function windowsOf(
  starts: readonly number[],
  { startedBefore }: ListFilter,
): Pick<SqlJobQuery, 'startedAfter' | 'startedBefore'>[] {
  const sorted = starts.toSorted((a, b) => a - b);
  const bounds = [...new Set(sorted.filter((_, i) => i > 0 && i % WINDOW_ROWS === 0))];
  return [undefined, ...bounds].map((bound, i) => ({
    startedAfter: bound === undefined ? undefined : bound - 1,
    startedBefore: bounds[i] === undefined ? startedBefore : bounds[i] + 1,
  }));
}

/** Reads a window until it can be trusted to be whole. */
async function readWindow(lists: Lists, window: ListFilter): Promise<void> {
  const { gaps } = lists;
  let misfits = 0;
  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const { newcomers, jobCount, isWhole } = await listSlice(lists, window);
    // One page is one instant. Several are trusted when they hold nothing new, and as many as they say.
    if (jobCount <= MAX_PAGE_SIZE || (newcomers === 0 && isWhole)) return;
    if (newcomers === 0) misfits += 1;
    if (misfits < 2) continue;
    if (!gaps.includes(misfit(window))) gaps.push(misfit(window));
    return;
  }
  gaps.push(`${window.status} jobs: the list still changed after ${MAX_READINGS} readings`);
}
