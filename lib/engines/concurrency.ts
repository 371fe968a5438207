/**
 * Runs so much work at once, in the order in which it came.
 *
 * @param most returns how much; less than one counts as one. It is asked again each time, since it may change.
 */
export function createConcurrencyLimit(most: () => number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  const startNext = () => {
    while (waiting.length > 0 && (underWay === 0 || underWay + 1 <= most())) {
      underWay += 1;
      waiting.shift()?.();
    }
  };
  return async (work) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      startNext();
    });
    try {
      return await work();
    } finally {
      underWay -= 1;
      startNext();
    }
  };
}
