import type { LimitName } from '../../policy/clocks.ts';
import type { Predicate, Selected } from '../../policy/select.ts';
import type { Verdict } from './verdict.ts';

/** Why a job was decided upon as it was: every rule and exemption that was tried, with what was wanted and found. */
export interface Explanation {
  jobId: string;
  engine: string;
  jobType: string | null;
  queue: string | null;
  owner: string | null;
  status: string | null;
  /** What each clock reads, under the name of the limit that it is held against. */
  clocks: Record<LimitName, number | null>;
  rules: RuleExplanation[];
  exemptions: (Span & { until: string; predicates: Predicate[] })[];
  freezes: (Span & { until: string; predicates: Predicate[] | 'all' })[];
  /** By the job's own tags; null where the policy does not allow that. */
  tagExemption: Selected | null;
  verdict: Verdict;
}

interface Span {
  id: string;
  /** ISO 8601; null for an exemption that protects from the first, and a recurring freeze that is in force. */
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
  /** What this rule says by itself, before groups and exemptions. */
  result: string;
}

/**
 * What a line of the log holds of it. Of exemptions and freezes those that are for the job, or may be: however many others
 * there are, a line of the log has room for 256 KB.
 */
export interface LoggedExplanation extends Explanation {
  /** How many there are besides. */
  otherExemptions: number;
  otherFreezes: number;
}
