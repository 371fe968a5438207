import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import { exemptionOf, tryExemptions } from '../../../lib/policy/exemptions.ts';
import { exemptionsOfBrokenPolicy } from '../../../lib/policy/exemptions-of-broken-policy.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, NOW } from '../../helpers/world.ts';

const exemption = {
  id: 'orders',
  reason: 'backfill',
  owner: 'orders',
  until: '2027-02-01',
  match: { owner: 'orders' },
};
const SPARED = 'spared, unless exempt jobs are included (--include-exempt)';
const UNTIL = 'expected a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00:00Z';

/** Whether a job is exempt by a policy that may be broken. */
function exempt(document: unknown, job: Partial<Job>) {
  const { exemptions, ...policy } = exemptionsOfBrokenPolicy('policy', document);
  return exemptionOf(makeJob(job), tryExemptions(makeJob(job), exemptions, NOW), policy, NOW).exempt;
}

describe('exemptionsOfBrokenPolicy', () => {
  it('keeps the exemptions of a policy whose rules cannot be read', () => {
    const policy = { version: 7, rules: 'none', tagExemptions: { ceiling: '12h' }, exemptions: [exemption] };

    expect(exemptionsOfBrokenPolicy('policy', policy)).toMatchObject({
      exemptions: [{ id: 'orders' }],
      tagExemptions: { ceiling: 12 * HOUR },
      doubts: [],
      notices: [],
    });
  });

  it('names each that cannot be read and what is wrong with it, and keeps the others', () => {
    const policy = { tagExemptions: { ceiling: 12 }, exemptions: [{ ...exemption, until: 'soon' }, exemption] };

    expect(exemptionsOfBrokenPolicy('policy', policy)).toMatchObject({
      exemptions: [{ id: 'orders' }],
      tagExemptions: undefined,
      notices: [
        `tagExemptions of policy cannot be read (ceiling: expected a duration with a unit, such as 90m or 2h45m; found the number 12): the jobs that it may apply to may be exempt and are ${SPARED}`,
        `exemptions[0] of policy cannot be read (until: ${UNTIL}): the jobs that it may apply to may be exempt and are ${SPARED}`,
      ],
    });
  });

  it.each([
    { name: 'is missing', document: undefined, says: 'policy and the exemptions in it cannot be read' },
    { name: 'is a text', document: 'x', says: 'policy and the exemptions in it cannot be read' },
    { name: 'is nothing', document: null, says: 'policy and the exemptions in it cannot be read' },
    { name: 'is a list', document: [exemption], says: 'policy and the exemptions in it cannot be read' },
    {
      name: 'has exemptions that are no list',
      document: { exemptions: {} },
      says: 'exemptions of policy is not a list',
    },
    {
      name: 'has a misspelt key that may be meant',
      document: { Exemption: [exemption] },
      says: 'Exemption of policy is not a key of a policy, and may be meant for exemptions',
    },
    {
      name: 'has a list under a key that no policy has',
      document: { exceptions: [exemption] },
      says: 'exceptions of policy is not a key of a policy, and may be meant for exemptions',
    },
    {
      name: 'lies whole under another key',
      document: { policy: { version: 1, exemptions: [exemption] } },
      says: 'policy of policy is not a key of a policy, and may be meant for exemptions',
    },
    {
      name: 'has an exemption that is no object',
      document: { exemptions: [null] },
      says: 'exemptions[0] of policy cannot be read (expected an object; found nothing)',
    },
  ])('any job may be exempt if the policy $name', ({ document, says }) => {
    expect(exemptionsOfBrokenPolicy('policy', document)).toEqual({
      exemptions: [],
      freezes: [],
      tagExemptions: undefined,
      doubts: [{ match: 'all', until: Number.POSITIVE_INFINITY }],
      notices: [`${says}: any job may be exempt and is ${SPARED}`],
    });
    expect(exempt(document, {})).toBe('unknown');
  });

  it('names every problem of an exemption', () => {
    const policy = { exemptions: [{ ...exemption, until: 'soon', reason: '' }] };

    expect(exemptionsOfBrokenPolicy('policy', policy).notices).toEqual([
      expect.stringContaining(`(reason: expected a text, not an empty one; until: ${UNTIL})`),
    ]);
  });

  it.each([
    { name: 'neither', document: {} },
    { name: 'empty ones', document: { exemptions: null, tagExemptions: null } },
    { name: 'a word or nothing under a key that no policy has', document: { Version: 1, note: null } },
  ])('has no doubts about a policy that has $name', ({ document }) => {
    expect(exemptionsOfBrokenPolicy('policy', document)).toEqual({
      exemptions: [],
      freezes: [],
      tagExemptions: undefined,
      doubts: [],
      notices: [],
    });
  });

  it('only the jobs of an exemption may be exempt if its end cannot be read', () => {
    const policy = { exemptions: [{ ...exemption, until: 'soon' }] };

    expect(exempt(policy, { owner: 'orders' })).toBe('unknown');
    expect(exempt(policy, { owner: undefined })).toBe('unknown');
    expect(exempt(policy, { owner: 'ana' })).toBe('no');
  });

  it.each([
    { name: 'whose beginning cannot be read', changes: { from: 'soon' }, isExempt: 'unknown' },
    {
      name: 'of which another part is wrong, before it begins',
      changes: { from: '2026-01-06', reason: '' },
      isExempt: 'no',
    },
    {
      name: 'of which another part is wrong, once it has begun',
      changes: { from: '2026-01-05', reason: '' },
      isExempt: 'unknown',
    },
    { name: 'that ends before it begins', changes: { from: '2027-03-01' }, isExempt: 'unknown' },
    { name: 'that has expired', changes: { from: 'soon', until: '2026-01-01' }, isExempt: 'no' },
  ])('says whether the jobs of an exemption $name are exempt: $isExempt', ({ changes, isExempt }) => {
    expect(exempt({ exemptions: [{ ...exemption, ...changes }] }, { owner: 'orders' })).toBe(isExempt);
  });

  it('keeps the freezes that can be read, and names those that cannot', () => {
    const freeze = { id: 'close', reason: 'close', from: '2026-01-05', until: '2026-01-06', match: 'all' };
    const policy = { freezes: [{ ...freeze, until: 'soon', match: { owner: 'ana' } }, freeze] };

    expect(exemptionsOfBrokenPolicy('policy', policy)).toEqual({
      exemptions: [],
      freezes: [expect.objectContaining({ id: 'close', match: 'all' })],
      tagExemptions: undefined,
      doubts: [
        {
          match: { owner: [expect.objectContaining({ text: 'ana' })] },
          from: Date.parse('2026-01-05T00:00:00Z'),
          until: Number.POSITIVE_INFINITY,
        },
      ],
      notices: [
        `freezes[0] of policy cannot be read (until: ${UNTIL}): the jobs that it may apply to may be frozen from 2026-01-05T00:00:00.000Z and are ${SPARED}`,
      ],
    });
  });

  it.each([
    { name: 'that is for all and has no end', freezes: [{ id: 'x', match: 'all', from: '2026-01-05' }] },
    {
      name: 'that recurs on days that cannot be read',
      freezes: [{ id: 'x', match: 'all', until: '2026-01-01', recurring: 'monthly' }],
    },
    { name: 'that is a word', freezes: ['month-end'] },
  ])('any job may be frozen by a freeze $name', ({ freezes }) => {
    expect(exempt({ freezes }, {})).toBe('unknown');
    expect(exemptionsOfBrokenPolicy('policy', { freezes }).notices).toEqual([
      expect.stringMatching(/^freezes\[0\] of policy cannot be read \(.*\): any job may be frozen/),
    ]);
  });

  it.each([
    { document: { freezes: {} }, says: 'freezes of policy is not a list: any job may be frozen' },
    { document: { Freeze: 'x' }, says: 'Freeze of policy is not a key of a policy, and may be meant for exemptions' },
    { document: { frozen: 1 }, says: 'frozen of policy is not a key of a policy, and may be meant for exemptions' },
  ])('any job may be spared by $document', ({ document, says }) => {
    expect(exempt(document, {})).toBe('unknown');
    expect(exemptionsOfBrokenPolicy('policy', document).notices).toEqual([expect.stringContaining(says)]);
  });

  it('only jobs with a tag of the reaper may be exempt if tagExemptions cannot be read', () => {
    const policy = { tagExemptions: { ceiling: 12 } };

    for (const key of [
      'reaper/exempt-until',
      'reaper:exempt-until',
      'reaper/ttl',
      'reaper:ttl',
      'Reaper/TTL',
      'reaper/until',
    ]) {
      expect(exempt(policy, { tags: new Map([[key, 'x']]) })).toBe('unknown');
    }
    expect(exempt(policy, { tags: new Map([['team', 'bi']]) })).toBe('no');
    expect(exempt(policy, { tags: undefined })).toBe('unknown');
  });

  it.each([
    { until: '2026-01-04', exempt: 'no', end: ' until 2026-01-05T00:00:00.000Z' },
    { until: '2026-01-05', exempt: 'unknown', end: ' until 2026-01-06T00:00:00.000Z' },
    { until: 'soon', exempt: 'unknown', end: '' },
    { until: 7, exempt: 'unknown', end: '' },
    { until: undefined, exempt: 'unknown', end: '' },
  ])('says until when any job may be exempt, for an exemption until $until', ({ until, exempt: expected, end }) => {
    const policy = { exemptions: [{ ...exemption, until, match: { owner: '/(/' } }] };

    expect(exempt(policy, {})).toBe(expected);
    expect(exemptionsOfBrokenPolicy('policy', policy).notices).toEqual([
      expect.stringMatching(new RegExp(`any job may be exempt${end} and is spared`)),
    ]);
  });
});
