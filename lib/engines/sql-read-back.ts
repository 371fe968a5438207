import { toError } from '../base/error-words.ts';
import type { Job } from '../base/job.ts';
import type { DliReader } from '../dli/client.ts';
import { MAX_PAGE_SIZE, type SqlJobQuery } from '../dli/sql-wire.ts';
import { type Look, type Reading, saysMore, toReading, tryReading } from './engine.ts';
import { Rows } from './job-set.ts';

/** Up to so many jobs are cheaper to read one by one than through lists. */
const FEW = 2;

/** Jobs whose start times one page of a list is asked for; room is left for others that began at the same time. */
const WINDOW_JOBS = 90;

/**
 * Reads what became of jobs that were asked to stop, in about one call per hundred jobs.
 *
 * A glance asks for the CANCELLED jobs that began when the jobs asked first did; if some of them have stopped, for those of
 * all other start times too. A whole look asks who still runs, or waits, then who of the others is CANCELLED. Only jobs in
 * neither list are read alone, and so is every job if the lists hold so many others that reading them would cost more.
 */
export async function readBackSqlJobs(
  dli: DliReader,
  jobs: readonly Job[],
  { isGlance }: Look,
): Promise<Map<string, Reading>> {
  const searches = searchesFor(jobs);
  if (isGlance) await glance(dli, searches, jobs);
  else await Promise.all(searches.map((search) => readWhole(dli, search)));
  return new Map(searches.flatMap(({ readings }) => [...readings]));
}

/** What is known so far about some of the jobs. */
interface Search {
  /** From the earliest start of these jobs to the latest; undefined if DLI did not say when they began. */
  window: Window | undefined;
  /** Jobs that are still to be read, by id in lower case. */
  pending: Map<string, Job>;
  /** By id, as it was asked for. */
  readings: Map<string, Reading>;
}

type Window = Pick<SqlJobQuery, 'startedAfter' | 'startedBefore'>;

/** Cuts the jobs by their start times. The first part holds the job that was asked first. */
function searchesFor(jobs: readonly Job[]): Search[] {
  const dated = jobs.filter((job) => job.startedAt !== undefined).sort((a, b) => startOf(a) - startOf(b));
  const parts = Array.from({ length: Math.ceil(dated.length / WINDOW_JOBS) }, (_, i) =>
    dated.slice(i * WINDOW_JOBS, (i + 1) * WINDOW_JOBS),
  );
  const [first] = jobs;
  const begin = parts.findIndex((part) => part.some((job) => job === first));
  const ordered = [...parts.slice(Math.max(begin, 0)), ...parts.slice(0, Math.max(begin, 0))];
  const undated = jobs.filter((job) => job.startedAt === undefined);
  return [
    ...ordered.map((part) =>
      search(part, { startedAfter: startOf(part[0]) - 1, startedBefore: startOf(part.at(-1)) + 1 }),
    ),
    ...(undated.length === 0 ? [] : [search(undated, undefined)]),
  ];
}

const startOf = (job: Job | undefined): number => job?.startedAt ?? Number.NaN;

function search(jobs: readonly Job[], window: Window | undefined): Search {
  return { window, pending: new Map(jobs.map((job) => [job.id.toLowerCase(), job])), readings: new Map() };
}

/** Learns whether any job has stopped: from one page, or where that cannot tell from the job that was asked first. */
async function glance(dli: DliReader, searches: readonly Search[], jobs: readonly Job[]): Promise<void> {
  const [around, ...others] = searches;
  if (around === undefined) return;
  const canTell = jobs.length > 1 && around.window !== undefined && (await findCancelled(dli, around, 1));
  if (!canTell && around.readings.size === 0) await readEach(dli, around, jobs.slice(0, 1));
  if (![...around.readings.values()].some(saysMore)) return;
  // The first part as well, if its page did not show all of it.
  const unread = canTell || around.pending.size === 0 ? others : [around, ...others];
  await Promise.all(unread.map((one) => findCancelled(dli, one)));
}

/** Reads each job, through lists as far as they show it. */
async function readWhole(dli: DliReader, search: Search): Promise<void> {
  const { window, pending, readings } = search;
  try {
    if (pending.size > FEW && window !== undefined) {
      // A job that waited when it was asked may wait still, or have begun to run.
      const mayWait = [...pending.values()].some(({ state }) => state === 'queued');
      for (const status of mayWait ? (['LAUNCHING', 'RUNNING'] as const) : (['RUNNING'] as const)) {
        if (pending.size > FEW) await findInList(dli, search, { ...window, status });
      }
      if (pending.size > FEW) await findCancelled(dli, search);
    }
    await readEach(dli, search, [...pending.values()]);
  } catch (error) {
    for (const { id } of pending.values()) readings.set(id, { kind: 'unreadable', error: toError(error) });
  }
}

/** @returns whether the list showed every CANCELLED job of that time. */
async function findCancelled(dli: DliReader, search: Search, maxPages?: number): Promise<boolean> {
  if (search.window === undefined) return false;
  return findInList(dli, search, { ...search.window, status: 'CANCELLED' }, maxPages);
}

/**
 * Goes through a list, the oldest first, in steps of start times: a live list shifts between its pages. It stops at a page
 * that shows nothing new, and where reading the jobs that are left one by one would cost less than the rest of the list, or
 * than what was read of it.
 *
 * @returns whether the whole list was read.
 */
async function findInList(
  dli: DliReader,
  search: Search,
  { status, ...window }: Window & Pick<SqlJobQuery, 'status'>,
  maxPages = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { pending } = search;
  let { startedAfter } = window;
  const rows = new Rows();
  const mostPages = Math.min(maxPages, 1 + pagesWorth(pending.size));
  for (let page = 1; ; page++) {
    // What was cancelled is recognised when it is run again.
    const withStatements = status === 'CANCELLED';
    const query: SqlJobQuery = { ...window, startedAfter, status, page: 1, pageSize: MAX_PAGE_SIZE, withStatements };
    const { jobs, jobCount } = await dli.listSqlJobs(query);
    for (const job of jobs) take(search, job);
    if (jobCount <= jobs.length) return true;

    const last = jobs.at(-1)?.startedAt;
    const pagesLeft = Math.ceil((jobCount - jobs.length) / MAX_PAGE_SIZE);
    const isStuck = last === undefined || last - 1 === startedAfter || rows.add(jobs).length === 0;
    if (isStuck || page >= mostPages || pending.size === 0 || pagesLeft > pagesWorth(pending.size)) return false;
    startedAfter = last - 1;
  }
}

/** Takes the reading of a row if its job is still to be read. The row's own status counts, whatever was asked for. */
function take({ pending, readings }: Search, job: Job): void {
  const key = job.id.toLowerCase();
  const asked = pending.get(key);
  if (asked === undefined) return;
  const reading = toReading(job);
  if (reading.kind === 'unknown') return;
  pending.delete(key);
  readings.set(asked.id, reading);
}

/** So many jobs are read alone rather than through one more page that may not hold them. */
const WORTH_A_PAGE = 20;

const pagesWorth = (jobs: number) => 1 + Math.floor(jobs / WORTH_A_PAGE);

async function readEach(dli: DliReader, { pending, readings }: Search, jobs: readonly Job[]): Promise<void> {
  await Promise.all(
    jobs.map(async ({ id }) => {
      readings.set(
        id,
        await tryReading(async () => toReading(await dli.showSqlJobStatus(id, { withStatements: true }))),
      );
      pending.delete(id.toLowerCase());
    }),
  );
}
