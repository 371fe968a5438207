import type { Job } from '../../base/job.ts';
import type { Exemption, Freeze, Policy } from '../../policy/schema.ts';
import type { Gap, Sight } from '../look/look.ts';
import type { SkipReason } from '../record/outcome.ts';
import type { CapReport } from '../record/report.ts';
import { type Caps, chooseVictims, type Victim } from './cap.ts';
import { createDecide, type Decide, type DecideOptions, type Decision } from './decide.ts';

/** By what a sight is judged. */
export interface Measure {
  /** With all freezes. */
  policy: Policy;
  /** Beside those that the policy itself holds. */
  exemptions: readonly Exemption[];
  caps: Caps;
  /** Tries no rule again on a job that it has decided on before. */
  decide: Decide;
}

interface MeasureOptions {
  exemptions?: readonly Exemption[];
  /** Beside those that the policy itself holds. */
  freezes?: readonly Freeze[];
  /** In place of the policy's. */
  maxKills?: number | undefined;
  /** What no sweep may exceed. */
  ceiling?: number | undefined;
}

export function createMeasure(
  written: Policy,
  { exemptions = [], freezes = [], maxKills = written.maxKills, ceiling }: MeasureOptions,
): Measure {
  const policy = { ...written, freezes: [...written.freezes, ...freezes] };
  return { policy, exemptions, caps: { ...policy, maxKills, ceiling }, decide: createDecide({ policy, exemptions }) };
}

/** What should become of the jobs that were seen, and why. */
export interface Judgement {
  /** One for each job, with what led to it. */
  decisions: readonly Decision[];
  context: DecideOptions;
  /** The jobs the policy wants cancelled, the longest over its limit first. */
  overdue: readonly Victim[];
  /** Those of `overdue` that the caps and gaps leave room for. */
  chosen: readonly Victim[];
  /** Why each of the others is spared, by job id. */
  spared: ReadonlyMap<string, SkipReason>;
  /** What keeps every job from being cancelled; undefined if nothing does. */
  obstacle: 'stopped' | 'cap' | undefined;
  caps: CapReport;
  /** What could not be counted. */
  gaps: readonly Gap[];
}

/** Makes no call but to count live jobs, where a cap needs that. */
export async function judge(sight: Sight, { policy, exemptions, caps, decide }: Measure): Promise<Judgement> {
  const decisions = decide(sight.jobs, sight.now);
  const { isCapped, ...choice } = await chooseVictims(decisions, sight, { policy, caps });
  // By clocks that disagree no job is known to be overdue.
  const obstacle = sight.clockProblem !== undefined ? 'stopped' : isCapped ? 'cap' : undefined;
  return { decisions, context: { policy, exemptions, now: sight.now }, ...choice, obstacle };
}

/** The jobs that the policy wants cancelled, as far as is known. */
export function victimsAmong(decide: Decide): (jobs: readonly Job[], now: number) => ReadonlySet<Job> {
  return (jobs, now) =>
    new Set(decide(jobs, now).flatMap(({ job, verdict }) => (verdict.action === 'cancel' ? [job] : [])));
}
