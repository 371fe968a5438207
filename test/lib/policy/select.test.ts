import { describe, expect, it } from 'vitest';
import { parseExemption } from '../../../lib/policy/parse.ts';
import type { Rule } from '../../../lib/policy/schema.ts';
import { groupKey, namesType, predicatesOf, selects, trySelector } from '../../../lib/policy/select.ts';
import { makeJob, makePolicy } from '../../helpers/make-job.ts';
import { jobId } from '../../helpers/world.ts';

function ruleFor(match: unknown): Rule {
  const [rule] = makePolicy({ rules: [{ id: 'r', match, maxRunTime: '2h' }] }).rules;
  if (rule === undefined) throw new Error('a policy has a rule');
  return rule;
}

describe('selects', () => {
  it.each([
    { match: 'all', job: {}, answer: 'yes' },
    { match: 'all', job: { queue: undefined, owner: undefined, type: undefined }, answer: 'yes' },
    { match: { queue: 'adhoc' }, job: {}, answer: 'yes' },
    { match: { queue: 'ad*' }, job: {}, answer: 'yes' },
    { match: { queue: ['etl', 'adhoc'] }, job: {}, answer: 'yes' },
    { match: { queue: ['etl', 'bi'] }, job: {}, answer: 'no' },
    { match: { owner: 'ANA' }, job: {}, answer: 'no' },
    { match: { queue: 'adhoc' }, job: { queue: undefined }, answer: 'unknown' },
    { match: { queue: '*' }, job: { queue: undefined }, answer: 'unknown' },
    { match: { owner: 'an?' }, job: {}, answer: 'yes' },
    { match: { owner: 'bob' }, job: {}, answer: 'no' },
    { match: { owner: 'jos\u00e9' }, job: { owner: 'jose\u0301' }, answer: 'yes' },
    { match: { queue: 'adhoc' }, job: { queue: 'ADHOC' }, answer: 'yes' },
    { match: { owner: 'ana' }, job: { owner: undefined }, answer: 'unknown' },
    { match: { jobType: 'QUERY' }, job: {}, answer: 'yes' },
    { match: { jobType: ['DDL', 'DCL'] }, job: {}, answer: 'no' },
    { match: { jobType: 'QUERY' }, job: { type: undefined }, answer: 'unknown' },
    { match: { queue: 'adhoc', owner: 'ana', jobType: 'QUERY' }, job: {}, answer: 'yes' },
    { match: { queue: 'adhoc', owner: 'bob' }, job: {}, answer: 'no' },
    { match: { queue: 'adhoc', owner: 'ana' }, job: { owner: undefined }, answer: 'unknown' },
    { match: { queue: 'etl', owner: 'ana' }, job: { owner: undefined }, answer: 'no' },
    { match: { status: 'RUNNING' }, job: {}, answer: 'yes' },
    { match: { status: 'LAUNCHING' }, job: {}, answer: 'no' },
    { match: { status: 'RUNNING' }, job: { status: undefined }, answer: 'unknown' },
    { match: { database: 'lake' }, job: { database: 'lake' }, answer: 'yes' },
    { match: { database: 'lake' }, job: {}, answer: 'unknown' },
    { match: { statement: '/from\\s+orders/i' }, job: { statement: 'select 1 FROM  orders' }, answer: 'yes' },
    { match: { statement: '/orders/' }, job: { statement: 'select 1' }, answer: 'no' },
    { match: { statement: '/orders/' }, job: {}, answer: 'unknown' },
    { match: { statement: '/orders/' }, job: { statement: 'x'.repeat(65_537) }, answer: 'unknown' },
    { match: { tag: ['keep', 'team=bi'] }, job: { tags: new Map([['team', 'bi']]) }, answer: 'yes' },
    { match: { tag: 'team=bi' }, job: {}, answer: 'no' },
    { match: { tag: 'team=bi' }, job: { tags: undefined }, answer: 'unknown' },
    { match: { queue: 'etl', tag: 'keep' }, job: { tags: undefined }, answer: 'no' },
  ])('answers $answer for $match and $job', ({ match, job, answer }) => {
    expect(selects(ruleFor(match).match, makeJob(job))).toBe(answer);
  });
});

describe('namesType', () => {
  it.each([
    { match: { jobType: 'INSERT' }, names: true },
    { match: { jobType: ['QUERY', 'INSERT'] }, names: true },
    { match: { jobType: 'QUERY' }, names: false },
    { match: { queue: '*' }, names: false },
    { match: 'all', names: false },
  ])('is $names for INSERT and a rule for $match', ({ match, names }) => {
    expect(namesType(ruleFor(match), makeJob({ type: 'INSERT' }))).toBe(names);
  });
});

describe('predicatesOf', () => {
  const job = makeJob({
    database: 'lake',
    tags: new Map([
      ['a', '1'],
      ['b', ''],
    ]),
    statement: 'select secret',
  });

  it('shows for each key what was wanted, what was found, and whether it holds', () => {
    const { match } = ruleFor({
      queue: ['adhoc', 'x'],
      owner: 'bob',
      jobType: ['QUERY', 'DDL'],
      status: 'RUNNING',
      tag: ['a=1', 'c'],
      statement: '/secret/',
      database: 'lake',
    });

    expect(predicatesOf(match, job)).toEqual([
      { key: 'queue', wanted: ['adhoc', 'x'], found: 'adhoc', holds: 'yes' },
      { key: 'owner', wanted: ['bob'], found: 'ana', holds: 'no' },
      { key: 'jobType', wanted: ['QUERY', 'DDL'], found: 'QUERY', holds: 'yes' },
      { key: 'status', wanted: ['RUNNING'], found: 'RUNNING', holds: 'yes' },
      { key: 'tag', wanted: ['a=1', 'c'], found: 'a=1, b=', holds: 'yes' },
      {
        key: 'statement',
        wanted: ['/secret/'],
        found: expect.stringMatching(/^fingerprint [0-9a-f]{16}$/),
        holds: 'yes',
      },
      { key: 'database', wanted: ['lake'], found: 'lake', holds: 'yes' },
    ]);
  });

  it('shows ids and names, which only exemptions ask for', () => {
    const { match } = parseExemption({
      id: 'e',
      reason: 'why',
      owner: 'team',
      until: '2027-01-01',
      match: { jobId: [jobId(1).toUpperCase(), jobId(2)], name: 'n' },
    });

    expect(predicatesOf(match, job)).toEqual([
      { key: 'jobId', wanted: [jobId(1).toUpperCase(), jobId(2)], found: jobId(1), holds: 'yes' },
      { key: 'name', wanted: ['n'], found: null, holds: 'no' },
    ]);
    expect(predicatesOf(match, makeJob({ id: '' }))[0]).toMatchObject({ found: null, holds: 'unknown' });
  });

  it('shows null for what the job does not say', () => {
    const { match } = ruleFor({ queue: 'x', jobType: 'QUERY', tag: 'a', statement: 'x' });
    const blank = makeJob({ queue: undefined, type: undefined, tags: undefined });

    for (const predicate of predicatesOf(match, blank))
      expect(predicate).toMatchObject({ found: null, holds: 'unknown' });
  });

  it('shows no fingerprint of a statement that is too long', () => {
    const { match } = ruleFor({ statement: '/x/' });

    expect(predicatesOf(match, makeJob({ statement: 'x'.repeat(65_537) }))[0]).toMatchObject({
      found: null,
      holds: 'unknown',
    });
  });

  it('has no keys for a rule that is for all jobs', () => {
    expect(predicatesOf('all', job)).toEqual([]);
  });
});

describe('groupKey', () => {
  it('is the queue, the owner, or the fingerprint of the statement', () => {
    const job = makeJob({ statement: 'select 1' });

    expect(groupKey('queue', job)).toBe('adhoc');
    expect(groupKey('owner', job)).toBe('ana');
    expect(groupKey('fingerprint', job)).toBe(groupKey('fingerprint', makeJob({ statement: 'SELECT 2' })));
    expect(groupKey('fingerprint', makeJob())).toBeUndefined();
  });

  it('treats the two ways to write a character in a name as equal', () => {
    expect(groupKey('owner', makeJob({ owner: 'jose\u0301' }))).toBe('jos\u00e9');
    expect(groupKey('owner', makeJob({ owner: undefined }))).toBeUndefined();
  });

  it('is unknown for a statement that is too long, or has more characters than steps are allowed', () => {
    const long = (length: number) => makeJob({ statement: 'x'.repeat(length) });

    expect(groupKey('fingerprint', long(65_536))).toBeDefined();
    expect(groupKey('fingerprint', long(65_537))).toBeUndefined();
    expect(groupKey('fingerprint', long(10), 10)).toBeDefined();
    expect(groupKey('fingerprint', long(11), 10)).toBeUndefined();
    expect(groupKey('fingerprint', makeJob({ statement: null }))).toBeUndefined();
  });

  it('is made once for each job', () => {
    const jobs = [makeJob({ statement: 'select a' }), makeJob({ statement: 'select b' })];
    const keys = jobs.map((job) => groupKey('fingerprint', job));

    expect(keys[0]).not.toBe(keys[1]);
    expect(jobs.map((job) => groupKey('fingerprint', job))).toEqual(keys);
  });
});

describe('trySelector', () => {
  it('does not know the answer for a text that needs more steps than are allowed', () => {
    const { match } = ruleFor({ owner: 'ana', statement: '/c/' });
    const job = makeJob({ statement: 'abc' });

    expect(trySelector(match, job)).toEqual(['yes', 'yes']);
    expect(trySelector(match, job, 2)).toEqual(['unknown', 'unknown']);
    expect(selects(match, job, 2)).toBe('unknown');
    expect(predicatesOf(match, job, { maxSteps: 2 }).map(({ holds }) => holds)).toEqual(['unknown', 'unknown']);
    expect(predicatesOf(match, job, { tried: ['no'], maxSteps: 2 }).map(({ holds }) => holds)).toEqual([
      'no',
      'unknown',
    ]);
  });
});
