import { describe, expect, it } from 'vitest';
import { timerMs } from '../../../lib/http/timeout.ts';

describe('timerMs', () => {
  it.each([
    { ms: 250, name: 'a time', is: 250 },
    { ms: -6_660_000, name: 'a deadline that has passed, which is over at once', is: 0 },
    { ms: Number.POSITIVE_INFINITY, name: 'no deadline, which is the longest that a timer can wait', is: 2 ** 31 - 1 },
  ])('is $is for $name', ({ ms, is }) => {
    expect(timerMs(ms)).toBe(is);
  });
});
