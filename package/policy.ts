import type { Engine, Job } from '../lib/base/job.ts';
import type { LimitName } from '../lib/policy/clocks.ts';
import { lintPolicy } from '../lib/policy/lint.ts';
import { parsePolicy as parse } from '../lib/policy/parse.ts';
import { PolicyError, type PolicyProblem } from '../lib/policy/policy-error.ts';
import { formatKeys } from '../lib/policy/problems.ts';
import { decide } from '../lib/sweep/judge/decide.ts';

export { type Engine, type Job, type LimitName, PolicyError, type PolicyProblem };

/** A valid policy. */
export interface Policy {
  readonly mode: 'live' | 'dry-run';
  readonly rules: readonly { readonly id: string; readonly action: Judged['action'] }[];
  /** Returns what is allowed but probably not meant, with its place. @param now epoch ms; exemptions end. */
  warnings(now: number): { path: string; message: string }[];
  /**
   * Judges jobs that are looked at together, before caps, ceilings and the switch. Pure.
   *
   * @param now epoch ms.
   */
  judge(jobs: readonly Job[], now: number): Judged[];
}

/** What a policy wants for one job. */
export interface Judged {
  job: Job;
  action: 'cancel' | 'warn' | 'log' | 'keep';
  /** `over-limit`, or why the job is kept: the reasons of docs/policy.md. */
  reason: string;
  /** The rule, exemption or freeze; undefined if there is none. */
  rule: string | undefined;
  /** Set for `over-limit`: the limit, and by how many ms the job is over it. */
  over: { limit: LimitName; limitMs: number; overLimitMs: number } | undefined;
}

/**
 * Reads a policy.
 *
 * @param document the policy's text as parsed from YAML or JSON.
 * @throws {PolicyError} with every problem, each with its path and what to write instead.
 */
export function parsePolicy(document: unknown): Policy {
  const policy = parse(document);
  return {
    mode: policy.mode,
    rules: policy.rules.map(({ id, action }) => ({ id, action })),
    warnings: (now) => lintPolicy(policy, now).map(({ keys, message }) => ({ path: formatKeys(keys), message })),
    judge: (jobs, now) =>
      decide(jobs, { policy, exemptions: [], now }).map(({ job, verdict }) => ({
        job,
        action: verdict.action,
        reason: verdict.reason,
        rule: verdict.rule,
        over:
          verdict.reason === 'over-limit'
            ? { limit: verdict.clock, limitMs: verdict.limitMs, overLimitMs: verdict.overLimitMs }
            : undefined,
      })),
  };
}
