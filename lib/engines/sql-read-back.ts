import { toError } from '../base/error-words.ts';
import type { Job } from '../base/job.ts';
import type { DliReader } from '../dli/client.ts';
import { MAX_PAGE_SIZE, type SqlJobQuery } from '../dli/sql-wire.ts';
import { type Reading, toReading, tryReading } from './engine.ts';
import { Rows } from './job-set.ts';

/** Up to so many jobs are cheaper to read one by one than through lists. */
const FEW = 2;

/**
 * Reads what became of jobs that were asked to stop, in about one call per hundred jobs.
 *
 * The first look asks who still waits or runs. Later looks first ask who is among the CANCELLED jobs of the same start
 * times. Only jobs in neither list are read alone, and so is every job if the lists hold so many others that reading them
 * would cost more.
 *
 * @param round 0 for the first look: most jobs are still stopping then, and it is enough to know that of some.
 */
export async function readBackSqlJobs(
  dli: DliReader,
  jobs: readonly Job[],
  round: number,
): Promise<Map<string, Reading>> {
  const search: Search = {
    pending: new Map(jobs.map((job) => [job.id.toLowerCase(), job])),
    readings: new Map(),
  };
  const { pending, readings } = search;
  try {
    if (pending.size > FEW) await readThroughLists(dli, search, windowAround(jobs), round);
    await readEach(dli, search);
  } catch (error) {
    for (const { id } of pending.values()) readings.set(id, { kind: 'unreadable', error: toError(error) });
  }
  return readings;
}

/** What is known so far about the jobs. */
interface Search {
  /** Jobs that are still to be read, by id in lower case. */
  pending: Map<string, Job>;
  /** By id, as it was asked for. */
  readings: Map<string, Reading>;
}

type Window = Pick<SqlJobQuery, 'startedAfter' | 'startedBefore'>;

/** The start times of the jobs, from the earliest to the latest. */
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

/** Reads the jobs that lists show. What stays pending is to be read alone. */
async function readThroughLists(dli: DliReader, search: Search, window: Window, round: number): Promise<void> {
  const { pending } = search;
  if (round > 0) await findInList(dli, search, { ...window, status: 'CANCELLED' });
  // A job that waited when it was asked may wait still, or have begun to run.
  const mayWait = [...pending.values()].some(({ state }) => state === 'queued');
  for (const status of mayWait ? (['LAUNCHING', 'RUNNING'] as const) : (['RUNNING'] as const)) {
    if (pending.size <= FEW) return;
    // At the first look the rest of a long list can wait: most of it is still stopping.
    const maxPages = round === 0 ? 1 : Number.POSITIVE_INFINITY;
    const isWhole = await findInList(dli, search, { ...window, status }, maxPages);
    if (round === 0 && !isWhole) return pending.clear();
  }
  if (round === 0 && pending.size > FEW) await findInList(dli, search, { ...window, status: 'CANCELLED' });
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
    const query: SqlJobQuery = { ...window, startedAfter, status, page: 1, pageSize: MAX_PAGE_SIZE };
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
  const reading = toReading(job);
  const key = job.id.toLowerCase();
  const asked = pending.get(key);
  if (asked === undefined || reading.kind === 'unknown') return;
  pending.delete(key);
  readings.set(asked.id, reading);
}

/** So many jobs are read alone rather than through one more page that may not hold them. */
const WORTH_A_PAGE = 20;

const pagesWorth = (jobs: number) => 1 + Math.floor(jobs / WORTH_A_PAGE);

async function readEach(dli: DliReader, { pending, readings }: Search): Promise<void> {
  await Promise.all(
    [...pending.values()].map(async ({ id }) => {
      readings.set(id, await tryReading(async () => toReading(await dli.showSqlJobStatus(id))));
    }),
  );
}
