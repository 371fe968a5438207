import type { Clock } from '../base/clock.ts';
import type { Job } from '../base/job.ts';
import type { SharedLook } from '../dli/calls.ts';
import { DliError } from '../dli/errors.ts';
import type { SqlJobPage } from '../dli/sql-wire.ts';
import { MAX_PAGE_SIZE, sqlListCall } from '../dli/sql-wire.ts';

/** Time for which a look counts as right before a cancel. */
const GOOD_FOR_MS = 10_000;

/** The waiting jobs of a span of start times, as one page showed them. */
interface Look {
  /** Epoch ms, both inclusive. */
  from: number;
  to: number;
  /** By id in lower case. */
  jobs: ReadonlyMap<string, Job>;
  /** Epoch ms. */
  goodUntil: number;
}

/**
 * Looks at waiting SQL jobs a page at a time, right before they are cancelled. A page begins with the job in question, so it
 * probably holds the jobs that come next: one call for each hundred.
 */
export function createQueuedLook(clock: Clock): (job: Job & { startedAt: number }) => SharedLook {
  let looks: Look[] = [];
  let underWay: Promise<void> | undefined;

  const find = ({ id, startedAt }: Job & { startedAt: number }): Job | null | undefined => {
    const now = clock.now();
    looks = looks.filter(({ goodUntil }) => now < goodUntil);
    const look = looks.findLast(({ from, to }) => from <= startedAt && startedAt <= to);
    return look && (look.jobs.get(id.toLowerCase()) ?? null);
  };

  /** Looks from a start time on. A look that fails finds no job of any start time, so that each job is read alone. */
  const lookFrom = async (startedAt: number, get: Parameters<SharedLook['repeat']>[0]): Promise<void> => {
    const page = await get(
      sqlListCall({ status: 'LAUNCHING', startedAfter: startedAt - 1, page: 1, pageSize: MAX_PAGE_SIZE }),
    ).catch((error: unknown) => {
      if (!(error instanceof DliError)) throw error;
      return undefined;
    });
    const goodUntil = clock.now() + GOOD_FOR_MS;
    if (page === undefined) looks.push({ from: -Infinity, to: Infinity, jobs: new Map(), goodUntil });
    else looks.push({ from: startedAt, to: endOf(page, startedAt), jobs: byId(page.jobs), goodUntil });
  };

  return (job) => ({
    find: () => find(job),
    repeat: async (get) => {
      underWay ??= lookFrom(job.startedAt, get).finally(() => {
        underWay = undefined;
      });
      await underWay;
    },
  });
}

/** Returns the last start time whose jobs are all on a page: more jobs with the last row's start may be on the next page. */
function endOf({ jobs, jobCount }: SqlJobPage, from: number): number {
  if (jobCount <= jobs.length) return Number.POSITIVE_INFINITY;
  return Math.max((jobs.at(-1)?.startedAt ?? from) - 1, from);
}

const byId = (jobs: readonly Job[]) => new Map(jobs.map((job) => [job.id.toLowerCase(), job]));
