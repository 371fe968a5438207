import { likenessOf } from '../sweep/past/repeats.ts';
import type { Chain, Repeats } from './aggregates.ts';
import type { SeenCase } from './cases.ts';
import { keyOf } from './rules.ts';
import { isoOf, type Run } from './sightings.ts';

const DAY_MS = 24 * 3_600_000;

/** A kind of job that one sweep cancelled. */
interface Time {
  at: number;
  last: SeenCase;
}

/** Counts which cancelled jobs came back. @param to epoch ms, the end of the record. */
export function countRepeats(cases: readonly SeenCase[], to: number): Repeats {
  const kinds = new Map<string, Map<Run, Time>>();
  let unknown = 0;
  for (const one of cases) {
    const { job, deciding } = one;
    if (deciding.result !== 'cancelled') continue;
    const likeness = likenessOf({ jobId: job.jobId, engine: job.engine, ...whoIs(one) });
    if (likeness === undefined) {
      unknown += 1;
      continue;
    }
    const key = keyOf(job, likeness);
    const times = kinds.get(key) ?? new Map<Run, Time>();
    kinds.set(key, times);
    const known = times.get(deciding.run);
    times.set(deciding.run, { at: Math.min(known?.at ?? deciding.at, deciding.at), last: one });
  }
  const total: Repeats = { unknown, times: 0, cameBack: 0, stayedAway: 0, notKnown: 0, chains: [] };
  for (const runs of kinds.values()) {
    const times = [...runs.values()].sort((a, b) => a.at - b.at);
    const cameBack = times.filter(({ at }, i) => (times[i + 1]?.at ?? Number.POSITIVE_INFINITY) - at <= DAY_MS).length;
    const last = times.at(-1);
    if (last === undefined) continue;
    const isOpen = to - last.at < DAY_MS;
    total.times += times.length;
    total.cameBack += cameBack;
    total.notKnown += isOpen ? 1 : 0;
    total.stayedAway += times.length - cameBack - (isOpen ? 1 : 0);
    if (times.length > 1) total.chains.push(chainOf(times, last, cameBack));
  }
  total.chains.sort((a, b) => b.cancelledAt.length - a.cancelledAt.length);
  return total;
}

/** What its sightings say of a job: the latest that says it. */
function whoIs({ sightings }: SeenCase) {
  const latest = <K extends 'name' | 'queue' | 'owner' | 'fingerprint'>(key: K) =>
    sightings.findLast((one) => one[key] !== null)?.[key] ?? null;
  return { name: latest('name'), queue: latest('queue'), owner: latest('owner'), fingerprint: latest('fingerprint') };
}

function chainOf(times: readonly Time[], { last }: Time, cameBack: number): Chain {
  const { job } = last;
  const { name, queue, owner, fingerprint } = whoIs(last);
  return {
    stage: job.stage,
    target: job.target,
    engine: job.engine ?? '',
    queue: queue ?? '',
    owner: owner ?? '',
    fingerprint,
    name: fingerprint === null ? name : null,
    cancelledAt: times.map(({ at }) => isoOf(at)),
    cameBack,
    lastJobId: job.jobId,
  };
}
