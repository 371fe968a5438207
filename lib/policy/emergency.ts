import type { Engine } from '../base/job.ts';
import { ENGINE_FACTS } from './facts.ts';
import { compileMatcher, compileQueueMatcher } from './matcher.ts';
import { createRule, DEFAULT_PERCENT_FLOOR, type Policy, type Selector } from './schema.ts';

/** The jobs that a person wants cancelled now, whatever the policy says. Each field narrows the choice. */
export interface Emergency {
  /** 0 means jobs of any age; it is allowed with job ids only. */
  olderThanMs: number;
  /** An empty list means any job, here and in the lists below. */
  jobIds: readonly string[];
  queue: readonly string[];
  owner: readonly string[];
  jobType: readonly string[];
  engines: readonly Engine[];
  maxKills: number;
  /** True also cancels jobs that are exempt or frozen. */
  includeExempt: boolean;
  /** False stops Flink jobs without a savepoint. */
  savepoint: boolean;
}

/**
 * Turns an emergency into a policy, so that it runs like any other sweep, with the same protections, unknowns, cap and
 * proof. Pure.
 *
 * Age is the time since submission and includes waiting, because a queue that is stuck is full of jobs that wait.
 *
 * @param kept what still applies of the everyday policy: its exemptions and freezes, and what may be one of these.
 */
export function emergencyPolicy(
  { olderThanMs, jobIds, queue, owner, jobType, engines, maxKills, includeExempt, savepoint }: Emergency,
  kept: Pick<Policy, 'exemptions' | 'doubts'> & Partial<Pick<Policy, 'freezes' | 'tagExemptions' | 'notices'>> = {
    exemptions: [],
  },
): Policy {
  const selector: Selector = {
    ...(queue.length > 0 && { queue: queue.map(compileQueueMatcher) }),
    ...(owner.length > 0 && { owner: owner.map(compileMatcher) }),
    ...(jobType.length > 0 && { jobType: [...jobType] }),
    ...(jobIds.length > 0 && { jobId: jobIds }),
  };
  const match = Object.keys(selector).length === 0 ? 'all' : selector;
  return {
    version: 1,
    mode: 'live',
    maxKills,
    maxKillsPercent: 100,
    percentFloor: DEFAULT_PERCENT_FLOOR,
    drain: false,
    exemptions: includeExempt ? [] : [...kept.exemptions],
    freezes: includeExempt ? [] : [...(kept.freezes ?? [])],
    tagExemptions: includeExempt ? undefined : kept.tagExemptions,
    doubts: includeExempt ? [] : kept.doubts,
    notices: [...(kept.notices ?? [])],
    rules: engines.map((engine) =>
      createRule({
        id: engines.length === 1 ? 'emergency' : `emergency-${engine}`,
        engines: [engine],
        match,
        limits: [{ clock: 'maxTotalTime', limitMs: olderThanMs }],
        ...(ENGINE_FACTS[engine].hasSavepoints && { savepoint }),
      }),
    ),
  };
}
