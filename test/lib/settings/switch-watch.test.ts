import { describe, expect, it } from 'vitest';
import { SwitchedOff, watchSwitch } from '../../../lib/settings/switch-watch.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';

/** Says each in turn, and then ends the watch, for no test may wait for ever. */
function script(answers: (boolean | Error)[]) {
  const clock = fakeClock();
  let looks = 0;
  const done = Promise.withResolvers<void>();
  const watch = watchSwitch(
    async () => {
      const answer = answers[looks++];
      if (answer === undefined || answer === false || answer instanceof Error) done.resolve();
      if (answer === undefined) watch.end();
      if (answer instanceof Error) throw answer;
      return answer ?? true;
    },
    { clock, deadlineAt: Number.POSITIVE_INFINITY },
  );
  return { clock, watch, done: done.promise.then(() => new Promise(setImmediate)), looks: () => looks };
}

describe('watchSwitch', () => {
  it('looks at once and every ten seconds, and stops the sweep once the switch is no longer set to run', async () => {
    const { clock, watch, done } = script([true, true, true, false]);

    await watch.start();
    await done;

    expect(watch.signal.reason).toEqual(new SwitchedOff('the switch is no longer set to run'));
    expect(clock.sleeps).toEqual([10_000, 10_000, 10_000]);
  });

  it('stops the sweep if the switch can no longer be read', async () => {
    const { watch, done } = script([true, new Error('AccessDenied')]);

    await watch.start();
    await done;

    expect(watch.signal.reason).toEqual(new SwitchedOff('the switch can no longer be read'));
  });

  it('does not stop the sweep while the switch is set to run, and stops looking once it has ended', async () => {
    const { watch, done, looks } = script([true, true]);

    await watch.start();
    await done;

    expect(watch.signal.aborted).toBe(false);
    expect(looks()).toBe(3);
  });

  it('stops the sweep if a look has no answer before the deadline, so that there is time for the report', async () => {
    const never = new Promise<boolean>(() => {});
    const clock = fakeClock();
    const watch = watchSwitch(() => never, { clock, deadlineAt: clock.now() + 1 });

    await watch.start();

    expect(watch.signal.reason).toEqual(new SwitchedOff('the switch can no longer be read'));
  });

  it('looks once before start returns, and starts once however often it is called', async () => {
    const { clock, watch, looks } = script([false]);
    expect(looks()).toBe(0);

    await watch.start();
    await watch.start();

    expect(watch.signal.aborted).toBe(true);
    expect(looks()).toBe(1);
    expect(clock.sleeps).toEqual([]);
  });
});
