import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import type { Exemption } from '../../../../lib/policy/schema.ts';
import { decide } from '../../../../lib/sweep/judge/decide.ts';
import { makeExemption, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const R = { id: 'r', match: 'all', maxTotalTime: '2h' };

interface Outside {
  exemptions?: Exemption[];
  freezes?: object[];
}

const decisionsOn = (jobs: readonly Job[], rules: readonly object[], { exemptions = [], freezes = [] }: Outside = {}) =>
  decide(jobs, { policy: makePolicy({ rules, freezes }), exemptions, now: NOW });

const victimsOf = (jobs: readonly Job[], rules: readonly object[], outside?: Outside): string[] =>
  decisionsOn(jobs, rules, outside)
    .filter(({ verdict }) => verdict.action === 'cancel')
    .map(({ job }) => job.id)
    .sort();

describe('keep', () => {
  /** Jobs 1 to n, the oldest first, half an hour apart, the youngest three hours old. */
  const jobs = (n: number, fields: (i: number) => Partial<Job> = () => ({})) =>
    Array.from({ length: n }, (_, i) =>
      makeJob({ id: jobId(i + 1), startedAt: NOW - 3 * HOUR - (n - i) * 30 * MINUTE, ...fields(i) }),
    );
  const numbersOf = (all: readonly Job[], rule: object, outside?: Outside) =>
    victimsOf(all, [{ ...R, ...rule }], outside).map((id) => Number(id.slice(-4)));
  const THREE_OLDEST = { keep: { oldest: 3 } };
  const exempt = (...numbers: number[]) => [makeExemption({ match: { jobId: numbers.map(jobId) } })];

  it.each([
    { keep: { oldest: 1 }, victims: [2, 3, 4, 5] },
    { keep: { oldest: 3 }, victims: [4, 5] },
    { keep: { youngest: 1 }, victims: [1, 2, 3, 4] },
    { keep: { youngest: 3 }, victims: [1, 2] },
    { keep: { oldest: 5 }, victims: [] },
    { keep: { youngest: 9 }, victims: [] },
  ])('spares so many of all jobs of the rule: $keep', ({ keep, victims }) => {
    expect(numbersOf(jobs(5), { keep })).toEqual(victims);
  });

  it.each([
    { groupBy: 'queue', fields: (i: number) => ({ queue: i % 2 ? 'a' : 'b' }) },
    { groupBy: 'owner', fields: (i: number) => ({ owner: i % 2 ? 'a' : 'b' }) },
    { groupBy: 'fingerprint', fields: (i: number) => ({ statement: `select ${i} from ${i % 2 ? 'a' : 'b'}` }) },
  ])('spares so many of each group by $groupBy', ({ groupBy, fields }) => {
    expect(numbersOf(jobs(6, fields), { groupBy, keep: { oldest: 2 } })).toEqual([5, 6]);
    expect(numbersOf(jobs(6, fields), { groupBy, keep: { youngest: 1 } })).toEqual([1, 2, 3, 4]);
  });

  it('goes by id where jobs are equally old', () => {
    const triplets = jobs(3, () => ({ startedAt: NOW - 3 * HOUR })).toReversed();

    expect(numbersOf(triplets, { keep: { oldest: 1 } })).toEqual([2, 3]);
    expect(numbersOf(triplets, { keep: { youngest: 1 } })).toEqual([1, 2]);
  });

  it('is no limit for jobs that run side by side: jobs within the limit take no place, and none is cancelled', () => {
    const young = jobs(9, () => ({ startedAt: NOW - HOUR }));

    expect(numbersOf(young, { keep: { oldest: 1 } })).toEqual([]);
    expect(
      numbersOf([...jobs(2), makeJob({ id: jobId(9), startedAt: NOW - HOUR })], { keep: { youngest: 1 } }),
    ).toEqual([1]);
  });

  it.each<{ name: string; job: Partial<Job>; outside?: Outside }>([
    { name: 'exempt', job: {}, outside: { exemptions: exempt(9) } },
    { name: 'frozen', job: { owner: 'bo' }, outside: { freezes: [freezeOf('bo')] } },
    { name: 'a write that no rule names', job: { type: 'INSERT' } },
    { name: 'an operation on a queue', job: { type: 'SCALE_QUEUE' } },
    { name: 'stopping', job: { state: 'stopping' } },
    { name: 'over', job: { state: 'finished' } },
    { name: 'ignored by the rule', job: { queue: 'etl' } },
    { name: 'asked to stop a short time ago', job: { askedAt: NOW - HOUR } },
    { name: 'in an unknown state', job: { state: 'unknown', status: 'HIBERNATING' } },
    { name: 'of an unknown type', job: { type: 'VACUUM' } },
    { name: 'without a start', job: { startedAt: undefined } },
    { name: 'without an owner, by which an exemption goes', job: { owner: undefined }, outside: byOwner() },
    {
      name: 'without an owner, by which a freeze goes',
      job: { owner: undefined },
      outside: { freezes: [freezeOf('bo')] },
    },
    { name: 'without a queue, by which the rule ignores', job: { queue: undefined } },
  ])('gives no place to a job that is $name', ({ job, outside }) => {
    const rule = { ignore: { queue: 'etl' } };
    for (const startedAt of [NOW - 20 * HOUR, NOW - 3 * HOUR]) {
      const all = [...jobs(5), makeJob({ id: jobId(9), startedAt, ...job })];

      expect(numbersOf(all, { ...rule, ...THREE_OLDEST }, outside)).toEqual([4, 5]);
      expect(numbersOf(all, { ...rule, keep: { youngest: 3 } }, outside)).toEqual([1, 2]);
    }
  });

  it('gives no place to a job that does not tell its group', () => {
    const all = [...jobs(3), makeJob({ id: jobId(9), owner: undefined, startedAt: NOW - 20 * HOUR })];

    expect(numbersOf(all, { groupBy: 'owner', keep: { oldest: 1 } })).toEqual([2, 3]);
  });

  it('lets a freeze take no part where the rule only warns, since a freeze does not hold against a warning', () => {
    const verdicts = decisionsOn(
      jobs(3, (i) => ({ owner: i === 0 ? 'bo' : 'ana' })),
      [{ ...R, action: 'warn', keep: { oldest: 1 } }],
      { freezes: [freezeOf('bo')] },
    );

    expect(verdicts.map(({ verdict }) => verdict.action)).toEqual(['keep', 'warn', 'warn']);
  });

  it('counts for minGroupSize only the jobs that take part', () => {
    expect(numbersOf(jobs(3), { minGroupSize: 3, keep: { oldest: 1 } })).toEqual([2, 3]);
    expect(numbersOf(jobs(3), { minGroupSize: 4, keep: { oldest: 1 } })).toEqual([]);
    expect(numbersOf(jobs(3), { minGroupSize: 3, keep: { oldest: 1 } }, { exemptions: exempt(3) })).toEqual([]);
  });

  it('spares a job from its own rule only', () => {
    const day = { ...R, id: 'day', maxTotalTime: '5h' };

    expect(
      victimsOf([...jobs(2), makeJob({ id: jobId(9), startedAt: NOW - 6 * HOUR })], [{ ...R, ...THREE_OLDEST }, day]),
    ).toEqual([jobId(9)]);
  });

  it.each([
    { rule: { keep: { oldest: 3 } }, because: 'kept as one of the 3 oldest of its group' },
    { rule: { keep: { youngest: 3 } }, because: 'kept as one of the 3 youngest of its group' },
    { rule: { keep: { youngest: 1 } }, because: 'kept as the youngest of its group' },
    { rule: { victims: 'all-but-oldest' }, because: 'kept as the oldest of its group' },
    { rule: { minGroupSize: 3 }, because: 'its group has 2 such jobs, and the rule is for 3 or more' },
    { rule: { victims: 'oldest' }, because: 'it is not the oldest of its group' },
  ])('says why a job is spared in its group: $because', ({ rule, because }) => {
    const spared = decisionsOn(jobs(2), [{ ...R, ...rule }]).filter(({ verdict }) => verdict.action === 'keep');

    expect(spared.map(({ verdict }) => verdict)).toContainEqual({
      action: 'keep',
      reason: 'group',
      rule: 'r',
      limitMs: 2 * HOUR,
      because,
    });
  });

  it('says that a job may be older, where one cannot be judged', () => {
    const [verdict] = decisionsOn(
      [...jobs(1), makeJob({ id: jobId(9), startedAt: undefined })],
      [{ ...R, victims: 'oldest' }],
    ).map((decision) => decision.verdict);

    expect(verdict).toMatchObject({
      reason: 'group',
      because: 'a job that could not be judged may be the oldest of its group',
    });
  });
});

function freezeOf(owner: string) {
  const times = { from: '2026-01-05T08:00:00Z', until: '2026-01-06T09:00:00Z' };
  return { id: 'f', reason: 'why', match: { owner }, ...times };
}

function byOwner(): Outside {
  return { exemptions: [makeExemption({ match: { owner: 'bo' } })] };
}

describe('keep, whatever there is', () => {
  const aKeep = fc.record({ end: fc.constantFrom('oldest', 'youngest'), count: fc.integer({ min: 1, max: 4 }) });
  const aRule = fc.record({
    id: fc.constantFrom('a', 'b'),
    match: fc.constantFrom('all', { queue: 'adhoc' }, { owner: ['ana', 'bob'] }, { jobType: ['QUERY', 'INSERT'] }),
    limits: fc.constantFrom<object[]>(
      { maxTotalTime: '2h' },
      { maxRunTime: '3h' },
      { maxRunTime: '4h', maxQueueTime: '1h' },
    ),
    ignore: fc.constantFrom(undefined, { owner: 'eve' }),
    groupBy: fc.constantFrom(undefined, 'queue', 'owner'),
    minGroupSize: fc.integer({ min: 1, max: 3 }),
    keep: aKeep,
  });
  type Draft = typeof aRule extends fc.Arbitrary<infer T> ? T : never;
  const someRules = fc.uniqueArray(aRule, { selector: ({ id }) => id, minLength: 1 });
  const toRule = ({ limits, keep, ...fields }: Draft) => ({ ...fields, ...limits, keep: { [keep.end]: keep.count } });
  const rulesOf = (drafts: readonly Draft[]) => drafts.map(toRule);

  const known = fc.record({
    queue: fc.constantFrom('adhoc', 'etl'),
    owner: fc.constantFrom('ana', 'bob', 'eve'),
    type: fc.constantFrom('QUERY', 'QUERY', 'QUERY', 'INSERT'),
    state: fc.constantFrom<Job['state'][]>('running', 'running', 'running', 'queued', 'stopping', 'finished'),
    // Few instants, so that some jobs are equally old.
    startedAt: fc.constantFrom(...[1, 3, 5, 5, 6, 7, 8].map((hours) => NOW - hours * HOUR)),
    askedAt: fc.constantFrom(undefined, undefined, undefined, NOW - HOUR),
  });
  /** What is not known of a job; most jobs are known. */
  const gap = fc.constantFrom<Partial<Job>[]>(
    {},
    {},
    {},
    { startedAt: undefined },
    { queue: undefined },
    { owner: undefined },
    { type: undefined },
    { state: 'unknown', status: undefined },
  );
  const drafts = fc.array(fc.tuple(known, gap), { maxLength: 10 });
  const withGaps = (all: readonly [Partial<Job>, Partial<Job>][]) =>
    all.map(([fields, unknown], i) => makeJob({ ...fields, ...unknown, id: jobId(i + 1) }));
  const withoutGaps = (all: readonly [Partial<Job>, Partial<Job>][]) =>
    all.map(([fields], i) => makeJob({ ...fields, id: jobId(i + 1) }));
  const outside = fc.record({
    exemptions: fc.subarray([
      makeExemption({ match: { owner: 'bob' } }),
      makeExemption({ match: { jobId: jobId(1) } }),
    ]),
    freezes: fc.subarray([freezeOf('ana')]),
  });

  it('keeping more never cancels more', () => {
    fc.assert(
      fc.property(
        drafts,
        someRules,
        outside,
        fc.nat(1),
        fc.integer({ min: 1, max: 3 }),
        (all, some, spared, i, more) => {
          const raised = some.map((one, n) =>
            n === i ? { ...one, keep: { ...one.keep, count: one.keep.count + more } } : one,
          );

          expect(victimsOf(withGaps(all), rulesOf(some), spared)).toEqual(
            expect.arrayContaining(victimsOf(withGaps(all), rulesOf(raised), spared)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('an exempt job more never makes another job die', () => {
    fc.assert(
      fc.property(drafts, known, someRules, outside, (all, one, some, spared) => {
        const jobs = withGaps(all);
        const added = makeJob({ ...one, id: jobId(99) });
        const exemptions = [...spared.exemptions, makeExemption({ match: { jobId: jobId(99) } })];

        expect(victimsOf([...jobs, added], rulesOf(some), { ...spared, exemptions })).toEqual(
          victimsOf(jobs, rulesOf(some), spared),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('an exemption, a freeze or a higher limit more never makes a job die', () => {
    fc.assert(
      fc.property(drafts, someRules, outside, (all, some, spared) => {
        const jobs = withGaps(all);
        const higher = rulesOf(some).map((rule) => ({ ...rule, ...('maxRunTime' in rule && { maxRunTime: '6h' }) }));
        const before = victimsOf(jobs, rulesOf(some));

        expect(before).toEqual(expect.arrayContaining(victimsOf(jobs, rulesOf(some), spared)));
        expect(before).toEqual(expect.arrayContaining(victimsOf(jobs, higher)));
      }),
      { numRuns: 500 },
    );
  });

  it('what is not known never makes a job die', () => {
    fc.assert(
      fc.property(drafts, someRules, outside, (all, some, spared) => {
        expect(victimsOf(withoutGaps(all), rulesOf(some), spared)).toEqual(
          expect.arrayContaining(victimsOf(withGaps(all), rulesOf(some), spared)),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('the order of jobs and of rules changes nothing', () => {
    const shuffled = fc
      .tuple(drafts.map(withGaps), someRules)
      .chain(([all, some]) =>
        fc.tuple(
          fc.constant(all),
          fc.constant(some),
          fc.shuffledSubarray(all, { minLength: all.length }),
          fc.shuffledSubarray(some, { minLength: some.length }),
        ),
      );
    const inOrder = (all: readonly Job[], some: readonly Draft[], spared: Outside) =>
      decisionsOn(all, rulesOf(some), spared)
        .map(({ job, verdict }) => ({ id: job.id, verdict }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    fc.assert(
      fc.property(shuffled, outside, ([all, some, otherJobs, otherRules], spared) => {
        expect(inOrder(otherJobs, otherRules, spared)).toEqual(inOrder(all, some, spared));
      }),
    );
  });

  it('of each group, so many jobs live on that would otherwise die, and they are the oldest or the youngest', () => {
    fc.assert(
      fc.property(drafts, aRule, outside, (all, draft, spared) => {
        const { keep, minGroupSize: _, groupBy, ...rule } = toRule(draft);
        const jobs = withGaps(all);
        const without = new Set(victimsOf(jobs, [{ ...rule, groupBy }], spared));
        const victims = new Set(victimsOf(jobs, [{ ...rule, groupBy, keep }], spared));
        const groups = Map.groupBy(
          jobs.filter(({ id }) => without.has(id)),
          (job) => (groupBy === undefined ? '' : job[groupBy as 'queue' | 'owner']),
        );

        for (const group of groups.values()) {
          const kept = group.filter(({ id }) => !victims.has(id));
          const others = group.filter(({ id }) => victims.has(id));
          expect(kept).toHaveLength(Math.min(draft.keep.count, group.length));
          for (const { startedAt: keptAt = 0 } of kept) {
            for (const { startedAt: otherAt = 0 } of others) {
              if (draft.keep.end === 'oldest') expect(keptAt).toBeLessThanOrEqual(otherAt);
              else expect(keptAt).toBeGreaterThanOrEqual(otherAt);
            }
          }
        }
        expect([...without]).toEqual(expect.arrayContaining([...victims]));
      }),
    );
  });

  it('victims: all-but-oldest is read as keep: {oldest: 1}, and cancels no job that it spared before there was keep', () => {
    const oldRule = aRule.filter(({ limits }) => Object.keys(limits).length === 1);
    fc.assert(
      fc.property(drafts, oldRule, outside, (all, draft, spared) => {
        const { keep: _, minGroupSize, groupBy, ...rule } = toRule(draft);
        const jobs = withGaps(all);
        const grouped = { ...rule, groupBy, minGroupSize };

        const now = victimsOf(jobs, [{ ...grouped, victims: 'all-but-oldest' }], spared);

        expect(now).toEqual(victimsOf(jobs, [{ ...grouped, keep: { oldest: 1 } }], spared));
        // As it was: the groups form among all jobs over the limit, and the oldest of a group may be an exempt one.
        const isOver = new Set(victimsOf(jobs.map(withoutAsking), [{ ...rule, groupBy }]));
        const groups = Map.groupBy(
          jobs.filter(({ id }) => isOver.has(id)),
          (job) => (groupBy === undefined ? '' : job[groupBy as 'queue' | 'owner']),
        );
        const sparedBefore = [...groups.values()].flatMap((group) => {
          const byAge = group.toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.id < b.id ? -1 : 1));
          return group.length < minGroupSize ? group : byAge.slice(0, 1);
        });
        for (const { id } of sparedBefore) expect(now).not.toContain(id);
        if (spared.exemptions.length + spared.freezes.length > 0 || jobs.some(({ askedAt }) => askedAt !== undefined))
          return;
        expect(now).toHaveLength(isOver.size - sparedBefore.length);
      }),
      { numRuns: 500 },
    );
  });
});

const withoutAsking = (job: Job): Job => ({ ...job, askedAt: undefined });
