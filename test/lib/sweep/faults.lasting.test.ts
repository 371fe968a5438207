import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DliError } from '../../../lib/dli/errors.ts';
import { CALLS, expectTruth, FINAL, LOST, PASSING, sweepWith } from '../../helpers/fault-matrix.ts';

describe.each(CALLS)('trouble with $name', ({ on, target }) => {
  it.each([...PASSING, ...FINAL])('that stays is reported, and hides no other job: $name', async ({ answer }) => {
    const { report, error, emulator } = await sweepWith({ on, target, answer, times: Number.POSITIVE_INFINITY });

    // Without a report no job was cancelled, and the error says why.
    if (report === undefined) {
      expect(error?.message).toMatch(/^list /);
      expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
      return;
    }
    expectTruth(report, emulator);
    if (on === 'cancel-sql-job') expect(report.counts.cancelled + report.counts.alreadyTerminal).toBe(5);
    if (on === 'list-sql-jobs' && target.includes('LAUNCHING')) expect(report.status).toBe('partial');
  });
});

describe('whatever goes wrong together', () => {
  it('every job gets one outcome that the emulator would not deny', async () => {
    const call = fc.constantFrom(...CALLS.map(({ on, target }) => ({ on, target })));
    const often = { call, times: fc.integer({ min: 1, max: 6 }), skip: fc.nat(2) };
    const answerOf = (rows: typeof PASSING) => fc.constantFrom(...rows.map(({ answer }) => answer));
    const fault = fc.oneof(
      fc.record({ ...often, answer: answerOf([...PASSING, ...FINAL]), executes: fc.constant(false) }),
      // A refusal is believed; only what is lost may have been carried out.
      fc.record({ ...often, answer: answerOf(LOST), executes: fc.constant(true) }),
    );

    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 8 }), async (faults) => {
        const { report, error, emulator } = await sweepWith(
          faults.map(({ call: { on, target }, ...more }) => ({ on, target, ...more })),
        );

        if (report === undefined) {
          expect(error).toBeInstanceOf(DliError);
          expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
        } else {
          expectTruth(report, emulator);
        }
        await emulator.close();
      }),
      { numRuns: 60 },
    );
  });
});
