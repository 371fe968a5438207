import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import { type Emergency, emergencyPolicy } from '../../../lib/policy/emergency.ts';
import { MAX_STEPS_PER_VALUE } from '../../../lib/policy/matcher.ts';
import { parsePolicy } from '../../../lib/policy/parse.ts';
import type { Policy } from '../../../lib/policy/schema.ts';
import { type Decision, decide } from '../../../lib/sweep/judge/decide.ts';
import type { Outcome } from '../../../lib/sweep/record/outcome.ts';
import type { KeepReason } from '../../../lib/sweep/record/verdict.ts';
import { missingJobs, sparedAtLast, sparedJobs, unmatchedNames } from '../../../lib/sweep/tell/named-jobs.ts';
import { makeExemption, makeFreeze, makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const makeEmergency = (changes: Partial<Emergency> = {}): Emergency => ({
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

const verdictOn = (
  job: Partial<Job>,
  changes: Partial<Emergency>,
  exemptions = [makeExemption({ match: { owner: 'bo' } })],
) => {
  const policy = emergencyPolicy(makeEmergency(changes), { exemptions });
  const [decision] = decide([makeJob(job)], { policy, exemptions: [], now: NOW });
  return decision?.verdict.action === 'cancel' ? 'cancel' : decision?.verdict.reason;
};

describe('emergencyPolicy', () => {
  it('is live, without a percentage', () => {
    expect(emergencyPolicy(makeEmergency({ maxKills: 7 }))).toMatchObject({
      mode: 'live',
      maxKills: 7,
      maxKillsPercent: 100,
      drain: false,
      rules: [{ id: 'emergency', action: 'cancel', engines: ['sql'] }],
    });
  });

  it('is the policy that says the same in words', () => {
    const asked = { queue: ['etl', 'ad*'], owner: ['ana'], jobType: ['flink_sql_job'], engines: ['flink'] as const };
    const written = parsePolicy({
      version: 1,
      mode: 'live',
      maxKills: 50,
      maxKillsPercent: 100,
      rules: [
        {
          id: 'emergency',
          engines: ['flink'],
          match: { queue: ['etl', 'ad*'], owner: 'ana', jobType: 'flink_sql_job' },
          maxTotalTime: '10m',
          savepoint: false,
        },
      ],
    });
    // The limit as it is written stands beside the limits made of it, and nothing reads it.
    const dataOf = (policy: Policy) =>
      JSON.parse(
        JSON.stringify(policy, (key, value: unknown) => (key === 'maxTotalTime' ? undefined : value)),
      ) as object;

    expect(dataOf(emergencyPolicy(makeEmergency({ ...asked, savepoint: false })))).toEqual(dataOf(written));
  });

  it.each<{ name: string; job?: Partial<Job>; asked?: Partial<Emergency>; expected: string }>([
    { name: 'a job that is older', expected: 'cancel' },
    { name: 'a job that waits, since age counts from submission', job: { state: 'queued' }, expected: 'cancel' },
    { name: 'a job of exactly that age', job: { startedAt: NOW - 10 * MINUTE }, expected: 'within-limit' },
    { name: 'a job of another queue', asked: { queue: ['etl'] }, expected: 'no-rule' },
    { name: 'a job of a queue by pattern', asked: { queue: ['etl', 'ad*'] }, expected: 'cancel' },
    { name: 'a job of another owner', asked: { owner: ['cy'] }, expected: 'no-rule' },
    {
      name: 'a job without an owner, asked for by owner',
      job: { owner: undefined },
      asked: { owner: ['ana'] },
      expected: 'undetermined',
    },
    { name: 'a job without an age', job: { startedAt: undefined }, expected: 'undetermined' },
    { name: 'a job in an unknown state', job: { state: 'unknown' }, expected: 'undetermined' },
    { name: 'an exempt job', job: { owner: 'bo' }, expected: 'exempt' },
    {
      name: 'an exempt job that is included',
      job: { owner: 'bo' },
      asked: { includeExempt: true },
      expected: 'cancel',
    },
    {
      name: 'a job of a queue that DLI spells in capitals',
      job: { queue: 'ADHOC' },
      asked: { queue: ['adhoc'] },
      expected: 'cancel',
    },
    { name: 'a write', job: { type: 'INSERT' }, expected: 'protected' },
    { name: 'a write by its id alone', job: { type: 'INSERT' }, asked: { jobIds: [jobId(1)] }, expected: 'protected' },
    { name: 'a write that is named', job: { type: 'INSERT' }, asked: { jobType: ['INSERT'] }, expected: 'cancel' },
    {
      name: 'an operation on a queue',
      job: { type: 'SCALE_QUEUE' },
      asked: { includeExempt: true },
      expected: 'protected',
    },
    {
      name: 'a young job by its id',
      job: { startedAt: NOW - 1 },
      asked: { jobIds: [jobId(1)], olderThanMs: 0 },
      expected: 'cancel',
    },
    {
      name: 'a job without an age by its id',
      job: { startedAt: undefined },
      asked: { jobIds: [jobId(1)], olderThanMs: 0 },
      expected: 'undetermined',
    },
    { name: 'another job than the one named', asked: { jobIds: [jobId(2)] }, expected: 'no-rule' },
    {
      name: 'a job named, but of another queue than asked for',
      asked: { jobIds: [jobId(1)], queue: ['etl'] },
      expected: 'no-rule',
    },
  ])('decides on $name: $expected', ({ job = {}, asked = {}, expected }) => {
    expect(verdictOn(job, asked)).toBe(expected);
  });
});

describe('emergencyPolicy, with what cannot be read of exemptions', () => {
  const doubts = [{ match: 'all' as const, until: NOW + 1 }];

  it('keeps that, unless exempt jobs are included', () => {
    expect(emergencyPolicy(makeEmergency(), { exemptions: [], doubts }).doubts).toEqual(doubts);
    expect(emergencyPolicy(makeEmergency({ includeExempt: true }), { exemptions: [], doubts }).doubts).toEqual([]);
  });
});

describe('emergencyPolicy, in a freeze', () => {
  const freezes = [makeFreeze()];
  const verdictFor = (asked: Partial<Emergency>, job: Partial<Job> = {}) => {
    const policy = emergencyPolicy(makeEmergency(asked), { exemptions: [], freezes });
    return decide([makeJob(job)], { policy, exemptions: [], now: NOW })[0]?.verdict;
  };

  it('spares what the freeze matches, or may match, unless exempt jobs are included', () => {
    expect(verdictFor({})).toMatchObject({ reason: 'frozen', rule: 'month-end' });
    expect(verdictFor({}, { owner: undefined })).toMatchObject({ reason: 'undetermined' });
    expect(verdictFor({}, { owner: 'bo' })).toMatchObject({ action: 'cancel' });
    expect(verdictFor({ includeExempt: true })).toMatchObject({ action: 'cancel' });
  });

  it('says of a named job that it may be frozen, and that this cannot be told', () => {
    const asked = makeEmergency({ jobIds: [jobId(1)] });
    const policy = emergencyPolicy(asked, { exemptions: [], freezes });
    const decisions = decide([makeJob({ owner: undefined })], { policy, exemptions: [], now: NOW });

    expect(sparedJobs(asked, decisions)).toEqual([
      `job ${jobId(1)} is spared: it may be frozen, and that cannot be told; --include-exempt, or includeExempt, takes it all the same`,
    ]);
  });
});

describe('emergencyPolicy, of Flink', () => {
  const asked = { engines: ['flink'] as const };
  const stream: Partial<Job> = { engine: 'flink', id: '146', type: 'flink_sql_job', protection: 'none' };

  it.each([true, false])('keeps the savepoint unless told: %s', (savepoint) => {
    expect(emergencyPolicy(makeEmergency({ ...asked, savepoint })).rules).toMatchObject([{ savepoint }]);
  });

  it('decides on a stream only where the engine is named', () => {
    expect([verdictOn(stream, asked), verdictOn(stream, {})]).toEqual(['cancel', 'no-rule']);
  });
});

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
    verdict: { action: 'keep', reason, rule, limitMs: undefined },
  });

  it.each([
    {
      decision: kept('protected', { type: 'INSERT', protection: 'unless-named' }),
      why: 'its type INSERT has to be named',
    },
    { decision: kept('protected', { protection: 'always' }), why: 'an operation on a queue is never cancelled' },
    { decision: kept('exempt', {}, 'backfill'), why: 'exemption backfill is for it' },
    {
      decision: kept('frozen', {}, 'month-end'),
      why: 'freeze month-end is in force; --include-exempt, or includeExempt, takes it all the same',
    },
    { decision: kept('within-limit'), why: 'it is younger than was asked for' },
    { decision: kept('no-rule'), why: 'its queue, owner or type is not what was asked for' },
    {
      decision: kept('asked-recently', { askedAt: NOW - 2 * HOUR }),
      why: 'DLI changed it at 2026-01-05T07:00:00.000Z, less than six hours ago; it may be a savepoint that failed, or an edit; --no-savepoint stops it without one',
    },
    { decision: kept('undetermined'), why: 'something that has to be known of it is not, such as its age or its type' },
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
      `job ${jobId(1)} is spared: it may be exempt, and that cannot be told; --include-exempt, or includeExempt, takes it all the same`,
    ]);
  });

  it('says nothing of it where the job is spared either way', () => {
    expect(spared({ startedAt: undefined })).toEqual([expect.stringContaining('something that has to be known')]);
  });
});

describe('unmatchedNames', () => {
  const seen = [makeJob({ queue: 'finance', owner: 'ana' }), makeJob({ queue: 'Adhoc', owner: 'jose\u0301' })];
  const unmatched = (changes: Partial<Emergency>) => unmatchedNames(makeEmergency(changes), seen);

  it('names what is asked for and not there, what is there, and what it may be mistaken for', () => {
    expect(unmatched({ queue: ['finance', 'adhok'], owner: ['bo|cy'] })).toEqual([
      'no job that was looked at has queue adhok; there are Adhoc, finance',
      'no job that was looked at has owner bo|cy; there are ana, jose\u0301; is one value, and no list; write [bo, cy]',
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
      why: 'it has changed since it was listed, and is not over the limit any more (RUNNING)',
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
  ])('says nothing of one that was asked, or ends anyway, or is told elsewhere, or was not named', (id, outcome) => {
    expect(sparedAtLast(asked, new Map([[id, outcome]]))).toEqual([]);
  });
});

describe('missingJobs', () => {
  it('names those that nobody has seen, whatever the case of their letters, and where they were looked for', () => {
    const asked = makeEmergency({ jobIds: [jobId(0xab).toUpperCase(), jobId(2)], olderThanMs: HOUR });

    expect(missingJobs(asked, [{ id: jobId(0xab) }])).toEqual([
      `job ${jobId(2)} is not among the live SQL jobs older than 1h; if it should be, check target and project`,
    ]);
  });
});

describe('an emergency sweep', () => {
  const request = (changes: Partial<Emergency> = {}) => ({
    trigger: 'emergency' as const,
    reason: 'stuck',
    emergency: makeEmergency(changes),
  });

  async function makeNight(changes: Partial<Emergency> = {}) {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { owner: 'bo', ageMs: 20 * MINUTE })] });
    const emergency = makeEmergency(changes);
    const sweep = () =>
      world.sweep(request(changes), {
        loadSettings: async (asked) => {
          const settings = await world.deps.loadSettings(asked);
          return {
            ...settings,
            target: { ...settings.target, mode: 'dry-run' },
            policy: emergencyPolicy(emergency),
            exemptions: [makeExemption({ match: { owner: 'bo' } })],
            notices: ['the policy cannot be read'],
          };
        },
      });
    return { ...world, sweep };
  }

  it("is live although the target's mode is dry-run, spares exempt jobs, and is on record", async () => {
    const { sweep, emulator } = await makeNight();

    const report = await sweep();

    expect(report).toMatchObject({
      trigger: 'emergency',
      requestReason: 'stuck',
      dryRun: false,
      status: 'ok',
      emergency: { olderThanMs: 10 * MINUTE, includeExempt: false },
      counts: { cancelled: 1, skipped: { exempt: 1 } },
      unmanagedQueues: {},
    });
    expect(report.notices).toContain('the policy cannot be read');
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
  });

  it('takes exempt jobs too where that is asked for, and says so in the report', async () => {
    const { sweep } = await makeNight({ includeExempt: true });

    expect(await sweep()).toMatchObject({ emergency: { includeExempt: true }, counts: { cancelled: 2, skipped: {} } });
  });

  it('tells of a job by id that is not there, and cancels only the one that is', async () => {
    const { sweep } = await makeNight({ jobIds: [jobId(1), jobId(7)], olderThanMs: 2 * HOUR });

    const report = await sweep();

    expect(report).toMatchObject({ status: 'failed', counts: { overdue: 1, cancelled: 1 } });
    expect(report.unmet).toContainEqual(expect.stringContaining(`job ${jobId(7)} is not among the live SQL jobs`));
  });

  it('cancels nobody where there are more victims than it may have', async () => {
    const { sweep } = await makeNight({ includeExempt: true, maxKills: 1 });

    expect(await sweep()).toMatchObject({ status: 'capped', counts: { cancelled: 0, skipped: { cap: 2 } } });
  });
});
