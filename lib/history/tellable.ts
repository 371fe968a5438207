import { ENGINE_FACTS } from '../policy/facts.ts';
import type { Policy, Rule } from '../policy/schema.ts';
import { ENGINES_WITH_PAST } from './read.ts';

/** A rule, or a part of it, that the past says nothing of. */
export interface Untellable {
  rule: string;
  why: string;
}

/** Returns the part of a policy that the past can answer, and what is left out of each rule. */
export function tellablePart(policy: Policy): { policy: Policy; untellable: Untellable[] } {
  const tried = policy.rules.map(tellableRule);
  return {
    policy: { ...policy, rules: tried.flatMap(({ rule }) => rule ?? []) },
    untellable: tried.flatMap(({ whys }, i) => whys.map((why) => ({ rule: policy.rules[i]?.id ?? '', why }))),
  };
}

function tellableRule(rule: Rule): { rule: Rule | undefined; whys: string[] } {
  const asksForStatus = [rule.match, rule.ignore].some((keys) => keys !== 'all' && keys?.status !== undefined);
  if (asksForStatus) return { rule: undefined, whys: ['it asks for a status, and the past shows only the last one'] };

  const whys: string[] = [];
  const engines = rule.engines.filter((engine) => ENGINES_WITH_PAST.includes(engine));
  for (const engine of rule.engines.filter((one) => !engines.includes(one))) {
    whys.push(`${ENGINE_FACTS[engine].jobs}: DLI does not say how long those ran that have ended`);
  }
  const limits = rule.limits.filter(({ clock }) => clock !== 'maxQueueTime');
  if (limits.length < rule.limits.length) whys.push('maxQueueTime: DLI does not say how long a job waited');
  if (engines.length === 0 || limits.length === 0) return { rule: undefined, whys };
  if (rule.warnFirst) whys.push('warnFirst: a job lives on for up to its warnBefore, which is not counted');
  return { rule: { ...rule, engines, limits, warnBefore: undefined, warnFirst: false }, whys };
}
