import { describe, expect, it } from 'vitest';
import { parseRateHint } from '../../../lib/dli/pacing.ts';

describe('parseRateHint', () => {
  it.each([
    ['The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute', 60, 60_000],
    ['policy user over ratelimit,limit:10,time:5 second', 10, 5_000],
    ['limit: 7, time: 30 second', 7, 30_000],
  ])('reads %j', (text, calls, windowMs) => {
    expect(parseRateHint(text)).toEqual({ calls, windowMs });
  });

  it.each([
    '',
    'too many requests',
    'limit:0,time:1 minute',
    'limit:60,time:0 minute',
    'limit:1,time:1 day',
    'limit:200,time:1 hour',
    'limit:200,time:2 minute',
  ])('makes nothing of %j', (text) => {
    expect(parseRateHint(text)).toBeUndefined();
  });
});
