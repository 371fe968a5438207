import { type Decision, decide } from '../../lib/decide.ts';
import type { Job } from '../../lib/dli/job.ts';
import { parseExemption, parsePolicy } from '../../lib/policy/parse.ts';
import type { Exemption, Policy } from '../../lib/policy/schema.ts';
import type { Victim } from '../../lib/victims.ts';
import { HOUR, jobId, NOW } from './world.ts';

/** A query of ana's on adhoc that has run for three hours. */
export function makeJob(fields: Partial<Job> = {}): Job {
  return {
    engine: 'sql',
    id: jobId(1),
    queue: 'adhoc',
    owner: 'ana',
    type: 'QUERY',
    database: undefined,
    tags: new Map(),
    statement: undefined,
    status: 'RUNNING',
    state: 'running',
    startedAt: NOW - 3 * HOUR,
    ...fields,
  };
}

/** A live policy whose only rule allows every job two hours. */
export function makePolicy(changes: Record<string, unknown> = {}): Policy {
  return parsePolicy({
    version: 1,
    mode: 'live',
    rules: [{ id: 'r', match: 'all', maxRunTime: '2h' }],
    ...changes,
  });
}

/** For all of ana's jobs, until a month from now. */
export function makeExemption(changes: Record<string, unknown> = {}): Exemption {
  return parseExemption({
    ...{ id: 'backfill', reason: 'backfill of last year', owner: 'orders', until: '2026-02-05T09:00:00Z' },
    match: { owner: 'ana' },
    ...changes,
  });
}

/** Job number `n`, by default an hour over its limit of two. */
export function makeVictim(n: number, overLimitMs = HOUR): Victim {
  const limitMs = 2 * HOUR;
  const runTimeMs = limitMs + overLimitMs;
  return {
    job: makeJob({ id: jobId(n), startedAt: NOW - runTimeMs }),
    clocks: { maxRunTime: runTimeMs, maxQueueTime: undefined, maxTotalTime: runTimeMs },
    verdict: {
      ...{ action: 'cancel', reason: 'over-limit', rule: 'r', matched: ['r'] },
      ...{ clock: 'maxRunTime', limitMs, overLimitMs },
    },
  };
}

/** What the policy wants for a job that is alone in the world. */
export function decideOne(job: Job, policy = makePolicy(), exemptions: readonly Exemption[] = []): Decision {
  const [decision] = decide([job], { policy, exemptions, now: NOW });
  if (decision === undefined) throw new Error('no decision');
  return decision;
}
