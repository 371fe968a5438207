import type { LimitName } from '../../policy/clocks.ts';
import type { Predicate, Selected } from '../../policy/select.ts';
import type { Verdict } from './verdict.ts';

/** Why a job got its decision: every rule and exemption that was tried, with what was wanted and found. */
export interface Explanation {
  jobId: string;
  engine: string;
  jobType: string | null;
  queue: string | null;
  owner: string | null;
  status: string | null;
  /** The reading of each clock, under the name of the limit that it is compared with. */
  clocks: Record<LimitName, number | null>;
  rules: RuleExplanation[];
  exemptions: (Span & { until: string; predicates: Predicate[] })[];
  freezes: (Span & { until: string; predicates: Predicate[] | 'all' })[];
  /** Whether the job's own tags exempt it; null if the policy does not allow that. */
  tagExemption: Selected | null;
  verdict: Verdict;
}

interface Span {
  id: string;
  /** ISO 8601; null for an exemption without a beginning, and for a recurring freeze that is in force. */
  from: string | null;
  isInForce: boolean;
  /** It is not in force, and begins later. */
  isToCome: boolean;
  holds: Selected;
}

export interface RuleExplanation {
  rule: string;
  match: Predicate[] | 'all';
  ignore: Predicate[];
  limits: { clock: LimitName; limitMs: number; readingMs: number | null }[];
  /** What this rule says, before groups and exemptions. */
  result: string;
}

/**
 * The explanation as a line of the log holds it, which has room for 256 KB. It has only the exemptions and freezes that cover the
 * job, or may cover it.
 */
export interface LoggedExplanation extends Explanation {
  /** The number of those that are left out. */
  otherExemptions: number;
  otherFreezes: number;
}
