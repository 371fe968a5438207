import { describe, expect, it } from 'vitest';
import { exampleFor, hintForKey, spellingHint } from '../../../lib/policy/hints.ts';

describe('hintForKey', () => {
  it.each([
    ['busyTime', 'maxRunTime'],
    ['maxAge', 'maxRunTime'],
    ['olderThan', 'maxRunTime'],
    ['timeout', 'maxRunTime'],
    ['queueTime', 'maxQueueTime'],
    ['totalTime', 'maxTotalTime'],
    ['filter', 'match'],
    ['filters', 'match'],
    ['exclude', 'ignore'],
    ['user', 'owner'],
    ['queueName', 'queue'],
    ['queue_name', 'queue'],
    ['type', 'jobType'],
    ['job_type', 'jobType'],
    ['state', 'status'],
    ['sql', 'statement'],
    ['query', 'statement'],
    ['db', 'database'],
    ['tags', 'tag'],
    ['id', 'jobId'],
    ['job_id', 'jobId'],
    ['dryRun', 'mode'],
    ['name', 'id'],
    ['expires', 'until'],
    ['max-resources', 'maxKills'],
    ['max-resources-percent', 'maxKillsPercent'],
    ['group-by', 'groupBy'],
  ])('hints for %s, a word of other tools: %s', (key, meant) => {
    expect(hintForKey(key, ['colour', meant])).toBe(`; did you mean ${meant}?`);
  });

  it('goes by spelling if the word of another tool has no counterpart here', () => {
    expect(hintForKey('user', ['owner', 'users'])).toBe('; did you mean owner?');
    expect(hintForKey('user', ['users', 'colour'])).toBe('; did you mean users?');
  });

  it.each(['toString', 'constructor', 'unheard-of'])('lists what is allowed where %s is like nothing', (key) => {
    expect(hintForKey(key, ['id', 'match'])).toBe('; allowed here: id, match');
  });
});

describe('spellingHint', () => {
  it.each([
    { found: 'querry', allowed: ['DDL', 'query'], hint: '; did you mean query?' },
    { found: 'QUERY', allowed: ['query', 'DDL'], hint: '; did you mean query?' },
    { found: 'DATA_migration', allowed: ['DATA_MIGRATION'], hint: '; did you mean DATA_MIGRATION?' },
    { found: 'abcdxx', allowed: ['abcdef'], hint: '; did you mean abcdef?' },
    { found: 'abcxxx', allowed: ['abcdef'], hint: '' },
    { found: 'abxx', allowed: ['abcd'], hint: '; did you mean abcd?' },
    { found: 'axxx', allowed: ['abcd'], hint: '' },
    { found: '', allowed: ['a'], hint: '' },
    { found: 'live', allowed: [], hint: '' },
    { found: 5, allowed: ['5'], hint: '' },
    { found: null, allowed: ['null'], hint: '' },
    { found: ['live'], allowed: ['live'], hint: '' },
  ])('for $found among $allowed is "$hint"', ({ found, allowed, hint }) => {
    expect(spellingHint(found, allowed)).toBe(hint);
  });
});

describe('exampleFor', () => {
  it.each([
    ['version', '; write version: 1'],
    ['match', '; say which jobs are meant, such as match: {queue: etl}, or match: all'],
    ['id', '; give it a name, such as id: adhoc-2h'],
    ['rules', '; list at least one rule'],
    ['reason', '; say why'],
    ['owner', '; say whom to ask'],
    ['until', '; say until when, such as until: 2026-12-31'],
    ['ceiling', '; say up to which age, such as ceiling: 24h'],
    ['colour', ''],
  ])('of %s is "%s"', (key, example) => {
    expect(exampleFor(key)).toBe(example);
  });
});
