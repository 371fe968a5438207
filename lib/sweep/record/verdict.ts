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
      /** As the rule that is named wants it; without meaning for engines that have no savepoints. */
      savepoint: boolean;
      onSavepointFailure: Rule['onSavepointFailure'];
    }
  | {
      action: 'keep';
      reason: KeepReason;
      /** The rule, or for an exempt job the exemption, or for a frozen one the freeze. */
      rule: string | undefined;
      limitMs: number | undefined;
    };

export type KeepReason =
  /** An exemption is for this job, or its own tags, where the policy allows that. */
  | 'exempt'
  /** A rule would cancel it, and a freeze in force matches it. */
  | 'frozen'
  /** A rule is for this job, and it is not over any limit of that rule. */
  | 'within-limit'
  /** A rule is for this job, and its `ignore` spares it. */
  | 'ignored'
  /** It is over a rule's limit, but not among those of its group that the rule's `victims` names. */
  | 'group'
  /** An operation on a queue, or a write that no rule names. */
  | 'protected'
  /** A rule may be for this job, but what it needs to know is missing, unreadable or not to be believed. */
  | 'undetermined'
  /** Somebody asked it to stop, and it is stopping. */
  | 'stopping'
  /** DLI changed it while it ran, and a short time ago: it may have been asked to stop in vain, and is not asked again yet. */
  | 'asked-recently'
  /** A rule is for this job, but it waits, and the rule's limit does not count waiting. */
  | 'queued'
  /** It was over before it could be judged. */
  | 'terminal'
  /** No rule is for this job. */
  | 'no-rule';
