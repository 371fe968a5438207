import { describe, expect, it } from 'vitest';
import { hashOf } from '../../../lib/settings/hash.ts';

const POLICY = '{"version": 1, "rules": [{"id": "a", "match": "all"}, {"id": "b", "match": "all"}]}';
const hash = (changes: Record<string, string> = {}) => hashOf({ target: '{}', policy: POLICY, ...changes });

describe('hashOf', () => {
  it('is short, and the same each time', () => {
    expect(hash()).toMatch(/^[0-9a-f]{16}$/);
    expect(hash()).toBe(hash());
  });

  it.each([
    { name: 'spaces', policy: POLICY.replaceAll(' ', '\n  ') },
    {
      name: 'the order of keys',
      policy: '{"rules": [{"match": "all", "id": "a"}, {"id": "b", "match": "all"}], "version": 1}',
    },
  ])('does not depend on $name', ({ policy }) => {
    expect(hash({ policy })).toBe(hash());
  });

  it('does not depend on the order of documents', () => {
    expect(hashOf({ policy: POLICY, target: '{}' })).toBe(hash());
  });

  it.each([
    { name: 'a value', changes: { policy: POLICY.replace('"a"', '"c"') } },
    { name: 'the order of a list', changes: { policy: POLICY.replace(/"a"(.*)"b"/, '"b"$1"a"') } },
    { name: 'one more document', changes: { '/exemptions/closing': '{}' } },
    { name: 'another target', changes: { target: '{"mode": "live"}' } },
    { name: 'a document that is no JSON', changes: { policy: POLICY.slice(1) } },
  ])('is another one for $name', ({ changes }) => {
    expect(hash(changes)).not.toBe(hash());
  });

  it('hashes a document that is not JSON as a text', () => {
    expect(hash({ policy: '{' })).not.toBe(hash({ policy: '{ ' }));
  });
});
