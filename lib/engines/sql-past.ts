import type { DliReader } from '../dli/client.ts';
import { MAX_PAGE, MAX_PAGE_SIZE, sqlPastCall } from '../dli/sql-wire.ts';
import type { PastPage, PastPlace, PastScope, ReadOptions, ReadPast } from './engine.ts';

/**
 * Reads SQL jobs of any state, the newest first, so that calls that run out leave out the oldest.
 *
 * Each page begins at the last start time of the page before, and not at a page number: so a list of any length can be read, and
 * rows that DLI drops meanwhile push none of the others out of sight. A page of jobs that all started in one millisecond is
 * followed by the next page number.
 */
export const createSqlPast =
  (dli: DliReader, { withStatements }: ReadOptions): ReadPast =>
  async ({ since, until }: PastScope, place: PastPlace | undefined): Promise<PastPage> => {
    const { before = until, at: page } = place ?? { at: 1 };
    const startedAfter = since === undefined ? undefined : since - 1;
    const { jobs, jobCount } = await dli.get(
      sqlPastCall({ startedBefore: before, startedAfter, page, withStatements }),
    );
    const left = Math.max(jobCount - (page - 1) * MAX_PAGE_SIZE, jobs.length);
    if (jobs.length < MAX_PAGE_SIZE) return { jobs, next: undefined, left };
    const oldest = Math.min(...jobs.map(({ job }) => job.startedAt ?? Number.POSITIVE_INFINITY));
    // The bound is exclusive, so the last millisecond is read once more.
    if (oldest + 1 < before) return { jobs, next: { before: oldest + 1, at: 1 }, left };
    if (page < MAX_PAGE) return { jobs, next: { before, at: page + 1 }, left };
    const gap = `SQL jobs: ${MAX_PAGE} pages did not get past ${Number.isFinite(oldest) ? new Date(oldest).toISOString() : 'jobs without a start time'}, so some may be missing`;
    return { jobs, next: Number.isFinite(oldest) ? { before: oldest, at: 1 } : undefined, left, gap };
  };
