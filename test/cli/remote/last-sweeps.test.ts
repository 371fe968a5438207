import { describe, expect, it } from 'vitest';
import { judgeSchedule } from '../../../cli/remote/last-sweeps.ts';
import type { EndLine } from '../../../lib/sweep/past/cloudwatch-log.ts';
import { MINUTE, NOW } from '../../helpers/world.ts';

const failedTick: EndLine = {
  id: '1',
  at: NOW,
  record: 'sweep',
  msg: 'sweep could not run',
  fields: {
    msg: 'sweep could not run',
    target: 'lake',
    trigger: 'schedule',
    periodMinutes: 15,
  },
};

describe('judgeSchedule', () => {
  const tick = (minutesAgo: number, fields: { trigger?: 'manual'; periodMinutes?: number } = {}): EndLine => ({
    id: '1',
    at: NOW - minutesAgo * MINUTE,
    record: 'sweep',
    msg: 'sweep finished',
    fields: { trigger: 'schedule', target: 'lake', ...fields },
  });

  it.each([
    { title: 'two periods are not over', lines: [tick(45), tick(29, { periodMinutes: 15 })], isAlive: true },
    { title: 'two periods are over', lines: [tick(46), tick(31, { periodMinutes: 15 })], isAlive: false },
    { title: 'its period is long', lines: [tick(700, { periodMinutes: 360 })], isAlive: true },
    { title: 'an earlier version did not tell its period', lines: [tick(119)], isAlive: true },
    { title: 'it ticks, and nothing comes of it', lines: [failedTick], isAlive: true },
    { title: 'it never ticked', lines: [tick(0, { trigger: 'manual' })], isAlive: false },
  ])('says alive $isAlive where $title', ({ lines, isAlive }) => {
    expect(judgeSchedule(lines, NOW).isAlive).toBe(isAlive);
  });
});
