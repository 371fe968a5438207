import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { optionsOf } from '../helpers/deploy-parts.ts';

const cadenceOf = createRequire(import.meta.url)('../../deploy/cadence.cjs') as (
  expression: string,
  timeZone: string,
) => { periodMs: number; longestPauseMs: number };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the cadence of a schedule', () => {
  it.each([
    { expression: 'rate(1 minute)', period: 1, pause: 1 / 60 },
    { expression: 'rate(15 minutes)', period: 15, pause: 0.25 },
    { expression: 'rate(1 hour)', period: 60, pause: 1 },
    { expression: 'rate(1 day)', period: 24 * 60, pause: 24 },
    { expression: 'cron(* * * * ? *)', period: 1, pause: 1 / 60 },
    { expression: 'cron(0/15 * * * ? *)', period: 15, pause: 0.25 },
    // From Friday 19:45 to Monday 7:00.
    { expression: 'cron(0/15 7-19 ? * MON-FRI *)', period: 15, pause: 59.25 },
    { expression: 'cron(0/15 7-19 ? * 2-6 *)', period: 15, pause: 59.25 },
    { expression: 'cron(0-30 * * * ? *)', period: 1, pause: 0.5 },
    { expression: 'cron(0 8,9,17 * * ? *)', period: 60, pause: 15 },
    // February has 28 days, and the year of 2026 no 29th of it.
    { expression: 'cron(0 12 1 * ? *)', period: 28 * 24 * 60, pause: 31 * 24 },
    { expression: 'cron(0 9 ? * 2#1 *)', period: 28 * 24 * 60, pause: 35 * 24 },
  ])(
    'knows that $expression ticks every $period minutes and pauses for $pause hours',
    ({ expression, period, pause }) => {
      expect(cadenceOf(expression, 'UTC')).toEqual({ periodMs: period * MINUTE, longestPauseMs: pause * HOUR });
    },
  );

  it.each([
    { name: 'a weekend with an hour twice', expression: 'cron(0/15 7-19 ? * MON-FRI *)', pause: 60.25 },
    { name: 'an hour that comes twice and ticks once', expression: 'cron(0/15 * * * ? *)', pause: 1.25 },
    { name: 'a day of 25 hours', expression: 'rate(1 day)', pause: 25 },
    // From 11:30 to 10:30, and the hour from 2:00 is missing.
    { name: 'a tick that spring leaves out', expression: 'cron(30 2,10,11 * * ? *)', pause: 22 },
    { name: 'a rate that no clock changes', expression: 'rate(1 hour)', pause: 1 },
  ])('counts in Berlin $name', ({ expression, pause }) => {
    expect(cadenceOf(expression, 'Europe/Berlin').longestPauseMs).toBe(pause * HOUR);
  });

  it('knows clocks that change by half an hour, and those south of the equator', () => {
    expect(cadenceOf('cron(0 12 * * ? *)', 'Australia/Lord_Howe').longestPauseMs).toBe(24.5 * HOUR);
    expect(cadenceOf('cron(0 12 * * ? *)', 'Pacific/Auckland').longestPauseMs).toBe(25 * HOUR);
  });
});

describe('the params', () => {
  it.each([
    { params: {}, minutes: '15', silenceMinutes: 40 },
    { params: { periodMinutes: '30' }, minutes: '30', silenceMinutes: 70 },
    { params: { schedule: 'rate(1 hour)' }, minutes: '60', silenceMinutes: 130 },
    { params: { schedule: 'cron(0/15 7-19 ? * MON-FRI *)' }, minutes: '15', silenceMinutes: 60 * 60 },
    { params: { schedule: 'rate(1 hour)', periodMinutes: '60' }, minutes: '60', silenceMinutes: 130 },
  ])(
    'come to a period of $minutes minutes and a silence of $silenceMinutes for $params',
    async ({ params, minutes, silenceMinutes }) => {
      const { periodSeconds, periodMinutes, silencePeriodSeconds, silencePeriods } = await optionsOf(params);

      expect(periodMinutes).toBe(minutes);
      expect(periodSeconds).toBe(Number(minutes) * 60);
      expect((Number(silencePeriodSeconds) * Number(silencePeriods)) / 60).toBe(silenceMinutes);
    },
  );

  it.each([
    { params: { schedule: 'hello' }, problem: '--param schedule: hello: expected a rate such as rate(15 minutes)' },
    { params: { schedule: 'rate(0 minutes)' }, problem: 'expected a rate such as rate(15 minutes)' },
    { params: { schedule: 'at(2027-01-01T00:00:00)' }, problem: 'expected a rate such as' },
    { params: { schedule: 'cron(0/15 7-19 ? * MON-FRI)' }, problem: 'or six fields such as cron(' },
    { params: { schedule: 'cron(0/15 7-19 * * MON-FRI *)' }, problem: 'expected a question mark as the day of' },
    { params: { schedule: 'cron(61 7 ? * MON *)' }, problem: '61' },
    { params: { schedule: 'cron(0 7 30 2 ? *)' }, problem: 'this cron expression never ticks' },
    { params: { schedule: 'cron(0 7 ? * MON-FRI 2027)' }, problem: 'no alarm can watch a schedule that ends' },
    { params: { timeZone: 'Mars/Base' }, problem: 'the time zone Mars/Base is not known' },
    { params: { schedule: 'rate(2 days)' }, problem: 'ticks less than once a day' },
    {
      params: { schedule: 'cron(0/15 9-17 1 * ? *)' },
      problem: 'pauses for 735 hours; an alarm can watch no longer than seven days, one period included',
    },
    { params: { schedule: 'rate(1 hour)', periodMinutes: '30' }, problem: '--param periodMinutes: leave it out' },
    { params: { periodMinutes: '1441' }, problem: '--param periodMinutes: expected a whole number from 1 to 1440' },
  ])('are refused, with $params, before a deploy', async ({ params, problem }) => {
    await expect(optionsOf(params as Record<string, string>)).rejects.toThrow(problem);
  });
});
