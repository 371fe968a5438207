import { describe, expect, it } from 'vitest';
import { lintPolicy } from '../../../lib/policy/lint.ts';
import { makePolicy } from '../../helpers/make-job.ts';
import { NOW } from '../../helpers/world.ts';

const R = { id: 'r', match: { owner: 'ana' }, maxRunTime: '2h' };
const lint = (rule: object, more: object = {}) =>
  lintPolicy(
    makePolicy({
      rules: [
        { ...R, id: 'first' },
        { ...R, ...rule },
      ],
      ...more,
    }),
    NOW,
  );

describe('lintPolicy', () => {
  it.each([
    { name: 'every job, to warn', rule: { match: 'all', action: 'warn', maxRunTime: '1s' } },
    { name: 'writes of every queue', rule: { match: { jobType: 'INSERT' } } },
    { name: 'a quarter of an hour', rule: { maxRunTime: '15m' } },
    { name: 'twelve hours', rule: { maxRunTime: '12h' } },
    { name: 'a long wait, which DLI does not end', rule: { maxRunTime: undefined, maxQueueTime: '2d' } },
    { name: 'a queue and an owner', rule: { match: { queue: 'q', owner: 'ana' } } },
    { name: 'a queue with an exception', rule: { match: { queue: 'q' }, ignore: { owner: 'ana' } } },
    { name: 'a queue, to warn', rule: { match: { queue: 'q' }, action: 'warn' } },
    { name: 'a queue, by its waiting time too', rule: { match: { queue: 'q' }, maxQueueTime: '1h' } },
    { name: 'a queue, the oldest only', rule: { match: { queue: 'q' }, victims: 'oldest' } },
    {
      name: 'a queue, by its waiting time alone',
      rule: { match: { queue: 'q' }, maxRunTime: undefined, maxQueueTime: '1h' },
    },
    {
      name: 'a queue, by its total time',
      rule: { match: { queue: 'q' }, maxRunTime: undefined, maxTotalTime: '1h' },
    },
    { name: 'a queue, all but the oldest', rule: { match: { queue: 'q' }, keep: { oldest: 1 } } },
    { name: 'a queue, groups only', rule: { match: { queue: 'q' }, minGroupSize: 2 } },
  ])('finds nothing wrong with a rule for $name', ({ rule }) => {
    expect(lint(rule)).toEqual([]);
  });

  it('says how to write all but the oldest, and nothing of DLI', () => {
    expect(lint({ match: { queue: 'q' }, victims: 'all-but-oldest' })).toEqual([
      {
        keys: ['rules', 1, 'victims'],
        message: 'all-but-oldest is an old form; it is read as keep: {oldest: 1}, so write that in place of victims',
      },
    ]);
  });

  it.each(['maxRunTime', 'maxTotalTime'])('warns of a %s that DLI does not let a job reach', (clock) => {
    expect(lint({ maxRunTime: undefined, [clock]: '12h1s' })).toEqual([
      { keys: ['rules', 1, clock], message: expect.stringMatching(/after 12h, so 12h1s .* dli\.sql\.job\.timeout$/) },
    ]);
  });

  it('warns of each limit that is too long, and says how long it is', () => {
    const tooLong = (limit: string) =>
      `DLI itself cancels SQL jobs after 12h, so ${limit} is reached only by jobs whose submitter raised dli.sql.job.timeout`;

    expect(lint({ match: { queue: 'q' }, maxRunTime: '1d', maxQueueTime: '3d', maxTotalTime: '2d' })).toEqual([
      { keys: ['rules', 1, 'maxRunTime'], message: tooLong('1d') },
      { keys: ['rules', 1, 'maxTotalTime'], message: tooLong('2d') },
    ]);
  });

  it('does not name a rule of DLI if DLI ends the job before the limit', () => {
    expect(lint({ match: { queue: 'q' }, maxRunTime: '13h' }).map(({ keys }) => keys)).toEqual([
      ['rules', 1, 'maxRunTime'],
    ]);
    expect(lint({ match: { queue: 'q' }, maxRunTime: '12h' }).map(({ keys }) => keys)).toEqual([['rules', 1, 'match']]);
  });

  it('says nothing about DLI itself for other engines than SQL', () => {
    const policy = makePolicy({ rules: [{ ...R, match: { queue: 'q' }, maxRunTime: '2d' }] });

    expect(lintPolicy({ ...policy, rules: policy.rules.map((rule) => ({ ...rule, engines: [] })) }, NOW)).toEqual([]);
  });

  it('gives the warnings of all rules, and then those of the policy', () => {
    const exemption = { id: 'e', reason: 'why', owner: 'team', until: '2026-01-06', match: { owner: 'ana' } };
    const rules = ['a', 'b'].map((id) => ({ ...R, id, match: { queue: 'q' } }));

    const warnings = lint({}, { rules, maxKills: 0, maxKillsPercent: 0, exemptions: [exemption] });

    expect(warnings.map(({ keys }) => keys)).toEqual([
      ['rules', 0, 'match'],
      ['rules', 1, 'match'],
      ['maxKills'],
      ['maxKillsPercent'],
      ['exemptions', 0],
    ]);
  });

  it('warns of a rule that DLI could carry out by itself', () => {
    expect(lint({ match: { queue: 'q' } })).toEqual([
      {
        keys: ['rules', 1, 'match'],
        message:
          'an SQL inspection rule of DLI on the queue (running_0003, Run time) has the same limit without this reaper, ' +
          'on queues with Spark 3.3 or later',
      },
    ]);
  });

  it.each(['maxKills', 'maxKillsPercent'])('warns of a %s of zero', (cap) => {
    expect(lint({}, { [cap]: 0 })).toEqual([{ keys: [cap], message: '0 means that no job is ever cancelled' }]);
  });

  it.each([
    { maxKills: 100, warned: [] },
    { maxKills: 101, warned: ['101 jobs in one sweep is more than 100, which a stage allows by default'] },
  ])('warns of a maxKills above 100: $maxKills', ({ maxKills, warned }) => {
    expect(lint({}, { maxKills })).toEqual(warned.map((message) => ({ keys: ['maxKills'], message })));
  });

  it.each([
    { maxKillsPercent: 99, warned: [] },
    { maxKillsPercent: 100, warned: ['100 means that every live job may be cancelled at once'] },
  ])('warns of a maxKillsPercent of 100: $maxKillsPercent', ({ maxKillsPercent, warned }) => {
    expect(lint({}, { maxKillsPercent })).toEqual(warned.map((message) => ({ keys: ['maxKillsPercent'], message })));
  });

  it('warns of a rule for all jobs that cancels', () => {
    expect(lint({ match: 'all' })).toEqual([
      { keys: ['rules', 1, 'match'], message: 'is for all jobs; by default a stage does not let such a rule cancel' },
    ]);
  });

  it('warns of each limit below a quarter of an hour at which jobs are cancelled', () => {
    expect(lint({ maxRunTime: '14m59s', maxQueueTime: '1s', maxTotalTime: '1h' })).toEqual([
      {
        keys: ['rules', 1, 'maxRunTime'],
        message: '14m59s is below 15m, the shortest limit at which a stage cancels jobs by default',
      },
      {
        keys: ['rules', 1, 'maxQueueTime'],
        message: '1s is below 15m, the shortest limit at which a stage cancels jobs by default',
      },
    ]);
  });

  it('warns of an exemption that has expired', () => {
    const exemption = { id: 'e', reason: 'why', owner: 'team', until: '2026-01-01', match: { owner: 'ana' } };

    expect(lint({}, { exemptions: [exemption] })).toEqual([
      { keys: ['exemptions', 0], message: expect.stringMatching(/^exemption e .* expired/) },
    ]);
  });

  it.each([
    {
      name: 'the running time of Spark batches',
      rule: { engines: ['spark'] },
      key: 'maxRunTime',
      message: 'is never exceeded by Spark batches: DLI does not say when a batch began to run; use maxTotalTime',
    },
    {
      name: 'the waiting time of Flink jobs',
      key: 'maxQueueTime',
      rule: { engines: ['flink', 'spark'], maxRunTime: undefined, maxQueueTime: '2h' },
      message: 'is never exceeded by Flink jobs: DLI does not say when a Flink job began to wait',
    },
  ])('warns of a limit on $name, which DLI does not give', ({ rule, key, message }) => {
    expect(lint(rule)).toEqual([{ keys: ['rules', 1, key], message }]);
  });

  it('allows a limit of days on batches and streams, which DLI itself never ends', () => {
    expect(lint({ engines: ['spark'], maxRunTime: undefined, maxTotalTime: '3d' })).toEqual([]);
    expect(lint({ engines: ['flink'], maxRunTime: '3d' })).toEqual([]);
  });

  it('warns of a freeze that is over, and of a match in the syntax of another tool', () => {
    const freeze = { reason: 'close', from: '2026-01-01', until: '2026-01-02', match: 'all' };
    const freezes = [
      { ...freeze, id: 'over' },
      { ...freeze, id: 'now', until: '2026-01-06', match: { owner: 'a,b' } },
      { id: 'days', reason: 'close', match: 'all', recurring: { days: [7], timeZone: 'UTC' } },
    ];

    expect(lint({}, { freezes })).toEqual([
      { keys: ['freezes', 1, 'match', 'owner', 0], message: 'a,b: is read as one value, not as a list; write [a, b]' },
      {
        keys: ['freezes', 0],
        message: 'freeze over ended at 2026-01-03T00:00:00.000Z; it has no effect any more; remove or renew it',
      },
    ]);
  });

  it('warns of foreign syntax in rules and exemptions, each with its place', () => {
    const exemption = { id: 'e', reason: 'why', owner: 'team', until: '2026-06-01' };

    expect(
      lint(
        { match: { owner: ['ana', '%ana%'] }, ignore: { tag: 'keep:true', statement: '^select' } },
        { exemptions: [{ ...exemption, match: { name: 'a,b' } }] },
      ),
    ).toEqual([
      { keys: ['rules', 1, 'match', 'owner', 1], message: '%ana%: % is a plain character; write *ana*' },
      {
        keys: ['rules', 1, 'ignore', 'statement', 0],
        message: '^select: ^ and $ are plain characters in a glob; write /^select/',
      },
      {
        keys: ['rules', 1, 'ignore', 'tag', 0],
        message: 'keep:true: is read as the key of a tag; write a tag with its value as keep=true',
      },
      {
        keys: ['exemptions', 0, 'match', 'name', 0],
        message: 'a,b: is read as one value, not as a list; write [a, b]',
      },
    ]);
  });

  it('warns of foreign syntax in every key whose values are patterns', () => {
    expect(lint({ match: { queue: '/A/', owner: 'a|b', database: 'a|b' } }).map(({ keys }) => keys[3])).toEqual([
      'queue',
      'owner',
      'database',
    ]);
    expect(
      lint({ engines: ['spark'], match: { name: 'a|b' }, maxRunTime: undefined, maxTotalTime: '1h' }),
    ).toHaveLength(1);
  });
});
