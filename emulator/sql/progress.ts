import type { Answer } from '../base/answer.ts';
import { invalid, refuseUnknownId, UUID } from '../base/query.ts';
import type { RouteRequest } from '../base/service.ts';
import { type EmulatedJob, endOf, type SqlService, statusAt } from './jobs.ts';

/** Every job runs as four Spark jobs, one after the other, with ten tasks each. */
const SUB_JOBS = 4;
const TASKS = 10;

/**
 * "Querying the Job Execution Progress". The progress is that of the sub-job that runs. It is 0 for a job that does not run
 * yet and 1 for one that has ended. Neither has sub-jobs.
 */
export function showProgress(service: SqlService, { params: [id = ''] }: RouteRequest): Answer {
  if (!UUID.test(id)) return invalid('job_id', 'a UUID');
  const job = service.sql.get(id);
  if (job === undefined) return refuseUnknownId(service, 'job', id);
  const now = service.now();
  const common = { is_success: true, message: '', job_id: job.id, status: job.shownStatus ?? statusAt(job, now) };
  if (endOf(job, now) !== undefined) return { status: 200, body: { ...common, progress: 1 } };
  if (now < job.runsFrom) return { status: 200, body: { ...common, progress: 0 } };

  const done = Math.floor(((now - job.runsFrom) / (job.endsAt - job.runsFrom)) * SUB_JOBS * TASKS);
  const running = Math.floor(done / TASKS);
  return {
    status: 200,
    body: {
      ...common,
      sub_job_id: running,
      progress: (done % TASKS) / TASKS,
      sub_jobs: Array.from({ length: running + 1 }, (_, i) => subJob(job, i, i < running ? TASKS : done % TASKS)),
    },
  };
}

/** Returns a sub-job as Spark's JobData. Only a finished one has a completion time. */
function subJob(job: EmulatedJob, id: number, completed: number): Record<string, unknown> {
  const isRunning = completed < TASKS;
  const timeAt = (index: number) => formatTime(job.runsFrom + ((job.endsAt - job.runsFrom) * index) / SUB_JOBS);
  return {
    id,
    name: 'runJob at FileFormatWriter.scala:266',
    submission_time: timeAt(id),
    ...(!isRunning && { completion_time: timeAt(id + 1) }),
    stage_ids: [id],
    job_group: job.id,
    status: isRunning ? 'RUNNING' : 'SUCCEEDED',
    num_tasks: TASKS,
    num_active_tasks: Number(isRunning),
    num_completed_tasks: completed,
    num_skipped_tasks: 0,
    num_failed_tasks: 0,
    num_killed_tasks: 0,
    num_completed_indices: completed,
    num_active_stages: Number(isRunning),
    num_completed_stages: Number(!isRunning),
    num_skipped_stages: 0,
    num_failed_stages: 0,
    killed_tasks_summary: {},
  };
}

/** Formats a time as Java's Date does in China, like the documented example: `Mon Jul 27 17:24:03 CST 2020`. */
function formatTime(epochMs: number): string {
  const [, day, date, month, year, time] =
    /^(\w{3}), (\d\d) (\w{3}) (\d{4}) ([\d:]{8})/.exec(new Date(epochMs + 8 * 3_600_000).toUTCString()) ?? [];
  return `${day} ${month} ${date} ${time} CST ${year}`;
}
