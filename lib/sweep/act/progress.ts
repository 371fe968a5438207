/** How far a sweep is, for a person who watches. */
export type Progress =
  /** Requests so far; how many it takes shows only at the end. */
  | { stage: 'listing'; done: number }
  /** Victims asked to stop, or seen to have ended. */
  | { stage: 'cancelling' | 'verifying'; done: number; total: number };

/** Counts what the stages tell. */
export interface ProgressWatch {
  /** @param calls lists asked for so far. Shown until the cancelling begins, since jobs are read back by lists as well. */
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
      // A screen that fails must not cost a sweep its report.
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
