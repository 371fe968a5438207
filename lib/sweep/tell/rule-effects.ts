import type { Policy } from '../../policy/schema.ts';
import type { Decision, RuleResult } from '../judge/decide.ts';
import type { RuleEffect } from '../record/report.ts';
import type { KeepReason } from '../record/verdict.ts';

/** Says of each rule how many of the jobs it is for, how many are over its limit, and what spares them; in the policy's order. */
export function ruleEffects(decisions: readonly Decision[], { rules }: Policy): RuleEffect[] {
  return rules.map(({ id, action }, i) => {
    const effect: RuleEffect = { rule: id, action, matched: 0, overLimit: 0, spared: {} };
    for (const { rules: results, verdict } of decisions) {
      const result = results[i];
      if (result === undefined || (result.action === 'keep' && result.reason === 'no-rule')) continue;
      effect.matched += 1;
      if (isOver(result)) effect.overLimit += 1;
      const reason = result.action === 'keep' ? result.reason : verdict.action === 'keep' ? verdict.reason : undefined;
      if (reason === undefined || reason === 'within-limit') continue;
      effect.spared[reason] = (effect.spared[reason] ?? 0) + 1;
    }
    return effect;
  });
}

/** Reasons to spare a job that is over the limit of its rule. */
const OVER: ReadonlySet<KeepReason> = new Set(['group', 'asked-recently']);

const isOver = (result: RuleResult): boolean => result.action !== 'keep' || OVER.has(result.reason);
