import { describe, expect, it } from 'vitest';
import { claimsIn, clashOf, type ProjectClaim } from '../../../lib/settings/project-claims.ts';

const PATH = '/dli-reaper/prod/targets/';
const claims = (parameters: Record<string, string>) =>
  claimsIn(new Map(Object.entries(parameters).map(([name, text]) => [`${PATH}${name}`, text])), PATH);
const claim = (target: string, projectId: string, shared = false): ProjectClaim => ({ target, projectId, shared });

describe('claimsIn', () => {
  it('reads the project of each target, also where the rest of its parameter is wrong', () => {
    expect(
      claims({ lake: '{"projectId": "p1", "shared": true}', beach: '\ufeff{"projectId": "p2", "mode": "alive"}' }),
    ).toEqual([claim('lake', 'p1', true), claim('beach', 'p2')]);
  });

  it.each([
    { name: 'is no JSON', text: '{' },
    { name: 'is no object', text: 'null' },
    { name: 'has no project id', text: '{}' },
    { name: 'has a project id that is no text', text: '{"projectId": 7}' },
    { name: 'has two project ids', text: '{"projectId": "p1", "projectId": "p2"}' },
  ])('passes over a parameter that $name', ({ text }) => {
    expect(claims({ lake: text })).toEqual([]);
  });

  it('takes only true for shared', () => {
    expect(claims({ lake: '{"projectId": "p1", "shared": "true"}' })).toEqual([claim('lake', 'p1')]);
  });

  it('ignores a parameter in a folder, which is not a target', () => {
    expect(claims({ 'team/lake': '{"projectId": "p1"}' })).toEqual([]);
  });
});

describe('clashOf', () => {
  it.each<{ name: string; own: ProjectClaim; others: ProjectClaim[]; says: string | undefined }>([
    { name: 'alone', own: claim('lake', 'p1'), others: [], says: undefined },
    { name: 'beside another project', own: claim('lake', 'p1'), others: [claim('beach', 'p2')], says: undefined },
    { name: 'beside its own older reading', own: claim('lake', 'p1'), others: [claim('lake', 'p1')], says: undefined },
    { name: 'on a project of two', own: claim('lake', 'p1'), others: [claim('beach', 'P1')], says: 'beach' },
    { name: 'sharing alone', own: claim('lake', 'p1', true), others: [claim('beach', 'p1')], says: 'beach' },
    { name: 'shared with alone', own: claim('lake', 'p1'), others: [claim('beach', 'p1', true)], says: 'beach' },
    { name: 'sharing', own: claim('lake', 'p1', true), others: [claim('beach', 'p1', true)], says: undefined },
    {
      name: 'sharing with one of two',
      own: claim('lake', 'p1', true),
      others: [claim('sand', 'p1'), claim('beach', 'p1', true)],
      says: 'beach, sand',
    },
  ])('says for a target $name: $says', ({ own, others, says }) => {
    expect(clashOf(own, others)?.found).toBe(says && `projectId: p1 is also the project of ${says}`);
  });
});
