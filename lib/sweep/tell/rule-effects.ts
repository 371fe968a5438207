import { CLOCKS } from '../../policy/clocks.ts';
import type { Policy, Rule } from '../../policy/schema.ts';
import type { Decision, RuleResult } from '../judge/decide.ts';
import type { NearestJob, RuleEffect } from '../record/report.ts';
import type { KeepReason } from '../record/verdict.ts';

/**
 * Says of each rule how many of the jobs it is for, how many are over its limit, what spares them, and which of the others is
 * nearest to the limit; in the policy's order.
 */
export function ruleEffects(decisions: readonly Decision[], { rules }: Policy): RuleEffect[] {
  return rules.map((rule, i) => {
    const effect: RuleEffect = {
      rule: rule.id,
      action: rule.action,
      matched: 0,
      overLimit: 0,
      spared: {},
      nearest: null,
    };
    for (const decision of decisions) {
      const { rules: results, verdict } = decision;
      const result = results[i];
      if (result === undefined || (result.action === 'keep' && result.reason === 'no-rule')) continue;
      effect.matched += 1;
      if (isOver(result)) effect.overLimit += 1;
      const reason = result.action === 'keep' ? result.reason : verdict.action === 'keep' ? verdict.reason : undefined;
      if (reason === undefined) continue;
      if (reason === 'within-limit') {
        effect.nearest = nearerOf(effect.nearest ?? null, nearnessOf(rule, decision));
        continue;
      }
      effect.spared[reason] = (effect.spared[reason] ?? 0) + 1;
    }
    return effect;
  });
}

/** Reasons to spare a job that is over the limit of its rule. */
const OVER: ReadonlySet<KeepReason> = new Set(['group', 'asked-recently']);

const isOver = (result: RuleResult): boolean => result.action !== 'keep' || OVER.has(result.reason);

/** A job that has used less of its limit is no near miss. */
const NEAR_FROM = 0.5;

/** Returns how near a job within the limits of a rule is to the nearest of them; null if it is near to none. */
function nearnessOf(rule: Rule, { job, clocks }: Decision): NearestJob | null {
  const { id: jobId, engine, queue = null, owner = null } = job;
  return CLOCKS.reduce<NearestJob | null>((nearest, { limit: clock, reading }) => {
    const [limitMs, readingMs] = [rule[clock], clocks[reading]];
    if (limitMs === undefined || readingMs === undefined || readingMs < NEAR_FROM * limitMs) return nearest;
    return nearerOf(nearest, { jobId, engine, queue, owner, clock, limitMs, readingMs });
  }, null);
}

function nearerOf(a: NearestJob | null, b: NearestJob | null): NearestJob | null {
  if (a === null || b === null) return a ?? b;
  return b.readingMs / b.limitMs > a.readingMs / a.limitMs ? b : a;
}
