import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DliResponseError } from '../../../../lib/dli/errors.ts';
import type { CancelResult } from '../../../../lib/dli/order.ts';
import { type CancelJob, type Cancellation, cancelJobs } from '../../../../lib/sweep/act/cancel.ts';
import { fakeClock } from '../../../helpers/fake-clock.ts';
import { makeVictim } from '../../../helpers/make-job.ts';
import { jobId, NOW } from '../../../helpers/world.ts';

const CALL = { attempts: 1, requestId: undefined };
const ACCEPTED: CancelResult = { ...CALL, kind: 'accepted' };
const failed = (kind: 'refused' | 'lost', status: number): CancelResult => ({
  ...CALL,
  kind,
  error: new DliResponseError('cancel job', { status }),
});
const notSent = (reason: 'deadline' | 'stopped'): CancelResult => ({
  kind: 'not-sent',
  reason,
  attempts: 0,
  requestId: undefined,
});

const victims = (count: number) => Array.from({ length: count }, (_, n) => makeVictim(n));

/**
 * Cancels jobs 0 to `count` − 1 at a DLI that answers as `answer` says, and tells which were asked for. As with the
 * paced client, calls begin one after the other, and one that may no longer be made by then is not made.
 */
async function cancel(
  count: number,
  answer: (n: number) => Promise<CancelResult> | CancelResult,
  { clock = fakeClock(), stopAt = NOW + 1, stop = new AbortController().signal } = {},
) {
  const asked: number[] = [];
  let turn = Promise.resolve();
  const cancelJob: CancelJob = async ({ id }, { notAfter = Number.POSITIVE_INFINITY, signal }) => {
    const n = Number(id.slice(-12));
    turn = turn.then(() => setImmediate());
    await turn;
    if (signal?.aborted) return notSent('stopped');
    if (clock.now() >= notAfter) return notSent('deadline');
    asked.push(n);
    return answer(n);
  };
  return { asked, cancellations: await cancelJobs(victims(count), cancelJob, { clock, now: NOW, stopAt, stop }) };
}

const resultsOf = (cancellations: readonly Cancellation[]) => cancellations.map(({ result }) => result);

describe('cancelJobs', () => {
  it('asks for nothing when there is no job to cancel', async () => {
    expect(await cancel(0, () => ACCEPTED)).toEqual({ asked: [], cancellations: [] });
  });

  it('asks and answers in the order given, whichever call ends first', async () => {
    let letFirstEnd = () => {};
    const lastHasBegun = new Promise<void>((resolve) => {
      letFirstEnd = resolve;
    });

    const { asked, cancellations } = await cancel(3, async (n) => {
      if (n === 0) await lastHasBegun;
      if (n === 2) letFirstEnd();
      return { ...ACCEPTED, requestId: `request-${n}` };
    });

    expect(asked).toEqual([0, 1, 2]);
    expect(cancellations).toEqual(
      victims(3).map((victim, n) => ({ victim, result: { ...ACCEPTED, requestId: `request-${n}` }, askedAt: NOW })),
    );
  });

  it('lets no failure hide the others', async () => {
    const answers = [failed('refused', 400), failed('refused', 403), failed('refused', 500), failed('lost', 504)];

    const { cancellations } = await cancel(6, (n) => answers[n] ?? ACCEPTED);

    expect(resultsOf(cancellations)).toEqual([...answers, ACCEPTED, ACCEPTED]);
  });

  it('asks for no other job once the credential is refused, and keeps the answers to what was under way', async () => {
    let letFirstEnd = () => {};
    const thirdHasBegun = new Promise<void>((resolve) => {
      letFirstEnd = resolve;
    });

    const { asked, cancellations } = await cancel(5, async (n) => {
      if (n === 0) await thirdHasBegun;
      if (n === 2) letFirstEnd();
      return n === 0 ? failed('refused', 401) : ACCEPTED;
    });

    expect(asked).toEqual([0, 1, 2]);
    expect(resultsOf(cancellations)).toEqual([
      failed('refused', 401),
      ACCEPTED,
      ACCEPTED,
      notSent('stopped'),
      notSent('stopped'),
    ]);
    expect(cancellations.map(({ victim }) => victim.job.id)).toEqual([0, 1, 2, 3, 4].map(jobId));
  });

  it('asks for no job at or after stopAt', async () => {
    const clock = fakeClock();

    const { asked, cancellations } = await cancel(
      3,
      () => {
        clock.pass(500);
        return ACCEPTED;
      },
      { clock, stopAt: NOW + 1_000 },
    );

    expect(asked).toEqual([0, 1]);
    expect(resultsOf(cancellations)).toEqual([ACCEPTED, ACCEPTED, notSent('deadline')]);
  });

  it('asks for no job once it is stopped, and keeps the answer to what was under way', async () => {
    const stop = new AbortController();

    const { asked, cancellations } = await cancel(
      3,
      () => {
        stop.abort();
        return ACCEPTED;
      },
      { stop: stop.signal },
    );

    expect(asked).toEqual([0]);
    expect(resultsOf(cancellations)).toEqual([ACCEPTED, notSent('stopped'), notSent('stopped')]);
  });

  it('asks for no job when it is stopped before it begins', async () => {
    const { asked } = await cancel(3, () => ACCEPTED, { stop: AbortSignal.abort() });

    expect(asked).toEqual([]);
  });
});
