import { type EmulatedJob, endOf, statusAt } from './jobs.ts';

/** Returns a job as the list shows it, computed for this moment. */
export function toRow(job: EmulatedJob, now: number): Record<string, unknown> {
  const status = statusAt(job, now);
  const endedAt = endOf(job, now);
  const isTransfer = job.type === 'IMPORT' || job.type === 'EXPORT';
  const row: Record<string, unknown> = {
    job_id: job.id,
    job_type: job.type,
    queue_name: job.queue,
    owner: job.owner,
    start_time: job.submittedAt,
    duration: Math.max((endedAt ?? now) - job.submittedAt, 0),
    status: job.shownStatus ?? status,
    input_size: 0,
    result_count: job.result?.rows.length ?? 0,
    detail: '',
    engine_type: job.engine ?? 'spark',
    statement: job.statement,
    message: endedAt === undefined ? '' : (job.message ?? ''),
    ...(endedAt !== undefined && { end_time: endedAt }),
    ...(isTransfer && tableOf(job)),
    ...(job.cpuCost !== undefined && { cpu_cost: String(job.cpuCost) }),
    ...(job.outputBytes !== undefined && { output_byte: String(job.outputBytes) }),
    ...(job.tags !== undefined && { tags: job.tags }),
  };
  for (const field of job.hiddenFields ?? []) delete row[field];
  return row;
}

/** Returns the names of a job's database and table, as far as it has them. */
export function tableOf({ database, table }: EmulatedJob): Record<string, string> {
  return {
    ...(database !== undefined && { database_name: database }),
    ...(table !== undefined && { table_name: table }),
  };
}
