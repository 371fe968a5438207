import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../lib/fleet/message.ts';
import { batch, planMessages, rotate } from '../../../lib/fleet/outgoing.ts';
import type { Dispatch } from '../../../lib/fleet/parse-dispatch.ts';
import { NOW } from '../../helpers/world.ts';

const TICK: Dispatch = {
  dispatchId: 'tick-1',
  trigger: 'schedule',
  dispatchedAt: NOW,
  payload: {},
  targets: 'all',
};
const plan = (targets: { name: string; credentials: string }[], dispatch = TICK, options = {}) =>
  planMessages(
    targets.map((target) => ({ ...target, policy: 'base', projectId: 'p1' })),
    dispatch,
    { turn: 0, ...options },
  );
const fleet = (count: number, credentials = 'reaper') =>
  Array.from({ length: count }, (_, i) => ({ name: `target-${String(i).padStart(3, '0')}`, credentials }));

describe('planMessages', () => {
  it('puts the targets of each credential into one message, in a group that bears its name', () => {
    const messages = plan([
      { name: 'b', credentials: 'two' },
      { name: 'c', credentials: 'one' },
      { name: 'a', credentials: 'two' },
    ]);

    expect(messages.map(({ groupId, targets }) => ({ groupId, targets }))).toEqual([
      { groupId: 'one', targets: ['c'] },
      { groupId: 'two', targets: ['a', 'b'] },
    ]);
    expect(parseMessage(messages[1]?.body ?? '')).toEqual({
      dispatchId: 'tick-1',
      trigger: 'schedule',
      dispatchedAt: NOW,
      payload: {},
      credentials: 'two',
      targets: ['a', 'b'],
      read: { a: { policy: 'base', projectId: 'p1' }, b: { policy: 'base', projectId: 'p1' } },
    });
  });

  it('gives the same tick the same ids, and another tick others', () => {
    const ids = (dispatchId: string) => plan(fleet(3), { ...TICK, dispatchId }).map((one) => one.deduplicationId);

    expect(ids('tick-1')).toEqual(ids('tick-1'));
    expect(ids('tick-1')).not.toEqual(ids('tick-2'));
  });

  it('splits what is too large for a message, in order and within the same group', () => {
    const messages = plan(fleet(100), TICK, { maxBytes: 500 });

    expect(messages.length).toBeGreaterThan(1);
    expect(messages.every(({ body }) => Buffer.byteLength(body) <= 500)).toBe(true);
    expect(new Set(messages.map(({ groupId }) => groupId))).toEqual(new Set(['reaper']));
    expect(new Set(messages.map(({ deduplicationId }) => deduplicationId)).size).toBe(messages.length);
    expect(messages.flatMap(({ targets }) => targets)).toEqual(fleet(100).map(({ name }) => name));
  });

  it('needs one message for five hundred targets of one credential', () => {
    expect(plan(fleet(500))).toHaveLength(1);
  });

  it('lets an emergency travel in a group of its own', () => {
    const emergency: Dispatch = { ...TICK, trigger: 'manual', dispatchId: 'manual-7', payload: { kind: 'emergency' } };

    expect(plan(fleet(1), emergency).map(({ groupId }) => groupId)).toEqual(['emergency-manual-7-reaper']);
  });

  it('shortens a group id that SQS would refuse', () => {
    const [{ groupId } = { groupId: '' }] = plan(fleet(1, 'k'.repeat(200)));

    expect(groupId).toMatch(/^[0-9a-f]{64}$/);
  });

  it('loses no target and names none twice, whatever the fleet and the size of a message', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9.-]{1,20}$/), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(names, fc.nat(5), fc.nat(1_000_000), fc.integer({ min: 200, max: 1_000 }), (all, keys, turn, max) => {
        const targets = all.map((name, i) => ({
          name,
          credentials: `key-${i % (keys + 1)}`,
          policy: 'base',
          projectId: 'p1',
        }));

        const messages = planMessages(targets, TICK, { turn, maxBytes: max });

        expect(messages.flatMap((one) => one.targets).sort()).toEqual([...all].sort());
        for (const { body, credentials } of messages) expect(parseMessage(body).credentials).toBe(credentials);
      }),
    );
  });
});

describe('rotate', () => {
  it('lets another one go first at the next turn, and keeps the order', () => {
    expect(rotate(['a', 'b', 'c', 'd', 'e'], 0)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(rotate(['a', 'b', 'c', 'd', 'e'], 1)).toEqual(['d', 'e', 'a', 'b', 'c']);
    expect(rotate(['a', 'b', 'c', 'd', 'e'], 2)).toEqual(['b', 'c', 'd', 'e', 'a']);
  });

  it('reaches each of 500 within nine turns where the time is enough for 100 a turn', () => {
    const all = fleet(500).map(({ name }) => name);
    for (let from = 1_960_000; from < 1_960_050; from++) {
      const reached = new Set(Array.from({ length: 9 }, (_, i) => rotate(all, from + i).slice(0, 100)).flat());

      expect(reached.size).toBe(500);
    }
  });
});

describe('batch', () => {
  const message = (bytes: number) => ({
    groupId: 'g',
    deduplicationId: 'd',
    credentials: 'c',
    targets: [],
    body: 'x'.repeat(bytes),
  });

  it('sends at most ten at once', () => {
    expect(batch(Array.from({ length: 23 }, () => message(1))).map(({ length }) => length)).toEqual([10, 10, 3]);
  });

  it('sends no more at once than one message may have', () => {
    expect(batch([message(60), message(50), message(50)], 100).map(({ length }) => length)).toEqual([1, 2]);
  });
});
