import { type ClockReadings, type DecideOptions, type Decision, readClocks, tryRule, type Verdict } from './decide.ts';
import { exemptionOf } from './policy/exemptions.ts';
import type { ClockName } from './policy/schema.ts';
import { type Predicate, predicatesOf, type Selected, selects } from './policy/select.ts';

/** Why a job was decided upon as it was: every rule and exemption that was tried, with what was wanted and found. */
export interface Explanation {
  jobId: string;
  engine: string;
  jobType: string | null;
  queue: string | null;
  owner: string | null;
  status: string | null;
  clocks: Record<ClockName, number | null>;
  rules: RuleExplanation[];
  exemptions: { id: string; until: string; isInForce: boolean; predicates: Predicate[]; holds: Selected }[];
  /** By the job's own tags; null where the policy does not allow that. */
  tagExemption: Selected | null;
  verdict: Verdict;
}

export interface RuleExplanation {
  rule: string;
  match: Predicate[] | 'all';
  ignore: Predicate[];
  limits: { clock: ClockName; limitMs: number; readingMs: number | null }[];
  /** What this rule says by itself, before groups and exemptions. */
  result: string;
}

/** The statement stays out of it: only its fingerprint is told. */
export function explain({ job, verdict }: Decision, { policy, exemptions, now }: DecideOptions): Explanation {
  const clocks = readClocks(job, now);
  const byTags = exemptionOf(job, [], policy, now).exempt;
  return {
    jobId: job.id,
    engine: job.engine,
    jobType: job.type ?? null,
    queue: job.queue ?? null,
    owner: job.owner ?? null,
    status: job.status ?? null,
    clocks: toNulls(clocks),
    rules: policy.rules.map((rule) => {
      const result = tryRule(job, rule, clocks);
      return {
        rule: rule.id,
        match: rule.match === 'all' ? 'all' : predicatesOf(rule.match, job),
        ignore: rule.ignore === undefined ? [] : predicatesOf(rule.ignore, job),
        limits: rule.limits.map(({ clock, limitMs }) => ({ clock, limitMs, readingMs: clocks[clock] ?? null })),
        result: result.action === 'keep' ? result.reason : result.action,
      };
    }),
    exemptions: [...policy.exemptions, ...exemptions].map(({ id, until, match }) => ({
      id,
      until: new Date(until).toISOString(),
      isInForce: now < until,
      predicates: predicatesOf(match, job),
      holds: selects(match, job),
    })),
    tagExemption: policy.tagExemptions === undefined ? null : byTags,
    verdict,
  };
}

function toNulls(clocks: ClockReadings): Explanation['clocks'] {
  const { maxRunTime = null, maxQueueTime = null, maxTotalTime = null } = clocks;
  return { maxRunTime, maxQueueTime, maxTotalTime };
}
