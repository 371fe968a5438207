import { isLive, isTerminal, type Job, type PastJob } from '../base/job.ts';

/**
 * How a job ended. Of a job that was `cancelled`, by the reaper, a person or DLI itself, nothing says how long it would have
 * run. A Spark batch that is `dead` may have failed or been cancelled.
 */
export const ENDINGS = ['finished', 'failed', 'cancelled', 'dead', 'alive', 'unknown'] as const;
export type Ending = (typeof ENDINGS)[number];

/** The life of a job, as far as the history tells it. */
export interface Life {
  job: Job;
  /** Epoch ms. */
  submittedAt: number;
  /** Epoch ms: its end or, for a job that is alive, the end of the history. */
  endedAt: number;
  ending: Ending;
}

export interface Lives {
  /** The oldest submission first. */
  lives: Life[];
  /** Jobs without a readable start, in a state that this code does not know, or over without a readable end. */
  unreadable: number;
}

/** SQL jobs are told apart from Spark batches by their word for the end: a batch that was cancelled is `dead`. */
export function endingOf({ engine, state }: Job): Ending {
  if (state === 'finished') return 'finished';
  if (state === 'failed') return engine === 'spark' ? 'dead' : 'failed';
  if (state === 'cancelled') return 'cancelled';
  return isLive(state) || state === 'operation' ? 'alive' : 'unknown';
}

/** @param until epoch ms: the end of the history. */
export function livesOf(jobs: readonly PastJob[], until: number): Lives {
  const lives = jobs.flatMap(({ job, endedAt }): Life[] => {
    const { submitted } = job.since;
    const end = isTerminal(job.state) ? endedAt : until;
    if (job.state === 'unknown' || submitted === undefined || submitted <= 0 || end === undefined) return [];
    if (end < submitted) return [];
    return [{ job, submittedAt: submitted, endedAt: end, ending: endingOf(job) }];
  });
  return { lives: lives.sort((a, b) => a.submittedAt - b.submittedAt), unreadable: jobs.length - lives.length };
}

/** How long a job was there, ms. */
export const lengthOf = ({ submittedAt, endedAt }: Life): number => endedAt - submittedAt;
