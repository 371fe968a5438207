import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { POLICY_EXAMPLES, SELECTOR_EXAMPLES } from '../../scripts/policy-examples.ts';
import { keysAt, PLACES, renderPolicyReference, SELECTOR_PLACES } from '../../scripts/policy-reference.ts';

const RULE = { id: 'example', match: 'all', maxTotalTime: '4h' };
const ALWAYS = { id: 'example', reason: 'r', match: 'all', from: '2026-12-05', until: '2026-12-06' };
const RECURRING = { days: [1], timeZone: 'UTC' };

/** Puts the keys of one place into a policy that is otherwise valid. */
const POLICIES: Record<string, (keys: object) => object> = {
  '': (keys) => keys,
  rules: (keys) => ({ rules: [{ ...RULE, ...keys }] }),
  'rules.keep': (keys) => ({ rules: [{ ...RULE, keep: keys }] }),
  exemptions: (keys) => ({
    exemptions: [{ ...ALWAYS, until: '2027-01-10', owner: 'o', match: { owner: 'x' }, ...keys }],
  }),
  freezes: (keys) => ({
    freezes: [{ ...ALWAYS, ...('recurring' in keys && { from: undefined, until: undefined }), ...keys }],
  }),
  'freezes.recurring': (keys) => ({
    freezes: [{ ...ALWAYS, from: undefined, until: undefined, recurring: { ...RECURRING, ...keys } }],
  }),
  notices: (keys) => ({ notices: [{ to: 'owner', route: 'r', ...keys }] }),
  tagExemptions: (keys) => ({ tagExemptions: keys }),
};

const policyWith = (place: string, keys: object) => ({ version: 1, rules: [RULE], ...POLICIES[place]?.(keys) });

const keys = PLACES.flatMap((place) => keysAt(place).map((key) => ({ place, ...key })));
const selectors = SELECTOR_PLACES.flatMap((place) => keysAt(place).map((key) => ({ place, ...key })));
const pathOf = ({ place, name }: { place: string; name: string }) => [place, name].filter(Boolean).join('.');

describe('docs/policy-reference.md', () => {
  it('is what the code says', () => {
    const file = readFileSync(new URL('../../docs/policy-reference.md', import.meta.url), 'utf8');
    expect(file, 'run npm run schema').toBe(renderPolicyReference());
  });

  it('has an example of each key, and of no other', () => {
    expect(Object.keys(POLICY_EXAMPLES).sort()).toEqual(keys.map(pathOf).sort());
    expect(Object.keys(SELECTOR_EXAMPLES).sort()).toEqual([...new Set(selectors.map(({ name }) => name))].sort());
  });

  it('says of each key what it means', () => {
    expect([...keys, ...selectors].filter(({ schema }) => !schema.description).map(pathOf)).toEqual([]);
  });

  it.each(keys.map((key) => ({ ...key, path: pathOf(key) })))(
    'has a valid example of $path',
    ({ path, place, name }) => {
      const { value, with: others } = POLICY_EXAMPLES[path] ?? { value: undefined };
      expect(() => parsePolicy(policyWith(place, { ...others, [name]: value }))).not.toThrow();
    },
  );

  it.each(selectors)('has a valid example of $name in $place', ({ place, name }) => {
    const { value, with: others } = SELECTOR_EXAMPLES[name] ?? { value: undefined };
    const [section = ''] = place.split('.');
    const more = section === 'rules' ? others : {};
    expect(() => parsePolicy(policyWith(section, { ...more, match: { [name]: value } }))).not.toThrow();
  });
});
