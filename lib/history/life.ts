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

/** A life holds no job, which takes several times its memory: the past makes it each time it is asked for. */
class PastLife implements Life {
  readonly #past: PastJob;
  readonly #history: { until: number };
  readonly submittedAt: number;
  readonly ending: Ending;

  constructor(
    past: PastJob,
    history: { until: number },
    { submittedAt, ending }: Pick<Life, 'submittedAt' | 'ending'>,
  ) {
    this.#past = past;
    this.#history = history;
    this.submittedAt = submittedAt;
    this.ending = ending;
  }

  get job(): Job {
    return this.#past.job;
  }

  get endedAt(): number {
    return this.ending === 'alive' ? this.#history.until : (this.#past.endedAt ?? this.#history.until);
  }
}

/** @param until epoch ms: the end of the history. */
export function livesOf(jobs: readonly PastJob[], until: number): Lives {
  const lives: Life[] = [];
  const history = { until };
  for (const past of jobs) {
    const { job, endedAt } = past;
    const { submitted } = job.since;
    const end = isTerminal(job.state) ? endedAt : until;
    if (job.state === 'unknown' || submitted === undefined || submitted <= 0 || end === undefined) continue;
    if (end < submitted) continue;
    lives.push(new PastLife(past, history, { submittedAt: submitted, ending: endingOf(job) }));
  }
  return { lives: lives.sort((a, b) => a.submittedAt - b.submittedAt), unreadable: jobs.length - lives.length };
}

/** How long a job was there, ms. */
export const lengthOf = ({ submittedAt, endedAt }: Life): number => endedAt - submittedAt;
