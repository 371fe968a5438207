import { describe, expect, it } from 'vitest';
import { createLog } from '../../../lib/base/log.ts';
import { notifyEvent } from '../../../lib/notify/notify.ts';
import type { Addressed } from '../../../lib/notify/routes.ts';
import { eventOf } from '../../../lib/notify/subscription.ts';
import { UNSEEN_TARGET } from '../../../lib/notify/target-state.ts';
import { testLine } from '../../../lib/notify/test-message.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { messageLine, routeName } from '../../helpers/notices.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';
const ROUTES = {
  bi: { to: 'owner', match: { queue: 'bi_*' }, topic: TOPIC },
  ops: { to: 'operators', topic: TOPIC, fallback: true },
};

/** Sends lines through routes, and reports everything that came of it. */
async function send(lines: string[], routes: Record<string, object> = ROUTES, refusal?: string) {
  const texts: string[] = [];
  const traces: unknown[] = [];
  const summary = await notifyEvent(eventOf(lines), {
    stage: 'dev',
    clock: fakeClock(),
    log: createLog((_, msg) => traces.push(msg)),
    writeMetrics: (values) => traces.push(values),
    readPath: async () => {
      const values = new ParameterValues();
      for (const [name, route] of Object.entries(routes)) {
        values.add({ Name: routeName(name), Value: JSON.stringify(route) });
      }
      return values;
    },
    sent: { among: async () => new Set(), add: async (items) => void traces.push(...items) },
    states: { read: async () => UNSEEN_TARGET, change: async (key) => void traces.push(key) },
    ownersPage: undefined,
    publish: async (_, { text }) => {
      if (refusal !== undefined) throw new Error(refusal);
      texts.push(text);
    },
  });
  return { summary, texts, traces };
}

const OWNER: Addressed = { to: 'owner', target: 'lake', owner: 'ana', queue: null };
const OPERATORS: Addressed = { to: 'operators', target: 'lake', owner: null, queue: null };

describe('a test message', () => {
  it.each([
    {
      name: 'an owner',
      addressed: OWNER,
      says: [
        'TEST, nothing happened: For ana, without a route: Your DLI job in project lake was cancelled',
        'This is a test of the messages of stage dev. What follows is an example and has not happened.',
      ],
    },
    {
      name: 'the operators',
      addressed: OPERATORS,
      says: [
        'TEST, nothing happened: DLI job reaper, sweep of lake (stage dev): stopped',
        'This is a test of the messages of stage dev. What follows is an example and has not happened.',
        '- this is an example: no sweep was stopped',
      ],
    },
  ])('says to $name in its first lines that it is one', async ({ addressed, says }) => {
    const { texts } = await send([testLine(addressed)]);

    expect(texts[0]?.split('\n').slice(0, says.length)).toEqual(says);
  });

  it.each([
    { name: 'of the queue', addressed: { ...OWNER, queue: 'bi_1' }, parameter: 'bi', isWithoutRoute: false },
    { name: 'that is the fallback', addressed: OWNER, parameter: 'ops', isWithoutRoute: true },
    { name: 'of the status', addressed: OPERATORS, parameter: 'ops', isWithoutRoute: false },
    {
      name: 'of jobs for operators',
      addressed: { ...OPERATORS, queue: 'bi_1' },
      parameter: 'ops',
      isWithoutRoute: false,
    },
  ])('goes by the route $name, once', async ({ addressed, parameter, isWithoutRoute }) => {
    const { summary } = await send([testLine(addressed)]);

    expect(summary.deliveries).toEqual([{ parameter: routeName(parameter), isWithoutRoute, error: null }]);
  });

  it('leaves no trace in record, log and metric, also where no route is for it', async () => {
    expect((await send([testLine(OWNER)])).traces).toEqual([]);
    // A real message does.
    expect((await send([JSON.stringify(messageLine())])).traces).not.toEqual([]);
  });

  it('returns why it could not be sent, and does not fail the function, since its error would raise an alarm', async () => {
    const { summary, traces } = await send([testLine(OPERATORS)], ROUTES, 'the webhook answered 404');

    expect(summary).toMatchObject({
      published: 0,
      deliveries: [{ parameter: routeName('ops'), error: 'Error: the webhook answered 404' }],
    });
    expect(traces).toEqual([]);
  });

  it('goes nowhere in a stage without routes', async () => {
    const { summary } = await send([testLine(OPERATORS)], {});

    expect(summary.deliveries).toEqual([{ parameter: null, isWithoutRoute: true, error: null }]);
  });

  it('names the routes that cannot be read', async () => {
    const { summary } = await send([testLine(OWNER)], { ...ROUTES, ana: { to: 'owner', webhook: 'secret-7' } });

    expect(summary.unreadable).toEqual([expect.stringContaining(`${routeName('ana')}: webhook: expected an address`)]);
    expect(JSON.stringify(summary)).not.toContain('secret-7');
  });

  it('is an unknown line to a function of an earlier version, which so takes it for no cancel', () => {
    expect(JSON.parse(testLine(OWNER))).toMatchObject({ msg: 'test message' });
  });
});
