import type { Job } from '../../base/job.ts';
import type { Exemption, Freeze, Policy } from '../../policy/schema.ts';
import type { Gap, Sight } from '../look/look.ts';
import type { SkipReason } from '../record/outcome.ts';
import type { CapReport } from '../record/report.ts';
import { type Caps, chooseVictims, type Victim } from './cap.ts';
import { createDecide, type Decide, type DecideOptions, type Decision } from './decide.ts';

/** The measure that a sight is judged by. */
export interface Measure {
  /** Has all freezes. */
  policy: Policy;
  /** Exemptions outside the policy. */
  exemptions: readonly Exemption[];
  caps: Caps;
  /** Remembers what it decided, so that no rule is tried twice on a job. */
  decide: Decide;
}

interface MeasureOptions {
  exemptions?: readonly Exemption[];
  /** Freezes outside the policy. */
  freezes?: readonly Freeze[];
  /** Replaces the policy's. */
  maxKills?: number | undefined;
  /** The number of kills that no sweep may exceed. */
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
  /** One for each job, with its reasons. */
  decisions: readonly Decision[];
  context: DecideOptions;
  /** The jobs the policy wants cancelled, the longest over its limit first. */
  overdue: readonly Victim[];
  /** Those of `overdue` that the caps and gaps leave room for. */
  chosen: readonly Victim[];
  /** Why each other overdue job is spared, by job id. */
  spared: ReadonlyMap<string, SkipReason>;
  /** What keeps every job from being cancelled; undefined if nothing does. */
  obstacle: 'stopped' | 'cap' | undefined;
  caps: CapReport;
  /** What could not be counted. */
  gaps: readonly Gap[];
}

/** Decides what should become of each job. Its only calls count live jobs, if a cap needs the number. */
export async function judge(sight: Sight, { policy, exemptions, caps, decide }: Measure): Promise<Judgement> {
  const decisions = decide(sight.jobs, sight.now);
  const { isCapped, ...choice } = await chooseVictims(decisions, sight, { policy, caps });
  // If the clocks disagree, no job is known to be overdue.
  const obstacle = sight.clockProblem !== undefined ? 'stopped' : isCapped ? 'cap' : undefined;
  return { decisions, context: { policy, exemptions, now: sight.now }, ...choice, obstacle };
}

/** Returns the jobs that the policy wants cancelled, as far as is known. */
export function victimsAmong(decide: Decide): (jobs: readonly Job[], now: number) => ReadonlySet<Job> {
  return (jobs, now) =>
    new Set(decide(jobs, now).flatMap(({ job, verdict }) => (verdict.action === 'cancel' ? [job] : [])));
}
