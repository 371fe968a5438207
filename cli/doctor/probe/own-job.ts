import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/base/clock.ts';
import { formatDuration } from '../../../lib/base/duration.ts';
import { isJobId, isTerminal, type Job } from '../../../lib/base/job.ts';
import { describeError } from '../../../lib/dli/advice.ts';
import { DliError, DliProtocolError } from '../../../lib/dli/errors.ts';
import { parseSqlJobStatus } from '../../../lib/dli/sql-wire.ts';
import { toText } from '../../../lib/dli/wire.ts';
import { type Answer, type Ask, type Question, type Read, wordsOf } from './ask.ts';
import type { Probe } from './file.ts';
import { askDetail } from './look.ts';
import type { Redactor } from './redact.ts';

/** What was seen of the job that the probe made. */
export interface OwnJobSight {
  end: Probe['ownJob'];
  /** Why there is no job to tell of. */
  whyNoJob: string | undefined;
  detail: Answer | undefined;
  /** The answer to the first cancel; undefined if the job was over before. */
  cancel: Answer | undefined;
  /** The answer to a cancel of the job once it was over. */
  cancelOfEnded: { state: Job['state']; answer: Answer } | undefined;
}

/** The key of the tag that the job carries; its value is new for each probe. */
const TAG = 'dli-reaper-probe';

/** DLI cancels the job by itself after this time ("Submitting a SQL Job", dli.sql.job.timeout, in seconds). */
export const OWN_JOB_TIMEOUT_MS = 10 * 60_000;

const START_WITHIN_MS = 2 * 60_000;
const STOP_WITHIN_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/** Ten rows each: more rows in all than a queue counts in years. */
const TABLES = 16;

/**
 * A query that lasts, and needs no database and no table: it counts the rows of a cross join of tables that it holds itself.
 * The mark is the name of its column, so that the statement of a job tells whether the job is ours.
 *
 * @see DLI SQL Syntax Reference, "Cartesian JOIN" and "UNION"
 */
function lastingQuery(mark: string): string {
  const rows = Array.from({ length: 10 }, (_, n) => (n === 0 ? 'SELECT 0 AS n' : `SELECT ${n}`)).join(' UNION ALL ');
  const tables = Array.from({ length: TABLES }, (_, n) => `(${rows}) t${n}`).join(' CROSS JOIN ');
  return `SELECT count(*) AS probe_${mark} FROM ${tables}`;
}

interface OwnJob {
  id: string;
  /** Reads it; without a value until it shows the mark of the probe. @throws {NotOurs} if it is another job. */
  show: (limits?: Pick<Question<Job>, 'notAfter' | 'signal'>) => Promise<Answer<Job>>;
  /** Whether it has shown the mark. */
  isMarked: () => boolean;
  detail: () => Promise<Answer>;
  /**
   * The one way to cancel something here: it knows no id but that which DLI gave to our own submission.
   *
   * @throws {NotOurs} before anything is sent, unless the job under that id has shown the mark.
   */
  cancel: () => Promise<Answer>;
}

interface OwnJobOptions {
  queue: string;
  /** Sends a cancel again only if the gateway turned it away, and a submission never. */
  askOnce: Ask;
  read: Read;
  redactor: Redactor;
  clock: Clock;
  /** Once aborted, nothing is waited for any more; the job is cancelled all the same. */
  interrupted: AbortSignal;
  /** Tells the operator. */
  say: (text: string) => void;
}

/**
 * Submits one job, reads it, cancels it, reads it until it is over, and cancels it again. Whatever goes wrong once the job has
 * shown its mark, it still tries to cancel it. It tells the job's id in any case.
 */
export async function runOwnJob(options: OwnJobOptions): Promise<OwnJobSight> {
  const { clock, interrupted, say } = options;
  const sight: OwnJobSight = {
    end: 'not submitted',
    whyNoJob: undefined,
    detail: undefined,
    cancel: undefined,
    cancelOfEnded: undefined,
  };
  const job = await submit(options, sight);
  if (job === undefined) return sight;
  sight.end = 'not seen to end';
  say(`Submitted the job ${job.id}.`);

  const readUntil = async (isWanted: (read: Job) => boolean, withinMs: number): Promise<Job | undefined> => {
    const until = clock.now() + withinMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const { value } = await job.show({ notAfter: until, signal: interrupted });
      if (value !== undefined && isWanted(value)) return value;
      if (clock.now() + pauseMs > until) return undefined;
      await clock.sleep(pauseMs, interrupted);
    }
  };
  const isOver = ({ state }: Job) => isTerminal(state);

  let failure: unknown;
  try {
    const started = await readUntil(({ state }) => state !== 'queued', START_WITHIN_MS);
    sight.detail = await job.detail();
    if (started === undefined || !isOver(started)) sight.cancel = await job.cancel();
    // Without the right to cancel it, it ends when DLI ends it.
    const ended = isDenied(sight) ? undefined : await readUntil(isOver, STOP_WITHIN_MS);
    if (ended !== undefined) {
      sight.end = 'ended';
      sight.cancelOfEnded = { state: ended.state, answer: await job.cancel() };
    }
  } catch (error) {
    failure = error;
  }
  if (sight.end !== 'ended') await cancelAtLast(job, sight, failure, options);
  else if (failure instanceof DliError) say(failure.message);
  if (failure !== undefined && !interrupted.aborted && !(failure instanceof DliError || failure instanceof NotOurs)) {
    throw failure;
  }
  return sight;
}

async function submit({ queue, askOnce, read, redactor, interrupted, say }: OwnJobOptions, sight: OwnJobSight) {
  const mark = randomUUID().replaceAll('-', '');
  const submission = askOnce({
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
  let submitted: Answer<string>;
  try {
    submitted = await submission;
  } catch (error) {
    // The reads are worth telling all the same.
    if (!(error instanceof DliError)) throw error;
    sight.whyNoJob = 'no job was submitted, since DLI refused the key';
    say(`No job was submitted. ${describeError(error)}.`);
    return undefined;
  }
  if (submitted.value !== undefined) return ownJobOf(submitted.value, mark, { askOnce, read, interrupted });
  if (!submitted.isAmbiguous) {
    sight.whyNoJob = `no job was submitted (${wordsOf(submitted)})`;
    const advice = ' The key needs dli:queue:submitJob on the queue; see docs/deploy.md.';
    if (interrupted.aborted) say('Interrupted. No job was submitted.');
    else if (submitted.status === undefined) say('No job was submitted, since DLI could not be reached.');
    else say(`DLI refused the job: ${wordsOf(submitted)}.${submitted.kind === 'permission' ? advice : ''}`);
    return undefined;
  }
  sight.end = 'unknown';
  sight.whyNoJob = `whether a job was submitted is not known (${wordsOf(submitted)})`;
  const end = `DLI ends it by itself ${formatDuration(OWN_JOB_TIMEOUT_MS)} after its start`;
  say(`A job may have been submitted (${wordsOf(submitted)}). If so, its tag ${TAG} is ${mark}, and ${end}.`);
  return undefined;
}

function ownJobOf(
  id: string,
  mark: string,
  { askOnce, read, interrupted }: Pick<OwnJobOptions, 'askOnce' | 'read' | 'interrupted'>,
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
          if (isTelling(job)) throw new NotOurs('lacks the mark of the probe');
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

/** DLI does not have to show tags, and may show a statement in a form of its own: one of them is enough. */
function hasMark({ tags, statement }: Job, mark: string): boolean {
  return tags?.get(TAG) === mark || statement?.toLowerCase().includes(mark) === true;
}

/** Whether a job shows what would have the mark if it were ours. */
const isTelling = ({ tags, statement }: Job): boolean => statement !== undefined || (tags?.size ?? 0) > 0;

/** The job under the id that the submit was answered with is not known to be ours. The message says why. */
class NotOurs extends Error {}

/** Tries once more, and tells what is left to do by hand. */
async function cancelAtLast(
  job: OwnJob,
  sight: OwnJobSight,
  failure: unknown,
  { queue, interrupted, say }: OwnJobOptions,
): Promise<void> {
  if (interrupted.aborted && job.isMarked()) say(`Interrupted. The job ${job.id} is asked to stop.`);
  else if (failure instanceof DliError) say(failure.message);
  let problem = failure;
  if (!(failure instanceof NotOurs)) {
    try {
      if (await askAgain(job, sight)) {
        sight.end = 'ended';
        say(`The job ${job.id} is over.`);
        return;
      }
    } catch (error) {
      if (!(error instanceof DliError || error instanceof NotOurs)) throw error;
      problem = error;
    }
  }
  const end = `it ends by itself ${formatDuration(OWN_JOB_TIMEOUT_MS)} after its start`;
  if (problem instanceof NotOurs) {
    sight.end = 'unknown';
    sight.whyNoJob = `the job that DLI named ${problem.message}`;
    say(
      `The job ${job.id}, whose id DLI gave to the submission, ${problem.message}. It is left alone. If it is the probe's, ${end}.`,
    );
  } else if (sight.cancel?.isSuccess) say(`The job ${job.id} was asked to stop, and was not seen to stop; ${end}.`);
  else if (isDenied(sight)) say(`This key may not cancel on ${queue}. The job ${job.id} runs on; ${end}.`);
  else say(`The job ${job.id} could not be cancelled; ${end}. Cancel it in DLI's console.`);
}

/** @returns whether the job is over. */
async function askAgain(job: OwnJob, sight: OwnJobSight): Promise<boolean> {
  // One that has shown its mark is asked also where it cannot be read any more.
  const look = () =>
    job.show().catch((error: unknown) => {
      if (error instanceof DliError) return undefined;
      throw error;
    });
  const isOver = (read: Answer<Job> | undefined) => read?.value !== undefined && isTerminal(read.value.state);
  if (!sight.cancel?.isSuccess && !isDenied(sight)) {
    if (isOver(await look())) return true;
    sight.cancel = await job.cancel();
  }
  return isOver(await look());
}

const isDenied = ({ cancel }: OwnJobSight): boolean => cancel?.kind === 'permission';
