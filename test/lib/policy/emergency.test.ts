import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import { type Emergency, emergencyPolicy } from '../../../lib/policy/emergency.ts';
import { parsePolicy } from '../../../lib/policy/parse.ts';
import type { Policy } from '../../../lib/policy/schema.ts';
import { decide } from '../../../lib/sweep/judge/decide.ts';
import { makeEmergency, makeExemption, makeFreeze, makeJob } from '../../helpers/make-job.ts';
import { jobId, MINUTE, NOW } from '../../helpers/world.ts';

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
