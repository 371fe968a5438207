import type { Job } from '../base/job.ts';
import type { ReadCall } from '../dli/calls.ts';
import type { DliReader } from '../dli/client.ts';
import { DliError } from '../dli/errors.ts';
import { type EngineReads, isHopeless } from './engine.ts';
import { JobSet, Rows } from './job-set.ts';

/**
 * Most calls of one listing of an engine: enough for 40,000 jobs. A list may never end, as when a service ignores the page
 * that it is asked for, and must not be read for ever.
 */
const MAX_CALLS = 1_000;

/** Limits the calls of one listing. */
export function createCallCeiling(gaps: string[]) {
  let calls = 0;
  return {
    /** Makes one more call. @returns undefined, and notes a gap, if there may be no more. */
    call: async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
      if (calls < MAX_CALLS) {
        calls += 1;
        return read();
      }
      const gap = `${what}: not read to the end, since the listing has taken ${MAX_CALLS} calls`;
      if (!gaps.includes(gap)) gaps.push(gap);
      return undefined;
    },
  };
}

export interface Page {
  jobs: Job[];
  /** The number of jobs on all pages. */
  total: number;
}

/** Most readings of a list that changes while it is read. */
export const MAX_READINGS = 5;

interface LiveLists {
  /** The word for them in messages, such as `batches`. */
  jobs: string;
  /** In the order in which they are read; one may come twice. */
  statuses: readonly string[];
  pageSize: number;
  call: (status: string, offset: number, size: number) => ReadCall<Page>;
}

/** Reads the live jobs of an engine whose lists are paged by rows and take one status at a time. */
export function liveByOffset(
  dli: DliReader,
  { jobs, statuses, pageSize, call }: LiveLists,
): Pick<EngineReads, 'listLive' | 'countLive'> {
  return {
    listLive: async () => {
      const seen = new JobSet();
      const gaps: string[] = [];
      const ceiling = createCallCeiling(gaps);
      for (const status of statuses) {
        const what = `${status} ${jobs}`;
        const read = (offset: number) => ceiling.call(what, () => dli.get(call(status, offset, pageSize)));
        const gap = await listByOffset(dli, { what, pageSize, read, seen });
        if (gap !== undefined) gaps.push(gap);
      }
      return { jobs: [...seen], gaps };
    },
    countLive: async () => {
      let count = 0;
      // Backwards, so that a job that begins to run meanwhile is not counted twice: caps are a share of the live jobs.
      for (const status of new Set(statuses.toReversed())) count += (await dli.get(call(status, 0, 1))).total;
      return count;
    },
  };
}

interface OffsetList {
  /** For messages. */
  what: string;
  pageSize: number;
  /** Reads up to `pageSize` rows from `offset` on. @returns undefined if there may be no more calls. */
  read: (offset: number) => Promise<Page | undefined>;
  /** Gets every job that is shown. */
  seen: JobSet;
}

/**
 * Reads a list that is paged by rows and cannot be cut by start time. More than a page of it is no one instant: a job that
 * ends meanwhile pulls others up, past the place that is read next. So it is read until a reading holds nothing new.
 *
 * A list that does not fit its own total is read again, since a job may have ended after the service counted. If it does
 * not fit then either, rows may be missing.
 *
 * @returns why it may be incomplete, in words; undefined if it is complete, or if the calls ran out, which is a gap already.
 * @throws {DliError} if no reading of it can succeed.
 */
async function listByOffset(dli: DliReader, { what, pageSize, read, seen }: OffsetList): Promise<string | undefined> {
  const met = new Set<string>();
  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const { pages, newcomers, end } = await readPages(dli, read, seen);
    if (end !== undefined) return end.gap;
    const rows = pages.flatMap(({ jobs }) => jobs);
    // By id in lower case, as jobs are told apart: two spellings of one id are no second row.
    for (const { id } of rows) if (id !== '') met.add(id.toLowerCase());
    // Jobs that came while the list was read need not be met, so it is the first total that counts.
    const [{ total } = { total: 0 }] = pages;
    const shown = met.size + rows.filter(({ id }) => id === '').length;
    const fits = shown >= total && rows.length <= Math.max(...pages.map((page) => page.total));
    // One page is one instant.
    if (fits && total <= pageSize) return undefined;
    if (reading > 1 && newcomers === 0) {
      return fits ? undefined : `${what}: the list says that there are ${total}, and shows ${shown}`;
    }
  }
  return `${what}: the list still changed after ${MAX_READINGS} readings`;
}

interface PagesRead {
  pages: Page[];
  /** The number of jobs that no reading had shown before. */
  newcomers: number;
  /** Set if the list cannot be read further, with the gap if it is a new one. */
  end?: { gap: string | undefined };
}

/** Reads a list once, to its end or to a page that shows nothing that it had not shown before. */
async function readPages(dli: DliReader, read: OffsetList['read'], seen: JobSet): Promise<PagesRead> {
  const pages: Page[] = [];
  const shownNow = new Rows();
  let newcomers = 0;
  for (let offset = 0, total = 1; offset < total; ) {
    try {
      const page = await read(offset);
      if (page === undefined) return { pages, newcomers, end: { gap: undefined } };
      pages.push(page);
      newcomers += seen.add(page.jobs);
      if (shownNow.add(page.jobs).length === 0) break;
      offset += page.jobs.length;
      total = page.total;
    } catch (error) {
      if (!(error instanceof DliError) || isHopeless(error, dli)) throw error;
      return { pages, newcomers, end: { gap: error.message } };
    }
  }
  return { pages, newcomers };
}
