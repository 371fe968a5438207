import { describe, expect, it } from 'vitest';
import { createLog } from '../../../lib/base/log.ts';
import { NotifyError, notifyEvent } from '../../../lib/notify/notify.ts';
import { SubscriptionError } from '../../../lib/notify/subscription.ts';
import { type TargetState, UNSEEN_TARGET } from '../../../lib/notify/target-state.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import type { SweepLog } from '../../../lib/sweep/record/log-lines.ts';
import type { MetricValues } from '../../../lib/sweep/record/metrics.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import {
  controlEvent,
  jobIdOf,
  messageJob,
  messageLine,
  operatorsLine,
  routeName,
  subscriptionEvent,
} from '../../helpers/notices.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';
import { Life } from '../../model/gate.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:';

/** Each route leads to a topic of its own name. */
const route = (name: string, fields: object = {}): Record<string, string> => ({
  [routeName(name)]: JSON.stringify({ to: 'owner', topic: TOPIC + name, ...fields }),
});

const ROUTES = {
  ...route('ana', { match: { owner: 'ana' } }),
  ...route('ops', { to: 'operators', fallback: true }),
};

/** What outlives a process: the parameters, the record of what was sent, and what was published. */
function createWorld(parameters: Record<string, string> = ROUTES) {
  const clock = fakeClock();
  const untilByKey = new Map<string, number>();
  const states = new Map<string, TargetState>();
  const published: { to: string; text: string; jobIds: string[] }[] = [];
  const metrics: MetricValues[] = [];
  const lines: ({ level: string; msg: string } & Record<string, unknown>)[] = [];
  const log: SweepLog = createLog((level, msg, fields) => lines.push({ level, msg, ...fields }));
  const refused = new Set<string>();

  /** Sends what is in these lines, as a process that lives so long. */
  const send = (some: readonly (object | string)[], life = new Life(Number.POSITIVE_INFINITY)) =>
    notifyEvent(subscriptionEvent(some), {
      stage: 'dev',
      clock,
      log,
      writeMetrics: (values) => metrics.push(values),
      readPath: async (path) => {
        await life.pass();
        const values = new ParameterValues();
        for (const [Name, Value] of Object.entries(parameters)) {
          if (Name.startsWith(path)) values.add({ Name, Value });
        }
        await life.pass();
        return values;
      },
      sent: {
        among: async (keys) => {
          await life.pass();
          const known = keys.filter((key) => (untilByKey.get(key) ?? 0) > clock.now());
          await life.pass();
          return new Set(known);
        },
        add: async (items) => {
          for (const { key, until } of items) {
            await life.pass();
            untilByKey.set(key, until);
          }
          await life.pass();
        },
      },
      states: {
        read: async (key) => {
          await life.pass();
          const state = states.get(key) ?? UNSEEN_TARGET;
          await life.pass();
          return state;
        },
        change: async (key, toNext) => {
          await life.pass();
          states.set(key, toNext(states.get(key) ?? UNSEEN_TARGET));
          await life.pass();
        },
      },
      ownersPage: undefined,
      publish: async (destination, { text }) => {
        await life.pass();
        const [to = ''] = Object.values(destination as Record<string, string>).map((one) => one.replace(TOPIC, ''));
        if (refused.has(to)) throw new Error('refused');
        published.push({ to, text, jobIds: [...new Set(text.match(/37286cc7-[\w-]+/g))] });
        await life.pass();
      },
    });
  return { clock, published, metrics, lines, refused, parameters, send };
}

const logged = ({ lines }: ReturnType<typeof createWorld>, msg: string) => lines.filter((line) => line.msg === msg);
const ids = (...numbers: number[]) => numbers.map(jobIdOf);

describe('notifyEvent', () => {
  it('sends each message to its recipient, whatever the order of the lines', async () => {
    const world = createWorld();

    const summary = await world.send([operatorsLine({ jobs: [messageJob(2)] }), messageLine()]);

    expect(world.published).toMatchObject([
      {
        to: 'ops',
        text: expect.stringContaining('why 37286cc7-0508-4e1d-9636-000000000002 --stage dev --target lake'),
      },
      { to: 'ana', text: expect.stringContaining('Your DLI job in project eu-west-101_lake was cancelled') },
    ]);
    expect(summary).toEqual({
      published: 2,
      withoutRoute: 0,
      deliveries: ['ops', 'ana'].map((name) => ({ parameter: routeName(name), isWithoutRoute: false, error: null })),
      unreadable: [],
    });
    expect(world.metrics).toEqual([]);
    expect(logged(world, 'message published')).toMatchObject([
      { to: 'operators', jobs: 1 },
      { to: 'owner', jobs: 1 },
    ]);
  });

  it('sends the same, whether the lines of a sweep come in one event, or split and in another order', async () => {
    const lines = [
      messageLine(),
      operatorsLine({ jobs: [messageJob(2)] }),
      messageLine({ owner: 'ben', jobs: [messageJob(3)] }),
    ];
    const [together, apart] = [createWorld(), createWorld()];

    await together.send(lines);
    for (const line of lines.toReversed()) await apart.send([line]);

    expect(together.published).toHaveLength(3);
    expect(apart.published.toReversed()).toEqual(together.published);
  });

  it('asks for nothing if an event has no message', async () => {
    const world = createWorld({});
    const dead = new Life(1);

    expect(await world.send([messageLine({ msg: 'notice' })], dead)).toEqual({
      published: 0,
      withoutRoute: 0,
      deliveries: [],
      unreadable: [],
    });
    await expect(notifyEvent(controlEvent(), { log: createLog(() => {}) } as never)).resolves.toMatchObject({
      published: 0,
    });
    expect(dead.awaits).toBe(0);
  });

  it('skips lines that are no message of this version, counts them in its log, and sends the others', async () => {
    const world = createWorld();

    await world.send(['START', messageLine({ msg: 'notice' }), { ...messageLine(), version: 2 }, messageLine()]);

    expect(logged(world, 'lines skipped')).toMatchObject([
      { level: 'warn', lines: 1, reason: 'not-json' },
      { lines: 1, reason: 'not-a-message' },
      { lines: 1, reason: 'version' },
    ]);
    expect(world.published).toHaveLength(1);
  });

  it('refuses an event that is none of a log, before it asks for anything', async () => {
    await expect(notifyEvent({}, {} as never)).rejects.toThrow(SubscriptionError);
  });

  it('sends nothing twice, however often a line comes', async () => {
    const world = createWorld();

    const failed = operatorsLine({ jobs: [messageJob(1, { kind: 'failed' })] });
    await world.send([messageLine(), messageLine(), failed]);
    await world.send([messageLine(), { ...failed, sweepId: 'sweep-2' }]);

    expect(world.published).toHaveLength(2);
  });

  it('sends a further warning of a job once the first one is over', async () => {
    const world = createWorld();
    const warned = messageLine({ jobs: [messageJob(1, { kind: 'may-be-cancelled' })] });
    const of = (kind: 'kept' | 'ended') => messageLine({ jobs: [messageJob(1, { kind })] });

    await world.send([warned, warned, of('kept'), warned, warned, of('ended'), warned]);

    expect(world.published).toHaveLength(5);
  });

  it('does not say that a job ended by itself if it said that the job was cancelled', async () => {
    const world = createWorld();

    await world.send([
      messageLine({ trigger: 'emergency' }),
      messageLine({ jobs: [messageJob(1, { kind: 'ended' })] }),
    ]);

    expect(world.published).toHaveLength(1);
  });

  it('sends each cancel of a job that was started again under its id', async () => {
    const world = createWorld();
    const stream = [messageJob(1, { engine: 'flink' })];

    await world.send([messageLine({ jobs: stream })]);
    await world.send([messageLine({ jobs: stream, sweepId: 'sweep-2' })]);

    expect(world.published).toHaveLength(2);
  });

  it('reads no route if there is nothing to send', async () => {
    const world = createWorld({ ...ROUTES });
    const { send, parameters } = world;
    await send([messageLine()]);
    for (const name of Object.keys(parameters)) delete parameters[name];
    parameters[routeName('x')] = 'not JSON';

    await send([messageLine(), operatorsLine({ jobs: [] })]);

    expect(logged(world, 'route unreadable')).toEqual([]);
  });

  it('leaves out of a message what was sent before', async () => {
    const world = createWorld();

    await world.send([messageLine()]);
    await world.send([messageLine({ jobs: [messageJob(1), messageJob(2)], more: { cancelled: 1 } })]);

    expect(world.published.map(({ jobIds }) => jobIds)).toEqual([ids(1), ids(2)]);
    expect(world.published[1]?.text).toContain('1 more, not listed here');
  });

  it.each([
    { name: 'another target', change: { target: 'sea' } },
    { name: 'another rule', change: { jobs: [messageJob(1, { rule: 'other' })] } },
    { name: 'another kind', change: { jobs: [messageJob(1, { kind: 'unconfirmed' as const })] } },
    { name: 'another recipient', change: { to: 'operators' as const, owner: null } },
  ])('takes the same job with $name for news', async ({ change }) => {
    const world = createWorld();

    await world.send([messageLine()]);
    await world.send([messageLine(change)]);

    expect(world.published).toHaveLength(2);
  });

  it('sends a standing status once, and then once a day', async () => {
    const world = createWorld();
    const stopped = operatorsLine({ status: 'stopped', problems: ['the switch is missing'], jobs: [] });

    for (let quarter = 0; quarter < 4 * 24 * 2; quarter++) {
      await world.send([stopped]);
      world.clock.pass(15 * MINUTE);
    }

    // At the beginning, and then at least once on each of the two days.
    expect(world.published).toHaveLength(3);
    expect(world.published[0]?.text).toContain('- the switch is missing');
  });

  it('does not repeat a status because a job is new, or a job because a status is', async () => {
    const world = createWorld();

    await world.send([operatorsLine({ status: 'capped', problems: ['too many'] })]);
    world.clock.pass(15 * MINUTE);
    await world.send([
      operatorsLine({ status: 'capped', problems: ['too many'], jobs: [messageJob(1), messageJob(2)] }),
    ]);
    world.clock.pass(15 * MINUTE);
    await world.send([operatorsLine({ status: 'partial', problems: ['a page is missing'] })]);

    expect(world.published.map(({ text }) => /cap allows|incomplete/.exec(text)?.[0])).toEqual([
      'cap allows',
      undefined,
      'incomplete',
    ]);
    expect(world.published.map(({ text }) => /0000\d\d(?=[ ,:])/.exec(text)?.[0])).toEqual([
      '000001',
      '000002',
      undefined,
    ]);
  });

  it.each([
    { kind: 'failed' as const, times: 2 },
    { kind: 'unconfirmed' as const, times: 2 },
    { kind: 'cancelled' as const, times: 1 },
    { kind: 'warned' as const, times: 1 },
    { kind: 'would-be-cancelled' as const, times: 1 },
  ])('sends on two days in a row that a job is $kind: $times', async ({ kind, times }) => {
    const world = createWorld();
    const line = messageLine({ jobs: [messageJob(1, { kind })] });

    await world.send([line]);
    world.clock.pass(24 * HOUR);
    await world.send([line]);

    expect(world.published).toHaveLength(times);
  });

  it('sends that a stop is over, with its first and its last sweep, and nothing of it twice', async () => {
    const world = createWorld();
    const at = (time: string, status: 'stopped' | 'ok') =>
      operatorsLine({ status, jobs: [], timestamp: `2026-01-05T${time}:00.000Z` });

    const lines = [at('07:00', 'stopped'), at('07:15', 'stopped'), at('08:30', 'ok'), at('08:45', 'ok')];
    for (const line of [...lines, ...lines]) await world.send([line]);

    expect(world.published.map(({ text }) => text.split('\n').slice(0, 2))).toEqual([
      ['DLI job reaper, sweep of lake (stage dev): stopped', 'To look closer: dli-reaper status --stage dev'],
      [
        'DLI job reaper, sweep of lake (stage dev): ok again',
        '- first stopped or failed at 07:00 UTC, last at 07:15 UTC; ok at 08:30 UTC',
      ],
    ]);
  });

  it('does not take a line that comes too late for the state of its target', async () => {
    const world = createWorld();
    const at = (time: string, status: 'stopped' | 'ok') =>
      operatorsLine({ status, jobs: [], timestamp: `2026-01-05T${time}:00.000Z` });

    await world.send([at('08:15', 'ok'), at('08:00', 'stopped')]);

    expect(world.published).toEqual([]);
  });

  it('takes a line of the future for one of now, so that it hides no later line', async () => {
    const world = createWorld();

    await world.send([operatorsLine({ status: 'ok', jobs: [], timestamp: '2099-01-01T00:00:00.000Z' })]);
    world.clock.pass(MINUTE);
    await world.send([operatorsLine({ status: 'stopped', jobs: [], timestamp: '2026-01-05T09:01:00.000Z' })]);

    expect(world.published).toHaveLength(1);
  });

  it('sends the status of a sweep by hand once, and does not take it for that of the schedule', async () => {
    const world = createWorld();
    const byHand = { status: 'partial' as const, problems: ['a page is missing'], jobs: [], trigger: 'manual' };

    await world.send([operatorsLine({ ...byHand, sweepId: 'a' }), operatorsLine({ ...byHand, sweepId: 'a' })]);
    await world.send([operatorsLine({ ...byHand, sweepId: 'b' }), operatorsLine({ ...byHand, trigger: 'schedule' })]);
    await world.send([operatorsLine({ ...byHand, sweepId: 'c', status: 'ok', problems: [] })]);

    expect(world.published).toHaveLength(3);
  });

  it('tries a status again with the next sweep if it could not be sent', async () => {
    const world = createWorld();
    const at = (time: string) =>
      operatorsLine({ status: 'stopped', jobs: [], timestamp: `2026-01-05T${time}:00.000Z` });

    world.refused.add('ops');
    await expect(world.send([at('08:00')])).rejects.toThrow(NotifyError);
    world.refused.clear();
    await world.send([at('08:15')]);
    // Lambda tries the first event again.
    await world.send([at('08:00')]);

    expect(world.published).toHaveLength(1);
  });

  it('sends the victims of a dry run in its first week only, and again in the first week of the next one', async () => {
    const world = createWorld();
    const DAY = 24 * HOUR;
    const victims = (number: number, dryRun = true) =>
      operatorsLine({
        dryRun,
        jobs: dryRun ? [messageJob(number, { kind: 'would-be-cancelled' })] : [],
        more: dryRun ? { 'would-be-cancelled': 7 } : {},
      });

    for (let day = 0; day < 10; day++) {
      await world.send([victims(day)]);
      world.clock.pass(DAY);
    }
    expect(world.published.flatMap(({ jobIds }) => jobIds)).toEqual(ids(0, 1, 2, 3, 4, 5, 6));

    await world.send([victims(10, false)]);
    world.clock.pass(DAY);
    await world.send([victims(11)]);
    expect(world.published.at(-1)?.jobIds).toEqual(ids(11));
  });

  it('names the end of an exemption to its owner once, and once more on its last day', async () => {
    const world = createWorld();
    const until = '2026-01-11T18:00:00.000Z';
    const line = messageLine({ jobs: [], exemptions: [{ id: 'backfill', reason: 'backfill of 2025', until }] });

    for (let quarter = 0; quarter < 4 * 24 * 6; quarter++) {
      await world.send([line]);
      world.clock.pass(15 * MINUTE);
    }

    expect(world.published).toHaveLength(2);
    expect(world.published[0]).toMatchObject({ to: 'ana', text: expect.stringContaining('exemption backfill') });
  });

  it('goes by the routes of the policy first, and by those of the stage where none of them is for it', async () => {
    const world = createWorld({ ...ROUTES, ...route('bi', { match: { owner: 'nina' } }) });
    const routes = [{ to: 'owner' as const, match: { queue: ['bi_*'] }, route: 'bi' }];
    const jobs = [messageJob(1), messageJob(2, { queue: 'bi_1' })];

    await world.send([messageLine({ jobs, routes }), operatorsLine({ jobs: [messageJob(3)], routes })]);

    expect(world.published.map(({ to, jobIds }) => [to, jobIds])).toEqual([
      ['ana', ids(1)],
      ['bi', ids(2)],
      ['ops', ids(3)],
    ]);
  });

  it('names a route of the policy that the stage does not have once, and goes on without it', async () => {
    const world = createWorld();
    const routes = [
      { to: 'owner' as const, match: null, route: 'no-such' },
      { to: 'owner' as const, match: { owner: ['/(/'] }, route: 'ops' },
    ];

    await world.send([messageLine({ routes }), messageLine({ jobs: [messageJob(2)], routes })]);

    expect(world.published.map(({ to }) => to)).toEqual(['ana', 'ana']);
    expect(logged(world, 'route unreadable')).toMatchObject([
      {
        parameter: routeName('no-such'),
        error: expect.stringContaining('the policy names this route, and the stage has none'),
      },
      { parameter: routeName('ops'), error: expect.stringContaining('match.owner') },
    ]);
  });

  it('splits a message whose jobs have different routes', async () => {
    const world = createWorld({ ...route('1-bi', { match: { queue: 'bi_*' } }), ...ROUTES });
    const jobs = [messageJob(1), messageJob(2, { queue: 'bi_1' }), messageJob(3)];

    await world.send([messageLine({ jobs, more: { cancelled: 7 } })]);

    expect(world.published.map(({ to, jobIds }) => [to, jobIds])).toEqual([
      ['ana', ids(1, 3)],
      ['1-bi', ids(2)],
    ]);
    expect(world.published.map(({ text }) => text.includes('7 more'))).toEqual([true, false]);
  });

  it('sends mail to each owner by one route, and to the fallback where a name cannot be part of an address', async () => {
    const mail = JSON.stringify({ to: 'owner', mail: '{owner}@example.com' });
    const world = createWorld({ ...route('ops', { to: 'operators', fallback: true }), [routeName('mail')]: mail });

    const summary = await world.send([
      messageLine(),
      messageLine({ owner: 'ben', jobs: [messageJob(2, { owner: 'ben' })] }),
      messageLine({ owner: 'not safe', jobs: [messageJob(3, { owner: 'not safe' })] }),
      messageLine({ owner: null, jobs: [messageJob(4)] }),
      operatorsLine({ jobs: [messageJob(1)] }),
    ]);

    expect(world.published.map(({ to, jobIds }) => [to, jobIds])).toEqual([
      ['ana@example.com', ids(1)],
      ['ben@example.com', ids(2)],
      ['ops', ids(3)],
      ['ops', ids(4)],
      ['ops', ids(1)],
    ]);
    expect(summary).toMatchObject({ published: 5, withoutRoute: 2, unreadable: [] });
  });

  it('sends to the fallback what no route is for, and counts it', async () => {
    const world = createWorld();

    const summary = await world.send([messageLine({ owner: 'ben', jobs: [messageJob(1, { owner: 'ben' })] })]);

    expect(world.published).toMatchObject([{ to: 'ops', text: expect.stringContaining('Your DLI job') }]);
    expect(summary).toEqual({
      published: 1,
      withoutRoute: 1,
      deliveries: [{ parameter: routeName('ops'), isWithoutRoute: true, error: null }],
      unreadable: [],
    });
    expect(world.metrics).toEqual([{ MessagesWithoutRoute: 1 }]);
    expect(logged(world, 'message without route')).toMatchObject([
      { level: 'warn', parameter: routeName('ops'), to: 'owner', owner: 'ben', target: 'lake' },
    ]);
  });

  it('counts what goes nowhere since the stage has no route, and sends it once there is one', async () => {
    const world = createWorld({});

    await world.send([messageLine()]);
    expect(world.published).toEqual([]);
    expect(world.metrics).toEqual([{ MessagesWithoutRoute: 1 }]);
    expect(logged(world, 'message without route')).toMatchObject([{ parameter: null }]);

    Object.assign(world.parameters, ROUTES);
    await world.send([messageLine()]);
    expect(world.published).toHaveLength(1);
  });

  it('sends to the fallback what a route is for that cannot be read, and names the parameter', async () => {
    const world = createWorld({ ...ROUTES, [routeName('ana')]: '{"to": "owner", "webhook": "http://x"}' });

    await world.send([messageLine()]);

    expect(world.published).toMatchObject([{ to: 'ops' }]);
    expect(logged(world, 'route unreadable')).toMatchObject([
      { level: 'error', parameter: routeName('ana'), error: expect.stringContaining('webhook: expected') },
    ]);
  });

  it('fails without a fallback, so that Lambda tries again and the event is kept', async () => {
    const world = createWorld(route('ana'));

    await expect(world.send([messageLine()])).rejects.toThrow(SettingsError);
    expect(world.published).toEqual([]);
  });

  it('sends the others if one destination fails, and only that one when it is invoked again', async () => {
    const world = createWorld();
    world.refused.add('ana');
    const both = [messageLine(), operatorsLine({ jobs: [messageJob(2)] })];

    await expect(world.send(both)).rejects.toThrow(NotifyError);
    expect(world.published).toMatchObject([{ to: 'ops' }]);
    expect(logged(world, 'message not published')).toMatchObject([
      { parameter: routeName('ana'), error: 'Error: refused' },
    ]);

    world.refused.clear();
    await world.send(both);
    expect(world.published.map(({ to }) => to)).toEqual(['ops', 'ana']);
  });
});

describe('a process that is killed at any await and invoked again', () => {
  const lines = [
    messageLine({ jobs: [messageJob(1), messageJob(2)] }),
    messageLine({ owner: 'ben', jobs: [messageJob(3, { owner: 'ben' })] }),
    operatorsLine({ status: 'capped', problems: ['too many'], jobs: [messageJob(4), messageJob(5)] }),
    operatorsLine({ target: 'sea', status: 'stopped', jobs: [], timestamp: '2026-01-05T07:00:00.000Z' }),
    operatorsLine({ target: 'sea', status: 'ok', jobs: [messageJob(6)], timestamp: '2026-01-05T07:15:00.000Z' }),
  ];
  /** What is in some messages: each job, and the status. */
  const newsIn = (messages: readonly { to: string; text: string; jobIds: string[] }[]) =>
    messages.flatMap(({ to, text, jobIds }) =>
      [...jobIds, ...(/cap allows|: stopped|ok again/.exec(text) ?? [])].map((one) => `${to} ${one}`),
    );

  it('loses nothing, and repeats at most the message that was under way', async () => {
    const undisturbed = createWorld();
    await undisturbed.send(lines);
    expect(newsIn(undisturbed.published)).toHaveLength(9);

    let killAt = 0;
    for (let end = 'killed'; end === 'killed'; ) {
      killAt += 1;
      const { published, send } = createWorld();
      const life = new Life(killAt);
      end = await Promise.race([life.death, send(lines, life).then(() => 'lived' as const)]);
      const before = [...published];
      await send(lines);

      const again = newsIn(published.slice(before.length)).filter((one) => newsIn(before).includes(one));
      expect(new Set(newsIn(published))).toEqual(new Set(newsIn(undisturbed.published)));
      expect(newsIn(before.slice(-1))).toEqual(expect.arrayContaining(again));
      expect(published.length - (again.length > 0 ? 1 : 0)).toBe(5);
    }

    // It died at every await of its work.
    expect(killAt).toBeGreaterThan(40);
  });
});
