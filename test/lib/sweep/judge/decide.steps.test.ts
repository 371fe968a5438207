import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { compileMatcher } from '../../../../lib/policy/matcher.ts';
import { parseExemption } from '../../../../lib/policy/parse.ts';
import type { Policy } from '../../../../lib/policy/schema.ts';
import { createDecide, type Decision, decide, isStillOver } from '../../../../lib/sweep/judge/decide.ts';
import { decideOne, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { jobId, NOW } from '../../../helpers/world.ts';

const R = { id: 'r', match: 'all', maxRunTime: '2h' };

describe('decide, on statements that take long to look through', () => {
  // Some 600,000 steps: less than one text alone may take, more than each of 300 may.
  const heavy = makeJob({ id: jobId(999), statement: 'select a from t '.repeat(1_200) });
  const rule = { ...R, match: { statement: '/select .{0,90}from .{0,90}big_table/' } };
  const many = (count: number, changes: Partial<Job> = {}) =>
    Array.from({ length: count }, (_, i) => makeJob({ id: jobId(i), statement: 'select big_table', ...changes }));
  const decided = (jobs: readonly Job[], policy: Policy) => decide(jobs, { policy, exemptions: [], now: NOW });
  const reasonOf = (decisions: readonly Decision[]) => decisions.find(({ job }) => job.id === heavy.id)?.verdict.reason;

  it('spares a job whose statement takes more than its share, wherever it stands, and judges the others', () => {
    const policy = makePolicy({ rules: [rule, { ...R, id: 's', match: { statement: '/^select big/' } }] });
    const others = many(300);

    expect(reasonOf(decided([heavy], policy))).toBe('no-rule');
    for (const jobs of [
      [heavy, ...others],
      [...others, heavy],
    ]) {
      const decisions = decided(jobs, policy);

      expect(reasonOf(decisions)).toBe('undetermined');
      expect(decisions.filter(({ verdict }) => verdict.action === 'cancel')).toHaveLength(300);
    }
  });

  const exemption = { id: 'e', reason: 'r', owner: 'o', until: '2027-01-01' };

  it.each([
    { name: 'none', policy: {}, jobs: many(400), maxSteps: 1_000_000 },
    { name: 'one, and few jobs', policy: { rules: [rule] }, jobs: many(100), maxSteps: 1_000_000 },
    { name: 'one', policy: { rules: [rule] }, jobs: many(101), maxSteps: 990_099 },
    {
      name: 'two values',
      policy: { rules: [{ ...R, match: { statement: ['a', 'b'] } }] },
      jobs: many(400),
      maxSteps: 125_000,
    },
    {
      name: 'one in match and one in ignore',
      policy: { rules: [{ ...rule, ignore: { statement: 'b' } }] },
      jobs: many(400),
      maxSteps: 125_000,
    },
    {
      name: 'groups by fingerprint',
      policy: { rules: [{ ...R, groupBy: 'fingerprint' }] },
      jobs: many(400),
      maxSteps: 250_000,
    },
    { name: 'groups by owner', policy: { rules: [{ ...R, groupBy: 'owner' }] }, jobs: many(400), maxSteps: 1_000_000 },
    {
      name: 'an exemption',
      policy: { exemptions: [{ ...exemption, match: { statement: 'a' } }] },
      jobs: many(400),
      maxSteps: 250_000,
    },
    {
      name: 'one, and jobs that tell no statement',
      policy: { rules: [rule] },
      jobs: many(400, { statement: undefined }),
      maxSteps: 1_000_000,
    },
    {
      name: 'one, and jobs that have none',
      policy: { rules: [rule] },
      jobs: many(400, { statement: null }),
      maxSteps: 1_000_000,
    },
    {
      name: 'questions to short texts only',
      policy: { rules: [{ ...R, match: { owner: '/a/', queue: ['x', 'y'] } }] },
      jobs: many(400),
      maxSteps: 1_000_000,
    },
  ])('shares out a hundred million steps among all questions to statements: $name', ({ policy, jobs, maxSteps }) => {
    const decisions = decided(jobs, makePolicy(policy));

    expect(new Set(decisions.map((one) => one.maxSteps))).toEqual(new Set([maxSteps]));
  });

  it('counts the exemptions of the stage, and those that cannot be read', () => {
    const policy = {
      ...makePolicy(),
      doubts: [
        { match: { statement: [compileMatcher('a')] }, until: NOW + 1 },
        { match: 'all' as const, until: NOW },
      ],
    };
    const exemptions = [parseExemption({ ...exemption, match: { statement: 'b' } })];

    const [decision] = decide(many(400), { policy, exemptions, now: NOW });

    expect(decision?.maxSteps).toBe(125_000);
  });

  it('tries jobs again when their share has changed', () => {
    const decideAgain = createDecide({ policy: makePolicy({ rules: [rule] }), exemptions: [] });
    const others = many(400);

    expect(reasonOf(decideAgain([heavy, ...others], NOW))).toBe('undetermined');
    expect(reasonOf(decideAgain([heavy], NOW))).toBe('no-rule');
    expect(reasonOf(decideAgain([heavy, ...others], NOW))).toBe('undetermined');
  });

  it.each([
    { name: 'an ignore', changes: { rules: [{ ...R, ignore: rule.match }] } },
    { name: 'an exemption', changes: { exemptions: [{ ...exemption, match: rule.match }] } },
  ])('spares a job by $name that takes more than its share', ({ changes }) => {
    const policy = makePolicy(changes);

    expect(reasonOf(decided([heavy], policy))).toBe('over-limit');
    expect(reasonOf(decided([heavy, ...many(400)], policy))).toBe('undetermined');
  });

  it('does not group by a statement that is longer than its share, and explains no more than was tried', () => {
    const policy = makePolicy({ rules: [{ ...R, groupBy: 'fingerprint', victims: 'oldest' }] });
    const long = makeJob({ id: jobId(999), statement: 'x'.repeat(60_000) });

    expect(reasonOf(decided([long], policy))).toBe('over-limit');
    expect(reasonOf(decided([long, ...many(1_700)], policy))).toBe('undetermined');
  });

  it('judges a job again with no more than its share, right before its cancel', () => {
    const ignore = { status: 'LAUNCHING', statement: rule.match.statement };
    const decision = decideOne(heavy, makePolicy({ rules: [{ ...R, ignore }] }));
    const { verdict } = decision;
    if (verdict.reason !== 'over-limit') throw new Error('it is over its limit');
    const isOver = (maxSteps: number) =>
      isStillOver(
        { ...decision, maxSteps, verdict },
        { ...heavy, status: 'LAUNCHING' },
        { now: NOW, savepoint: false },
      );

    expect(isOver(1_000_000)).toBe(true);
    expect(isOver(1_000)).toBe(false);
  });

  it('spares a job that may be exempt by what cannot be read', () => {
    const doubtful = (owner: string, until: number) => ({
      ...makePolicy(),
      doubts: [{ match: { owner: [compileMatcher(owner)] }, until }],
    });

    expect(decideOne(makeJob(), doubtful('ana', NOW + 1)).verdict).toMatchObject({
      action: 'keep',
      reason: 'undetermined',
    });
    expect(decideOne(makeJob(), doubtful('ana', NOW)).verdict.action).toBe('cancel');
    expect(decideOne(makeJob(), doubtful('bo', NOW + 1)).verdict.action).toBe('cancel');
  });

  it('tells the exemptions that are for a job, or may be, and no others', () => {
    const exemptions = [
      parseExemption({ ...exemption, id: 'yes', match: { owner: 'ana' } }),
      parseExemption({ ...exemption, id: 'no', match: { owner: 'bo' } }),
      parseExemption({ ...exemption, id: 'maybe', match: { owner: 'ana', statement: 'x' } }),
      parseExemption({ ...exemption, id: 'over', until: '2026-01-01', match: { owner: 'ana' } }),
    ];

    const { exemptions: found } = decideOne(makeJob(), makePolicy(), exemptions);

    expect(found.map(({ exemption: { id }, tried }) => [id, tried])).toEqual([
      ['yes', ['yes']],
      ['maybe', ['yes', 'unknown']],
    ]);
  });
});
