import type { Case, Place, TargetTotals } from './aggregates.ts';
import { countResults } from './days.ts';
import { isoOf, type Run } from './sightings.ts';
import { hasEnd } from './states.ts';

/** What the latest line says of the project of a target. */
export type ProjectOfTarget = Pick<TargetTotals, 'projectId' | 'projectName' | 'region'>;

/** Counts the sweeps of one target. @returns undefined if no sweep of it ended. */
export function totalsOf(
  { stage, target }: Place,
  { runs, cases, project }: { runs: readonly Run[]; cases: readonly Case[]; project: ProjectOfTarget },
): TargetTotals | undefined {
  const ends = runs.filter(hasEnd).sort((a, b) => a.end.at - b.end.at);
  const [first] = ends;
  const last = ends.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const statuses: Record<string, number> = {};
  for (const { end } of ends) statuses[end.status] = (statuses[end.status] ?? 0) + 1;
  return {
    stage,
    target,
    ...project,
    sweeps: ends.length,
    statuses,
    dryRuns: ends.filter(({ end }) => end.dryRun).length,
    byHand: ends.filter(({ recordedBy, trigger }) => recordedBy !== null || trigger === 'manual').length,
    emergencies: ends.filter(({ trigger }) => trigger === 'emergency').length,
    firstAt: isoOf(first.end.at),
    lastAt: isoOf(last.end.at),
    periodMinutes: ends.findLast(({ end }) => end.periodMinutes !== null)?.end.periodMinutes ?? null,
    results: countResults(cases),
    apiCalls: ends.reduce((sum, { end }) => sum + end.apiCalls, 0),
  };
}
