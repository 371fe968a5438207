/** How far a sweep is, for the screen of a person. */
export type Progress =
  /** Requests so far. Their total is not known before the end. */
  | { stage: 'listing'; done: number }
  /** Victims asked to stop, or seen to have ended. */
  | { stage: 'cancelling' | 'verifying'; done: number; total: number };

/** Counts what the stages report. */
export interface ProgressWatch {
  /** Shown until cancelling begins, since jobs are read back by lists as well. @param calls lists asked for so far. */
  listing: (calls: number) => void;
  /** @param total victims that are to be asked to stop. */
  begin: (total: number) => void;
  asked: () => void;
  /** @param pending victims that are still looked for. */
  reading: (pending: number) => void;
}

export function createProgressWatch(onProgress?: (progress: Progress) => void): ProgressWatch {
  let total: number | undefined;
  let asked = 0;
  const show = (progress: Progress) => {
    try {
      onProgress?.(progress);
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
    asked: () => {
      asked += 1;
      show({ stage: 'cancelling', done: asked, total: total ?? asked });
    },
    reading: (pending) => {
      if (asked > 0) show({ stage: 'verifying', done: asked - pending, total: asked });
    },
  };
}
