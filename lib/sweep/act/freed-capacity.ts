import type { Job } from '../../base/job.ts';
import type { Freed, Range } from '../record/report.ts';

const HOUR_MS = 3_600_000;

/**
 * Estimates what the cancelled jobs held. A job that says its CUs counts with them. Of the other jobs of a queue it is only known
 * that together they held no more than the queue has.
 *
 * @param cancelled jobs that were seen to stop.
 * @param queueCus by name.
 * @param now epoch ms, the sweep's instant.
 * @returns undefined if no job was cancelled.
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
  const unknown = Map.groupBy(
    cancelled.filter((job) => job.cus === undefined),
    ({ queue }) => queue,
  );
  for (const [queue, jobs] of unknown) {
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
