import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../lib/base/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['90s', 90_000],
    ['45m', 2_700_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['2h45m', 9_900_000],
    ['1w2d3h4m5s', 788_645_000],
    ['90m', 5_400_000],
    ['0s', 0],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', ' ', '2', '24', '2 h', '2H', '-2h', '1.5h', '2h2h', '5m2h', 'h', '2ms', '2y', 'P1D', '１h', '2h\n'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(RangeError);
    },
  );

  it('says how to write a bare number', () => {
    expect(() => parseDuration('24')).toThrow('write the unit, such as 24m');
  });

  it('refuses what no longer fits in a number of milliseconds', () => {
    expect(() => parseDuration('99999999999999w')).toThrow('too large');
  });

  it('reads back everything that formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });

  it('never gives anything but a whole number of milliseconds that is not negative', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let ms: number;
        try {
          ms = parseDuration(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(Number.isSafeInteger(ms) && ms >= 0).toBe(true);
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [999, '0s'],
    [90_000, '1m30s'],
    [9_900_000, '2h45m'],
    [86_400_000, '1d'],
    [604_800_000, '1w'],
  ])('writes %i ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
