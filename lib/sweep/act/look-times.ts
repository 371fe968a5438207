/*
 * When a look at jobs that were asked to stop is worth its calls. How long DLI takes to stop a job is documented nowhere: it
 * has been milliseconds and minutes. So the first look comes soon, and the wait doubles: each job is known to have stopped
 * within twice the time that it took, and a stop of ten seconds costs seven looks.
 */

/** A job asked at least so long ago may have stopped, so that the first look can show something. */
const FIRST_LOOK_MS = 50;
/** What a wait grows by in addition to doubling; without it the first looks would come too fast after each other. */
const STEP_MS = 150;
/** The shortest wait between two looks. */
const SHORTEST_WAIT_MS = 25;

/**
 * Returns when to look first, epoch ms.
 *
 * @param askedAt when each job was asked, epoch ms.
 */
export function firstLookAt(askedAt: Iterable<number>): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const at of askedAt) earliest = Math.min(earliest, at);
  return earliest + FIRST_LOOK_MS;
}

/**
 * Returns when to look next, epoch ms.
 *
 * @param looked.lookedAt when the last look began.
 * @param looked.askedAt when each job was asked that has not been seen to stop.
 * @param looked.quickestStopMs how old the youngest request was of those that were seen to have worked; undefined if none.
 */
export function nextLookAt({ lookedAt, askedAt, quickestStopMs }: Looked): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (const at of askedAt) latest = Math.max(latest, at);
  const age = Math.max(lookedAt - latest, 0);
  // Others have stopped that soon, so this one may have stopped by then.
  const isYoung = quickestStopMs !== undefined && age < quickestStopMs;
  return lookedAt + (isYoung ? Math.max(quickestStopMs - age, SHORTEST_WAIT_MS) : age + STEP_MS);
}

interface Looked {
  lookedAt: number;
  askedAt: Iterable<number>;
  quickestStopMs: number | undefined;
}
