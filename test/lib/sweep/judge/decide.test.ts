import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { selects } from '../../../../lib/policy/select.ts';
import type { Victim } from '../../../../lib/sweep/judge/cap.ts';
import { decide, isStillOver } from '../../../../lib/sweep/judge/decide.ts';
import { decideOne, makeExemption, makeJob, makePolicy, withRulesById } from '../../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../../helpers/world.ts';

const DAY = 24 * HOUR;
const R = { id: 'r', match: 'all', maxRunTime: '2h' };

const verdictOf = (job: Partial<Job>, ...rules: object[]) => decideOne(makeJob(job), makePolicy({ rules })).verdict;

describe('decide', () => {
  it('cancels a job past its limit, and says which rule, which limit, and by how much', () => {
    expect(decideOne(makeJob(), makePolicy())).toEqual({
      job: makeJob(),
      clocks: { runTimeMs: 3 * HOUR, queueTimeMs: undefined, totalTimeMs: 3 * HOUR },
      rules: [
        {
          rule: makePolicy().rules[0],
          match: [],
          action: 'cancel',
          clock: 'maxRunTime',
          limitMs: 2 * HOUR,
          overLimitMs: HOUR,
        },
      ],
      exemptions: [],
      exemption: { exempt: 'no' },
      freezes: [],
      freeze: { frozen: 'no' },
      maxSteps: 1_000_000,
      verdict: {
        action: 'cancel',
        reason: 'over-limit',
        rule: 'r',
        matched: ['r'],
        clock: 'maxRunTime',
        limitMs: 2 * HOUR,
        overLimitMs: HOUR,
        savepoint: true,
        onSavepointFailure: 'keep',
      },
    });
  });

  it('keeps a job exactly at its limit', () => {
    expect(verdictOf({ startedAt: NOW - 2 * HOUR }, R)).toEqual({
      action: 'keep',
      reason: 'within-limit',
      rule: 'r',
      limitMs: 2 * HOUR,
    });
  });

  it('cancels a job one millisecond over its limit', () => {
    expect(verdictOf({ startedAt: NOW - 2 * HOUR - 1 }, R)).toMatchObject({ action: 'cancel', overLimitMs: 1 });
  });

  it.each([
    { name: 'a job that just began', job: { startedAt: NOW }, rule: {}, reason: 'within-limit' },
    { name: 'a job whose queue the rule ignores', job: {}, rule: { ignore: { queue: 'ad*' } }, reason: 'ignored' },
    { name: 'a job whose owner the rule ignores', job: {}, rule: { ignore: { owner: 'ana' } }, reason: 'ignored' },
    { name: 'a job whose type the rule ignores', job: {}, rule: { ignore: { jobType: 'QUERY' } }, reason: 'ignored' },
    { name: 'a job that waits', job: { status: 'LAUNCHING', state: 'queued' }, rule: {}, reason: 'queued' },
    { name: 'a finished job', job: { status: 'FINISHED', state: 'finished' }, rule: {}, reason: 'terminal' },
    { name: 'a failed job', job: { status: 'FAILED', state: 'failed' }, rule: {}, reason: 'terminal' },
    { name: 'a cancelled job', job: { status: 'CANCELLED', state: 'cancelled' }, rule: {}, reason: 'terminal' },
    { name: 'a job of another queue', job: {}, rule: { match: { queue: 'etl' } }, reason: 'no-rule' },
    { name: 'a job of another owner', job: {}, rule: { match: { owner: 'bob' } }, reason: 'no-rule' },
    { name: 'a job of another type', job: {}, rule: { match: { jobType: 'DDL' } }, reason: 'no-rule' },
    { name: 'an unknown status', job: { status: 'SUSPENDED', state: 'unknown' }, rule: {}, reason: 'undetermined' },
    { name: 'no status', job: { status: undefined, state: 'unknown' }, rule: {}, reason: 'undetermined' },
    { name: 'an unknown type', job: { type: 'VACUUM' }, rule: {}, reason: 'undetermined' },
    { name: 'no type', job: { type: undefined }, rule: {}, reason: 'undetermined' },
    {
      name: 'no owner, where the rule asks for one',
      job: { owner: undefined },
      rule: { match: { owner: '*' } },
      reason: 'undetermined',
    },
    {
      name: 'no owner, where the rule may spare one',
      job: { owner: undefined },
      rule: { ignore: { owner: 'bob' } },
      reason: 'undetermined',
    },
    { name: 'no start', job: { startedAt: undefined }, rule: {}, reason: 'undetermined' },
    { name: 'a start of zero', job: { startedAt: 0 }, rule: {}, reason: 'undetermined' },
    { name: 'a negative start', job: { startedAt: -1 }, rule: {}, reason: 'undetermined' },
    { name: 'a start in the future', job: { startedAt: NOW + 1 }, rule: {}, reason: 'undetermined' },
    { name: 'a start over 400 days ago', job: { startedAt: NOW - 400 * DAY - 1 }, rule: {}, reason: 'undetermined' },
    { name: 'no id', job: { id: '' }, rule: {}, reason: 'undetermined' },
    { name: 'a malformed id', job: { id: `${jobId(1)}/../x` }, rule: {}, reason: 'undetermined' },
  ] as const)('keeps $name as $reason', ({ job, rule, reason }) => {
    expect(verdictOf(job, { ...R, ...rule })).toMatchObject({ action: 'keep', reason });
  });

  it('names no rule for a job that none is for', () => {
    const nothing = { action: 'keep', reason: 'no-rule', rule: undefined, limitMs: undefined };
    const policy = makePolicy();
    const ofOtherEngines = { ...policy, rules: policy.rules.map((rule) => ({ ...rule, engines: [] })) };

    expect(verdictOf({}, { ...R, match: { queue: 'etl' } })).toEqual(nothing);
    expect(decideOne(makeJob(), ofOtherEngines).verdict).toEqual(nothing);
    expect(decideOne(makeJob(), { ...policy, rules: [] }).verdict).toEqual(nothing);
  });

  it('keeps an exempt job as exempt even where there are no rules', () => {
    const decision = decideOne(makeJob(), { ...makePolicy(), rules: [] }, [makeExemption()]);

    expect(decision.verdict).toEqual({ action: 'keep', reason: 'exempt', rule: 'backfill', limitMs: undefined });
  });

  it.each([
    { name: 'runs', job: {}, limits: { maxRunTime: '9h', maxTotalTime: '5h', maxQueueTime: '1h' }, hours: 5 },
    { name: 'runs on', job: {}, limits: { maxRunTime: '4h', maxTotalTime: '5h', maxQueueTime: '1h' }, hours: 4 },
    {
      name: 'waits',
      job: { status: 'LAUNCHING', state: 'queued' },
      limits: { maxRunTime: '1h', maxQueueTime: '4h', maxTotalTime: '5h' },
      hours: 4,
    },
  ] as const)('tells of a job that $name the smallest limit that counts for it', ({ job, limits, hours }) => {
    expect(verdictOf(job, { ...R, ...limits })).toEqual({
      action: 'keep',
      reason: 'within-limit',
      rule: 'r',
      limitMs: hours * HOUR,
    });
  });

  it.each([
    { name: 'waits', job: { status: 'LAUNCHING', state: 'queued' }, reason: 'queued', limits: { maxRunTime: '1h' } },
    { name: 'runs', job: {}, reason: 'within-limit', limits: { maxRunTime: undefined, maxQueueTime: '1h' } },
  ] as const)('tells no limit of a job that $name under a rule that has none for it', ({ job, reason, limits }) => {
    expect(verdictOf(job, { ...R, ...limits })).toEqual({ action: 'keep', reason, rule: 'r', limitMs: undefined });
  });

  it('tells the smallest limit of a rule for a job of unknown state', () => {
    const limits = { maxRunTime: '3h', maxQueueTime: '2h' };

    expect(verdictOf({ status: 'SUSPENDED', state: 'unknown' }, { ...R, ...limits })).toMatchObject({
      reason: 'undetermined',
      limitMs: 2 * HOUR,
    });
  });

  it.each(['queue', 'owner', 'fingerprint'])('keeps a job that does not tell its %s for a group', (groupBy) => {
    const nothing = { queue: undefined, owner: undefined, statement: undefined };

    expect(verdictOf(nothing, { ...R, groupBy })).toMatchObject({ action: 'keep', reason: 'undetermined', rule: 'r' });
  });

  it.each([0, -1])('does not believe a start at %i ms, even if that is not long ago', (startedAt) => {
    const [decision] = decide([makeJob({ startedAt })], { policy: makePolicy(), exemptions: [], now: DAY });

    expect(decision?.verdict).toMatchObject({ action: 'keep', reason: 'undetermined' });
  });

  it('protects an exempt write that no rule names without its exemption', () => {
    expect(decideOne(makeJob({ type: 'INSERT' }), makePolicy(), [makeExemption()]).verdict).toMatchObject({
      action: 'keep',
      reason: 'protected',
      rule: 'r',
    });
  });

  it('keeps an exempt write that one rule names and another does not', () => {
    const rules = [R, { ...R, id: 'writes', match: { jobType: 'INSERT' } }];

    expect(decideOne(makeJob({ type: 'INSERT' }), makePolicy({ rules }), [makeExemption()]).verdict).toMatchObject({
      action: 'keep',
      reason: 'exempt',
      rule: 'backfill',
    });
  });

  it('believes a start 400 days ago', () => {
    expect(verdictOf({ startedAt: NOW - 400 * DAY }, R)).toMatchObject({ action: 'cancel' });
  });

  it('does not need an owner that no rule asks for', () => {
    expect(verdictOf({ owner: undefined, queue: undefined }, R)).toMatchObject({ action: 'cancel' });
  });

  it.each(['DDL', 'DCL', 'IMPORT', 'EXPORT', 'INSERT', 'DATA_MIGRATION', 'UPDATE', 'DELETE'])(
    'protects %s unless a rule names it',
    (type) => {
      expect(verdictOf({ type }, R)).toMatchObject({ action: 'keep', reason: 'protected' });
      expect(verdictOf({ type }, { ...R, match: { queue: '*' } })).toMatchObject({ reason: 'protected' });
      expect(verdictOf({ type }, { ...R, match: { jobType: ['QUERY', type] } })).toMatchObject({ action: 'cancel' });
    },
  );

  it.each([
    { name: 'SCALE_QUEUE', job: { type: 'SCALE_QUEUE' } },
    { name: 'RESTART_QUEUE', job: { type: 'RESTART_QUEUE' } },
    { name: 'a query with status SCALING', job: { status: 'SCALING', state: 'operation' } },
  ] as const)('protects $name although every rule matches it', ({ job }) => {
    const everyWay = [R, { ...R, id: 'q', match: { queue: 'adhoc' } }, { ...R, id: 't', match: { jobType: 'QUERY' } }];

    expect(verdictOf(job, ...everyWay)).toEqual({
      action: 'keep',
      reason: 'protected',
      rule: undefined,
      limitMs: undefined,
    });
  });

  it.each([
    {
      name: 'the rule exceeded furthest',
      rules: [
        { ...R, id: 'a' },
        { ...R, id: 'b', maxRunTime: '1h' },
      ],
      expected: { action: 'cancel', rule: 'b', overLimitMs: 2 * HOUR },
    },
    {
      name: 'the first by id of two rules exceeded alike',
      rules: [
        { ...R, id: 'b' },
        { ...R, id: 'a' },
      ],
      expected: { action: 'cancel', rule: 'a' },
    },
    {
      name: 'the rule that cancels, whatever another spares',
      rules: [
        { ...R, id: 'a', ignore: { queue: 'adhoc' } },
        { ...R, id: 'b' },
      ],
      expected: { action: 'cancel', rule: 'b' },
    },
    {
      name: 'the stronger reason of two rules that spare',
      rules: [
        { ...R, id: 'a', maxRunTime: '1d' },
        { ...R, id: 'b', ignore: { queue: 'adhoc' } },
      ],
      expected: { action: 'keep', reason: 'ignored', rule: 'b' },
    },
    {
      name: 'the first by id of two rules that spare alike',
      rules: [
        { ...R, id: 'b', maxRunTime: '1d' },
        { ...R, id: 'a', maxRunTime: '2d' },
      ],
      expected: { action: 'keep', reason: 'within-limit', rule: 'a' },
    },
    {
      name: 'the rule that is for the job, not the one that is not',
      rules: [
        { ...R, id: 'a', match: { queue: 'etl' } },
        { ...R, id: 'b', maxRunTime: '1d' },
      ],
      expected: { action: 'keep', reason: 'within-limit', rule: 'b' },
    },
  ])('names $name', ({ rules, expected }) => {
    expect(verdictOf({}, ...rules)).toMatchObject(expected);
  });

  const selector = fc
    .record(
      {
        queue: fc.constantFrom('*', 'adhoc', 'etl'),
        owner: fc.constantFrom('*', 'ana', 'bob'),
        jobType: fc.constantFrom('QUERY', 'INSERT'),
      },
      { requiredKeys: [] },
    )
    .filter((keys) => Object.keys(keys).length > 0);
  const rule = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    match: fc.oneof(fc.constant('all'), selector),
    ignore: fc.option(selector, { nil: undefined, freq: 2 }),
    maxRunTime: fc.constantFrom('1s', '1h', '2h', '5h'),
  });
  const rules = fc.uniqueArray(rule, { selector: ({ id }) => id, minLength: 1 });
  const job = fc
    .record<Partial<Job>>({
      id: fc.oneof(fc.constant(jobId(1)), fc.constantFrom('', 'x')),
      queue: fc.constantFrom('adhoc', 'etl', undefined),
      owner: fc.constantFrom('ana', 'bob', undefined),
      type: fc.constantFrom('QUERY', 'QUERY', 'INSERT', 'SCALE_QUEUE', 'VACUUM', undefined),
      state: fc.constantFrom<Job['state'][]>('running', 'running', 'queued', 'operation', 'finished', 'unknown'),
      startedAt: fc.oneof(
        fc.integer({ min: NOW - 9 * HOUR, max: NOW }),
        fc.constantFrom(undefined, 0, -1, NOW + 1, NOW - 401 * DAY),
      ),
    })
    .map(makeJob);

  it('does not mind the order of the rules', () => {
    const twoOrders = rules.chain((some) =>
      fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })),
    );
    fc.assert(
      fc.property(job, twoOrders, (someJob, [one, other]) => {
        expect(withRulesById(decideOne(someJob, makePolicy({ rules: one })))).toEqual(
          withRulesById(decideOne(someJob, makePolicy({ rules: other }))),
        );
      }),
    );
  });

  it('never cancels what is not running, of an unknown type, without a believed start or without an id', () => {
    const spoiler = fc.constantFrom<Partial<Job>[]>(
      ...(['queued', 'operation', 'finished', 'failed', 'cancelled', 'unknown'] as const).map((state) => ({ state })),
      ...['VACUUM', 'query', '', undefined, 'SCALE_QUEUE', 'RESTART_QUEUE'].map((type) => ({ type })),
      ...[undefined, 0, -1, NOW + 1, NOW - 401 * DAY, Number.NaN].map((startedAt) => ({ startedAt })),
      ...['', 'x', '../queues/adhoc'].map((id) => ({ id })),
    );
    fc.assert(
      fc.property(spoiler, rules, (spoilt, some) => {
        expect(verdictOf(spoilt, ...some, { ...R, id: 'all' }).action).toBe('keep');
      }),
    );
  });

  it('never cancels because of an ignore', () => {
    fc.assert(
      fc.property(job, rules, (someJob, some) => {
        const without = some.map((one) => ({ ...one, ignore: undefined }));
        fc.pre(decideOne(someJob, makePolicy({ rules: without })).verdict.action === 'keep');

        expect(decideOne(someJob, makePolicy({ rules: some })).verdict.action).toBe('keep');
      }),
    );
  });

  it('never acts upon a job at or under every limit', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 * HOUR }), rules, (ageMs, some) => {
        const generous = some.map((one) => ({ ...one, maxRunTime: '2h', maxTotalTime: '150m' }));

        expect(verdictOf({ startedAt: NOW - ageMs }, ...generous).action).toBe('keep');
      }),
    );
  });

  it('never acts upon a job that an exemption is for, or may be for', () => {
    const match = fc.constantFrom<object[]>(
      { jobId: jobId(1) },
      { queue: ['etl', 'ad*'] },
      { owner: '/./' },
      { tag: 'keep' },
      { name: '*' },
      { statement: '*' },
      { queue: 'adhoc', owner: '*' },
    );
    const tags = fc.constantFrom(undefined, new Map(), new Map([['keep', 'yes']]));
    fc.assert(
      fc.property(job, tags, match, rules, fc.boolean(), (someJob, someTags, some, someRules, isOwn) => {
        const exemption = { id: 'e', reason: 'x', owner: 'o', until: '2026-01-05T09:00:00.001Z', match: some };
        const changes = { rules: [...someRules, { ...R, id: 'all' }], ...(isOwn && { exemptions: [exemption] }) };
        const policy = makePolicy(changes);
        const beside = isOwn ? [] : [makeExemption(exemption)];
        const tagged = { ...someJob, tags: someTags };
        fc.pre(selects(makeExemption(exemption).match, tagged) !== 'no');

        expect(decideOne(tagged, policy, beside).verdict.action).toBe('keep');
      }),
    );
  });

  describe('in a freeze', () => {
    const freeze = { id: 'f', reason: 'close', from: '2026-01-05', until: '2026-01-05', match: { owner: 'ana' } };
    const verdictIn = (job: Partial<Job>, changes: object, rule: object = {}) =>
      decideOne(makeJob(job), makePolicy({ rules: [{ ...R, ...rule }], freezes: [{ ...freeze, ...changes }] })).verdict;

    it('keeps a job that a rule would cancel, and says by which freeze and over which limit', () => {
      const frozen = { action: 'keep', reason: 'frozen', rule: 'f', limitMs: 2 * HOUR };

      expect(verdictIn({}, {})).toEqual(frozen);
      expect(verdictIn({}, { match: 'all' })).toEqual(frozen);
      expect(verdictIn({}, { from: undefined, until: undefined, recurring: { days: [5], timeZone: 'UTC' } })).toEqual(
        frozen,
      );
    });

    it.each([
      { name: 'that it does not match', job: {}, changes: { match: { owner: 'bo' } } },
      { name: 'before it begins', job: {}, changes: { from: '2026-01-05T09:00:00.001Z' } },
      { name: 'when it is over', job: {}, changes: { until: '2026-01-05T09:00:00Z' } },
      {
        name: 'on a day that is none of its own',
        job: {},
        changes: { from: undefined, until: undefined, recurring: { days: [6], timeZone: 'UTC' } },
      },
      // It is the sixth there already.
      {
        name: 'on a day that is over in its time zone',
        job: {},
        changes: { from: undefined, until: undefined, recurring: { days: [4], timeZone: 'Pacific/Kiritimati' } },
      },
    ])('cancels a job $name', ({ job, changes }) => {
      expect(verdictIn(job, changes)).toMatchObject({ action: 'cancel', rule: 'r' });
    });

    it.each([
      { name: 'within its limit', job: { startedAt: NOW - HOUR }, rule: {}, verdict: { reason: 'within-limit' } },
      { name: 'that a rule only warns of', job: {}, rule: { action: 'warn' }, verdict: { action: 'warn' } },
      { name: 'that a rule only logs', job: {}, rule: { action: 'log' }, verdict: { action: 'log' } },
      { name: 'that no rule is for', job: {}, rule: { match: { queue: 'etl' } }, verdict: { reason: 'no-rule' } },
    ])('says of a job $name what it says otherwise', ({ job, rule, verdict }) => {
      expect(verdictIn(job, {}, rule)).toMatchObject(verdict);
    });

    it('spares as undetermined a job that it may match, and only one that would be cancelled', () => {
      const changes = { match: { statement: '/close/' } };

      expect(verdictIn({}, changes)).toEqual({ action: 'keep', reason: 'undetermined', rule: 'r', limitMs: 2 * HOUR });
      expect(verdictIn({}, changes, { action: 'warn' })).toMatchObject({ action: 'warn' });
      expect(verdictIn({ startedAt: NOW - HOUR }, changes)).toMatchObject({ reason: 'within-limit' });
    });

    it('lets an exemption be named before it, and before what is not known of it', () => {
      const exempt = (changes: object) =>
        decideOne(makeJob(), makePolicy({ freezes: [{ ...freeze, ...changes }] }), [makeExemption()]).verdict;

      expect([exempt({}), exempt({ match: { statement: 'x' } })]).toMatchObject([
        { reason: 'exempt', rule: 'backfill' },
        { reason: 'exempt', rule: 'backfill' },
      ]);
    });

    it('counts its statements among the questions that share the steps of a sweep', () => {
      const statement = 'x'.repeat(60_000);
      const jobs = Array.from({ length: 600 }, (_, n) => makeJob({ id: jobId(n), statement }));
      const withFreezes = (freezes: object[]) =>
        decide(jobs, { policy: makePolicy({ freezes }), exemptions: [], now: NOW })[0]?.maxSteps;

      expect(withFreezes([{ ...freeze, match: { statement: ['/a/', '/b/', '/c/', '/d/'] } }])).toBe(41_666);
      expect(withFreezes([])).toBe(1_000_000);
    });

    it('never cancels a job that it matches, or may match', () => {
      const match = fc.constantFrom<unknown[]>(
        'all',
        { jobId: jobId(1) },
        { queue: ['etl', 'ad*'] },
        { owner: '/./' },
        { statement: '*' },
      );
      fc.assert(
        fc.property(job, match, rules, (someJob, some, someRules) => {
          const policy = makePolicy({
            rules: [...someRules, { ...R, id: 'all' }],
            freezes: [{ ...freeze, match: some }],
          });
          fc.pre(selects(policy.freezes[0]?.match ?? 'all', someJob) !== 'no');

          expect(decideOne(someJob, policy).verdict.action).not.toBe('cancel');
        }),
      );
    });

    it('holds a job back and moves no other into its place in a group', () => {
      const policy = makePolicy({ rules: [{ ...R, victims: 'oldest' }], freezes: [freeze] });
      const jobs = [makeJob({ startedAt: NOW - 9 * HOUR }), makeJob({ id: jobId(2), owner: 'bo' })];

      expect(decide(jobs, { policy, exemptions: [], now: NOW }).map(({ verdict }) => verdict.reason)).toEqual([
        'frozen',
        'group',
      ]);
    });
  });

  it('protects by an exemption from the moment that it begins', () => {
    const from = (text: string) => decideOne(makeJob(), makePolicy(), [makeExemption({ from: text })]).verdict.reason;

    expect(from('2026-01-05T09:00:00.001Z')).toBe('over-limit');
    expect(from('2026-01-05T09:00:00Z')).toBe('exempt');
    expect(from('2026-01-05')).toBe('exempt');
    expect(from('2026-01-06')).toBe('over-limit');
  });

  it('never keeps a job because it ran longer', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9 * HOUR }), fc.nat({ max: DAY }), rules, (ageMs, moreMs, some) => {
        fc.pre(verdictOf({ startedAt: NOW - ageMs }, ...some).action === 'cancel');

        expect(verdictOf({ startedAt: NOW - ageMs - moreMs }, ...some).action).toBe('cancel');
      }),
    );
  });
});

describe('decide, on engines that differ', () => {
  const STREAM = { ...R, engines: ['flink'] };
  const stream = (fields: Partial<Job> = {}): Partial<Job> => ({
    engine: 'flink',
    id: '146',
    type: 'flink_sql_job',
    protection: 'none',
    ...fields,
  });
  const ago = (ms: number) => ({ askedAt: NOW - ms });

  it.each([
    { name: 'a stream that is being stopped', job: stream({ state: 'stopping' }), rules: [STREAM], reason: 'stopping' },
    {
      name: 'a stream that could not be stopped',
      job: stream({ state: 'stop-failed' }),
      rules: [STREAM],
      reason: 'undetermined',
    },
    { name: 'a stream, by a rule for SQL', job: stream(), rules: [R], reason: 'no-rule' },
    { name: 'a query, by a rule for streams', job: {}, rules: [STREAM], reason: 'no-rule' },
    { name: 'a stream with the id of a query', job: stream({ id: jobId(1) }), rules: [STREAM], reason: 'undetermined' },
    { name: 'a query with the id of a stream', job: { id: '146' }, rules: [R], reason: 'undetermined' },
    { name: 'a stream asked a moment ago', job: stream(ago(0)), rules: [STREAM], reason: 'asked-recently' },
    {
      name: 'a stream asked almost six hours ago',
      job: stream(ago(6 * HOUR - 1)),
      rules: [STREAM],
      reason: 'asked-recently',
    },
    {
      name: 'a job that does not tell since when it runs',
      job: { since: { running: undefined, waiting: NOW - DAY, submitted: NOW - DAY } },
      rules: [R],
      reason: 'undetermined',
    },
    {
      name: 'the same, within the limit that it does tell',
      rules: [{ ...R, maxTotalTime: '2d' }],
      reason: 'undetermined',
      job: { since: { running: undefined, waiting: NOW - DAY, submitted: NOW - DAY } },
    },
  ])('spares $name: $reason', ({ job, rules, reason }) => {
    expect(verdictOf(job, ...rules)).toMatchObject({ action: 'keep', reason });
  });

  it.each([
    { name: 'a stream asked six hours ago', job: stream(ago(6 * HOUR)), rule: STREAM, action: 'cancel' },
    {
      name: 'a stream asked a moment ago, by a rule without savepoints',
      job: stream(ago(0)),
      rule: { ...STREAM, savepoint: false },
      action: 'cancel',
    },
    {
      name: 'a stream asked a moment ago, to warn',
      job: stream(ago(0)),
      rule: { ...STREAM, action: 'warn' },
      action: 'warn',
    },
    {
      name: 'a job over the limit that it does tell',
      rule: { ...R, maxTotalTime: '3h' },
      action: 'cancel',
      job: { since: { running: undefined, waiting: undefined, submitted: NOW - DAY } },
    },
  ])('goes on with $name: $action', ({ job, rule, action }) => {
    expect(verdictOf(job, rule).action).toBe(action);
  });

  it('reads each clock from where the engine says that it begins', () => {
    const since = { running: NOW - 1, waiting: NOW - 2, submitted: NOW - 3 };
    const clocksOf = (state: Job['state']) => decideOne(makeJob({ state, since })).clocks;

    expect(clocksOf('running')).toEqual({ runTimeMs: 1, queueTimeMs: undefined, totalTimeMs: 3 });
    expect(clocksOf('queued')).toEqual({ runTimeMs: undefined, queueTimeMs: 2, totalTimeMs: 3 });
    expect(clocksOf('stopping')).toEqual({ runTimeMs: undefined, queueTimeMs: undefined, totalTimeMs: undefined });
  });

  it('names the limit that is exceeded furthest', () => {
    const since = { running: NOW - 3 * HOUR, waiting: undefined, submitted: NOW - DAY };

    expect(verdictOf({ since }, { ...R, maxTotalTime: '3h' })).toMatchObject({
      clock: 'maxTotalTime',
      overLimitMs: 21 * HOUR,
    });
    expect(verdictOf({ since }, { ...R, maxTotalTime: '24h' })).toMatchObject({
      clock: 'maxRunTime',
      overLimitMs: HOUR,
    });
  });

  it('keeps a stream that was asked recently the oldest of its group, so that no other takes its place', () => {
    const policy = makePolicy({ rules: [{ ...STREAM, victims: 'oldest' }] });
    const jobs = [makeJob(stream({ ...ago(0), startedAt: NOW - DAY })), makeJob(stream({ id: '147' }))];

    const reasons = decide(jobs, { policy, exemptions: [], now: NOW }).map(({ verdict }) => verdict.reason);

    expect(reasons).toEqual(['asked-recently', 'group']);
  });

  it('tells how the rule that is named wants a job to be stopped', () => {
    const rule = { ...STREAM, savepoint: false, onSavepointFailure: 'cancel' };

    expect(verdictOf(stream(), rule)).toMatchObject({ savepoint: false, onSavepointFailure: 'cancel' });
  });
});

describe('isStillOver', () => {
  const STREAM: Partial<Job> = {
    engine: 'flink',
    id: '146',
    type: 'flink_sql_job',
    protection: 'none',
    status: 'job_running',
  };
  const WAITING: Partial<Job> = { status: 'LAUNCHING', state: 'queued' };
  const RUNNING: Partial<Job> = { status: 'RUNNING', state: 'running' };
  /** What a reading of one job tells; the rest of it is left out, as Spark leaves it out. */
  const reading = (told: Partial<Job>): Job =>
    makeJob({
      queue: undefined,
      owner: undefined,
      type: undefined,
      tags: undefined,
      startedAt: undefined,
      ...told,
    });
  const isStill = (job: Partial<Job>, rules: object | object[], read: Partial<Job>, savepoint = true) => {
    const victim = decideOne(makeJob(job), makePolicy({ rules: [rules].flat() })) as Victim;
    expect(victim.verdict.reason).toBe('over-limit');
    return isStillOver(victim, reading(read), { now: NOW, savepoint });
  };
  const byQueueTime = { id: 'r', match: 'all', maxQueueTime: '2h' };
  const byTotalTime = { id: 'r', match: 'all', maxTotalTime: '2h' };

  it.each([
    { name: 'that waits on, by maxQueueTime', job: WAITING, rule: byQueueTime, read: WAITING },
    { name: 'that began to run, by maxTotalTime', job: WAITING, rule: byTotalTime, read: RUNNING },
    {
      name: 'that began to run, by what its reading leaves out',
      job: { ...WAITING, tags: new Map([['team', 'bi']]) },
      rule: { ...byTotalTime, match: { queue: 'adhoc', owner: 'an?', tag: 'team=bi' } },
      read: RUNNING,
    },
    { name: 'that runs on', job: {}, rule: { ...R, match: { status: 'RUNNING' } }, read: RUNNING },
    {
      name: 'whose state is spelled differently',
      job: {},
      read: { status: 'Running', state: 'running' as const },
      rule: { ...R, match: { status: 'RUNNING' } },
    },
    {
      name: 'of a type that the rule names',
      job: { type: 'INSERT' },
      read: RUNNING,
      rule: { ...R, match: { jobType: 'INSERT' } },
    },
    {
      name: 'whose ignore asks for another status',
      job: WAITING,
      read: WAITING,
      rule: { ...byTotalTime, ignore: { status: 'RUNNING' } },
    },
    {
      name: 'whose ignore spares others with that status',
      job: WAITING,
      read: RUNNING,
      rule: { ...byTotalTime, ignore: { status: 'RUNNING', owner: 'bo' } },
    },
    { name: 'of a group', job: {}, rule: { ...R, groupBy: 'owner', minGroupSize: 1 }, read: RUNNING },
  ])('goes on with a job $name', ({ job, rule, read }) => {
    expect(isStill(job, rule, read as Partial<Job>)).toBe(true);
  });

  it.each([
    { name: 'that began to run, by maxQueueTime', job: WAITING, rule: byQueueTime, read: RUNNING },
    {
      name: 'that began to run, by a rule for those that wait',
      job: WAITING,
      read: RUNNING,
      rule: { ...byTotalTime, match: { status: 'LAUNCHING' } },
    },
    {
      name: 'that began to run, where the rule ignores those',
      job: WAITING,
      read: RUNNING,
      rule: { ...byTotalTime, ignore: { status: 'RUNNING' } },
    },
    {
      name: 'that is over another limit of its rule by now',
      job: WAITING,
      read: RUNNING,
      rule: { ...byQueueTime, maxTotalTime: '150m' },
    },
    { name: 'that runs anew', job: {}, rule: R, read: { ...RUNNING, startedAt: NOW - HOUR } },
    { name: 'that is over', job: {}, rule: R, read: { status: 'FINISHED', state: 'finished' as const } },
    { name: 'in an unknown state', job: {}, rule: R, read: { status: 'SCALED', state: 'unknown' as const } },
    { name: 'that begins only later', job: {}, rule: R, read: { ...RUNNING, startedAt: NOW + 1 } },
  ])('spares a job $name', ({ job, rule, read }) => {
    expect(isStill(job, rule, read)).toBe(false);
  });

  it('judges by the rule that chose the job, and not by another that it is over as well', () => {
    const rules = [byQueueTime, { ...byTotalTime, id: 's', maxTotalTime: '150m' }];

    expect(isStill(WAITING, rules, WAITING)).toBe(true);
    expect(isStill(WAITING, rules, RUNNING)).toBe(false);
  });

  it('spares a stream that DLI has changed since, unless it stops without a savepoint', () => {
    const rule = { ...R, engines: ['flink'] };
    const read = { ...STREAM, state: 'running' as const, askedAt: NOW };

    expect(isStill(STREAM, rule, read)).toBe(false);
    expect(isStill(STREAM, rule, read, false)).toBe(true);
    expect(isStill({ ...STREAM, askedAt: NOW - 6 * HOUR }, rule, { ...read, askedAt: NOW - 6 * HOUR })).toBe(true);
  });

  it('spares a job whose rule is not known', () => {
    const victim = decideOne(makeJob(), makePolicy()) as Victim;

    expect(isStillOver({ ...victim, rules: [] }, makeJob(), { now: NOW, savepoint: true })).toBe(false);
  });
});
