import { describe, expect, it } from 'vitest';
import { type Addressed, destinationFor, readRoutes, routeFor } from '../../../lib/notify/routes.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { routeName } from '../../helpers/notices.ts';

const SECRET = 'https://hooks.example.com/services/T0/B0/secret-7';
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';

/** Reads routes by their names; a text is taken as it is. */
function read(routes: Record<string, object | string>, canMail = true) {
  const values = new ParameterValues();
  for (const [name, route] of Object.entries(routes)) {
    values.add({ Name: routeName(name), Value: typeof route === 'string' ? route : JSON.stringify(route) });
  }
  const unreadable: string[] = [];
  const onUnreadable = (parameter: string, error: unknown) => unreadable.push(`${parameter} | ${String(error)}`);
  const result = readRoutes(values, 'dev', onUnreadable, { canMail });
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

  it('reads a mail address, also as the fallback, and one with a place for the owner', () => {
    const { all, fallback, unreadable } = read({
      1: { to: 'owner', mail: 'dli+{owner}@mail.example.com' },
      2: { to: 'operators', mail: 'dli@example.com', fallback: true },
    });

    expect(unreadable).toEqual([]);
    expect(all.map(({ destination }) => destination)).toEqual([
      { mail: 'dli+{owner}@mail.example.com' },
      { mail: 'dli@example.com' },
    ]);
    expect(fallback).toBe(all[1]);
  });

  it('leaves out a mail address in a stage that has no sender, and says which parameter to give', () => {
    const { all, unreadable } = read({ ops: FALLBACK, wrong: { to: 'owner', mail: 'dli@example.com' } }, false);

    expect(all).toHaveLength(1);
    expect(unreadable).toEqual([
      `${routeName('wrong')} | SettingsError: ${routeName('wrong')}: mail: the stage has no sender; deploy it with --param mailFrom=ADDRESS`,
    ]);
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
    { problem: 'expected one of webhook, topic and mail; found none', route: { to: 'owner' } },
    {
      problem: 'expected one of webhook, topic and mail; found more than one',
      route: { to: 'owner', webhook: SECRET, topic: TOPIC },
    },
    {
      problem: 'expected one of webhook, topic and mail; found more than one',
      route: { to: 'owner', topic: TOPIC, mail: 'dli@example.com' },
    },
    { problem: 'mail: expected a mail address', route: { to: 'owner', mail: 'secret-7@{owner}.example.com' } },
    { problem: 'mail: expected a mail address', route: { to: 'owner', mail: 7 } },
    {
      problem: 'mail: {owner} is only for messages to owners',
      route: { to: 'operators', mail: '{owner}@secret-7.example.com' },
    },
    {
      problem: 'mail: the fallback takes every message, so its address cannot have {owner}',
      route: { to: 'owner', mail: '{owner}@secret-7.example.com', fallback: true },
    },
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

  it.each(['a b', 'ana@evil.example', '"ana"', '.ana', 'ana.', 'a..b', 'änna', 'ana\n', '', 'a'.repeat(65), null])(
    'takes none for the owner %j, whose name cannot be part of an address',
    (owner) => {
      const mail = read({
        '1-mail': { to: 'owner', mail: '{owner}@example.com' },
        '2-all': { to: 'owner', topic: TOPIC, fallback: true },
      });

      expect(routeFor({ ...ofAna, owner }, mail)).toBeUndefined();
    },
  );
});

describe('destinationFor', () => {
  it.each([
    { owner: 'ana', mail: '{owner}@example.com', to: 'ana@example.com' },
    { owner: 'Ana.B_1-x+y', mail: '{owner}@example.com', to: 'Ana.B_1-x+y@example.com' },
    { owner: 'ana', mail: 'dli+{owner}@example.com', to: 'dli+ana@example.com' },
    { owner: null, mail: 'dli@example.com', to: 'dli@example.com' },
    { owner: 'not safe', mail: 'dli@example.com', to: 'dli@example.com' },
  ])('puts the owner $owner into $mail', ({ owner, mail, to }) => {
    expect(destinationFor({ mail }, owner)).toEqual({ mail: to });
  });

  it('leaves any other destination as it is', () => {
    expect(destinationFor({ topic: TOPIC }, null)).toEqual({ topic: TOPIC });
  });

  it('does not make an address that is longer than the rules of mail allow', () => {
    expect(destinationFor({ mail: 'dli+{owner}@example.com' }, 'a'.repeat(61))).toBeUndefined();
  });
});
