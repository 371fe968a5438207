import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../lib/request/request.ts';

const JOB = '00000000-0000-4000-8000-000000000001';

const parse = (event: unknown) => parseRequest(event, () => 'sweep-1');

describe('parseRequest, of an emergency', () => {
  const emergency = { kind: 'emergency', target: 'lake', olderThan: '10m', reason: 'stuck' };
  const EMPTY = { jobIds: [], queue: [], owner: [], jobType: [] };

  it('is by default a dry run of at most 50 jobs, with exemptions and savepoints', () => {
    expect(parse(emergency)).toEqual({
      sweepId: 'sweep-1',
      trigger: 'emergency',
      target: 'lake',
      dryRun: true,
      maxKills: undefined,
      verifyForMs: 60_000,
      reason: 'stuck',
      emergency: {
        ...EMPTY,
        olderThanMs: 600_000,
        engines: expect.arrayContaining(['sql']),
        maxKills: 50,
        includeExempt: false,
        savepoint: true,
      },
    });
  });

  it('reads every key, with one value or a list', () => {
    const { emergency: scope, dryRun } = parse({
      ...emergency,
      queue: 'adhoc',
      owner: ['ana', 'bo'],
      jobType: 'INSERT',
      engine: 'sql',
      jobIds: JOB,
      maxKills: 1_000,
      includeExempt: true,
      savepoint: false,
      dryRun: false,
      confirm: 'lake',
      askedAt: '2026-01-05T09:00:00Z',
    });

    expect(dryRun).toBe(false);
    expect(scope).toEqual({
      olderThanMs: 600_000,
      jobIds: [JOB],
      queue: ['adhoc'],
      owner: ['ana', 'bo'],
      jobType: ['INSERT'],
      engines: ['sql'],
      maxKills: 1_000,
      includeExempt: true,
      savepoint: false,
    });
  });

  it('needs no age where jobs are named', () => {
    const { emergency: scope } = parse({ ...emergency, olderThan: undefined, jobIds: [JOB] });

    expect(scope).toMatchObject({ olderThanMs: 0, jobIds: [JOB] });
  });

  it.each([
    { name: 'an age', change: {}, engines: ['sql', 'spark'] },
    { name: 'Flink by its name', change: { engine: 'flink' }, engines: ['flink'] },
    { name: 'a UUID', change: { jobIds: JOB }, engines: ['sql', 'spark'] },
    { name: 'the number of a Flink job', change: { jobIds: '146' }, engines: ['flink'] },
    { name: 'a type of SQL', change: { jobType: 'QUERY' }, engines: ['sql'] },
  ])('is for the engines that can be meant by $name: $engines', ({ change, engines }) => {
    expect(parse({ ...emergency, ...change }).emergency?.engines).toEqual(engines);
  });

  it.each([
    { name: 'a live one without a reason', change: { dryRun: false, reason: undefined }, says: 'reason: missing' },
    { name: 'a type that batches lack', change: { engine: 'spark', jobType: 'QUERY' }, says: 'jobType: no Spark' },
    {
      name: 'a type that runs for ever',
      change: { jobType: 'flink_jar_job' },
      says: 'jobType: no engine has jobs of that type',
    },
    { name: 'a live one with an empty reason', change: { dryRun: false, reason: '' }, says: 'reason: missing' },
    { name: 'neither age nor ids', change: { olderThan: undefined }, says: 'olderThan: missing; give an age' },
    {
      name: 'a live one without confirm',
      change: { dryRun: false },
      says: 'confirm: expected the name of the target',
    },
    {
      name: 'a live one of another target',
      change: { dryRun: false, confirm: 'pond' },
      says: 'confirm: expected the name of the target, lake',
    },
    {
      name: 'a live one that does not say when it was asked for',
      change: { dryRun: false, confirm: 'lake' },
      says: 'askedAt: missing; a live emergency must say when it was asked for',
    },
    { name: 'a ceiling exceeded', change: { maxKills: 1_001 }, says: 'maxKills: expected at most 1000' },
    { name: 'an unknown key', change: { force: true }, says: 'force: unknown key; allowed: target' },
    { name: 'an unknown engine', change: { engine: 'presto' }, says: 'engine.0: expected one of sql' },
    { name: 'an unknown type', change: { jobType: 'insert' }, says: 'jobType.0: expected one of QUERY' },
    { name: 'a queue that is a bad pattern', change: { queue: '/(/' }, says: 'queue: not a pattern' },
    { name: 'a queue in capitals', change: { queue: ['adhoc', 'ETL'] }, says: 'queue: no queue has such a name' },
    {
      name: 'an owner with a blank behind it',
      change: { owner: 'ana ' },
      says: 'owner: begins or ends with a space',
    },
    { name: 'half a pattern', change: { owner: '/ana/g' }, says: 'owner: begins with / but is not a pattern' },
    { name: 'an id that is cut short', change: { jobIds: '5b3c6e1e' }, says: 'jobIds.0: expected the id of a job' },
    { name: 'an id that could be no path', change: { jobIds: '../x' }, says: 'jobIds.0: expected the id of a job' },
    { name: 'an age without a unit', change: { olderThan: '10' }, says: 'olderThan: not a duration' },
  ])('refuses $name', ({ change, says }) => {
    expect(() => parse({ ...emergency, ...change })).toThrow(says);
  });
});
