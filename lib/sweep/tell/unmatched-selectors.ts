import { isExemptionInForce } from '../../policy/exemptions.ts';
import { freezesInForce } from '../../policy/freezes.ts';
import { lintSelector } from '../../policy/lint.ts';
import type { Selector } from '../../policy/schema.ts';
import { selectedBy, type Tried } from '../../policy/select.ts';
import type { DecideOptions, Decision, RuleResult } from '../judge/decide.ts';

/**
 * Names selectors that matched no job, one sentence for each kind. A misspelt selector protects nothing, and nothing else shows
 * that. It need not be a mistake, since only old jobs are looked at.
 */
export function unmatchedSelectors(
  decisions: readonly Decision[],
  { policy, exemptions, now }: DecideOptions,
): string[] {
  if (decisions.length === 0) return [];
  const matched = new Set(decisions.flatMap((decision) => decision.exemptions.map(({ exemption }) => exemption)));
  const idle = [...policy.exemptions, ...exemptions].filter((one) => isExemptionInForce(one, now) && !matched.has(one));
  const frozen = new Set(decisions.flatMap((decision) => decision.freezes.map(({ freeze }) => freeze)));
  const idleFreezes = freezesInForce(policy.freezes, now).filter((one) => !frozen.has(one));
  const rules = policy.rules.map((rule, i) => ({
    rule,
    results: decisions.flatMap(({ job, rules: all }) => (rule.engines.includes(job.engine) ? (all[i] ?? []) : [])),
  }));
  return [
    ...sentence(
      'exemptions',
      idle.map(({ id, match }) => describe(id, match)),
    ),
    ...sentence(
      'freezes',
      idleFreezes.map(({ id, match }) => describe(id, match)),
    ),
    ...sentence(
      'the ignore of rules',
      rules.flatMap(({ rule: { id, ignore }, results }) =>
        ignore !== undefined && isIdle(results, 'ignore') ? [describe(id, ignore)] : [],
      ),
    ),
    ...sentence(
      'rules',
      rules.flatMap(({ rule, results }) => (isIdle(results, 'match') ? [describe(rule.id, rule.match)] : [])),
    ),
  ];
}

/** Whether a selector was tried, and matched no job. */
function isIdle(results: readonly RuleResult[], where: 'match' | 'ignore'): boolean {
  const tried = results.flatMap((result): Tried[] => {
    const answers = result[where] ?? [];
    return answers.length === 0 ? [] : [answers];
  });
  return tried.length > 0 && tried.every((answers) => selectedBy(answers) === 'no');
}

/** Adds what its values may be mistaken for. */
function describe(id: string, selector: 'all' | Selector): string {
  const hints = lintSelector(selector).map(({ keys: [key], message }) => `${key} ${message}`);
  return hints.length === 0 ? id : `${id} (${hints.join('; ')})`;
}

const MOST_NAMES = 10;

function sentence(kind: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return [`no job that was looked at is matched by ${kind} ${names.slice(0, MOST_NAMES).join(', ')}${more}`];
}
