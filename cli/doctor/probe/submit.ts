import { randomUUID } from 'node:crypto';
import { formatDuration } from '../../../lib/base/duration.ts';
import { isJobId, type Job } from '../../../lib/base/job.ts';
import { describeError } from '../../../lib/dli/advice.ts';
import { DliError, DliProtocolError } from '../../../lib/dli/errors.ts';
import { parseSqlJobStatus } from '../../../lib/dli/sql-wire.ts';
import { toText } from '../../../lib/dli/wire.ts';
import { type Answer, type Ask, type Question, type Read, wordsOf } from './ask.ts';
import { askDetail } from './look.ts';
import type { Redactor } from './redact.ts';

/** The key of the tag that the job carries. Its value is new for each probe. */
const TAG = 'dli-reaper-probe';

/** Time after which DLI itself cancels the job ("Submitting a SQL Job", dli.sql.job.timeout, in seconds). */
export const OWN_JOB_TIMEOUT_MS = 10 * 60_000;

/** Number of tables with ten rows each. Their join has more rows than a queue counts in years. */
const TABLES = 16;

/**
 * A query that runs long and needs no database and no table: it counts the rows of a cross join of tables in its own text.
 * The name of its column is the mark, so that the statement shows that the job is ours.
 *
 * @see DLI SQL Syntax Reference, "Cartesian JOIN" and "UNION"
 */
function lastingQuery(mark: string): string {
  const rows = Array.from({ length: 10 }, (_, n) => (n === 0 ? 'SELECT 0 AS n' : `SELECT ${n}`)).join(' UNION ALL ');
  const tables = Array.from({ length: TABLES }, (_, n) => `(${rows}) t${n}`).join(' CROSS JOIN ');
  return `SELECT count(*) AS probe_${mark} FROM ${tables}`;
}

export interface OwnJob {
  id: string;
  /** Reads the job; without a value until it shows the mark. @throws {NotOurs} if it is another job. */
  show: (limits?: Pick<Question<Job>, 'notAfter' | 'signal'>) => Promise<Answer<Job>>;
  /** Whether it has shown the mark. */
  isMarked: () => boolean;
  detail: () => Promise<Answer>;
  /**
   * Cancels the job. It is the only cancel of a probe, and knows only the id that DLI gave to our submission.
   *
   * @throws {NotOurs} before anything is sent, unless the job has shown the mark.
   */
  cancel: () => Promise<Answer>;
}

/** The job under the id that DLI gave us may be another one. The message says why. */
export class NotOurs extends Error {}

export interface SubmitOptions {
  queue: string;
  /** Sends a cancel again only if the gateway rejected it, and a submission never. */
  askOnce: Ask;
  read: Read;
  redactor: Redactor;
  /** When it aborts, nothing waits any longer. The job is cancelled nevertheless. */
  interrupted: AbortSignal;
  /** Prints a line for the operator. */
  say: (text: string) => void;
}

/** The job, or why there is none. */
type Submission = { job: OwnJob } | { end: 'not submitted' | 'unknown'; whyNoJob: string };

/** Submits one job, once. */
export async function submitOwnJob(options: SubmitOptions): Promise<Submission> {
  const { askOnce, read, interrupted, say } = options;
  const mark = randomUUID().replaceAll('-', '');
  let submitted: Answer<string>;
  try {
    submitted = await submit(mark, options);
  } catch (error) {
    // What the reads showed is still worth a report.
    if (!(error instanceof DliError)) throw error;
    say(`No job was submitted. ${describeError(error)}.`);
    return { end: 'not submitted', whyNoJob: 'no job was submitted, since DLI refused the key' };
  }
  if (submitted.value !== undefined) return { job: ownJobOf(submitted.value, mark, { askOnce, read, interrupted }) };
  const words = wordsOf(submitted);
  if (!submitted.isAmbiguous) {
    const advice = ' The key needs dli:queue:submitJob on the queue; see docs/deploy.md.';
    if (interrupted.aborted) say('Interrupted. No job was submitted.');
    else if (submitted.status === undefined) say('No job was submitted, since DLI could not be reached.');
    else say(`DLI refused the job: ${words}.${submitted.kind === 'permission' ? advice : ''}`);
    return { end: 'not submitted', whyNoJob: `no job was submitted (${words})` };
  }
  const end = `DLI ends it by itself ${formatDuration(OWN_JOB_TIMEOUT_MS)} after its start`;
  say(`A job may have been submitted (${words}). If so, its tag ${TAG} is ${mark}, and ${end}.`);
  return { end: 'unknown', whyNoJob: `whether a job was submitted is not known (${words})` };
}

function submit(mark: string, { queue, askOnce, redactor, interrupted }: SubmitOptions): Promise<Answer<string>> {
  return askOnce({
    call: 'submit a SQL job',
    signal: interrupted,
    method: 'POST',
    version: 'v1.0',
    path: '/jobs/submit-job',
    body: JSON.stringify({
      sql: lastingQuery(mark),
      queue_name: queue,
      conf: [`dli.sql.job.timeout = ${OWN_JOB_TIMEOUT_MS / 1_000}`],
      tags: [{ key: TAG, value: mark }],
    }),
    parse: ({ job_id: field }, about) => {
      const id = toText(field);
      if (id === undefined || !isJobId(id))
        throw new DliProtocolError(about.operation, 'without the id of a job', about);
      redactor.call(id, 'own job');
      return id;
    },
  });
}

function ownJobOf(
  id: string,
  mark: string,
  { askOnce, read, interrupted }: Pick<SubmitOptions, 'askOnce' | 'read' | 'interrupted'>,
): OwnJob {
  let isMarked = false;
  return {
    id,
    isMarked: () => isMarked,
    show: (limits) =>
      read({
        ...limits,
        call: 'read the job of the probe',
        version: 'v1.0',
        path: `/jobs/${id}/status`,
        shown: '/jobs/{own_job}/status',
        parse: (body, about) => {
          const job = parseSqlJobStatus(body, about, id, true);
          isMarked ||= hasMark(job, mark);
          if (isMarked) return job;
          if (couldShowMark(job)) throw new NotOurs('lacks the mark of the probe');
          throw new DliProtocolError(about.operation, 'without the mark of the probe', about);
        },
      }),
    detail: () => askDetail(read, id, 'read the details of the job of the probe', interrupted),
    cancel: async () => {
      if (!isMarked) throw new NotOurs('did not show the mark of the probe');
      return askOnce({
        call: 'cancel the job of the probe',
        method: 'DELETE',
        version: 'v1.0',
        path: `/jobs/${id}`,
        shown: '/jobs/{own_job}',
      });
    },
  };
}

/** Whether a job shows the mark. DLI may omit tags, or reformat the statement, so one of them is enough. */
function hasMark({ tags, statement }: Job, mark: string): boolean {
  return tags?.get(TAG) === mark || statement?.toLowerCase().includes(mark) === true;
}

/** Whether a job shows a field that would hold the mark if the job were ours. */
const couldShowMark = ({ tags, statement }: Job): boolean => statement !== undefined || (tags?.size ?? 0) > 0;
