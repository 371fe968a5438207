import type { Clock } from '../../../lib/base/clock.ts';
import { formatDuration } from '../../../lib/base/duration.ts';
import { isTerminal, type Job } from '../../../lib/base/job.ts';
import { DliError } from '../../../lib/dli/errors.ts';
import type { Answer } from './ask.ts';
import type { Probe } from './file.ts';
import { NotOurs, OWN_JOB_TIMEOUT_MS, type OwnJob, type SubmitOptions, submitOwnJob } from './submit.ts';

/** What was seen of the job that the probe submitted. */
export interface OwnJobSight {
  end: Probe['ownJob'];
  /** Why there is no job to report on. */
  whyNoJob: string | undefined;
  detail: Answer | undefined;
  /** The answer to the first cancel; undefined if the job had ended before. */
  cancel: Answer | undefined;
  /** The answer to a cancel of the job after its end. */
  cancelOfEnded: { state: Job['state']; answer: Answer } | undefined;
}

const START_WITHIN_MS = 2 * 60_000;
const STOP_WITHIN_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

interface OwnJobOptions extends SubmitOptions {
  clock: Clock;
}

/**
 * Submits one job, reads it, cancels it, reads it until its end, and cancels it again. If something goes wrong after the job
 * has shown its mark, it still tries to cancel the job. It always prints the job's id.
 */
export async function runOwnJob(options: OwnJobOptions): Promise<OwnJobSight> {
  const { interrupted, say } = options;
  const sight: OwnJobSight = {
    end: 'not submitted',
    whyNoJob: undefined,
    detail: undefined,
    cancel: undefined,
    cancelOfEnded: undefined,
  };
  const submission = await submitOwnJob(options);
  if (!('job' in submission)) return { ...sight, ...submission };
  const { job } = submission;
  sight.end = 'not seen to end';
  say(`Submitted the job ${job.id}.`);

  let failure: unknown;
  try {
    const started = await readUntil(job, ({ state }) => state !== 'queued', START_WITHIN_MS, options);
    sight.detail = await job.detail();
    if (started === undefined || !isOver(started)) sight.cancel = await job.cancel();
    // Without the right to cancel, the job runs until DLI ends it.
    const ended = isDenied(sight) ? undefined : await readUntil(job, isOver, STOP_WITHIN_MS, options);
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

const isOver = ({ state }: Job): boolean => isTerminal(state);

/** Reads the job until it is in a wanted state. @returns undefined if it is not within this time. */
async function readUntil(
  job: OwnJob,
  isWanted: (read: Job) => boolean,
  withinMs: number,
  { clock, interrupted }: OwnJobOptions,
): Promise<Job | undefined> {
  const until = clock.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const { value } = await job.show({ notAfter: until, signal: interrupted });
    if (value !== undefined && isWanted(value)) return value;
    if (clock.now() + pauseMs > until) return undefined;
    await clock.sleep(pauseMs, interrupted);
  }
}

/** Tries once more to cancel the job, and says what is left to do by hand. */
async function cancelAtLast(
  job: OwnJob,
  sight: OwnJobSight,
  failure: unknown,
  { queue, interrupted, say }: OwnJobOptions,
): Promise<void> {
  if (interrupted.aborted && job.isMarked()) say(`Interrupted. Cancelling the job ${job.id}.`);
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
      `DLI answered the submission with the id ${job.id}, but that job ${problem.message}. It is left alone. If it is the job of the probe, ${end}.`,
    );
  } else if (sight.cancel?.isSuccess)
    say(`The cancel of the job ${job.id} was accepted, but it was not seen to stop; ${end}.`);
  else if (isDenied(sight)) say(`This key may not cancel on ${queue}. The job ${job.id} is still running; ${end}.`);
  else say(`The job ${job.id} could not be cancelled; ${end}. Cancel it in DLI's console.`);
}

/** Cancels the job again. @returns whether the job has ended. */
async function askAgain(job: OwnJob, sight: OwnJobSight): Promise<boolean> {
  // A job that has shown its mark is cancelled even if it can no longer be read.
  const look = () =>
    job.show().catch((error: unknown) => {
      if (error instanceof DliError) return undefined;
      throw error;
    });
  const hasEnded = (read: Answer<Job> | undefined) => read?.value !== undefined && isOver(read.value);
  if (!sight.cancel?.isSuccess && !isDenied(sight)) {
    if (hasEnded(await look())) return true;
    sight.cancel = await job.cancel();
  }
  return hasEnded(await look());
}

const isDenied = ({ cancel }: OwnJobSight): boolean => cancel?.kind === 'permission';
