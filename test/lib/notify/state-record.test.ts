import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, type TestContext } from 'vitest';
import { createStateRecord } from '../../../lib/notify/state-record.ts';
import { afterLine, UNSEEN_TARGET } from '../../../lib/notify/target-state.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { startNotifyAws } from '../../helpers/notify-aws.ts';
import { NOW } from '../../helpers/world.ts';

async function start(context: TestContext) {
  const aws = await startNotifyAws();
  context.onTestFinished(aws.close);
  const client = new DynamoDBClient(aws.client);
  context.onTestFinished(() => client.destroy());
  return { aws, record: createStateRecord(client, 'sent', fakeClock().now) };
}

const STATE = afterLine(UNSEEN_TARGET, { status: 'stopped', at: NOW, dryRun: true }, true);

describe('the record of the states of targets', () => {
  it('knows what was written, and nothing of another target', async (context) => {
    const { aws, record } = await start(context);

    await record.change('lake', () => STATE);

    expect(await record.read('lake')).toEqual(STATE);
    expect(await record.read('sea')).toEqual(UNSEEN_TARGET);
    expect(aws.table.get('lake')?.until).toEqual({ N: String(NOW / 1_000 + 30 * 86_400) });
  });

  it('starts again from what another process wrote meanwhile, so that nothing is lost', async (context) => {
    const { record } = await start(context);
    await record.change('lake', () => STATE);

    await Promise.all([
      record.change('lake', (state) => ({ ...state, seenAt: state.seenAt + 1 })),
      record.change('lake', (state) => ({ ...state, seenAt: state.seenAt + 2 })),
    ]);

    expect(await record.read('lake')).toEqual({ ...STATE, seenAt: STATE.seenAt + 3 });
  });

  it('gives up if others are faster each time', async (context) => {
    const { aws, record } = await start(context);
    let times = 0;

    const changed = record.change('lake', (state) => {
      times += 1;
      aws.table.set('lake', { key: { S: 'lake' }, state: { S: String(times) } });
      return state;
    });

    await expect(changed).rejects.toThrow('the table sent cannot be written: others were faster each time');
  });

  it.each([
    { operation: 'GetItem', what: 'read' },
    { operation: 'PutItem', what: 'written' },
  ])('names the table that cannot be $what, and shows nothing of the answer', async ({ operation, what }) => {
    const aws = await startNotifyAws();
    aws.refused.add(operation);
    const record = createStateRecord(new DynamoDBClient(aws.client), 'sent', () => 0);

    await expect(record.change('lake', () => STATE)).rejects.toThrow(
      `the table sent cannot be ${what} (AccessDeniedException)`,
    );
    await aws.close();
  });
});
