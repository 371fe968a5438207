import { describe, expect, it } from 'vitest';
import { isSetToStop } from '../../../lib/settings/switch.ts';
import { NOW } from '../../helpers/world.ts';

describe('isSetToStop', () => {
  it.each([
    { value: 'stop', is: true },
    { value: 'stop because month end', is: true },
    { value: 'stop until 2026-01-05T09:00:00.001Z', is: true },
    { value: 'stop until 2026-01-05T09:00:00.000Z', is: false },
    { value: 'stop until 2026-01-05T08:00:00.000Z because month end', is: false },
  ])('takes $value for what somebody wants, until its time is over: $is', ({ value, is }) => {
    expect(isSetToStop({ value }, NOW)).toBe(is);
  });
});
