import type { Job } from '../../base/job.ts';
import type { Freed, Range } from '../record/report.ts';

const HOUR_MS = 3_600_000;

/**
 * Jobs that tell their CUs count with those; of the others nothing is known but that all of a queue's together held no
 * more than the queue has.
 *
 * @param cancelled jobs that were seen to stop.
 * @param queueCus by name.
 * @param now epoch ms, the sweep's instant.
 * @returns undefined if none was cancelled.
 */
export function estimateFreed(
  cancelled: readonly Job[],
  queueCus: ReadonlyMap<string, number>,
  now: number,
): Freed | undefined {
  if (cancelled.length === 0) return undefined;
  const cus: Range = { from: 0, to: 0 };
  let cuHours: number | null = 0;
  const add = (from: number, to: number | undefined, hours: number) => {
    cus.from += from;
    cus.to = to === undefined || cus.to === null ? null : cus.to + to;
    cuHours = to === undefined || cuHours === null ? null : cuHours + to * hours;
  };
  const hoursOf = ({ startedAt = now }: Job) => Math.max(now - startedAt, 0) / HOUR_MS;

  for (const job of cancelled) if (job.cus !== undefined) add(job.cus, job.cus, hoursOf(job));
  const untold = Map.groupBy(
    cancelled.filter((job) => job.cus === undefined),
    ({ queue }) => queue,
  );
  for (const [queue, jobs] of untold) {
    add(0, queue === undefined ? undefined : queueCus.get(queue), Math.max(...jobs.map(hoursOf)));
  }
  return {
    estimate: true,
    cus: { from: rounded(cus.from), to: cus.to && rounded(cus.to) },
    cuHoursAtMost: cuHours && rounded(cuHours),
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
