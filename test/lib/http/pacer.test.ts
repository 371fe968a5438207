import { describe, expect, it } from 'vitest';
import { LIMITS, supply } from '../../../bench/limits.ts';
import { countFirstRefusals, countLostRoundTrips, runThrottledCalls } from '../../../bench/throttled-calls.ts';
import { createVirtualClock } from '../../../bench/virtual-clock.ts';
import { createThrottle } from '../../../emulator/gateway/throttle.ts';
import { createDliPacer as createPacer, type DliTurn as Turn } from '../../../lib/dli/pacing.ts';
import { TurnMissed } from '../../../lib/http/pacer.ts';

class TooMany extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(retryAfterMs?: number) {
    super('too many');
    this.retryAfterMs = retryAfterMs;
  }
}

const turn = (fields: Partial<Turn> = {}): Turn => ({
  priority: 'list',
  notAfter: Number.POSITIVE_INFINITY,
  isAnswer: () => false,
  refusalIn: (error) => (error instanceof TooMany ? { hint: undefined, retryAfterMs: error.retryAfterMs } : undefined),
  ...fields,
});

/** A pacer whose calls take 100 ms each and are put on record. */
function makePacer(maxConcurrent: number) {
  const clock = createVirtualClock();
  const pacer = createPacer({ clock, maxConcurrent });
  const log: string[] = [];
  const call = (name: string, error?: Error) => async () => {
    log.push(`${clock.now()} ${name}`);
    await clock.sleep(100);
    if (error) throw error;
    return name;
  };
  return { clock, pacer, log, call };
}

describe('a pacer that has met no refusal', () => {
  it('holds nothing back but what exceeds the connections', async () => {
    const { clock, pacer, log, call } = makePacer(2);

    await clock.runUntil(Promise.all(['a', 'b', 'c'].map((name) => pacer.run(turn(), call(name)))));

    expect(log).toEqual(['0 a', '0 b', '100 c']);
    expect(pacer.isLimited()).toBe(false);
  });

  it('lets cancels go before lists, and lists before status reads', async () => {
    const { clock, pacer, log, call } = makePacer(1);
    const priorities = ['list', 'status', 'list', 'cancel', 'status', 'cancel'] as const;

    await clock.runUntil(
      Promise.all(priorities.map((priority, i) => pacer.run(turn({ priority }), call(`${priority} ${i}`)))),
    );

    expect(log.map((line) => line.replace(/^\d+ /, ''))).toEqual([
      'list 0',
      'cancel 3',
      'cancel 5',
      'list 2',
      'status 1',
      'status 4',
    ]);
  });

  it('passes on what a call returns and throws', async () => {
    const { clock, pacer, call } = makePacer(1);

    expect(await clock.runUntil(pacer.run(turn(), call('a')))).toBe('a');
    await expect(clock.runUntil(pacer.run(turn(), call('b', new Error('broken'))))).rejects.toThrow('broken');
    expect(pacer.isLimited()).toBe(false);
  });

  it('does not make a call whose turn would come at its last moment or later', async () => {
    const { clock, pacer, log, call } = makePacer(1);
    const first = pacer.run(turn(), call('first'));
    const late = pacer.run(turn({ notAfter: 100 }), call('late'));

    const results = await clock.runUntil(Promise.allSettled([first, late]));

    expect(results[1]).toMatchObject({ status: 'rejected', reason: expect.any(TurnMissed) });
    expect(log).toEqual(['0 first']);
  });
});

describe('a pacer that has been refused', () => {
  it('waits for as long as the gateway asks, with every call', async () => {
    const { clock, pacer, log, call } = makePacer(4);

    await clock.runUntil(pacer.run(turn(), call('refused', new TooMany(5_000))).catch(() => undefined));
    await clock.runUntil(Promise.all([pacer.run(turn(), call('a')), pacer.run(turn(), call('b'))]));

    expect(pacer.isLimited()).toBe(true);
    expect(log.slice(0, 2)).toEqual(['0 refused', '5100 a']);
  });

  it('asks with one call alone, ever more seldom, until one is accepted', async () => {
    const { clock, pacer, log, call } = makePacer(8);
    const refused = () => pacer.run(turn(), call('refused', new TooMany())).catch(() => undefined);

    await clock.runUntil(refused());
    await clock.runUntil(Promise.all(Array.from({ length: 8 }, refused)));

    const times = log.map((line) => Number(line.split(' ')[0]));
    const gaps = times.slice(2).map((at, i) => at - (times[i + 1] ?? 0));
    expect(gaps.every((gap, i) => gap >= (gaps[i - 1] ?? 0))).toBe(true);
    expect(Math.max(...gaps)).toBe(10_100);
  });

  it('lets a refused call keep its place in line', async () => {
    const { clock, pacer, log, call } = makePacer(1);
    const urgent = turn();
    const twice = pacer.run(urgent, call('urgent', new TooMany())).catch(() => pacer.run(urgent, call('urgent again')));
    const others = ['a', 'b'].map((name) => pacer.run(turn(), call(name)));

    await clock.runUntil(Promise.all([twice, ...others]));

    expect(log.map((line) => line.replace(/^\d+ /, ''))).toEqual(['urgent', 'urgent again', 'a', 'b']);
  });

  it('drops a waiting call that is no longer wanted', async () => {
    const { clock, pacer, log, call } = makePacer(4);
    const stop = new AbortController();
    await clock.runUntil(pacer.run(turn(), call('refused', new TooMany(60_000))).catch(() => undefined));

    const waiting = pacer.run(turn({ signal: stop.signal }), call('unwanted'));
    stop.abort();

    await expect(clock.runUntil(waiting)).rejects.toBeInstanceOf(TurnMissed);
    expect(log).toEqual(['0 refused']);
    expect(clock.now()).toBeLessThan(5_000);
  });
});

describe('a pacer that does not know yet whether there is a limit', () => {
  it.each([20, 250])(
    'meets at most ten refusals where a small bucket of calls at once is empty (%i ms)',
    async (delayMs) => {
      for (let burst = 1; burst <= 16; burst += 1) {
        expect(await countFirstRefusals({ burst, connections: 32, delayMs }), `${burst} at once`).toBeLessThanOrEqual(
          10,
        );
      }
    },
  );

  it.each([20, 250])('meets at most one refusal a connection where any other is (%i ms)', async (delayMs) => {
    for (const burst of [17, 18, 20, 24, 32, 50, 100, 200]) {
      expect(await countFirstRefusals({ burst, connections: 32, delayMs }), `${burst} at once`).toBeLessThanOrEqual(32);
    }
  });

  it.each([20, 250])('loses at most three round trips where there is none (%i ms)', async (delayMs) => {
    expect(await countLostRoundTrips({ connections: 32, delayMs })).toBeLessThanOrEqual(3);
  });
});

describe('a pacer that is asked to wait', () => {
  /** Forty calls after one that is refused, or after every n-th, against no limit at all. @returns the seconds they take. */
  async function secondsFor(calls: number, isRefused: (n: number) => boolean, retryAfterMs: number) {
    const clock = createVirtualClock();
    const pacer = createPacer({ clock, maxConcurrent: 32 });
    let sent = 0;
    const send = async () => {
      sent += 1;
      const isTooMany = isRefused(sent);
      await clock.sleep(60);
      if (isTooMany) throw new TooMany(retryAfterMs);
    };
    const sendUntilAccepted = async (own = turn()): Promise<void> => {
      try {
        await pacer.run(own, send);
      } catch (error) {
        if (!(error instanceof TooMany)) throw error;
        return sendUntilAccepted(own);
      }
    };
    await clock.runUntil(sendUntilAccepted());
    await clock.runUntil(Promise.all(Array.from({ length: calls - 1 }, () => sendUntilAccepted())));
    return clock.now() / 1_000;
  }

  it.each([2, 10])('takes a pause of %i s for a pause, and not for the rate', async (seconds) => {
    expect(await secondsFor(40, (n) => n === 1, seconds * 1_000)).toBeLessThan(seconds + 1.5);
  });

  it('needs hardly more than its pauses where one call in twelve is refused', async () => {
    const pausesS = (330 / 11) * 2;

    expect(await secondsFor(330, (n) => n % 12 === 0, 2_000)).toBeLessThan(pausesS);
  });

  it.each(LIMITS)(
    'still finds a limit of $name that asks for a second with each refusal',
    async ({ calls, limitAt }) => {
      const limited = (now: number) => ({ ...limitAt(now), isNamed: false });

      const { acceptedAt } = await runThrottledCalls({
        calls,
        limitAt: limited,
        connections: 32,
        delayMs: 20,
        retryAfterMs: 1_000,
      });

      expect(supply(limitAt, 0, acceptedAt.at(-1) ?? 0) / calls).toBeLessThan(1.25);
    },
  );
});

describe('a pacer that has been idle, or answered with errors', () => {
  /** So many calls against a limit of ten a second that is never named. @returns the seconds they took. */
  async function makeLimited(isFailing: (n: number) => boolean = () => false) {
    const clock = createVirtualClock();
    const pacer = createPacer({ clock, maxConcurrent: 32 });
    const refuse = createThrottle(() => ({ calls: 10, windowMs: 1_000, isNamed: false }), clock.now);
    let answered = 0;
    const send = async () => {
      await clock.sleep(60);
      if (refuse('user', 'request') !== undefined) throw new TooMany();
      answered += 1;
      if (isFailing(answered)) throw new Error('an answer, though not a kind one');
    };
    const own = turn({ isAnswer: () => true });
    const sendUntilAnswered = async (): Promise<void> => {
      try {
        await pacer.run({ ...own }, send);
      } catch (error) {
        if (error instanceof TooMany) return sendUntilAnswered();
      }
    };
    const play = async (calls: number) => {
      const from = clock.now();
      await clock.runUntil(Promise.all(Array.from({ length: calls }, sendUntilAnswered)));
      return (clock.now() - from) / 1_000;
    };
    return { clock, play };
  }

  it.each([5, 60, 3_600])('is as fast after %i idle seconds as without', async (idleSeconds) => {
    const { clock, play } = await makeLimited();
    await play(300);

    await clock.runUntil(clock.sleep(idleSeconds * 1_000));

    expect(await play(300)).toBeLessThan(33);
  });

  it('is as fast when the gateway lets calls through that DLI then declines', async () => {
    const { play } = await makeLimited((n) => n % 10 !== 0);

    await play(100);

    expect(await play(300)).toBeLessThan(33);
  });

  it('goes on when the clock is set back', async () => {
    let offset = 0;
    const virtual = createVirtualClock(10_000_000);
    const clock = { now: () => virtual.now() + offset, sleep: virtual.sleep };
    const pacer = createPacer({ clock, maxConcurrent: 1 });
    await virtual.runUntil(pacer.run(turn(), async () => {}));

    offset = -3_600_000;

    await expect(
      virtual.runUntil(pacer.run(turn({ notAfter: clock.now() + 60_000 }), async () => 'sent')),
    ).resolves.toBe('sent');
  });
});

describe.each(LIMITS)('against a limit of $name', ({ calls, limitAt }) => {
  it.each([
    { isNamed: true, delayMs: 20 },
    { isNamed: true, delayMs: 250 },
    { isNamed: false, delayMs: 20 },
    { isNamed: false, delayMs: 250 },
  ])(
    'needs at most a tenth more time, and two refusals a connection, after ten seconds (named: $isNamed, $delayMs ms)',
    async ({ isNamed, delayMs }) => {
      const connections = 32;
      const limited = (now: number) => ({ ...limitAt(now), isNamed });

      const { acceptedAt, refusedAt } = await runThrottledCalls({ calls, limitAt: limited, connections, delayMs });

      const later = acceptedAt.filter((at) => at >= 10_000).length;
      expect(acceptedAt).toHaveLength(calls);
      expect(supply(limitAt, 10_000, acceptedAt.at(-1) ?? 0) / later).toBeLessThanOrEqual(1.1);
      expect(refusedAt.filter((at) => at >= 10_000).length).toBeLessThanOrEqual(2 * connections);
    },
  );
});
