import { describe, expect, it } from 'vitest';
import { enginesOf, isForAll, needsStatements, youngestOverdueStart } from '../../../lib/policy/scope.ts';
import { makePolicy } from '../../helpers/make-job.ts';
import { HOUR, NOW } from '../../helpers/world.ts';

const R = { id: 'r', match: 'all', maxRunTime: '2h' };

describe('enginesOf', () => {
  it('names each engine once that a rule is for', () => {
    const rules = [R, { ...R, id: 's', engines: ['flink', 'sql'] }];

    expect(enginesOf(makePolicy({ rules }))).toEqual(['sql', 'flink']);
  });
});

describe('youngestOverdueStart', () => {
  it('overlooks rules for other engines', () => {
    const rules = [R, { ...R, id: 's', engines: ['spark'], maxRunTime: undefined, maxTotalTime: '1m' }];

    expect(youngestOverdueStart(makePolicy({ rules }), 'sql', NOW)).toBe(NOW - 2 * HOUR);
  });

  it('is given by the shortest limit of all rules', () => {
    const policy = makePolicy({ rules: [R, { ...R, id: 's', maxRunTime: '30m' }] });

    expect(youngestOverdueStart(policy, 'sql', NOW)).toBe(NOW - HOUR / 2);
  });

  it('is given by the shortest limit of a rule, whichever clock it is for', () => {
    const policy = makePolicy({ rules: [{ ...R, maxQueueTime: '15m', maxTotalTime: '1h' }] });

    expect(youngestOverdueStart(policy, 'sql', NOW)).toBe(NOW - HOUR / 4);
  });
});

describe('isForAll', () => {
  const isAll = (match: unknown) => isForAll(makePolicy({ rules: [{ ...R, match }] }).rules[0]?.match ?? 'all');

  it.each([
    'all',
    { queue: '*' },
    { queue: ['adhoc', '*'] },
    { owner: '?*' },
    { owner: '/./' },
    { owner: '/^/', status: 'RUNNING' },
    { queue: '*', owner: '/.*/' },
    { statement: '/^|x/' },
    { status: ['RUNNING', 'LAUNCHING'] },
    { jobType: 'QUERY' },
    { jobType: ['QUERY', 'INSERT'], queue: '**' },
  ])('is true of %j', (match) => {
    expect(isAll(match)).toBe(true);
  });

  it.each([
    { queue: 'adhoc' },
    { queue: 'adhoc_*' },
    { queue: '*', owner: 'ana' },
    { owner: '/a/' },
    { owner: '*', tag: 'team=bi' },
    { jobType: 'INSERT' },
    { jobType: 'INSERT', queue: '*' },
    { statement: '/select/i' },
    { database: 'sales' },
  ])('is false of %j', (match) => {
    expect(isAll(match)).toBe(false);
  });

  it('is false of a name', () => {
    expect(
      isForAll(
        makePolicy({
          rules: [{ ...R, engines: ['spark'], maxRunTime: undefined, maxTotalTime: '2h', match: { name: 'load_*' } }],
        }).rules[0]?.match ?? 'all',
      ),
    ).toBe(false);
  });

  it('is false of the jobs that an emergency names', () => {
    expect(isForAll({ jobId: ['1'] })).toBe(false);
  });

  it('overlooks keys without a value', () => {
    expect(isForAll({ tag: undefined, jobType: undefined, owner: undefined })).toBe(true);
  });
});

describe('needsStatements', () => {
  const exemption = { id: 'e', reason: 'why', owner: 'team', until: '2027-01-01' };

  it.each([
    { name: 'a plain rule', policy: {}, needed: false },
    { name: 'another match', policy: { rules: [{ ...R, match: { queue: 'x' } }] }, needed: false },
    { name: 'a match', policy: { rules: [{ ...R, match: { statement: 'x' } }] }, needed: true },
    { name: 'an ignore', policy: { rules: [{ ...R, ignore: { statement: 'x' } }] }, needed: true },
    { name: 'another ignore', policy: { rules: [{ ...R, ignore: { owner: 'x' } }] }, needed: false },
    { name: 'groups by fingerprint', policy: { rules: [R, { ...R, id: 's', groupBy: 'fingerprint' }] }, needed: true },
    { name: 'groups by queue', policy: { rules: [{ ...R, groupBy: 'queue' }] }, needed: false },
    { name: 'an exemption', policy: { exemptions: [{ ...exemption, match: { statement: 'x' } }] }, needed: true },
    { name: 'another exemption', policy: { exemptions: [{ ...exemption, match: { queue: 'x' } }] }, needed: false },
  ])('is $needed for $name', ({ policy, needed }) => {
    expect(needsStatements(makePolicy(policy))).toBe(needed);
  });
});
