import { describe, expect, it } from 'vitest';
import {
  formatMessage,
  isQueueEvent,
  messageOf,
  parseMessage,
  requestFor,
  type SweepMessage,
  triggerOf,
} from '../../../lib/fleet/message.ts';
import { RequestError } from '../../../lib/request/request.ts';
import { lateQueueEvent, queueEvent, ruleTick } from '../../helpers/aws-events.ts';
import { NOW } from '../../helpers/world.ts';

const MESSAGE: SweepMessage = {
  dispatchId: 'tick-1',
  trigger: 'schedule',
  dispatchedAt: NOW,
  credentials: 'reaper',
  payload: {},
  targets: ['a', 'b'],
};

describe('parseMessage', () => {
  it('reads what formatMessage wrote', () => {
    expect(parseMessage(formatMessage(MESSAGE))).toEqual(MESSAGE);
  });

  it.each([
    { name: 'no JSON', body: 'hush', problem: 'not JSON' },
    { name: 'another version', body: { ...MESSAGE, version: 2 }, problem: 'malformed: version' },
    { name: 'no targets', body: { ...MESSAGE, version: 1, targets: [] }, problem: 'malformed: targets' },
    { name: 'an unknown key', body: { ...MESSAGE, version: 1, secret: 'hush' }, problem: 'malformed: secret' },
    { name: 'a list', body: [], problem: 'malformed: ' },
  ])('refuses $name, and repeats nothing of it', ({ body, problem }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);

    expect(() => parseMessage(text)).toThrow(RequestError);
    expect(() => parseMessage(text)).toThrow(problem);
    expect(() => parseMessage(text)).not.toThrow('hush');
  });
});

describe('messageOf', () => {
  it('takes the message out of the event that AWS documents', () => {
    const event = queueEvent(formatMessage(MESSAGE));

    expect(isQueueEvent(event)).toBe(true);
    expect(messageOf(event)).toEqual(MESSAGE);
  });

  it.each([
    {
      name: 'when the dispatch says, also after a redrive has given it a new SentTimestamp',
      sentMs: 3_600_000,
      askedMs: 0,
    },
    { name: 'when SQS took it, where the dispatch had a clock that was ahead', sentMs: -5_000, askedMs: -5_000 },
  ])('was asked for $name', ({ sentMs, askedMs }) => {
    const event = lateQueueEvent(NOW + sentMs, formatMessage(MESSAGE));

    expect(messageOf(event).dispatchedAt).toBe(NOW + askedMs);
  });

  it.each([{}, { SentTimestamp: 'soon' }, undefined])('goes by the dispatch where SQS says %j', (attributes) => {
    const event = { Records: [{ eventSource: 'aws:sqs', body: formatMessage(MESSAGE), attributes }] };

    expect(messageOf(event).dispatchedAt).toBe(NOW);
  });

  it('refuses two at once, before either has been worked on', () => {
    const event = queueEvent(formatMessage(MESSAGE), formatMessage(MESSAGE));

    expect(() => messageOf(event)).toThrow('set the batch size to 1');
  });
});

describe('isQueueEvent', () => {
  it.each([
    { name: 'a tick', event: ruleTick() },
    { name: 'a payload', event: { target: 'prod' } },
    { name: 'no records', event: { Records: [] } },
    { name: 'records of another service', event: { Records: [{ eventSource: 'aws:s3', body: '' }] } },
    { name: 'nothing', event: null },
  ])('knows that $name is none', ({ event }) => {
    expect(isQueueEvent(event)).toBe(false);
  });
});

describe('requestFor', () => {
  it('makes of a tick a sweep that may be live', () => {
    expect(requestFor(MESSAGE, 'a')).toMatchObject({ trigger: 'schedule', target: 'a', dryRun: false });
  });

  it('makes of a payload by hand the sweep that the same payload makes when sent directly', () => {
    const payload = { dryRun: false, maxKills: 3, reason: 'stuck' };

    expect(requestFor({ trigger: 'manual', payload }, 'b')).toMatchObject({
      ...payload,
      trigger: 'manual',
      target: 'b',
    });
  });

  it('brings along when it was asked for, whatever the payload says', () => {
    const payload = { dryRun: false, askedAt: '2999-01-01T00:00:00Z' };

    expect(requestFor({ trigger: 'manual', payload, dispatchedAt: NOW }, 'b').askedAt).toBe(NOW);
    expect(requestFor(MESSAGE, 'a').askedAt).toBe(NOW);
  });

  it('takes a payload by hand for a dry run unless it says not', () => {
    expect(requestFor({ trigger: 'manual', payload: {} }, 'b').dryRun).toBe(true);
  });

  it('refuses what the sweep would refuse', () => {
    expect(() => requestFor({ trigger: 'manual', payload: { dryrun: false } }, 'b')).toThrow('dryrun: unknown key');
  });
});

describe('triggerOf', () => {
  it.each([
    { trigger: 'schedule', payload: {}, is: 'schedule' },
    { trigger: 'manual', payload: { dryRun: false }, is: 'manual' },
    { trigger: 'manual', payload: { kind: 'emergency' }, is: 'emergency' },
  ] as const)('tells by trigger and payload that a message brings $is', ({ trigger, payload, is }) => {
    expect(triggerOf({ trigger, payload })).toBe(is);
  });
});
