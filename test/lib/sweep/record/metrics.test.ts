import { describe, expect, it } from 'vitest';
import { METRICS, metricsOf } from '../../../../lib/sweep/record/metrics.ts';
import type { JobReport, SweepReport } from '../../../../lib/sweep/record/report.ts';
import { HOUR, MINUTE } from '../../../helpers/world.ts';

const PERIOD = { periodMs: 15 * MINUTE, isStoppedByHand: false };

const job = (fields: Partial<JobReport>): JobReport =>
  ({ decision: 'cancel', outcome: 'unconfirmed', overLimitMs: HOUR, ...fields }) as JobReport;

const report = (fields: Partial<SweepReport> = {}): SweepReport =>
  ({
    status: 'ok',
    dryRun: false,
    jobs: [],
    counts: {
      seen: 30,
      overdue: 8,
      toCancel: 6,
      cancelled: 3,
      alreadyTerminal: 1,
      unconfirmed: 1,
      failed: 1,
      repeats: 2,
      skipped: { warn: 2, undetermined: 4 },
    },
    apiCalls: { list: 4, status: 5, cancel: 6, retries: 2, throttled: 3, again: 0 },
    ...fields,
  }) as SweepReport;

describe('METRICS', () => {
  it('are at most eighteen: each costs by the month', () => {
    expect(Object.keys(METRICS).length).toBeLessThanOrEqual(18);
  });
});

describe('metricsOf', () => {
  it('takes every number from the report', () => {
    expect(metricsOf(report(), PERIOD)).toEqual({
      SweepsFailed: 0,
      SweepsCapped: 0,
      SweepsStopped: 0,
      SweepsExpired: 0,
      ResourceCount: 30,
      JobsOverdue: 8,
      JobsCancelled: 3,
      JobsRepeated: 2,
      JobsFailed: 2,
      JobsUndetermined: 4,
      JobsStuck: 0,
      ApiCalls: 15,
      ApiCallsThrottled: 3,
    });
  });

  it('counts no undetermined job where every one could be judged', () => {
    const { counts } = report();

    expect(metricsOf(report({ counts: { ...counts, skipped: {} } }), PERIOD).JobsUndetermined).toBe(0);
  });

  it.each([
    { status: 'failed', counted: ['SweepsFailed'] },
    { status: 'partial', counted: ['SweepsFailed'] },
    { status: 'capped', counted: ['SweepsCapped'] },
    { status: 'stopped', counted: ['SweepsStopped'] },
    { status: 'ok', counted: [] },
  ] as const)('counts a sweep that is $status as $counted', ({ status, counted }) => {
    const { SweepsFailed, SweepsCapped, SweepsStopped } = metricsOf(report({ status }), PERIOD);

    const values = Object.entries({ SweepsFailed, SweepsCapped, SweepsStopped });
    expect(values.filter(([, value]) => value === 1).map(([name]) => name)).toEqual(counted);
  });

  it('does not count a dry run over its cap, which has stopped nothing', () => {
    expect(metricsOf(report({ status: 'capped', dryRun: true }), PERIOD).SweepsCapped).toBe(0);
  });

  it('does not count a sweep as stopped if a person stopped it by the switch', () => {
    const stoppedBy = (by: SweepReport['stoppedBy']) => report({ status: 'stopped', stoppedBy: by });
    const byHand = { ...PERIOD, isStoppedByHand: true };

    expect(metricsOf(stoppedBy('switch'), byHand).SweepsStopped).toBe(0);
    expect(metricsOf(stoppedBy('switch'), PERIOD).SweepsStopped).toBe(1);
    expect(metricsOf(stoppedBy('credential'), byHand).SweepsStopped).toBe(1);
  });

  it.each([
    { name: 'unconfirmed and three periods over its limit', fields: { overLimitMs: 45 * MINUTE }, stuck: 1 },
    { name: 'unconfirmed and not yet three periods over', fields: { overLimitMs: 45 * MINUTE - 1 }, stuck: 0 },
    { name: 'one that DLI will not cancel', fields: { outcome: 'failed' }, stuck: 1 },
    { name: 'one that a cap spared', fields: { outcome: 'skipped', reason: 'cap' }, stuck: 1 },
    { name: 'one that a stop left alone', fields: { outcome: 'skipped', reason: 'stopped' }, stuck: 0 },
    {
      name: 'left to the next sweep by changed settings',
      fields: { outcome: 'skipped', reason: 'first-sweep' },
      stuck: 0,
    },
    { name: 'asked before a stop', fields: { outcome: 'unconfirmed', reason: 'over-limit' }, stuck: 1 },
    { name: 'spared by its last reading', fields: { outcome: 'skipped', reason: 'changed' }, stuck: 0 },
    { name: 'cancelled at last', fields: { outcome: 'cancelled' }, stuck: 0 },
    { name: 'over by itself', fields: { outcome: 'already-terminal' }, stuck: 0 },
    { name: 'one that is only warned about', fields: { decision: 'warn', outcome: 'skipped' }, stuck: 0 },
    { name: 'exempt', fields: { decision: 'keep', outcome: 'skipped', overLimitMs: null }, stuck: 0 },
  ] as const)('counts $stuck stuck for a job that is $name', ({ fields, stuck }) => {
    expect(metricsOf(report({ jobs: [job(fields)] }), PERIOD).JobsStuck).toBe(stuck);
  });

  it('counts no job as stuck that a dry run left alive', () => {
    expect(metricsOf(report({ dryRun: true, jobs: [job({})] }), PERIOD).JobsStuck).toBe(0);
  });
});
