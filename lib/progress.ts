/** How far a sweep is, for whoever watches. */
export type Progress =
  /** Requests so far; how many it takes shows only at the end. */
  | { stage: 'listing'; done: number }
  /** Victims asked to stop, or seen to have ended. */
  | { stage: 'cancelling' | 'verifying'; done: number; total: number };

/** Counts what the stages tell. */
export function progressOf(total: number, onProgress: (progress: Progress) => void = () => {}) {
  let asked = 0;
  return {
    asked: () => {
      asked += 1;
      onProgress({ stage: 'cancelling', done: asked, total });
    },
    /** @param pending how many are still looked for. */
    reading: (pending: number) => {
      if (asked > 0) onProgress({ stage: 'verifying', done: asked - pending, total: asked });
    },
  };
}
