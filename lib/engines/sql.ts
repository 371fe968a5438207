import { toSqlJob } from '../dli/sql-wire.ts';
import type { EngineAdapter } from './engine.ts';
import { createQueuedLook } from './queued-look.ts';
import { countLiveSqlJobs, listLiveSqlJobs } from './sql-list.ts';
import { createSqlPast } from './sql-past.ts';
import { readBackSqlJobs } from './sql-read-back.ts';

export const sqlEngine: EngineAdapter = {
  createReads: (dli, { withStatements }) => ({
    listLive: ({ startedBefore }) => listLiveSqlJobs(dli, { startedBefore, withStatements }),
    countLive: () => countLiveSqlJobs(dli),
    show: (jobId) => dli.showSqlJobStatus(jobId, { withStatements: true }),
    readBack: (jobs, round) => readBackSqlJobs(dli, jobs, round),
  }),
  createPast: createSqlPast,
  toJob: (row) => toSqlJob(row, true),
  createCancels: (dli, clock) => {
    const lookAt = createQueuedLook(clock);
    return {
      cancel: (job, { mayStillBeAsked, notAfter, signal }) => {
        const { id, startedAt } = job;
        const hasToWait = job.state === 'queued' && !mayStillBeAsked({ ...job, status: 'RUNNING', state: 'running' });
        return dli.cancelSqlJob(id, {
          notAfter,
          signal,
          mayStillBeAsked,
          // Otherwise it makes no difference whether it has begun to run, and DLI itself refuses a job that is over.
          look: hasToWait && startedAt !== undefined ? lookAt({ ...job, startedAt }) : undefined,
        });
      },
      mayAskAgain: true,
    };
  },
};
