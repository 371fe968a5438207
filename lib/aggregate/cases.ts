import { LONGEST_SWEEP_MS } from '../sweep/past/past-sweeps.ts';
import type { Case } from './aggregates.ts';
import { isAsked, isoOf, type SeenJob, type Sighting } from './sightings.ts';

/** A case, with what else was seen of it. */
export interface SeenCase {
  job: SeenJob;
  /** The one that decides the result. */
  deciding: Sighting;
  /** The oldest first. */
  sightings: Sighting[];
}

/**
 * Makes cases of what was seen of a job. Each has the result of the last sweep that asked it to stop; if none did, of the last sweep.
 * A job of Flink that is seen again after its end runs again, which is a new case. No other job can run twice under one id.
 */
export function casesOf(job: SeenJob): SeenCase[] {
  const cases: SeenCase[] = [];
  let open: SeenCase | undefined;
  for (const sighting of job.sightings.toSorted((a, b) => a.at - b.at)) {
    if (open === undefined || runsAgain(open, sighting)) {
      open = { job, deciding: sighting, sightings: [] };
      cases.push(open);
    }
    open.sightings.push(sighting);
    if (decides(sighting, open.deciding)) open.deciding = sighting;
  }
  return cases;
}

const runsAgain = ({ job, deciding }: SeenCase, { at }: Sighting): boolean =>
  job.engine === 'flink' && isOver(deciding) && at - deciding.at > LONGEST_SWEEP_MS;

const isOver = ({ result }: Sighting): boolean => result === 'cancelled' || result === 'already-terminal';

/** Whether a later sighting says more than the one that decides so far. */
function decides({ result }: Sighting, before: Sighting): boolean {
  if (before.result === 'cancelled') return false;
  // Lambda may deliver an event twice: then one sweep cancels the job, and the other finds it over.
  if (before.result === 'already-terminal') return result === 'cancelled';
  return isAsked(result) || !isAsked(before.result);
}

export function toCase({ job, deciding, sightings }: SeenCase): Case {
  const { run, at, result, reason, rule, clock, limitMs, readingMs, status, evidence, endedBy, repeats, error } =
    deciding;
  const latest = <K extends 'name' | 'queue' | 'owner' | 'jobType' | 'cus'>(key: K): Sighting[K] | null =>
    sightings.findLast((one) => one[key] !== null)?.[key] ?? null;
  return {
    stage: job.stage,
    target: job.target,
    engine: job.engine,
    jobId: job.jobId,
    name: latest('name'),
    queue: latest('queue'),
    owner: latest('owner'),
    jobType: latest('jobType'),
    result,
    reason,
    rule,
    clock,
    limitMs,
    readingMs,
    resultAt: isoOf(at),
    firstAt: isoOf(sightings[0]?.at ?? at),
    lastAt: isoOf(sightings.at(-1)?.at ?? at),
    sweeps: new Set(sightings.map((one) => one.run)).size,
    status,
    evidence,
    endedBy,
    repeats,
    cus: latest('cus'),
    error,
    sweepId: run.sweepId,
    trigger: run.trigger,
    recordedBy: run.recordedBy,
  };
}
