import type { Engine } from '../base/job.ts';
import { ENGINE_FACTS } from './facts.ts';
import { compileMatcher, compileQueueMatcher } from './matcher.ts';
import { createRule, DEFAULT_PERCENT_FLOOR, type Policy, type Selector } from './schema.ts';

/** Which jobs a person wants stopped this night, whatever the policy says. Every part narrows it down. */
export interface Emergency {
  /** Jobs of any age if it is 0, which takes ids. */
  olderThanMs: number;
  /** Empty for any, as for the others. */
  jobIds: readonly string[];
  queue: readonly string[];
  owner: readonly string[];
  jobType: readonly string[];
  engines: readonly Engine[];
  maxKills: number;
  /** Exempt jobs are not spared, nor are those that a freeze is for. */
  includeExempt: boolean;
  /** False stops Flink jobs without one. */
  savepoint: boolean;
}

/**
 * The emergency as a policy of its own, so that it goes the same way as any sweep: protections, unknowns, the cap and the
 * proof are those of every sweep. Pure.
 *
 * Age is the time since submission, waiting included: a queue that is stuck is full of jobs that wait.
 *
 * @param kept what holds of a policy that was meant for every day: its exemptions and freezes, and what may be one.
 */
export function emergencyPolicy(
  { olderThanMs, jobIds, queue, owner, jobType, engines, maxKills, includeExempt, savepoint }: Emergency,
  kept: Pick<Policy, 'exemptions' | 'doubts'> & Partial<Pick<Policy, 'freezes' | 'tagExemptions'>> = { exemptions: [] },
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
