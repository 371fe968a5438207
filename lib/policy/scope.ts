import type { Engine } from '../base/job.ts';
import { compileMatcher } from './matcher.ts';
import type { Policy, Selector } from './schema.ts';

/** The engines whose jobs a policy is about. */
export function enginesOf({ rules }: Policy): Engine[] {
  return [...new Set(rules.flatMap(({ engines }) => engines))];
}

/** The youngest start, epoch ms exclusive, that any rule for the engine could call overdue: younger jobs need not be listed. */
export function youngestOverdueStart({ rules }: Policy, engine: Engine, now: number): number {
  const limits = rules.filter(({ engines }) => engines.includes(engine)).flatMap((rule) => rule.limits);
  return now - Math.min(...limits.map(({ limitMs }) => limitMs));
}

/** What tells one job from another. Status does not, nor does a type that nearly all jobs have. */
const NAMES = ['queue', 'owner', 'name', 'statement', 'database'] as const;

/** Texts that have nothing in common, so that what matches each of them matches whatever comes. */
const PROBES = ['a', '_0', 'zz-9.q'];

/** Whether a selector is for all jobs, also where it says so in a roundabout way: `queue: "*"`, `owner: /./`, `jobType: QUERY`. */
export function isForAll(match: 'all' | Selector): boolean {
  if (match === 'all') return true;
  if (match.tag !== undefined || match.jobId !== undefined) return false;
  if (match.jobType !== undefined && !match.jobType.includes('QUERY')) return false;
  return NAMES.every(
    (key) =>
      match[key]?.some((one) => PROBES.every((probe) => compileMatcher(one.text).matches(probe) === true)) ?? true,
  );
}

/** Statements are long, and a secret of their authors: they are kept only for a policy that needs them. */
export const needsStatements = (policy: Pick<Policy, 'rules' | 'exemptions' | 'freezes' | 'doubts'>): boolean =>
  countStatementQuestions(policy) > 0;

/** How many of a policy's questions look through the statement of a job. Nothing else that a job tells is long. */
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
