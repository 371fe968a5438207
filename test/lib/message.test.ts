import { describe, expect, it } from 'vitest';
import {
  formatMessage,
  isQueueEvent,
  messageOf,
  parseMessage,
  requestFor,
  type SweepMessage,
} from '../../lib/message.ts';
import { RequestError } from '../../lib/request.ts';
import { queueEvent, ruleTick } from '../helpers/aws-events.ts';
import { NOW } from '../helpers/world.ts';

const MESSAGE: SweepMessage = {
  ...{ dispatchId: 'tick-1', trigger: 'schedule', dispatchedAt: NOW, credentials: 'reaper', payload: {} },
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

  it('takes a payload by hand for a dry run unless it says not', () => {
    expect(requestFor({ trigger: 'manual', payload: {} }, 'b').dryRun).toBe(true);
  });

  it('refuses what the sweep would refuse', () => {
    expect(() => requestFor({ trigger: 'manual', payload: { dryrun: false } }, 'b')).toThrow('dryrun: unknown key');
  });
});
