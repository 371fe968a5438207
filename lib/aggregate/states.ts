import type { State, StateSpan } from './aggregates.ts';
import { isoOf, type Run, type RunEnd } from './sightings.ts';

/*
 * When the reaper was not able to do its work. Only sweeps of the schedule count: each stands for the time until the next one.
 */

const MINUTE_MS = 60_000;
/** The period for functions of earlier versions, which do not log theirs; as `status` takes it. */
const USUAL_PERIOD_MINUTES = 60;
/** As `status` judges it. */
const LATE_AFTER_PERIODS = 2;

type EndedRun = Run & { end: RunEnd };

export const hasEnd = (run: Run): run is EndedRun => run.end !== null;

/** Returns the sweeps of the schedule, the oldest first. */
export const scheduledOf = (runs: readonly Run[]): EndedRun[] =>
  runs
    .filter(hasEnd)
    .filter(({ end }) => end.isScheduled)
    .sort((a, b) => a.end.at - b.end.at);

export const periodOf = ({ periodMinutes }: RunEnd): number => (periodMinutes ?? USUAL_PERIOD_MINUTES) * MINUTE_MS;

/** Whether the next sweep came so soon that this one stands for the time between them. */
export const isFollowedBy = (end: RunEnd, nextAt: number): boolean =>
  nextAt - end.at <= LATE_AFTER_PERIODS * periodOf(end);

/** Returns the spans of one target. @param runs of that target. @param to epoch ms, the end of the record. */
export function statesOf(runs: readonly Run[], to: number): StateSpan[] {
  const ends = scheduledOf(runs);
  const spans: StateSpan[] = [];
  const add = ({ stage, target }: Run, state: State, from: number, until: number, why: string | null) => {
    if (until <= from) return;
    const last = spans.findLast((span) => span.state === state);
    const sweeps = state === 'dead' ? 0 : 1;
    if (last !== undefined && Date.parse(last.to) === from) {
      last.to = isoOf(until);
      last.sweeps += sweeps;
      last.why = why ?? last.why;
    } else spans.push({ stage, target, state, from: isoOf(from), to: isoOf(until), sweeps, why });
  };
  for (const [i, run] of ends.entries()) {
    const { end } = run;
    const nextAt = ends[i + 1]?.end.at ?? to;
    const until = isFollowedBy(end, nextAt) ? nextAt : end.at + periodOf(end);
    const state = stateOf(end);
    if (state !== undefined) add(run, state, end.at, until, end.problem);
    add(run, 'dead', until, nextAt, null);
  }
  return spans;
}

function stateOf({ status, stoppedBy, dryRun }: RunEnd): State | undefined {
  switch (status) {
    case 'stopped':
      // Neither says that a person or a brake stopped it: nothing could be seen.
      return stoppedBy === 'credential' || stoppedBy === 'clock' ? 'blind' : 'stopped';
    case 'capped':
      return dryRun ? undefined : 'capped';
    case 'partial':
    case 'could not run':
    case 'not swept':
      return 'blind';
    default:
      return undefined;
  }
}
