import { ENGINE_NAMES, type Job } from '../../lib/base/job.ts';
import type { Emergency } from '../../lib/policy/emergency.ts';
import { MAX_STEPS_PER_VALUE } from '../../lib/policy/matcher.ts';
import { parseExemption, parseFreeze, parsePolicy } from '../../lib/policy/parse.ts';
import type { Exemption, Freeze, Policy } from '../../lib/policy/schema.ts';
import type { Victim } from '../../lib/sweep/judge/cap.ts';
import { type Decision, decide } from '../../lib/sweep/judge/decide.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import { HOUR, jobId, MINUTE, NOW } from './world.ts';

/** A query of ana on the queue adhoc that has run for three hours. */
export function makeJob(fields: Partial<Job> = {}): Job {
  const { startedAt } = { startedAt: NOW - 3 * HOUR, ...fields };
  const type = 'type' in fields ? fields.type : 'QUERY';
  return {
    engine: 'sql',
    id: jobId(1),
    name: null,
    queue: 'adhoc',
    owner: 'ana',
    type,
    protection: protectionOf(type),
    database: undefined,
    tags: new Map(),
    statement: undefined,
    status: 'RUNNING',
    state: 'running',
    startedAt,
    since: { running: startedAt, waiting: startedAt, submitted: startedAt },
    ...fields,
  };
}

/** The protection of a SQL job, by its type. */
function protectionOf(type: Job['type']): Job['protection'] {
  if (type === 'QUERY') return 'none';
  if (type === 'SCALE_QUEUE' || type === 'RESTART_QUEUE') return 'always';
  const writes = ['DDL', 'DCL', 'IMPORT', 'EXPORT', 'INSERT', 'DATA_MIGRATION', 'UPDATE', 'DELETE'];
  return writes.includes(type ?? '') ? 'unless-named' : 'unknown';
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

/** An exemption for all of ana's jobs, until a month from now. */
export function makeExemption(changes: Record<string, unknown> = {}): Exemption {
  return parseExemption({
    id: 'backfill',
    reason: 'backfill of last year',
    owner: 'orders',
    until: '2026-02-05T09:00:00Z',
    match: { owner: 'ana' },
    ...changes,
  });
}

/** A freeze for all of ana's jobs, from an hour ago until a day from now. */
export function makeFreeze(changes: Record<string, unknown> = {}): Freeze {
  return parseFreeze({
    id: 'month-end',
    reason: 'the books are closed',
    match: { owner: 'ana' },
    ...('recurring' in changes ? {} : { from: '2026-01-05T08:00:00Z', until: '2026-01-06T09:00:00Z' }),
    ...changes,
  });
}

/** An emergency for all SQL jobs that are older than ten minutes. */
export const makeEmergency = (changes: Partial<Emergency> = {}): Emergency => ({
  olderThanMs: 10 * MINUTE,
  jobIds: [],
  queue: [],
  owner: [],
  jobType: [],
  engines: ['sql'],
  maxKills: 50,
  includeExempt: false,
  savepoint: true,
  ...changes,
});

/** Job number `n`, by default an hour over its limit of two. */
export function makeVictim(n: number, overLimitMs = HOUR): Victim {
  const limitMs = 2 * HOUR;
  const runTimeMs = limitMs + overLimitMs;
  return {
    job: makeJob({ id: jobId(n), startedAt: NOW - runTimeMs }),
    clocks: { runTimeMs, queueTimeMs: undefined, totalTimeMs: runTimeMs },
    rules: [],
    exemptions: [],
    exemption: { exempt: 'no', byTags: undefined },
    freezes: [],
    freeze: { frozen: 'no' },
    maxSteps: MAX_STEPS_PER_VALUE,
    danger: undefined,
    verdict: {
      action: 'cancel',
      reason: 'over-limit',
      rule: 'r',
      matched: ['r'],
      clock: 'maxRunTime',
      limitMs,
      overLimitMs,
      savepoint: true,
      onSavepointFailure: 'keep',
    },
  };
}

/** The policy's verdict for a job that is alone in the world. */
export function decideOne(job: Job, policy = makePolicy(), exemptions: readonly Exemption[] = []): Decision {
  const [decision] = decide([job], { policy, exemptions, now: NOW });
  if (decision === undefined) throw new Error('no decision');
  return decision;
}

/** A look at the target lake, where one job of ana runs on adhoc. */
export function makeStoredLook(changes: Partial<StoredLook> = {}): StoredLook {
  return {
    target: 'lake',
    project: null,
    now: NOW,
    clockProblem: undefined,
    engines: ENGINE_NAMES,
    gaps: [],
    jobs: [makeJob()],
    ...changes,
  };
}

/** The decision with each rule's result under the rule's id, for tests in which the order of rules must not matter. */
export const withRulesById = ({ rules, ...decision }: Decision) => ({
  ...decision,
  rules: Object.fromEntries(rules.map(({ rule, ...result }) => [rule.id, result])),
});
