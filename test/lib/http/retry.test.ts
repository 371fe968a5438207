import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, createRetryBudget, parseRetryAfter, type RetryOptions, retry } from '../../../lib/http/retry.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { HOUR, NOW } from '../../helpers/world.ts';

describe('backoffMs', () => {
  it.each([
    { attempt: 1, ms: 299 },
    { attempt: 2, ms: 599 },
    { attempt: 3, ms: 1_199 },
    { attempt: 5, ms: 4_799 },
    { attempt: 6, ms: 7_999 },
    { attempt: 2_000, ms: 7_999 },
  ])('waits up to $ms ms after attempt $attempt', ({ attempt, ms }) => {
    expect(backoffMs(attempt, { baseMs: 300, capMs: 8_000 }, () => 0.9999)).toBe(ms);
    expect(backoffMs(attempt, { baseMs: 300, capMs: 8_000 }, () => 0)).toBe(0);
  });

  it('is always whole milliseconds from zero up to the smaller of ceiling and cap', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const backoff = fc.record({ baseMs: fc.integer({ min: 1, max: 10_000 }), capMs: fc.nat({ max: 60_000 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), backoff, random, (attempt, { baseMs, capMs }, drawn) => {
        const ms = backoffMs(attempt, { baseMs, capMs }, () => drawn);

        expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= capMs).toBe(true);
        if (attempt === 1) expect(ms).toBeLessThanOrEqual(baseMs);
      }),
    );
  });
});

/** Retries an operation that fails as often as `failures` is long, half of each ceiling apart. */
function run(failures: readonly Error[], options: Partial<RetryOptions> = {}, clock = fakeClock()) {
  const attempts: number[] = [];
  const result = retry(
    async (attempt) => {
      attempts.push(attempt);
      const failure = failures[attempt - 1];
      if (failure !== undefined) throw failure;
      return 'done';
    },
    {
      baseMs: 300,
      capMs: 8_000,
      maxAttempts: 4,
      deadlineAt: NOW + HOUR,
      isRetryable: () => true,
      retryAfterMs: () => undefined,
      budget: createRetryBudget({ initial: 100, perSuccess: 0 }),
      ...options,
    },
    { clock, random: () => 0.5 },
  );
  return { clock, attempts, result };
}

const [one, two, three, four] = [new Error('one'), new Error('two'), new Error('three'), new Error('four')];

describe('retry', () => {
  it('does not wait when the first attempt succeeds', async () => {
    const { result, attempts, clock } = run([]);

    expect(await result).toBe('done');
    expect([attempts, clock.sleeps]).toEqual([[1], []]);
  });

  it('waits ever longer between attempts, and brings back the first success', async () => {
    const { result, attempts, clock } = run([one, two, three]);

    expect(await result).toBe('done');
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(clock.sleeps).toEqual([150, 300, 600]);
  });

  it('throws the last error itself after maxAttempts calls in all', async () => {
    const { result, attempts, clock } = run([one, two, three, four]);

    await expect(result).rejects.toBe(four);
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(clock.sleeps).toHaveLength(3);
  });

  it('calls once when maxAttempts is 1', async () => {
    const { result, attempts } = run([one], { maxAttempts: 1 });

    await expect(result).rejects.toBe(one);
    expect(attempts).toEqual([1]);
  });

  it('throws at once what is not retryable', async () => {
    const { result, attempts, clock } = run([one, two], { isRetryable: (error) => error !== two });

    await expect(result).rejects.toBe(two);
    expect([attempts, clock.sleeps]).toEqual([[1, 2], [150]]);
  });

  it.each([
    { name: 'at', deadlineAt: NOW + 150, attempts: [1] },
    { name: 'after', deadlineAt: NOW + 149, attempts: [1] },
    { name: 'a millisecond before', deadlineAt: NOW + 151, attempts: [1, 2] },
  ])('attempts $attempts when the first wait would end $name the deadline', async ({ deadlineAt, attempts }) => {
    const { result, attempts: made } = run([one, two, three, four], { deadlineAt });

    await expect(result).rejects.toBe(attempts.length === 1 ? one : two);
    expect(made).toEqual(attempts);
  });

  it.each([
    { name: 'longer than the backoff', askedMs: 5_000, sleeps: [5_000, 5_000] },
    { name: 'shorter than the backoff', askedMs: 200, sleeps: [200, 300] },
    { name: 'zero', askedMs: 0, sleeps: [150, 300] },
  ])('waits the longer of backoff and what the server asks for: $name', async ({ askedMs, sleeps }) => {
    const { result, clock } = run([one, two], { retryAfterMs: () => askedMs });

    await result;
    expect(clock.sleeps).toEqual(sleeps);
  });

  it('does not begin a wait asked for by the server that would cross the deadline', async () => {
    const { result, clock } = run([one], { retryAfterMs: () => HOUR });

    await expect(result).rejects.toBe(one);
    expect(clock.sleeps).toEqual([]);
  });

  it('throws the error itself, and attempts no more, when a wait is aborted', async () => {
    const stop = new AbortController();
    const clock = fakeClock(() => stop.abort());

    const { result, attempts } = run([one], { signal: stop.signal }, clock);

    await expect(result).rejects.toBe(one);
    expect([attempts, clock.sleeps]).toEqual([[1], [150]]);
  });

  it('begins no wait once it is aborted', async () => {
    const { result, clock } = run([one], { signal: AbortSignal.abort() });

    await expect(result).rejects.toBe(one);
    expect(clock.sleeps).toEqual([]);
  });

  it('repeats every call once for free, and pays for each further repetition', async () => {
    const budget = createRetryBudget({ initial: 1, perSuccess: 0 });

    const paid = run([one, two, three], { budget });
    await expect(paid.result).rejects.toBe(three);
    const free = run([one, two], { budget });
    await expect(free.result).rejects.toBe(two);

    expect([paid.attempts, free.attempts]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
  });

  it('earns by every success, and by no failure', async () => {
    const budget = createRetryBudget({ initial: 1, perSuccess: 1 });
    budget.spend();

    await expect(run([one], { budget, maxAttempts: 1 }).result).rejects.toBe(one);
    expect(budget.spend()).toBe(false);

    await run([], { budget }).result;
    expect(budget.spend()).toBe(true);
  });
});

describe('createRetryBudget', () => {
  it('gives what it has, and then no more', () => {
    const budget = createRetryBudget({ initial: 2, perSuccess: 1 });

    expect([budget.spend(), budget.spend(), budget.spend()]).toEqual([true, true, false]);
  });

  it('adds up what successes bring, but never beyond what it began with', () => {
    const budget = createRetryBudget({ initial: 1, perSuccess: 0.5 });
    budget.spend();

    budget.earn();
    expect(budget.spend()).toBe(false);

    for (let i = 0; i < 10; i++) budget.earn();
    expect([budget.spend(), budget.spend()]).toEqual([true, false]);
  });
});

describe('parseRetryAfter', () => {
  it.each([
    { name: 'seconds', value: '5', ms: 5_000 },
    { name: 'zero seconds', value: '0', ms: 0 },
    { name: 'seconds with spaces around', value: ' 5 ', ms: 5_000 },
    { name: 'more seconds than the cap', value: '31', ms: 30_000 },
    { name: 'more seconds than a number holds', value: '9'.repeat(400), ms: 30_000 },
    { name: 'a date', value: 'Mon, 05 Jan 2026 09:00:10 GMT', ms: 10_000 },
    { name: 'a date of the older form', value: 'Monday, 05-Jan-26 09:00:10 GMT', ms: 10_000 },
    { name: 'a date beyond the cap', value: 'Tue, 06 Jan 2026 09:00:00 GMT', ms: 30_000 },
    { name: 'a date that has passed', value: 'Mon, 05 Jan 2026 08:59:59 GMT', ms: 0 },
  ])('reads $name', ({ value, ms }) => {
    expect(parseRetryAfter(value, NOW, 30_000)).toBe(ms);
  });

  it.each([undefined, '', ' ', 'soon', '5s', 'NaN'])('overlooks %j', (value) => {
    expect(parseRetryAfter(value, NOW, 30_000)).toBeUndefined();
  });

  it('never gives anything but nothing or a wait from zero up to the cap', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.integer().map(String)), (value) => {
        const ms = parseRetryAfter(value, NOW, 30_000) ?? 0;

        expect(ms >= 0 && ms <= 30_000).toBe(true);
      }),
    );
  });
});
