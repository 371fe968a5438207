import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, type TestContext } from 'vitest';
import { createSentRecord } from '../../../lib/notify/sent-record.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { startNotifyAws } from '../../helpers/notify-aws.ts';
import { HOUR } from '../../helpers/world.ts';

async function start(context: TestContext) {
  const aws = await startNotifyAws();
  context.onTestFinished(aws.close);
  const clock = fakeClock();
  const client = new DynamoDBClient(aws.client);
  context.onTestFinished(() => client.destroy());
  return { aws, clock, record: createSentRecord(client, 'sent', clock.now) };
}

const keysOf = (count: number) => Array.from({ length: count }, (_, i) => `key ${i}`);

describe('the record of what was sent', () => {
  it('knows what was added until its end, whether DynamoDB has deleted it or not', async (context) => {
    const { aws, clock, record } = await start(context);

    await record.add([
      { key: 'a', until: clock.now() + HOUR },
      { key: 'b', until: clock.now() + 2 * HOUR },
    ]);
    expect(await record.among(['a', 'b', 'c'])).toEqual(new Set(['a', 'b']));

    clock.pass(HOUR + 1_000);
    expect(await record.among(['a', 'b', 'c'])).toEqual(new Set(['b']));
    expect(aws.table.get('a')).toEqual({ key: { S: 'a' }, until: { N: expect.stringMatching(/^\d{10}$/) } });
  });

  it('asks for a key once, and for nothing if there is none', async (context) => {
    const { aws, record } = await start(context);

    expect(await record.among([])).toEqual(new Set());
    await record.among(['a', 'a']);

    expect(aws.calls.map(({ operation }) => operation)).toEqual(['BatchGetItem']);
  });

  it('reads and writes more than a call of DynamoDB takes', async (context) => {
    const { clock, record } = await start(context);
    const keys = keysOf(230);

    await record.add(keys.map((key) => ({ key, until: clock.now() + HOUR })));

    expect(await record.among(keys)).toEqual(new Set(keys));
  });

  it('goes on with what DynamoDB left undone, but not for ever', async (context) => {
    const { aws, clock, record } = await start(context);
    const items = keysOf(20).map((key) => ({ key, until: clock.now() + HOUR }));
    aws.limits.entries = 7;

    await record.add(items);
    expect(await record.among(keysOf(20))).toEqual(new Set(keysOf(20)));

    aws.limits.entries = 0;
    await expect(record.add(items)).rejects.toThrow('DynamoDB leaves a part undone each time');
  });

  it.each([
    { operation: 'BatchGetItem', what: 'read' },
    { operation: 'BatchWriteItem', what: 'written' },
  ])('names the table that cannot be $what, and shows nothing of the answer', async ({ operation, what }) => {
    const aws = await startNotifyAws();
    aws.refused.add(operation);
    const record = createSentRecord(new DynamoDBClient(aws.client), 'sent', () => 0);

    const asked = what === 'read' ? record.among(['a']) : record.add([{ key: 'a', until: 1 }]);

    await expect(asked).rejects.toThrow(`the table sent cannot be ${what} (AccessDeniedException)`);
    await aws.close();
  });
});
