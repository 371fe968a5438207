import { describe, expect, it } from 'vitest';
import { salvageExemptions } from '../../../lib/policy/salvage.ts';
import { HOUR } from '../../helpers/world.ts';

const exemption = {
  id: 'orders',
  reason: 'backfill',
  owner: 'orders',
  until: '2027-02-01',
  match: { owner: 'orders' },
};

describe('salvageExemptions', () => {
  it('keeps what can be read of a policy whose rules cannot', () => {
    const policy = { version: 7, rules: 'none', tagExemptions: { ceiling: '12h' }, exemptions: [exemption] };

    expect(salvageExemptions('policy', policy)).toMatchObject({
      exemptions: [{ id: 'orders' }],
      tagExemptions: { ceiling: 12 * HOUR },
      notices: [],
    });
  });

  it('names each that cannot be read, and keeps the others', () => {
    const policy = { tagExemptions: { ceiling: 12 }, exemptions: [{ ...exemption, until: 'soon' }, exemption] };

    expect(salvageExemptions('policy', policy)).toMatchObject({
      exemptions: [{ id: 'orders' }],
      tagExemptions: undefined,
      notices: [
        'tagExemptions of policy cannot be read, so it does not hold',
        'exemptions[0] of policy cannot be read, so it does not hold',
      ],
    });
  });

  it.each([
    { name: 'is missing', document: undefined, says: 'policy cannot be read, so exemptions written in it do not hold' },
    { name: 'is a text', document: 'x', says: 'policy cannot be read, so exemptions written in it do not hold' },
    {
      name: 'has exemptions that are no list',
      document: { exemptions: {} },
      says: 'exemptions[0] of policy cannot be read, so it does not hold',
    },
  ])('says that nothing holds of a policy that $name', ({ document, says }) => {
    expect(salvageExemptions('policy', document)).toEqual({
      exemptions: [],
      tagExemptions: undefined,
      notices: [says],
    });
  });
});
