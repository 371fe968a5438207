/** Returns the error that a function throws, to check more than its message; undefined if it throws none. */
export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
