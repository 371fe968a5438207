import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DliResponseError } from '../../../../lib/dli/errors.ts';
import type { CancelResult } from '../../../../lib/dli/order.ts';
import type { Reading } from '../../../../lib/engines/engine.ts';
import type { Cancellation } from '../../../../lib/sweep/act/cancel.ts';
import { verifyCancellations } from '../../../../lib/sweep/act/verify.ts';
import type { Outcome } from '../../../../lib/sweep/record/outcome.ts';
import { fakeClock } from '../../../helpers/fake-clock.ts';
import { makeVictim } from '../../../helpers/make-job.ts';
import { jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const LOST = new DliResponseError('cancel job', { status: 504 });
const REFUSED = new DliResponseError('cancel job', { status: 400, errorCode: 'DLI.0003' });
const TROUBLE = new DliResponseError('read job', { status: 503 });
const BROKEN = new TypeError('an unexpected error');
const DENIED = new DliResponseError('read job', { status: 401 });

const CALL = { attempts: 1, requestId: undefined };
const RESULTS = {
  accepted: { ...CALL, kind: 'accepted' },
  lost: { ...CALL, kind: 'lost', error: LOST },
  refused: { ...CALL, kind: 'refused', error: REFUSED },
  deadline: { attempts: 0, requestId: undefined, kind: 'not-sent', reason: 'deadline', error: undefined },
  stopped: { attempts: 0, requestId: undefined, kind: 'not-sent', reason: 'stopped', error: undefined },
  unsent: { attempts: 0, requestId: undefined, kind: 'not-sent', reason: 'unsent', error: TROUBLE },
  changed: { attempts: 0, requestId: undefined, kind: 'not-sent', reason: 'changed', status: 'RUNNING' },
  cancelledBefore: { attempts: 0, requestId: undefined, kind: 'over', state: 'cancelled', status: 'CANCELLED' },
  deadBefore: { attempts: 0, requestId: undefined, kind: 'over', state: 'failed', status: 'dead' },
} satisfies Record<string, CancelResult>;

/** What is read of a job, again and again; undefined if it is never looked at. */
const READINGS = {
  cancelled: { kind: 'terminal', state: 'cancelled', status: 'CANCELLED' },
  finished: { kind: 'terminal', state: 'finished', status: 'FINISHED' },
  failed: { kind: 'terminal', state: 'failed', status: 'FAILED' },
  dead: { kind: 'terminal', state: 'cancelled', status: 'dead', evidence: 'own-record' },
  'running and changed': { kind: 'gave-up', status: 'job_running', cause: 'savepoint' },
  'not to be stopped': { kind: 'gave-up', status: 'job_cancel_fail', cause: 'stop' },
  gone: { kind: 'gone' },
  live: { kind: 'live' },
  'in a strange state': { kind: 'unknown', status: 'COMPUTED' },
  'in trouble': { kind: 'unreadable', error: TROUBLE },
  denied: { kind: 'unreadable', error: DENIED },
  broken: { kind: 'unreadable', error: BROKEN },
  'not read': undefined,
} satisfies Record<string, Reading | undefined>;

const cancellation = (n: number, kind: keyof typeof RESULTS): Cancellation => ({
  victim: makeVictim(n),
  result: RESULTS[kind],
  askedAt: NOW,
});

/** Verifies for `forMs`, where round `i` (from 0) reads what `read` says of each job asked about. */
async function verify(
  cancellations: readonly Cancellation[],
  read: (id: string, round: number) => Reading | undefined,
  {
    forMs = MINUTE,
    second = RESULTS.accepted,
    mayAskAgain = true,
  }: { forMs?: number; second?: CancelResult; mayAskAgain?: boolean } = {},
) {
  const clock = fakeClock();
  const rounds: string[][] = [];
  const looks: string[] = [];
  const askedAgain: string[] = [];
  const verification = await verifyCancellations(
    cancellations,
    {
      readBack: async (jobs, { isGlance }) => {
        looks.push(isGlance ? 'glance' : 'whole');
        const round = rounds.push(jobs.map(({ id }) => id)) - 1;
        return new Map(
          jobs.flatMap(({ id }): [string, Reading][] => {
            const reading = read(id, round);
            return reading === undefined ? [] : [[id, reading]];
          }),
        );
      },
      askAgain: async ({ job }) => {
        askedAgain.push(`${job.id} after ${rounds.length} readings`);
        return second;
      },
      mayAskAgain: () => mayAskAgain,
    },
    { clock, untilAt: NOW + forMs },
  );
  return {
    outcomes: verification.outcomes,
    cancellations: verification.cancellations,
    requests: verification.askedAgain,
    rounds,
    looks,
    askedAgain,
    sleeps: clock.sleeps,
  };
}

describe('verifyCancellations', () => {
  const cancelled: Outcome = { kind: 'cancelled', status: 'CANCELLED', evidence: 'status' };
  const ended = (status: string): Outcome => ({ kind: 'already-terminal', status });
  const byOthers: Outcome = { kind: 'already-terminal', status: 'CANCELLED', endedBy: 'others' };
  const unconfirmed = (error?: Error): Outcome => ({ kind: 'unconfirmed', error });
  const failed: Outcome = { kind: 'failed', error: REFUSED };
  const witnessed: Outcome = { kind: 'cancelled', status: 'dead', evidence: 'own-record' };
  const perhapsOurs: Outcome = {
    kind: 'already-terminal',
    status: 'dead',
    error: new Error(
      `job ${jobId(1)}: ended (dead) after a request whose answer was lost; it may have ended by itself, or by that request`,
    ),
  };
  const tookBack: Outcome = {
    kind: 'failed',
    error: new Error(
      `job ${jobId(1)}: DLI took the stop back, as it does after a savepoint that failed, and the job runs on (job_running)`,
    ),
  };
  const gone = (request: string): Outcome => ({
    kind: 'already-terminal',
    status: 'GONE',
    error: new Error(
      `job ${jobId(1)}: DLI no longer knows it, after a request to stop that ${request}; it may have ended by itself, or by that request`,
    ),
  });
  const stopFailed: Outcome = {
    kind: 'failed',
    error: new Error(
      `job ${jobId(1)}: DLI accepted the request and could not stop the job, which may still be running (job_cancel_fail)`,
    ),
  };

  it.each<{ cancel: keyof typeof RESULTS; reading: keyof typeof READINGS; outcome: Outcome; rounds: number }>([
    { cancel: 'accepted', reading: 'cancelled', outcome: cancelled, rounds: 1 },
    { cancel: 'accepted', reading: 'finished', outcome: ended('FINISHED'), rounds: 1 },
    { cancel: 'accepted', reading: 'failed', outcome: ended('FAILED'), rounds: 1 },
    { cancel: 'accepted', reading: 'dead', outcome: witnessed, rounds: 1 },
    { cancel: 'accepted', reading: 'running and changed', outcome: tookBack, rounds: 7 },
    { cancel: 'accepted', reading: 'not to be stopped', outcome: stopFailed, rounds: 1 },
    { cancel: 'accepted', reading: 'broken', outcome: unconfirmed(BROKEN), rounds: 10 },
    { cancel: 'accepted', reading: 'gone', outcome: gone('it accepted'), rounds: 5 },
    { cancel: 'accepted', reading: 'live', outcome: unconfirmed(), rounds: 16 },
    { cancel: 'accepted', reading: 'in a strange state', outcome: unconfirmed(), rounds: 10 },
    { cancel: 'accepted', reading: 'in trouble', outcome: unconfirmed(TROUBLE), rounds: 10 },
    { cancel: 'accepted', reading: 'denied', outcome: unconfirmed(DENIED), rounds: 1 },
    { cancel: 'accepted', reading: 'not read', outcome: unconfirmed(), rounds: 10 },
    { cancel: 'lost', reading: 'cancelled', outcome: cancelled, rounds: 1 },
    { cancel: 'lost', reading: 'finished', outcome: ended('FINISHED'), rounds: 1 },
    { cancel: 'lost', reading: 'failed', outcome: ended('FAILED'), rounds: 1 },
    { cancel: 'lost', reading: 'dead', outcome: perhapsOurs, rounds: 1 },
    { cancel: 'lost', reading: 'gone', outcome: gone('may have reached it'), rounds: 5 },
    { cancel: 'lost', reading: 'live', outcome: unconfirmed(LOST), rounds: 16 },
    { cancel: 'lost', reading: 'in a strange state', outcome: unconfirmed(LOST), rounds: 10 },
    { cancel: 'lost', reading: 'in trouble', outcome: unconfirmed(LOST), rounds: 10 },
    { cancel: 'lost', reading: 'denied', outcome: unconfirmed(LOST), rounds: 1 },
    { cancel: 'lost', reading: 'not read', outcome: unconfirmed(LOST), rounds: 10 },
    { cancel: 'refused', reading: 'cancelled', outcome: byOthers, rounds: 1 },
    { cancel: 'cancelledBefore', reading: 'not read', outcome: byOthers, rounds: 0 },
    { cancel: 'deadBefore', reading: 'not read', outcome: ended('dead'), rounds: 0 },
    { cancel: 'refused', reading: 'finished', outcome: ended('FINISHED'), rounds: 1 },
    { cancel: 'refused', reading: 'failed', outcome: ended('FAILED'), rounds: 1 },
    { cancel: 'refused', reading: 'dead', outcome: ended('dead'), rounds: 1 },
    { cancel: 'refused', reading: 'running and changed', outcome: failed, rounds: 5 },
    { cancel: 'refused', reading: 'gone', outcome: ended('GONE'), rounds: 5 },
    { cancel: 'refused', reading: 'live', outcome: failed, rounds: 5 },
    { cancel: 'refused', reading: 'in a strange state', outcome: unconfirmed(REFUSED), rounds: 10 },
    { cancel: 'refused', reading: 'in trouble', outcome: unconfirmed(REFUSED), rounds: 10 },
    { cancel: 'refused', reading: 'denied', outcome: unconfirmed(REFUSED), rounds: 1 },
    { cancel: 'refused', reading: 'not read', outcome: unconfirmed(REFUSED), rounds: 10 },
  ])(
    'takes a job whose cancel was $cancel and that is $reading for $outcome.kind',
    async ({ cancel, reading, outcome, rounds: expected }) => {
      const { outcomes, rounds } = await verify([cancellation(1, cancel)], () => READINGS[reading]);

      expect(outcomes).toEqual(new Map([[jobId(1), outcome]]));
      expect(rounds).toHaveLength(expected);
    },
  );

  it.each(['deadline', 'stopped'] as const)('reads nothing of a job that was not asked: %s', async (reason) => {
    const { outcomes, rounds, sleeps } = await verify([cancellation(1, reason)], () => READINGS.live);

    expect(outcomes).toEqual(new Map([[jobId(1), { kind: 'skipped', reason }]]));
    expect([rounds, sleeps]).toEqual([[], []]);
  });

  it.each([
    { result: 'unsent', outcome: { kind: 'skipped', reason: 'unsent', error: TROUBLE } },
    { result: 'changed', outcome: { kind: 'skipped', reason: 'changed', status: 'RUNNING' } },
  ] as const)('says of a job that was not asked what was read of it, or why it was not: $result', async (row) => {
    const { outcomes, rounds } = await verify([cancellation(1, row.result)], () => READINGS.live);

    expect(outcomes.get(jobId(1))).toEqual(row.outcome);
    expect(rounds).toEqual([]);
  });

  describe('of a savepoint', () => {
    const changed = READINGS['running and changed'];
    const stopping: Reading = { kind: 'stopping', status: 'job_savepointing' };
    const stopped: Reading = { kind: 'terminal', state: 'cancelled', status: 'job_cancel_success' };
    const insisting: Cancellation = {
      ...cancellation(1, 'accepted'),
      victim: { ...makeVictim(1), verdict: { ...makeVictim(1).verdict, onSavepointFailure: 'cancel' } },
    };
    const ofJob = (...readings: Reading[]) => {
      return (_: string, round: number) => readings[Math.min(round, readings.length - 1)];
    };
    /** The same reading at so many looks. */
    const times = (count: number, reading: Reading) => Array.from({ length: count }, () => reading);

    it('believes the end of a job over a change that came before it', async () => {
      const { outcomes, askedAgain } = await verify([insisting], ofJob(changed, changed, stopping, stopped));

      expect(outcomes.get(jobId(1))).toEqual({ ...cancelled, status: 'job_cancel_success' });
      expect(askedAgain).toEqual([]);
    });

    it('gives it up once readings have said so for ten seconds, and then asks without one', async () => {
      const { outcomes, askedAgain } = await verify([insisting], ofJob(...times(7, changed), stopped));

      expect(askedAgain).toEqual([`${jobId(1)} after 7 readings`]);
      expect(outcomes.get(jobId(1))).toMatchObject({ kind: 'cancelled' });
    });

    it('counts the ten seconds anew after a reading that says otherwise', async () => {
      const readings = [...times(5, changed), stopping, ...times(2, changed), stopped];
      const { askedAgain } = await verify([insisting], ofJob(...readings));

      expect(askedAgain).toEqual([`${jobId(1)} after 8 readings`]);
    });

    it('says that it may have failed where the time is over before', async () => {
      const { outcomes } = await verify([insisting], ofJob(changed), { forMs: 6_000 });

      expect(outcomes.get(jobId(1))).toEqual(
        unconfirmed(
          new Error(
            `job ${jobId(1)}: it still runs, and DLI has changed it since; its savepoint may have failed (job_running)`,
          ),
        ),
      );
    });

    it('does not insist where DLI is not known to have taken the stop', async () => {
      const lost = { ...insisting, result: RESULTS.lost };
      const { outcomes, askedAgain } = await verify([lost], ofJob(changed), { mayAskAgain: false });

      expect(askedAgain).toEqual([]);
      expect(outcomes.get(jobId(1))).toEqual(unconfirmed(LOST));
    });
  });

  it('knows a dead batch for cancelled when the second request was accepted, whatever became of the first', async () => {
    const { outcomes } = await verify([cancellation(1, 'lost')], (_, round) =>
      round === 8 ? READINGS.dead : READINGS.live,
    );

    expect(outcomes.get(jobId(1))).toEqual(witnessed);
  });

  it('gives each job an outcome although reading back throws', async () => {
    const { outcomes } = await verifyCancellations(
      [cancellation(1, 'accepted'), cancellation(2, 'refused')],
      {
        readBack: async () => {
          throw BROKEN;
        },
        askAgain: async () => RESULTS.accepted,
        mayAskAgain: () => true,
      },
      { clock: fakeClock(), untilAt: NOW + MINUTE },
    );

    expect([...outcomes.values()]).toEqual([unconfirmed(BROKEN), unconfirmed(REFUSED)]);
  });

  it('looks soon, and then after twice the time each', async () => {
    const { sleeps } = await verify([cancellation(1, 'accepted')], () => READINGS['in trouble'], { forMs: MINUTE });

    expect(sleeps).toEqual([50, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 8_950]);
  });

  it('looks for the last time when the time is over', async () => {
    const { sleeps } = await verify([cancellation(1, 'accepted')], () => READINGS.live, { forMs: 1_000 });

    expect(sleeps).toEqual([50, 200, 400, 350]);
  });

  it('only glances, but for the last look, until something is seen to have stopped', async () => {
    const both = [cancellation(1, 'accepted'), cancellation(2, 'accepted')];
    const { looks } = await verify(
      both,
      (id, round) => (id === jobId(1) && round === 2 ? READINGS.cancelled : undefined),
      {
        forMs: 5_000,
      },
    );

    expect(looks).toEqual(['glance', 'glance', 'glance', 'whole', 'glance', 'whole']);
  });

  it('looks for the others as soon as one stop has shown how long it takes', async () => {
    const early = { ...cancellation(1, 'accepted'), askedAt: NOW - 300 };
    const { sleeps } = await verify([early, cancellation(2, 'accepted')], (id, round) =>
      id === jobId(1) || round === 1 ? READINGS.cancelled : undefined,
    );

    expect(sleeps).toEqual([0, 300]);
  });

  it.each([0, -MINUTE])('looks exactly once when there are %i ms for it', async (forMs) => {
    const { rounds, sleeps } = await verify([cancellation(1, 'accepted')], () => READINGS.live, { forMs });

    expect(rounds).toHaveLength(1);
    expect(sleeps).toEqual([0]);
  });

  it('looks again only at the jobs that may still stop', async () => {
    const both = [cancellation(1, 'accepted'), cancellation(2, 'accepted')];
    const { outcomes, rounds } = await verify(both, (id, round) =>
      id === jobId(1) || round === 2 ? READINGS.cancelled : READINGS.live,
    );

    expect(rounds).toEqual([[jobId(1), jobId(2)], [jobId(2)], [jobId(2)]]);
    expect([...outcomes.values()]).toEqual([cancelled, cancelled]);
  });

  it('believes a later reading over an earlier trouble', async () => {
    const { outcomes } = await verify([cancellation(1, 'accepted')], (_, round) =>
      round === 0 ? READINGS['in trouble'] : READINGS.live,
    );

    expect(outcomes.get(jobId(1))).toEqual(unconfirmed());
  });

  it('asks a job once more that lives on after 15 seconds, and adds up the attempts', async () => {
    const { askedAgain, cancellations, outcomes, requests } = await verify(
      [cancellation(1, 'accepted'), cancellation(2, 'lost')],
      (_, round) => (round === 8 ? READINGS.cancelled : READINGS.live),
      { second: { ...RESULTS.accepted, attempts: 3 } },
    );

    expect(askedAgain).toEqual([`${jobId(1)} after 8 readings`, `${jobId(2)} after 8 readings`]);
    expect(requests).toBe(6);
    expect(cancellations).toEqual([
      { victim: makeVictim(1), result: { ...RESULTS.accepted, attempts: 4 }, askedAt: NOW },
      { victim: makeVictim(2), result: { ...RESULTS.lost, attempts: 4 }, askedAt: NOW },
    ]);
    expect([...outcomes.values()]).toEqual([cancelled, cancelled]);
  });

  it.each<{ second: keyof typeof RESULTS; outcome: Outcome }>([
    { second: 'accepted', outcome: cancelled },
    { second: 'lost', outcome: cancelled },
    { second: 'refused', outcome: byOthers },
    { second: 'stopped', outcome: byOthers },
    { second: 'cancelledBefore', outcome: byOthers },
  ])(
    'takes a CANCELLED job, whose first cancel was refused and the second $second, for $outcome.kind',
    async ({ second, outcome }) => {
      const { outcomes, askedAgain } = await verify(
        [cancellation(1, 'refused')],
        (_, round) => (round < 7 ? READINGS['in trouble'] : round === 7 ? READINGS.live : READINGS.cancelled),
        { second: RESULTS[second] },
      );

      expect(askedAgain).toHaveLength(1);
      expect(outcomes.get(jobId(1))).toEqual(outcome);
    },
  );

  it('tells the refusal of the second request, which says more than that the job was not seen to stop', async () => {
    const { outcomes } = await verify([cancellation(1, 'lost')], () => READINGS.live, { second: RESULTS.refused });

    expect(outcomes.get(jobId(1))).toEqual(unconfirmed(REFUSED));
  });

  it.each(['in trouble', 'in a strange state', 'not read'] as const)(
    'does not ask a job again that is %s',
    async (reading) => {
      const { askedAgain } = await verify([cancellation(1, 'accepted')], () => READINGS[reading]);

      expect(askedAgain).toEqual([]);
    },
  );

  it('overlooks a reading of a job that it did not ask about', async () => {
    const { outcomes } = await verifyCancellations(
      [cancellation(1, 'accepted')],
      {
        readBack: async () => new Map([jobId(1), jobId(2)].map((id) => [id, READINGS.cancelled])),
        askAgain: async () => RESULTS.accepted,
        mayAskAgain: () => true,
      },
      { clock: fakeClock(), untilAt: NOW },
    );

    expect([...outcomes.keys()]).toEqual([jobId(1)]);
  });

  it('gives every cancellation exactly one outcome, whatever is read', async () => {
    const kind = fc.constantFrom(...(Object.keys(RESULTS) as (keyof typeof RESULTS)[]));
    const reading = fc.constantFrom(...Object.values(READINGS));
    await fc.assert(
      fc.asyncProperty(
        fc.array(kind, { maxLength: 6 }),
        fc.array(reading, { minLength: 1, maxLength: 30 }),
        fc.nat({ max: 2 * MINUTE }),
        async (kinds, readings, forMs) => {
          const given = kinds.map((one, n) => cancellation(n, one));
          let next = 0;

          const { outcomes, cancellations } = await verify(given, () => readings[next++ % readings.length], { forMs });

          expect([...outcomes.keys()].sort()).toEqual(kinds.map((_, n) => jobId(n)));
          expect(cancellations.map(({ victim }) => victim)).toEqual(given.map(({ victim }) => victim));
        },
      ),
    );
  });
});
