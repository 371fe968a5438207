import { describe, expect, it } from 'vitest';
import { type Addressed, readRoutes, routeFor } from '../../../lib/notify/routes.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { routeName } from '../../helpers/notices.ts';

const SECRET = 'https://hooks.example.com/services/T0/B0/secret-7';
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';

/** Reads routes by their names; a text is taken as it is. */
function read(routes: Record<string, object | string>) {
  const values = new ParameterValues();
  for (const [name, route] of Object.entries(routes)) {
    values.add({ Name: routeName(name), Value: typeof route === 'string' ? route : JSON.stringify(route) });
  }
  const unreadable: string[] = [];
  const result = readRoutes(values, 'dev', (parameter, error) => unreadable.push(`${parameter} | ${String(error)}`));
  return { ...result, unreadable };
}

const FALLBACK = { to: 'operators', webhook: SECRET, fallback: true };

describe('readRoutes', () => {
  it('reads a webhook, a topic, a match and the fallback, in the order of their names', () => {
    const { all, fallback, unreadable } = read({
      ops: FALLBACK,
      bi: { to: 'owner', match: { owner: ['ana', 'b*'], queue: 'bi_*', target: 'lake' }, topic: TOPIC, ask: '#bi' },
    });

    expect(unreadable).toEqual([]);
    expect(all).toMatchObject([
      { parameter: routeName('bi'), to: 'owner', destination: { topic: TOPIC }, ask: '#bi', isFallback: false },
      { parameter: routeName('ops'), to: 'operators', destination: { webhook: new URL(SECRET) }, isFallback: true },
    ]);
    expect(fallback).toBe(all[1]);
  });

  it('finds no route and no fallback in a stage without routes', () => {
    expect(read({})).toMatchObject({ all: [], fallback: undefined });
  });

  it.each([
    { name: 'none is', routes: { ops: { ...FALLBACK, fallback: false } }, found: 'none' },
    {
      name: 'two are',
      routes: { a: FALLBACK, b: FALLBACK },
      found: '/dli-reaper/dev/notices/routes/a and /dli-reaper/dev/notices/routes/b',
    },
    { name: 'the only one cannot be read', routes: { ops: `{"webhook": "${SECRET}` }, found: 'none' },
  ])('demands exactly one fallback: $name', ({ routes, found }) => {
    expect(() => read(routes)).toThrow(
      `/dli-reaper/dev/notices/routes/: exactly one route must have "fallback": true; found ${found}`,
    );
  });

  it.each([
    { problem: 'is not JSON; a parameter must contain JSON', route: `"${SECRET}` },
    { problem: 'expected an object', route: '7' },
    { problem: 'to: missing', route: { webhook: SECRET } },
    { problem: 'to: expected owner or operators', route: { to: 'secret-7', webhook: SECRET } },
    { problem: 'expected either webhook or topic; found neither', route: { to: 'owner' } },
    { problem: 'expected either webhook or topic; found both', route: { to: 'owner', webhook: SECRET, topic: TOPIC } },
    {
      problem:
        'webhook: expected an address that begins with https://, and has no user or password; it is not shown here',
      route: { to: 'owner', webhook: SECRET.replace('https', 'http') },
    },
    {
      problem:
        'webhook: expected an address that begins with https://, and has no user or password; it is not shown here',
      route: { to: 'owner', webhook: SECRET.replace('hooks', 'me:secret-7@hooks') },
    },
    { problem: 'webhook: expected an address', route: { to: 'owner', webhook: 'secret-7' } },
    { problem: 'topic: expected the ARN of a topic of SNS', route: { to: 'owner', topic: `${TOPIC}.fifo` } },
    {
      problem: 'holds an unknown key, not shown here; allowed: to, match, webhook',
      route: { to: 'owner', [SECRET]: 1 },
    },
    { problem: 'match.owners: unknown key', route: { to: 'owner', webhook: SECRET, match: { owners: 'ana' } } },
    { problem: 'match.queue: ', route: { to: 'owner', webhook: SECRET, match: { queue: 'no such queue' } } },
    {
      problem: 'match: expected at least one of target, owner, queue',
      route: { to: 'owner', webhook: SECRET, match: {} },
    },
    { problem: 'match.owner: not a pattern', route: { to: 'owner', webhook: SECRET, match: { owner: '/(/' } } },
    { problem: 'fallback: expected true or false', route: { to: 'owner', webhook: SECRET, fallback: 'yes' } },
  ])('leaves out a route that is wrong, and names parameter and field: $problem', ({ route, problem }) => {
    const { all, unreadable } = read({ ops: FALLBACK, wrong: route });

    expect(all).toHaveLength(1);
    expect(unreadable).toHaveLength(1);
    expect(unreadable[0]).toContain(
      `/dli-reaper/dev/notices/routes/wrong | SettingsError: ${routeName('wrong')}: ${problem}`,
    );
    expect(unreadable[0]).not.toContain('secret-7');
  });
});

describe('routeFor', () => {
  const routes = read({
    '1-bi': { to: 'owner', match: { queue: 'bi_*', owner: 'ana' }, topic: TOPIC },
    '2-lake': { to: 'owner', match: { target: 'lake' }, topic: TOPIC },
    '3-ops': FALLBACK,
  });
  const ofAna: Addressed = { to: 'owner', target: 'other', owner: 'ana', queue: 'bi_1' };

  it.each([
    { name: 'the first that matches', addressed: { ...ofAna, target: 'lake' }, route: '1-bi' },
    {
      name: 'a later one, if an earlier does not match',
      addressed: { ...ofAna, owner: 'ben', target: 'lake' },
      route: '2-lake',
    },
    { name: 'names of queues in any case', addressed: { ...ofAna, queue: 'BI_1' }, route: '1-bi' },
    { name: 'none, if a key does not match', addressed: { ...ofAna, queue: 'etl' }, route: undefined },
    { name: 'none, if what it asks for is not known', addressed: { ...ofAna, queue: null }, route: undefined },
    {
      name: 'one without a match for everything',
      addressed: { ...ofAna, to: 'operators' as const, queue: null },
      route: '3-ops',
    },
  ])('takes $name', ({ addressed, route }) => {
    expect(routeFor(addressed, routes)?.parameter).toBe(route && routeName(route));
  });
});
