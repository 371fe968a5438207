import type { Engine } from '../base/job.ts';
import { compileMatcher } from './matcher.ts';
import type { Policy, Selector } from './schema.ts';

/** The engines that have a rule in a policy. */
export function enginesOf({ rules }: Policy): Engine[] {
  return [...new Set(rules.flatMap(({ engines }) => engines))];
}

/**
 * Returns the start, epoch ms, before which a job of the engine may be overdue by some rule, or be warned of. Younger jobs need not
 * be listed.
 */
export function youngestOverdueStart({ rules }: Policy, engine: Engine, now: number): number {
  const ages = rules
    .filter(({ engines }) => engines.includes(engine))
    .flatMap(({ limits, warnBefore = 0 }) => limits.map(({ limitMs }) => limitMs - warnBefore));
  return now - Math.min(...ages);
}

/** Texts that have nothing in common: a pattern that matches all of them is taken to match every text. */
const PROBES = ['a', '_0', 'zz-9.q'];

/** Whether a selector matches all jobs, also if it says so indirectly: `queue: "*"`, `owner: /./`, `jobType: QUERY`. */
export function isForAll(match: 'all' | Selector): boolean {
  return match === 'all' || (Object.keys(match) as (keyof Selector)[]).every((key) => isKeyForAll(match, key));
}

/** Whether one key of a selector matches all jobs, or nearly all. */
function isKeyForAll(match: Selector, key: keyof Selector): boolean {
  if (match[key] === undefined) return true;
  switch (key) {
    case 'jobId':
    case 'tag':
      return false;
    case 'status':
      return true;
    case 'jobType':
      return match.jobType?.includes('QUERY') === true;
    case 'queue':
    case 'owner':
    case 'name':
    case 'statement':
    case 'database':
      return match[key]?.some(({ text }) => matchesAll(text)) === true;
    default:
      return key satisfies never;
  }
}

const matchesAll = (text: string) => PROBES.every((probe) => compileMatcher(text).matches(probe) === true);

/** Whether a policy looks at statements. They are long, and may be secret, so they are kept only for such a policy. */
export const needsStatements = (policy: Pick<Policy, 'rules' | 'exemptions' | 'freezes' | 'doubts'>): boolean =>
  countStatementQuestions(policy) > 0;

/** Counts the parts of a policy that search the statement of a job. All other fields of a job are short. */
export function countStatementQuestions({
  rules,
  exemptions,
  freezes,
  doubts = [],
}: Pick<Policy, 'rules' | 'exemptions' | 'freezes' | 'doubts'>): number {
  const selectors = [
    ...rules.flatMap(({ match, ignore }) => [match, ignore]),
    ...[...exemptions, ...freezes, ...doubts].map(matchOf),
  ];
  const asked = selectors.map((one) => (one === undefined || one === 'all' ? 0 : (one.statement?.length ?? 0)));
  const groups = rules.filter(({ groupBy }) => groupBy === 'fingerprint').length;
  return asked.reduce((sum, n) => sum + n, groups);
}

const matchOf = ({ match }: { match: 'all' | Selector }) => match;
