import type { LimitName } from '../../policy/clocks.ts';
import type { Action, Rule } from '../../policy/schema.ts';

export type Verdict =
  | {
      action: Action;
      reason: 'over-limit';
      rule: string;
      /** Every rule that found the job over its limit, by id. */
      matched: string[];
      /** The limit that is exceeded furthest. */
      clock: LimitName;
      limitMs: number;
      overLimitMs: number;
      /** What the named rule wants; without meaning for engines that have no savepoints. */
      savepoint: boolean;
      onSavepointFailure: Rule['onSavepointFailure'];
    }
  | {
      action: 'keep';
      reason: KeepReason;
      /** The rule; for an exempt job the exemption, for a frozen job the freeze. */
      rule: string | undefined;
      limitMs: number | undefined;
      /** For the reason `group`: what it is about the group, as words. */
      because?: string | undefined;
    };

/** Reasons to spare a job, the strongest first: of several, the first is reported. */
export const KEEP_REASONS = [
  /** It was over before it could be judged. */
  'terminal',
  /** An operation on a queue, or a write that no rule names. */
  'protected',
  /** An exemption covers this job, or its own tags exempt it, if the policy allows that. */
  'exempt',
  /** A rule would cancel it, and a freeze in force matches it. */
  'frozen',
  /** It was asked to stop, and is stopping. */
  'stopping',
  /** A rule may be for this job, but something the rule needs is missing, unreadable or cannot be right. */
  'undetermined',
  /** A rule is for this job, and its `ignore` spares it. */
  'ignored',
  /** DLI changed it a short time ago, while it ran: a stop may just have failed, so it is not asked again yet. */
  'asked-recently',
  /** It is over a rule's limit, but the rule's `keep`, `victims` or `minGroupSize` spares it in its group. */
  'group',
  /** A rule is for this job, but it waits, and the rule's limit does not count waiting. */
  'queued',
  /** A rule is for this job, and it is not over any limit of that rule. */
  'within-limit',
  /** No rule is for this job. */
  'no-rule',
] as const;

export type KeepReason = (typeof KEEP_REASONS)[number];
