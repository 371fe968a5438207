import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import { exemptionNotices, exemptionOf as exemptionOfTried, tryExemptions } from '../../../lib/policy/exemptions.ts';
import { parseExemption } from '../../../lib/policy/parse.ts';
import type { Exemption, Policy } from '../../../lib/policy/schema.ts';
import { makeJob, makePolicy } from '../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const DAY = 24 * HOUR;
const at = (ms: number) => new Date(ms).toISOString();
const exemption = (match: object, until = at(NOW + DAY)) =>
  parseExemption({ id: 'e', reason: 'backfill', owner: 'orders', until, match });

const exemptionOf = (job: Job, exemptions: readonly Exemption[], policy: Policy, now: number) =>
  exemptionOfTried(job, tryExemptions(job, exemptions, now), policy, now);

describe('exemptionOf', () => {
  it.each([
    { name: 'its id', match: { jobId: jobId(1) }, exempt: 'yes' },
    {
      name: 'its id in another case',
      match: { jobId: [jobId(11), jobId(10).toUpperCase()] },
      job: { id: jobId(10) },
      exempt: 'yes',
    },
    {
      name: 'its id, whichever of both is in capitals',
      match: { jobId: 'aBcDeF00-0000-4000-8000-000000000001' },
      job: { id: 'AbCdEf00-0000-4000-8000-000000000001' },
      exempt: 'yes',
    },
    { name: 'another id', match: { jobId: jobId(2) }, exempt: 'no' },
    { name: 'its owner', match: { owner: 'an*' }, exempt: 'yes' },
    { name: 'its queue', match: { queue: ['etl', 'adhoc'] }, exempt: 'yes' },
    { name: 'queue and owner', match: { queue: 'adhoc', owner: 'bob' }, exempt: 'no' },
    { name: 'a tag', match: { tag: 'keep' }, job: { tags: new Map([['keep', 'yes']]) }, exempt: 'yes' },
    { name: 'a tag it lacks', match: { tag: 'keep' }, exempt: 'no' },
    {
      name: 'its statement',
      match: { statement: '/orders/' },
      job: { statement: 'select * from orders' },
      exempt: 'yes',
    },
    { name: 'an owner that is not known', match: { owner: 'ana' }, job: { owner: undefined }, exempt: 'unknown' },
    { name: 'tags that cannot be read', match: { tag: 'keep' }, job: { tags: undefined }, exempt: 'unknown' },
    { name: 'an id it has not', match: { jobId: jobId(1) }, job: { id: '' }, exempt: 'unknown' },
    {
      name: 'its statement, which is too long to be looked through',
      match: { statement: '/orders/' },
      job: { statement: 'x'.repeat(65_537) },
      exempt: 'unknown',
    },
    { name: 'its statement, which is not known', match: { statement: '*' }, exempt: 'unknown' },
    {
      name: 'another queue, whatever else is not known',
      match: { queue: 'etl', owner: 'ana' },
      job: { owner: undefined },
      exempt: 'no',
    },
    { name: 'a name, which SQL jobs never have', match: { name: '*' }, exempt: 'no' },
  ])('goes by $name: $exempt', ({ match, job, exempt }) => {
    const result = exemptionOf(makeJob(job), [exemption(match)], makePolicy(), NOW);

    expect(result).toEqual(exempt === 'yes' ? { exempt, by: 'e' } : { exempt });
  });

  it('protects until the last millisecond and no longer', () => {
    const exempt = (until: number) =>
      exemptionOf(makeJob(), [exemption({ owner: 'ana' }, at(until))], makePolicy(), NOW);

    expect(exempt(NOW + 1)).toEqual({ exempt: 'yes', by: 'e' });
    expect(exempt(NOW)).toEqual({ exempt: 'no' });
  });

  it('protects from its beginning and not before, even a job that it may match', () => {
    const from = (ms: number) =>
      parseExemption({ id: 'e', reason: 'r', owner: 'o', from: at(ms), until: at(NOW + DAY), match: { owner: 'ana' } });
    const exempt = (ms: number, job = makeJob()) => exemptionOf(job, [from(ms)], makePolicy(), NOW);

    expect(exempt(NOW)).toEqual({ exempt: 'yes', by: 'e' });
    expect(exempt(NOW + 1)).toEqual({ exempt: 'no' });
    expect(exempt(NOW + 1, makeJob({ owner: undefined }))).toEqual({ exempt: 'no' });
  });

  it('counts a day alone from its beginning', () => {
    expect(
      parseExemption({
        id: 'e',
        reason: 'r',
        owner: 'o',
        from: '2026-01-05',
        until: '2026-01-05',
        match: { owner: 'ana' },
      }),
    ).toMatchObject({
      from: Date.parse('2026-01-05T00:00:00Z'),
      until: Date.parse('2026-01-06T00:00:00Z'),
    });
  });

  it.each([
    { from: '2026-01-06', until: '2026-01-05' },
    { from: '2026-01-06', until: '2026-01-06T00:00:00Z' },
    { from: '2026-01-05T10:00:00+01:00', until: '2026-01-05T09:00:00Z' },
  ])('refuses an exemption from $from until $until, which would never protect', ({ from, until }) => {
    const document = { id: 'e', reason: 'r', owner: 'o', from, until, match: { owner: 'ana' } };

    expect(() => parseExemption(document)).toThrow(
      'from: is not before until, so it would never be in force; expected an earlier day or time, such as 2026-12-01',
    );
  });

  it('names the first of several that hold', () => {
    const until = (id: string, ms: number) => ({ ...exemption({ owner: 'ana' }, at(ms)), id });
    const several = [until('past', NOW), until('one', NOW + 1), until('two', NOW + DAY)];

    expect(exemptionOf(makeJob(), several, makePolicy(), NOW)).toEqual({ exempt: 'yes', by: 'one' });
  });

  it('says no if no exemption matches the job, and if there is none', () => {
    expect(exemptionOf(makeJob(), [exemption({ owner: 'bob' })], makePolicy(), NOW)).toEqual({ exempt: 'no' });
    expect(exemptionOf(makeJob(), [], makePolicy(), NOW)).toEqual({ exempt: 'no' });
  });

  it('ignores what is unknown to an exemption that has expired', () => {
    const past = exemption({ owner: 'ana' }, at(NOW - 1));

    expect(exemptionOf(makeJob({ owner: undefined }), [past], makePolicy(), NOW)).toEqual({ exempt: 'no' });
  });

  it('prefers a certain answer to an unknown one', () => {
    const both = [exemption({ owner: 'x' }), exemption({ queue: 'adhoc' })];

    expect(exemptionOf(makeJob({ owner: undefined }), both, makePolicy(), NOW)).toEqual({ exempt: 'yes', by: 'e' });
  });

  describe('by tags of the job', () => {
    const allowing = makePolicy({ tagExemptions: { ceiling: '6h' } });
    const byTags = (tags: Record<string, string>, ageMs = 3 * HOUR, policy = allowing) =>
      exemptionOf(makeJob({ tags: new Map(Object.entries(tags)), startedAt: NOW - ageMs }), [], policy, NOW).exempt;

    it.each([
      { tags: { 'reaper/exempt-until': at(NOW + 1) }, exempt: 'yes' },
      { tags: { 'reaper/exempt-until': at(NOW) }, exempt: 'no' },
      { tags: { 'reaper:exempt-until': '2026-01-05' }, exempt: 'yes' },
      { tags: { 'reaper/exempt-until': '2026-01-04' }, exempt: 'no' },
      { tags: { 'reaper/ttl': '3h1s' }, exempt: 'yes' },
      { tags: { 'reaper/ttl': '3h' }, exempt: 'no' },
      { tags: { 'reaper:ttl': 'forever' }, exempt: 'yes' },
      { tags: { 'reaper/ttl': '1h', 'reaper/exempt-until': at(NOW + 1) }, exempt: 'yes' },
      { tags: { 'reaper/ttl': 'a while' }, exempt: 'unknown' },
      { tags: { 'reaper/ttl': '24' }, exempt: 'unknown' },
      { tags: { 'reaper/exempt-until': 'tomorrow' }, exempt: 'unknown' },
      { tags: { reaper: 'please not' }, exempt: 'no' },
      { tags: {}, exempt: 'no' },
      { tags: { 'reaper/ttl': 'a while', 'reaper/exempt-until': at(NOW + 1) }, exempt: 'yes' },
      { tags: { 'reaper/ttl': '9h', 'reaper/exempt-until': 'tomorrow' }, exempt: 'yes' },
      { tags: { 'reaper/ttl': '1h', 'reaper/exempt-until': 'tomorrow' }, exempt: 'unknown' },
      { tags: { 'reaper/ttl': '1h', 'reaper/exempt-until': at(NOW) }, exempt: 'no' },
      { tags: { 'reaper/ttl': '9h', 'reaper:ttl': '1h' }, exempt: 'yes' },
      { tags: { 'reaper/ttl': '1h', 'reaper:ttl': '9h' }, exempt: 'yes' },
      { tags: { 'Reaper/TTL': '9h' }, exempt: 'yes' },
      { tags: { 'reaper/exempt_until': at(NOW + 1) }, exempt: 'unknown' },
      { tags: { 'reaper:': '' }, exempt: 'unknown' },
      { tags: { 'my-reaper/ttl': '9h' }, exempt: 'no' },
      { tags: { 'reaper/ttl': '' }, exempt: 'unknown' },
      { tags: { 'reaper/exempt-until': '' }, exempt: 'unknown' },
      { tags: { 'reaper/ttl': 'FOREVER' }, exempt: 'unknown' },
    ])('$tags: $exempt', ({ tags, exempt }) => {
      expect(byTags(tags)).toBe(exempt);
    });

    it.each([
      { ageMs: 6 * HOUR - 1, exempt: 'yes' },
      { ageMs: 6 * HOUR, exempt: 'no' },
    ])('holds up to the ceiling only: at $ageMs ms $exempt', ({ ageMs, exempt }) => {
      expect(byTags({ 'reaper/ttl': 'forever' }, ageMs)).toBe(exempt);
    });

    it.each([
      { tags: { 'reaper/exempt-until': at(NOW + DAY) }, ageMs: 6 * HOUR, exempt: 'no' },
      { tags: { 'reaper/ttl': 'a while' }, ageMs: 6 * HOUR, exempt: 'no' },
      { tags: { 'reaper/ttl': 'a while' }, ageMs: 6 * HOUR - 1, exempt: 'unknown' },
    ])('holds up to the ceiling only, whatever the tag: $tags at $ageMs ms $exempt', ({ tags, ageMs, exempt }) => {
      expect(byTags(tags, ageMs)).toBe(exempt);
    });

    it('is named as the tag, and comes after the exemptions', () => {
      const job = makeJob({ tags: new Map([['reaper/ttl', '4h']]) });

      expect(exemptionOf(job, [], allowing, NOW)).toEqual({ exempt: 'yes', by: 'tag', byTags: 'yes' });
      expect(exemptionOf(job, [exemption({ owner: 'ana' })], allowing, NOW)).toEqual({
        exempt: 'yes',
        by: 'e',
        byTags: 'yes',
      });
      expect(exemptionOf(job, [exemption({ statement: 'x' })], allowing, NOW)).toEqual({
        exempt: 'yes',
        by: 'tag',
        byTags: 'yes',
      });
    });

    it('needs no start if the job has no tag of the reaper', () => {
      expect(exemptionOf(makeJob({ startedAt: undefined }), [], allowing, NOW)).toEqual({ exempt: 'no', byTags: 'no' });
    });

    it('does not count if the policy does not allow it', () => {
      expect(byTags({ 'reaper/ttl': 'forever' }, HOUR, makePolicy())).toBe('no');
    });

    it('is unknown if the tags cannot be read, or if the start is not known', () => {
      const tags = new Map([['reaper/ttl', '1h']]);

      expect(exemptionOf(makeJob({ tags: undefined }), [], allowing, NOW).exempt).toBe('unknown');
      expect(exemptionOf(makeJob({ tags, startedAt: undefined }), [], allowing, NOW).exempt).toBe('unknown');
    });
  });
});

describe('exemptionNotices', () => {
  const notice = (until: number) => exemptionNotices([exemption({ owner: 'ana' }, at(until))], NOW);

  it('says nothing about an exemption that holds for more than a week', () => {
    expect(notice(NOW + 7 * DAY + 1)).toEqual([]);
  });

  it('announces the end a week before', () => {
    expect(notice(NOW + 7 * DAY)).toEqual(['exemption e (owner orders) ends at 2026-01-12T09:00:00.000Z, in 1w']);
    expect(notice(NOW + HOUR + 59_999)).toEqual(['exemption e (owner orders) ends at 2026-01-05T10:00:59.999Z, in 1h']);
  });

  it.each([0, MINUTE])('says that it no longer protects, %i ms after its end', (ms) => {
    expect(notice(NOW - ms)).toEqual([
      `exemption e (owner orders) expired at ${at(NOW - ms)}; it protects nothing any more; remove or renew it`,
    ]);
  });

  it('names every exemption that has expired or ends soon, in their order', () => {
    const until = [NOW + 30 * DAY, NOW + DAY, NOW];
    const some = until.map((ms, i) => ({ ...exemption({ owner: 'ana' }, at(ms)), id: `e${i}` }));

    expect(exemptionNotices(some, NOW)).toEqual([
      'exemption e1 (owner orders) ends at 2026-01-06T09:00:00.000Z, in 1d',
      expect.stringContaining('exemption e2 (owner orders) expired'),
    ]);
  });

  it.each([
    {
      count: 20,
      last: 'exemption e19 (owner orders) expired at 2026-01-05T09:00:00.000Z; it protects nothing any more; remove or renew it',
    },
    { count: 21, last: 'and 1 more exemptions that have expired or end soon' },
    { count: 1_000, last: 'and 980 more exemptions that have expired or end soon' },
  ])('counts those beyond twenty: of $count the last is "$last"', ({ count, last }) => {
    const some = Array.from({ length: count }, (_, i) => ({ ...exemption({ owner: 'ana' }, at(NOW)), id: `e${i}` }));
    const notices = exemptionNotices(some, NOW);

    expect(notices).toHaveLength(Math.min(count, 21));
    expect(notices.at(-1)).toBe(last);
    expect(notices[19]).toContain('exemption e19 ');
  });
});
