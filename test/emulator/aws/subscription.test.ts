import { describe, expect, it } from 'vitest';
import { createSubscription } from '../../../emulator/aws/subscription.ts';
import { linesOf } from '../../../lib/notify/subscription.ts';

const GROUP = '/aws/lambda/sweep';
const MESSAGES = ['a', 'b', 'c'].map((owner) => JSON.stringify({ msg: 'message', owner }));

/** A subscription whose function ends when it is let go. */
function start() {
  const events: string[][] = [];
  const running: (() => void)[] = [];
  const subscription = createSubscription({
    logGroups: [GROUP],
    invoke: (event) => {
      events.push(linesOf(event));
      return new Promise<void>((resolve) => running.push(resolve));
    },
  });
  return { ...subscription, events, finish: () => running.shift()?.() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('createSubscription', () => {
  it('passes on the messages of its log groups, and nothing else', async () => {
    const { take, events } = start();

    take(GROUP, 'START RequestId: 1');
    take(GROUP, '{"msg":"sweep finished"}');
    for (const line of MESSAGES) take(GROUP, line);
    take('/aws/lambda/notify', MESSAGES[0] ?? '');
    await turn();

    expect(events).toEqual([MESSAGES]);
  });

  it('passes on together what comes while the function runs, and nothing after its end', async () => {
    const { take, events, finish, end } = start();
    const [first = '', ...others] = MESSAGES;

    take(GROUP, first);
    await turn();
    for (const line of others) take(GROUP, line);
    await turn();
    expect(events).toEqual([[first]]);

    finish();
    await turn();
    expect(events).toEqual([[first], others]);

    take(GROUP, first);
    end();
    finish();
    await turn();
    expect(events).toHaveLength(2);
  });
});
