import { describe, expect, it } from 'vitest';
import { DliResponseError } from '../../../lib/dli/errors.ts';
import { sweepGroup } from '../../../lib/fleet/group.ts';
import { type SweepLog, silentLog } from '../../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { MINUTE, NOW } from '../../helpers/world.ts';

const UNAUTHORIZED = new DliResponseError('list jobs', { status: 401, errorCode: 'APIG.0301' });
const OUT_OF_ORDER = new DliResponseError('list jobs', { status: 500 });

/** Each target comes to a report, or to the error. */
async function run(
  targets: Record<string, Partial<SweepReport> | Error>,
  {
    minutesEach = 0,
    minutes = 15,
    goodForMinutes = 60,
    lateAs = 'stale',
  }: { minutesEach?: number; minutes?: number; goodForMinutes?: number; lateAs?: 'stale' | 'expired' } = {},
) {
  const clock = fakeClock();
  const swept: string[] = [];
  const lines: unknown[] = [];
  const log: SweepLog = { ...silentLog, error: (msg, fields) => void lines.push({ msg, ...fields }) };
  const results = await sweepGroup(Object.keys(targets), {
    clock,
    log,
    deadlineAt: NOW + minutes * MINUTE,
    expiresAt: NOW + goodForMinutes * MINUTE,
    lateAs,
    sweepTarget: async (target) => {
      swept.push(target);
      clock.pass(minutesEach * MINUTE);
      const outcome = targets[target];
      if (outcome instanceof Error) throw outcome;
      return { status: 'ok', credentialRefused: false, ...outcome } as SweepReport;
    },
  });
  return { swept, results, lines };
}

describe('sweepGroup', () => {
  it('sweeps one target after the other, and goes on after one that failed', async () => {
    const { swept, results } = await run({ a: {}, b: OUT_OF_ORDER, c: { status: 'partial' } });

    expect(swept).toEqual(['a', 'b', 'c']);
    expect(results).toEqual([
      { target: 'a', kind: 'swept', status: 'ok' },
      { target: 'b', kind: 'failed' },
      { target: 'c', kind: 'swept', status: 'partial' },
    ]);
  });

  it.each([
    { name: 'while listing', first: UNAUTHORIZED },
    { name: 'while cancelling', first: { status: 'stopped', credentialRefused: true } as const },
  ])('skips the rest after the first refusal of the credential $name, and says so of each', async ({ first }) => {
    const { swept, results, lines } = await run({ a: first, b: {}, c: {} });

    expect(swept).toEqual(['a']);
    expect(results.slice(1)).toEqual([
      { target: 'b', kind: 'not-swept', reason: 'credential-refused' },
      { target: 'c', kind: 'not-swept', reason: 'credential-refused' },
    ]);
    expect(lines).toEqual([
      { msg: 'target not swept', target: 'b', reason: 'credential-refused' },
      { msg: 'target not swept', target: 'c', reason: 'credential-refused' },
    ]);
  });

  it('begins no sweep for which the time is not enough, and says so of each', async () => {
    const { swept, results } = await run({ a: {}, b: {}, c: {} }, { minutesEach: 5, minutes: 10 });

    expect(swept).toEqual(['a', 'b']);
    expect(results[2]).toEqual({ target: 'c', kind: 'not-swept', reason: 'deadline' });
  });

  it.each(['stale', 'expired'] as const)(
    'begins no sweep once the request is too old, and tells of each that it is %s',
    async (lateAs) => {
      const { swept, results, lines } = await run(
        { a: {}, b: {}, c: {}, d: {} },
        { minutesEach: 5, minutes: 60, goodForMinutes: 10, lateAs },
      );

      // The third one begins at the last moment that is not too late.
      expect(swept).toEqual(['a', 'b', 'c']);
      expect(results[3]).toEqual({ target: 'd', kind: 'not-swept', reason: lateAs });
      expect(lines).toEqual([{ msg: 'target not swept', target: 'd', reason: lateAs }]);
    },
  );
});
