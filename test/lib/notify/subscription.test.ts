import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eventOf, linesOf, SubscriptionError } from '../../../lib/notify/subscription.ts';
import { controlEvent, subscriptionEvent } from '../../helpers/notices.ts';

const zipped = (text: string) => ({ awslogs: { data: gzipSync(text).toString('base64') } });

describe('linesOf', () => {
  it('unpacks each line as it was written, in the order of the event', () => {
    expect(linesOf(subscriptionEvent(['b', '{"a":1}', 'ü\n']))).toEqual(['b', '{"a":1}', 'ü\n']);
  });

  it('reads what eventOf packs', () => {
    expect(linesOf(eventOf(['b', '{"a":1}', 'ü\n']))).toEqual(['b', '{"a":1}', 'ü\n']);
  });

  it('finds none in a control message', () => {
    expect(linesOf(controlEvent())).toEqual([]);
  });

  it.each([
    { name: 'null', event: null },
    { name: 'a tick', event: { source: 'aws.scheduler' } },
    { name: 'data that is no text', event: { awslogs: { data: 7 } } },
    { name: 'data that is not gzip', event: { awslogs: { data: Buffer.from('secret-7').toString('base64') } } },
    { name: 'gzip that is cut off', event: { awslogs: { data: zipped('{}').awslogs.data.slice(0, 12) } } },
    { name: 'gzip that is not JSON', event: zipped('secret-7') },
    { name: 'JSON without logEvents', event: zipped('{"messageType":"DATA_MESSAGE","x":"secret-7"}') },
    { name: 'a message of another type', event: zipped('{"messageType":"secret-7","logEvents":[]}') },
  ])('refuses $name, and shows nothing of it', ({ event }) => {
    let thrown: unknown;
    try {
      linesOf(event);
    } catch (error) {
      thrown = error;
    }

    expect(thrown).toBeInstanceOf(SubscriptionError);
    expect(String(thrown)).not.toContain('secret-7');
  });
});
