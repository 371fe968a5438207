/**
 * A line in which so many at once get their turn, in the order in which they came.
 *
 * @param places how many; less than one is one. Asked again for each, since it may change.
 */
export function createLine(places: () => number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  const letIn = () => {
    while (waiting.length > 0 && (underWay === 0 || underWay + 1 <= places())) {
      underWay += 1;
      waiting.shift()?.();
    }
  };
  return async (work) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      letIn();
    });
    try {
      return await work();
    } finally {
      underWay -= 1;
      letIn();
    }
  };
}
