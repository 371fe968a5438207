import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askToResume,
  describeStop,
  formatStop,
  hasWords,
  isOverdue,
  parseStop,
  reasonProblem,
} from '../../../lib/settings/stop-order.ts';
import { isSetToStop, isSwitchOn } from '../../../lib/settings/switch.ts';
import { NOW } from '../../helpers/world.ts';

const UNTIL = Date.parse('2026-12-06T00:00:00Z');

describe('formatStop', () => {
  it.each([
    { order: { until: undefined, reason: undefined }, value: 'stop' },
    { order: { until: UNTIL, reason: undefined }, value: 'stop until 2026-12-06T00:00:00.000Z' },
    { order: { until: undefined, reason: 'month end' }, value: 'stop because month end' },
    { order: { until: UNTIL, reason: 'month end' }, value: 'stop until 2026-12-06T00:00:00.000Z because month end' },
  ])('writes $value, which is read again and never lets a job be cancelled', ({ order, value }) => {
    expect(formatStop(order)).toBe(value);
    expect(parseStop(value)).toEqual(order);
    expect(isSwitchOn({ value })).toBe(false);
    expect(hasWords(order)).toBe(value !== 'stop');
  });

  it('writes every allowed reason so that it can be read again', () => {
    const reason = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom('because of until', 'until 2026-12-06 because x', 'run'),
    );
    fc.assert(
      fc.property(reason, fc.option(fc.integer({ min: 0, max: UNTIL }), { nil: undefined }), (text, until) => {
        fc.pre(reasonProblem(text) === undefined);
        const order = { until, reason: text };

        expect(parseStop(formatStop(order))).toEqual(order);
      }),
      { seed: 1 },
    );
  });
});

describe('parseStop', () => {
  it.each([
    'run',
    'Stop',
    'stop ',
    ' stop',
    'stop\n',
    'stopped',
    'stop until soon',
    'stop until ',
    'stop because ',
    'stop month end',
    'stop because two\nlines',
    `stop because ${'x'.repeat(201)}`,
    '',
    undefined,
    1,
  ])('takes %j for no stop that somebody is known to want', (value) => {
    expect(parseStop(value)).toBeUndefined();
    expect(isSetToStop({ value }, NOW)).toBe(false);
  });
});

describe('reasonProblem', () => {
  it.each([
    { reason: 'month end', problem: undefined },
    { reason: 'x'.repeat(200), problem: undefined },
    { reason: 'x'.repeat(201), problem: 'has 201 characters; expected at most 200' },
    { reason: '', problem: 'is empty; say why, or leave it out' },
    { reason: ' ', problem: 'is empty; say why, or leave it out' },
    { reason: 'a\nb', problem: expect.stringContaining('cannot be seen, such as a line break') },
    { reason: 'a\u001b[2J', problem: expect.stringContaining('cannot be seen') },
    { reason: 'a\u202eb', problem: expect.stringContaining('cannot be seen') },
    { reason: 'a\u2028b', problem: expect.stringContaining('cannot be seen') },
  ])('finds $problem in $reason', ({ reason, problem }) => {
    expect(reasonProblem(reason)).toEqual(problem);
  });
});

describe('describeStop', () => {
  it('says until when and why', () => {
    expect(describeStop({ until: UNTIL, reason: 'month end' })).toBe('stop until 2026-12-06T00:00:00.000Z (month end)');
    expect(describeStop({ until: undefined, reason: undefined })).toBe('stop');
  });
});

describe('askToResume', () => {
  it('names the command', () => {
    const words = 'but sweeps do not resume by themselves; run dli-reaper resume --stage';

    expect(askToResume({ until: UNTIL, reason: 'x' }, 'prod')).toBe(
      `the stop ended at 2026-12-06T00:00:00.000Z, ${words} prod to let them cancel again`,
    );
    expect(askToResume({ until: UNTIL, reason: undefined })).toContain(`${words} …`);
    expect(isOverdue({ until: undefined, reason: undefined }, NOW)).toBe(false);
  });
});
