import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { parseExemption } from '../../../../lib/policy/parse.ts';
import { allowedKills, exceededCap, victimsOf } from '../../../../lib/sweep/judge/cap.ts';
import { decide } from '../../../../lib/sweep/judge/decide.ts';
import { decideOne, makeJob, makePolicy, withRulesById } from '../../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const DAY = 24 * HOUR;
const R = { id: 'r', match: 'all', maxRunTime: '2h' };
const QUEUED = { status: 'LAUNCHING', state: 'queued' } as const;

const verdictOf = (job: Partial<Job>, ...rules: object[]) => decideOne(makeJob(job), makePolicy({ rules })).verdict;
const exemption = (match: object, id = 'e') =>
  parseExemption({ id, reason: 'why', owner: 'team', until: '2027-01-01', match });

describe('the three clocks', () => {
  it.each([
    { clock: 'maxRunTime', job: {}, action: 'cancel' },
    { clock: 'maxRunTime', job: QUEUED, action: 'keep', reason: 'queued' },
    { clock: 'maxQueueTime', job: {}, action: 'keep', reason: 'within-limit' },
    { clock: 'maxQueueTime', job: QUEUED, action: 'cancel' },
    { clock: 'maxTotalTime', job: {}, action: 'cancel' },
    { clock: 'maxTotalTime', job: QUEUED, action: 'cancel' },
  ])('$clock of a job that is $job.status: $action', ({ clock, job, action, reason = 'over-limit' }) => {
    const rule = { id: 'r', match: 'all', [clock]: '2h' };

    expect(verdictOf(job, rule)).toMatchObject({
      action,
      reason,
      // A limit of a clock that does not count for the job is none that it could be over.
      limitMs: action === 'keep' ? undefined : 2 * HOUR,
      ...(action !== 'keep' && { clock }),
    });
    expect(verdictOf({ ...job, startedAt: NOW - 2 * HOUR }, rule).action).toBe('keep');
  });

  it('names the limit that is exceeded furthest', () => {
    expect(verdictOf({}, { ...R, maxTotalTime: '1h' })).toMatchObject({ clock: 'maxTotalTime', overLimitMs: 2 * HOUR });
    expect(verdictOf({}, { ...R, maxTotalTime: '150m' })).toMatchObject({ clock: 'maxRunTime', overLimitMs: HOUR });
  });

  it('does not believe a start for any of them', () => {
    for (const job of [{}, QUEUED]) {
      const verdict = verdictOf({ ...job, startedAt: undefined }, { ...R, maxQueueTime: '1h', maxTotalTime: '1h' });
      expect(verdict).toMatchObject({ action: 'keep', reason: 'undetermined' });
    }
  });

  it('are read by the state of the job', () => {
    const readings = (job: Partial<Job>) => decideOne(makeJob(job)).clocks;

    expect(readings({})).toEqual({ runTimeMs: 3 * HOUR, queueTimeMs: undefined, totalTimeMs: 3 * HOUR });
    expect(readings(QUEUED)).toEqual({ runTimeMs: undefined, queueTimeMs: 3 * HOUR, totalTimeMs: 3 * HOUR });
    expect(readings({ state: 'finished' })).toEqual({
      runTimeMs: undefined,
      queueTimeMs: undefined,
      totalTimeMs: undefined,
    });
  });
});

describe('actions', () => {
  const log = { ...R, id: 'l', maxRunTime: '1m', action: 'log' };
  const warn = { ...R, id: 'w', maxRunTime: '1h', action: 'warn' };
  const cancel = { ...R, id: 'c' };

  it.each([
    { rules: [log], action: 'log', rule: 'l', matched: ['l'] },
    { rules: [log, warn], action: 'warn', rule: 'w', matched: ['l', 'w'] },
    { rules: [warn, cancel, log], action: 'cancel', rule: 'c', matched: ['c', 'l', 'w'] },
    { rules: [log, { ...cancel, maxRunTime: '1d' }], action: 'log', rule: 'l', matched: ['l'] },
  ])('takes the most severe and records all that matched: $action', ({ rules, ...expected }) => {
    expect(verdictOf({}, ...rules)).toMatchObject(expected);
    expect(verdictOf({}, ...rules.toReversed())).toMatchObject(expected);
  });

  it('cancels no job by a rule that only warns', () => {
    expect(victimsOf(decide([makeJob()], { policy: makePolicy({ rules: [warn] }), exemptions: [], now: NOW }))).toEqual(
      [],
    );
  });
});

describe('victims of a group', () => {
  /** Jobs 1 to n, the oldest first, half an hour apart, the youngest three hours old. */
  const jobs = (n: number, fields: (i: number) => Partial<Job> = () => ({})) =>
    Array.from({ length: n }, (_, i) =>
      makeJob({ id: jobId(i + 1), startedAt: NOW - 3 * HOUR - (n - i) * 30 * MINUTE, ...fields(i) }),
    );
  const victimsOf = (all: Job[], rule: object, exemptions = [] as ReturnType<typeof exemption>[]) => {
    const decisions = decide(all, { policy: makePolicy({ rules: [{ ...R, ...rule }] }), exemptions, now: NOW });
    return decisions.filter(({ verdict }) => verdict.action === 'cancel').map(({ job }) => Number(job.id.slice(-4)));
  };

  it.each([
    { victims: 'all', expected: [1, 2, 3, 4] },
    { victims: 'oldest', expected: [1] },
    { victims: 'all-but-oldest', expected: [2, 3, 4] },
  ])('are $victims: $expected', ({ victims, expected }) => {
    expect(victimsOf(jobs(4), { victims })).toEqual(expected);
    expect(new Set(victimsOf(jobs(4).toReversed(), { victims }))).toEqual(new Set(expected));
  });

  it('tells the others apart by group, not by limit', () => {
    const [, second] = decide(jobs(2), {
      policy: makePolicy({ rules: [{ ...R, victims: 'oldest' }] }),
      exemptions: [],
      now: NOW,
    });

    expect(second?.verdict).toMatchObject({ action: 'keep', reason: 'group', rule: 'r' });
  });

  it('goes by id where two are equally old', () => {
    const twins = jobs(2, () => ({ startedAt: NOW - 3 * HOUR }));

    expect(victimsOf(twins.toReversed(), { victims: 'oldest' })).toEqual([1]);
  });

  it.each([
    { groupBy: 'queue', fields: (i: number) => ({ queue: i % 2 ? 'a' : 'b' }) },
    { groupBy: 'owner', fields: (i: number) => ({ owner: i % 2 ? 'a' : 'b' }) },
    {
      groupBy: 'fingerprint',
      fields: (i: number) => ({ statement: i % 2 ? `select ${i} from a` : `select ${i} from b` }),
    },
  ])('form by $groupBy', ({ groupBy, fields }) => {
    expect(victimsOf(jobs(6, fields), { groupBy, victims: 'oldest' })).toEqual([1, 2]);
    expect(victimsOf(jobs(6, fields), { groupBy, victims: 'all-but-oldest' })).toEqual([3, 4, 5, 6]);
  });

  it.each([
    { name: 'an older job in an unknown state', job: { state: 'unknown', startedAt: NOW - 9 * HOUR }, victims: [] },
    { name: 'a job without a start', job: { startedAt: undefined }, victims: [] },
    { name: 'a younger job in an unknown state', job: { state: 'unknown', startedAt: NOW - HOUR }, victims: [1] },
    { name: 'an older job that ended', job: { state: 'finished', startedAt: NOW - 9 * HOUR }, victims: [1] },
    { name: 'one of another group', job: { startedAt: undefined, owner: 'bo' }, victims: [1] },
    { name: 'one whose group is not known', job: { startedAt: undefined, owner: undefined }, victims: [] },
  ] as const)('takes no job for the oldest beside $name: $victims', ({ job, victims }) => {
    const all = [...jobs(2), makeJob({ id: jobId(7), ...job })];

    expect(victimsOf(all, { victims: 'oldest', groupBy: 'owner' })).toEqual(victims);
    // That one job more is spared does no harm.
    expect(victimsOf(all, { victims: 'all-but-oldest', groupBy: 'owner' })).toEqual([2]);
  });

  it('takes no job for the oldest of all beside one that cannot be judged', () => {
    expect(victimsOf([...jobs(2), makeJob({ id: jobId(7), startedAt: undefined })], { victims: 'oldest' })).toEqual([]);
  });

  it('spares smaller groups than it asks for', () => {
    const fields = (i: number) => ({ owner: i < 3 ? 'a' : 'b' });

    expect(victimsOf(jobs(5, fields), { groupBy: 'owner', minGroupSize: 3 })).toEqual([1, 2, 3]);
    expect(victimsOf(jobs(5, fields), { groupBy: 'owner', minGroupSize: 4 })).toEqual([]);
    expect(victimsOf(jobs(5, fields), { minGroupSize: 5 })).toEqual([1, 2, 3, 4, 5]);
  });

  it('form among overdue jobs of the rule only', () => {
    const young = makeJob({ id: jobId(9), startedAt: NOW });
    const other = makeJob({ id: jobId(8), queue: 'etl', startedAt: NOW - DAY });

    expect(victimsOf([...jobs(2), young, other], { match: { queue: 'adhoc' }, minGroupSize: 3 })).toEqual([]);
    expect(victimsOf([...jobs(2), young, other], { match: { queue: 'adhoc' }, victims: 'oldest' })).toEqual([1]);
  });

  it('leave a job alone that does not tell its group', () => {
    expect(
      victimsOf(
        jobs(2, () => ({ statement: undefined })),
        { groupBy: 'fingerprint' },
      ),
    ).toEqual([]);
  });

  it('count an exempt job in, so that sparing the oldest condemns no other', () => {
    expect(victimsOf(jobs(3), { victims: 'oldest' }, [exemption({ jobId: jobId(1) })])).toEqual([]);
    expect(victimsOf(jobs(3), { minGroupSize: 3 }, [exemption({ jobId: jobId(1) })])).toEqual([2, 3]);
  });
});

describe('exemptions', () => {
  it.each<{ name: string; match: object; job: Partial<Job>; verdict: object }>([
    { name: 'holds against every rule', match: { owner: 'ana' }, job: {}, verdict: { reason: 'exempt', rule: 'e' } },
    { name: 'that is for others changes nothing', match: { owner: 'bob' }, job: {}, verdict: { action: 'cancel' } },
    {
      name: 'that may hold spares as undetermined',
      match: { owner: 'ana' },
      job: { owner: undefined },
      verdict: { action: 'keep', reason: 'undetermined', rule: 'r' },
    },
    {
      name: 'shows also on a job within its limit',
      match: { owner: 'ana' },
      job: { startedAt: NOW },
      verdict: { reason: 'exempt', rule: 'e' },
    },
    {
      name: 'is not needed by a job that is over',
      match: { owner: 'ana' },
      job: { state: 'finished' },
      verdict: { reason: 'terminal' },
    },
    {
      name: 'is not needed by an operation on a queue',
      match: { owner: 'ana' },
      job: { type: 'SCALE_QUEUE' },
      verdict: { reason: 'protected' },
    },
  ])('$name', ({ match, job, verdict }) => {
    expect(decideOne(makeJob(job), makePolicy(), [exemption(match)]).verdict).toMatchObject(verdict);
    const within = makePolicy({ exemptions: [{ id: 'e', reason: 'why', owner: 'team', until: '2027-01-01', match }] });
    expect(decideOne(makeJob(job), within).verdict).toMatchObject(verdict);
  });
});

describe('promises', () => {
  const rule = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    match: fc.constantFrom('all', { queue: 'adhoc' }, { owner: ['ana', 'bob'] }, { jobType: ['QUERY', 'INSERT'] }),
    limit: fc.constantFrom('maxRunTime', 'maxQueueTime', 'maxTotalTime'),
    hours: fc.integer({ min: 1, max: 6 }),
    action: fc.constantFrom('cancel', 'cancel', 'warn', 'log'),
    victims: fc.constantFrom('all', 'oldest', 'all-but-oldest'),
    groupBy: fc.constantFrom(undefined, 'queue', 'owner'),
    minGroupSize: fc.integer({ min: 1, max: 3 }),
  });
  const rules = fc.uniqueArray(rule, { selector: ({ id }) => id, minLength: 1 });
  const job = fc.record({
    queue: fc.constantFrom('adhoc', 'etl', undefined),
    owner: fc.constantFrom('ana', 'bob', 'eve', undefined),
    type: fc.constantFrom('QUERY', 'QUERY', 'QUERY', 'INSERT', 'SCALE_QUEUE', 'VACUUM'),
    state: fc.constantFrom<Job['state'][]>('running', 'running', 'running', 'queued', 'finished', 'unknown'),
    startedAt: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: NOW - 8 * HOUR, max: NOW }) },
      { weight: 1, arbitrary: fc.constantFrom(undefined, 0, NOW + 1) },
    ),
  });
  const jobs = fc
    .array(job, { maxLength: 12 })
    .map((all) => all.map((fields, i) => makeJob({ ...fields, id: jobId(i + 1) })));
  const exemptionMatch = fc.constantFrom({ owner: 'ana' }, { queue: 'adhoc' }, { jobId: jobId(1) }, { owner: '*' });

  type RuleDraft = typeof rule extends fc.Arbitrary<infer T> ? T : never;
  const policyOf = (drafts: readonly RuleDraft[]) =>
    makePolicy({ rules: drafts.map(({ limit, hours, ...more }) => ({ ...more, [limit]: `${hours}h` })) });
  const victimIds = (
    all: readonly Job[],
    drafts: readonly RuleDraft[],
    exemptions: ReturnType<typeof exemption>[] = [],
  ) =>
    decide(all, { policy: policyOf(drafts), exemptions, now: NOW })
      .filter(({ verdict }) => verdict.action === 'cancel')
      .map(({ job: { id } }) => id)
      .sort();

  it('no job at or under its limit, over, unknown, protected or without a start is ever chosen', () => {
    fc.assert(
      fc.property(jobs, rules, (all, drafts) => {
        const decisions = decide(all, { policy: policyOf(drafts), exemptions: [], now: NOW });
        for (const { job: one, verdict } of decisions) {
          if (verdict.action === 'keep') continue;
          expect(NOW - (one.startedAt ?? NOW)).toBeGreaterThan(verdict.limitMs);
          expect(verdict.overLimitMs).toBeGreaterThan(0);
          expect(['running', 'queued']).toContain(one.state);
          expect(['QUERY', 'INSERT']).toContain(one.type);
        }
      }),
    );
  });

  it('another exemption never adds a victim', () => {
    fc.assert(
      fc.property(jobs, rules, exemptionMatch, (all, drafts, match) => {
        const before = victimIds(all, drafts);

        expect(before).toEqual(expect.arrayContaining(victimIds(all, drafts, [exemption(match)])));
      }),
    );
  });

  it('a raised limit never adds a victim', () => {
    fc.assert(
      fc.property(jobs, rules, fc.nat(2), fc.integer({ min: 1, max: 4 }), (all, drafts, which, more) => {
        const raised = drafts.map((draft, i) => (i === which ? { ...draft, hours: draft.hours + more } : draft));

        expect(victimIds(all, drafts)).toEqual(expect.arrayContaining(victimIds(all, raised)));
      }),
      { numRuns: 500 },
    );
  });

  it('the order of rules and of jobs changes nothing', () => {
    const shuffled = fc.tuple(jobs, rules).chain(([all, drafts]) =>
      fc.record({
        all: fc.constant(all),
        drafts: fc.constant(drafts),
        otherJobs: fc.shuffledSubarray(all, { minLength: all.length }),
        otherRules: fc.shuffledSubarray(drafts, { minLength: drafts.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ all, drafts, otherJobs, otherRules }) => {
        const inOrder = (some: readonly Job[], rulesOf: readonly RuleDraft[]) =>
          decide(some, { policy: policyOf(rulesOf), exemptions: [], now: NOW })
            .map(withRulesById)
            .toSorted((a, b) => (a.job.id < b.job.id ? -1 : 1));

        expect(inOrder(otherJobs, otherRules)).toEqual(inOrder(all, drafts));
      }),
    );
  });

  it('the cap holds for every population', () => {
    const count = fc.nat({ max: 300 });
    const caps = fc.record({
      maxKills: count,
      maxKillsPercent: fc.nat({ max: 100 }),
      percentFloor: count,
      drain: fc.boolean(),
    });
    fc.assert(
      fc.property(count, count, caps, (victims, others, some) => {
        const live = victims + others;
        const allowed = exceededCap(victims, live, some) === undefined ? victims : allowedKills(live, some);

        expect(allowed).toBeLessThanOrEqual(some.maxKills);
        expect(allowed).toBeLessThanOrEqual(victims);
        if (live >= some.percentFloor || some.maxKillsPercent === 0) {
          expect(allowed * 100).toBeLessThanOrEqual(live * some.maxKillsPercent);
        }
      }),
    );
  });
});
