import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../emulator/control/faults.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { CALLS, expectTruth, LOST, PASSING, sweepWith } from '../../helpers/fault-matrix.ts';
import { jobId } from '../../helpers/world.ts';

describe.each(CALLS)('trouble with $name', ({ on, target }) => {
  it.each(PASSING)('that passes costs no job: $name', async ({ answer }) => {
    const { report, emulator, wasMet } = await sweepWith({ on, target, answer });

    expect(wasMet).toBe(true);
    expect(report).toMatchObject({ status: 'ok', counts: { seen: 220, overdue: 6, cancelled: 5, alreadyTerminal: 1 } });
    expectTruth(report as SweepReport, emulator);
  });
});

describe('a cancel that was carried out although its answer says otherwise, or is lost', () => {
  it.each(LOST)('is known from what is read, and not sent twice: $name', async ({ answer }) => {
    const fault: Fault = { on: 'cancel-sql-job', target: jobId(110), executes: true, answer };
    const { report, emulator } = await sweepWith(fault, { cancelDelayMs: 0 });

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 5, alreadyTerminal: 1 } });
    expect(report?.jobs.find((job) => job.jobId === jobId(110))).toMatchObject({ outcome: 'cancelled', attempts: 1 });
    expectTruth(report as SweepReport, emulator);
  });
});
