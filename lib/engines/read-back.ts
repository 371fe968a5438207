import type { Job } from '../base/job.ts';
import { type ReadBack, type Reading, saysMore, tryReading } from './engine.ts';
import type { Page } from './paging.ts';

/** From so many jobs on, a glance at the list of running jobs costs less than reading the first job alone and then the others. */
const WORTH_A_LIST = 3;

/**
 * Reads back jobs of an engine that can be read one by one only. A glance reads the job that was asked first, and the others
 * once that one has stopped; or, for three jobs and more, those that are missing in one page of the running jobs.
 *
 * @param read reads one job.
 * @param listRunning lists one page of the running jobs.
 */
export function readBackOneByOne(read: (job: Job) => Promise<Reading>, listRunning: () => Promise<Page>): ReadBack {
  const readEach = async (jobs: readonly Job[]): Promise<Map<string, Reading>> =>
    new Map(
      await Promise.all(
        jobs.map(async (job): Promise<[string, Reading]> => [job.id, await tryReading(() => read(job))]),
      ),
    );

  return async (jobs, { isGlance }) => {
    if (!isGlance) return readEach(jobs);
    const missing = jobs.length < WORTH_A_LIST ? undefined : missingIn(await listRunning(), jobs);
    if (missing !== undefined) return readEach(missing);
    const first = await readEach(jobs.slice(0, 1));
    if (![...first.values()].some(saysMore)) return first;
    return new Map([...first, ...(await readEach(jobs.slice(1)))]);
  };
}

/** Returns the jobs that are not among the running ones; undefined if there are more running jobs than the page shows. */
function missingIn({ jobs: running, total }: Page, jobs: readonly Job[]): Job[] | undefined {
  if (total > running.length) return undefined;
  const ids = new Set(running.map(({ id }) => id.toLowerCase()));
  return jobs.filter(({ id }) => !ids.has(id.toLowerCase()));
}
