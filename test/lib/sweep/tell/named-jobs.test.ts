import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { type Emergency, emergencyPolicy } from '../../../../lib/policy/emergency.ts';
import { MAX_STEPS_PER_VALUE } from '../../../../lib/policy/matcher.ts';
import { type Decision, decide } from '../../../../lib/sweep/judge/decide.ts';
import type { Outcome } from '../../../../lib/sweep/record/outcome.ts';
import type { KeepReason } from '../../../../lib/sweep/record/verdict.ts';
import { missingJobs, sparedAtLast, sparedJobs, unmatchedNames } from '../../../../lib/sweep/tell/named-jobs.ts';
import { makeEmergency, makeFreeze, makeJob } from '../../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../../helpers/world.ts';

describe('sparedJobs', () => {
  const asked = makeEmergency({ jobIds: [jobId(1)] });
  const kept = (reason: KeepReason, job: Partial<Job> = {}, rule?: string): Decision => ({
    job: makeJob({ id: jobId(1), ...job }),
    clocks: { runTimeMs: undefined, queueTimeMs: undefined, totalTimeMs: undefined },
    rules: [],
    exemptions: [],
    exemption: { exempt: 'no', byTags: undefined },
    freezes: [],
    freeze: { frozen: 'no' },
    maxSteps: MAX_STEPS_PER_VALUE,
    danger: undefined,
    verdict: { action: 'keep', reason, rule, limitMs: undefined },
  });

  it.each([
    {
      decision: kept('protected', { type: 'INSERT', protection: 'unless-named' }),
      why: 'its type INSERT has to be named',
    },
    { decision: kept('protected', { protection: 'always' }), why: 'an operation on a queue is never cancelled' },
    { decision: kept('exempt', {}, 'backfill'), why: 'exemption backfill covers it' },
    {
      decision: kept('frozen', {}, 'month-end'),
      why: 'freeze month-end is in force; --include-exempt, or includeExempt, cancels it anyway',
    },
    { decision: kept('within-limit'), why: 'it is younger than was asked for' },
    { decision: kept('no-rule'), why: 'its queue, owner or type is not what was asked for' },
    {
      decision: kept('asked-recently', { askedAt: NOW - 2 * HOUR }),
      why: 'DLI changed it at 2026-01-05T07:00:00.000Z, less than 6h ago; it may be a savepoint that failed, or an edit; --no-savepoint stops it without one',
    },
    { decision: kept('undetermined'), why: 'something about it is not known, such as its age or its type' },
  ])('says of a named job that is kept as $decision.verdict.reason: $why', ({ decision, why }) => {
    expect(sparedJobs(asked, [decision])).toEqual([`job ${jobId(1)} is spared: ${why}`]);
  });

  it.each([kept('terminal'), kept('stopping'), kept('protected', { id: jobId(2) })])(
    'says nothing of one that ends anyway, or was not named: $verdict.reason',
    (decision) => {
      expect(sparedJobs(asked, [decision])).toEqual([]);
    },
  );
});

describe('sparedJobs, of a job that may be exempt by what cannot be read', () => {
  const spared = (job: Partial<Job>) => {
    const doubts = [{ match: 'all' as const, until: NOW + 1 }];
    const policy = emergencyPolicy(makeEmergency({ jobIds: [jobId(1)] }), { exemptions: [], doubts });
    return sparedJobs(
      makeEmergency({ jobIds: [jobId(1)] }),
      decide([makeJob(job)], { policy, exemptions: [], now: NOW }),
    );
  };

  it('says so, and how it can be cancelled all the same', () => {
    expect(spared({})).toEqual([
      `job ${jobId(1)} is spared: it may be exempt, which is not known; --include-exempt, or includeExempt, cancels it anyway`,
    ]);
  });

  it('says nothing of it where the job is spared either way', () => {
    expect(spared({ startedAt: undefined })).toEqual([expect.stringContaining('something about it is not known')]);
  });
});

describe('sparedJobs, in a freeze', () => {
  it('says of a named job that it may be frozen, and that this is not known', () => {
    const asked = makeEmergency({ jobIds: [jobId(1)] });
    const policy = emergencyPolicy(asked, { exemptions: [], freezes: [makeFreeze()] });
    const decisions = decide([makeJob({ owner: undefined })], { policy, exemptions: [], now: NOW });

    expect(sparedJobs(asked, decisions)).toEqual([
      `job ${jobId(1)} is spared: it may be frozen, which is not known; --include-exempt, or includeExempt, cancels it anyway`,
    ]);
  });
});

describe('unmatchedNames', () => {
  const seen = [makeJob({ queue: 'finance', owner: 'ana' }), makeJob({ queue: 'Adhoc', owner: 'jose\u0301' })];
  const unmatched = (changes: Partial<Emergency>) => unmatchedNames(makeEmergency(changes), seen);

  it('names what is asked for and not there, what is there, and what it may be mistaken for', () => {
    expect(unmatched({ queue: ['finance', 'adhok'], owner: ['bo|cy'] })).toEqual([
      'no job that was looked at has queue adhok; there are Adhoc, finance',
      'no job that was looked at has owner bo|cy; there are ana, jose\u0301; bo|cy is read as one value, not as a list; write [bo, cy]',
    ]);
  });

  it('compares as a rule does', () => {
    expect(unmatched({ queue: ['adhoc'], owner: ['jos\u00e9'] })).toEqual([]);
  });
});

describe('sparedAtLast', () => {
  const asked = makeEmergency({ jobIds: [jobId(0xab).toUpperCase()] });

  it.each<{ outcome: Outcome; why: string }>([
    {
      outcome: { kind: 'skipped', reason: 'changed', status: 'RUNNING' },
      why: 'it has changed since it was listed, and is no longer over the limit (RUNNING)',
    },
    {
      outcome: { kind: 'skipped', reason: 'undetermined', status: 'SUSPENDED' },
      why: 'its status is one that the reaper does not know (SUSPENDED)',
    },
    {
      outcome: { kind: 'skipped', reason: 'undetermined' },
      why: 'its status is one that the reaper does not know (no status)',
    },
  ])('says of a named job that its last reading spared: $why', ({ outcome, why }) => {
    expect(sparedAtLast(asked, new Map([[jobId(0xab), outcome]]))).toEqual([`job ${jobId(0xab)} is spared: ${why}`]);
  });

  it.each<[string, Outcome]>([
    [jobId(0xab), { kind: 'cancelled', status: 'CANCELLED', evidence: 'status' }],
    [jobId(0xab), { kind: 'skipped', reason: 'stopping', status: 'job_canceling' }],
    [jobId(0xab), { kind: 'skipped', reason: 'deadline' }],
    [jobId(2), { kind: 'skipped', reason: 'changed', status: 'RUNNING' }],
  ])(
    'says nothing of a job that was asked, or ends anyway, or is reported elsewhere, or was not named',
    (id, outcome) => {
      expect(sparedAtLast(asked, new Map([[id, outcome]]))).toEqual([]);
    },
  );
});

describe('missingJobs', () => {
  it('names the jobs that were not found, in any case of their letters, and where they were looked for', () => {
    const asked = makeEmergency({ jobIds: [jobId(0xab).toUpperCase(), jobId(2)], olderThanMs: HOUR });

    expect(missingJobs(asked, [{ id: jobId(0xab) }])).toEqual([
      `job ${jobId(2)} is not among the live SQL jobs older than 1h; if it should be, check target and project`,
    ]);
  });
});
