/** How far a sweep is, for the screen of a person. What was asked, has stopped and has failed is counted apart. */
export type Progress = {
  /** The limit that DLI set so far; undefined as long as it refused no call for too many. */
  callsPerMinute?: number | undefined;
} & (
  | {
      stage: 'listing';
      /** Requests so far. Their total is not known before the end. */
      done: number;
    }
  | {
      stage: 'cancelling';
      /** Victims that DLI agreed to stop, or that had ended. */
      done: number;
      /** Victims whose request was refused, or got no answer. */
      failed: number;
      total: number;
    }
  | {
      stage: 'verifying';
      /** Victims that were seen to have ended. */
      done: number;
      /** Victims that are known to run on. */
      failed: number;
      total: number;
    }
);

/** Counts what the stages report. */
export interface ProgressWatch {
  /** Shown until cancelling begins, since jobs are read back by lists as well. @param calls lists asked for so far. */
  listing: (calls: number) => void;
  /** @param total victims that are to be asked to stop. */
  begin: (total: number) => void;
  asked: (result: { hasFailed: boolean }) => void;
  /** @param counts.pending victims that are still looked for. @param counts.failed victims that are known to run on. */
  reading: (counts: { pending: number; failed: number }) => void;
}

/** @param callsPerMinute returns the limit that was learned so far. */
export function createProgressWatch(
  onProgress?: (progress: Progress) => void,
  callsPerMinute: () => number | undefined = () => undefined,
): ProgressWatch {
  let total: number | undefined;
  let asked = 0;
  let failedToAsk = 0;
  const show = (progress: Progress) => {
    try {
      onProgress?.({ ...progress, callsPerMinute: callsPerMinute() });
    } catch {
      // An error of the screen must not cost the sweep its report.
    }
  };
  return {
    listing: (calls) => {
      if (total === undefined) show({ stage: 'listing', done: calls });
    },
    begin: (victims) => {
      total = victims;
    },
    asked: ({ hasFailed }) => {
      asked += 1;
      if (hasFailed) failedToAsk += 1;
      show({ stage: 'cancelling', done: asked - failedToAsk, failed: failedToAsk, total: total ?? asked });
    },
    reading: ({ pending, failed }) => {
      if (asked > 0) show({ stage: 'verifying', done: asked - pending - failed, failed, total: asked });
    },
  };
}
