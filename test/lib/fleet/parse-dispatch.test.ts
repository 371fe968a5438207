import { describe, expect, it } from 'vitest';
import { parseMessage, requestFor } from '../../../lib/fleet/message.ts';
import { planMessages } from '../../../lib/fleet/outgoing.ts';
import { assertConfirmed, type Dispatch, parseDispatch } from '../../../lib/fleet/parse-dispatch.ts';
import { RequestError } from '../../../lib/request/request.ts';
import { ruleTick, schedulerTick } from '../../helpers/aws-events.ts';
import { jobId, NOW } from '../../helpers/world.ts';

const parse = (event: unknown, id = 'invocation-1') => parseDispatch(event, { id, now: NOW });

const TICK: Dispatch = {
  dispatchId: 'tick-1',
  trigger: 'schedule',
  dispatchedAt: NOW,
  payload: {},
  targets: 'all',
};
const plan = (targets: { name: string; credentials: string }[], dispatch = TICK, options = {}) =>
  planMessages(
    targets.map((target) => ({ ...target, policy: 'base', projectId: 'p1' })),
    dispatch,
    { turn: 0, ...options },
  );
const fleet = (count: number, credentials = 'reaper') =>
  Array.from({ length: count }, (_, i) => ({ name: `target-${String(i).padStart(3, '0')}`, credentials }));

describe('parseDispatch', () => {
  it('names a tick by its time, so that two deliveries are the same dispatch', () => {
    const tick = schedulerTick('2026-01-05T09:00:00Z');

    const [one, other] = [parse(tick, 'invocation-1'), parse({ ...tick, id: 'another' }, 'invocation-2')];

    expect(one).toEqual({ ...TICK, dispatchId: 'tick-2026-01-05T09:00:00.000Z' });
    expect(other).toEqual(one);
  });

  it('takes the tick of an EventBridge rule as well', () => {
    expect(parse(ruleTick())).toMatchObject({ trigger: 'schedule', dispatchedAt: Date.parse('2015-10-08T16:53:06Z') });
  });

  it.each([undefined, 'soon', 7])('refuses a tick with a time of %j', (time) => {
    expect(() => parse({ ...schedulerTick(''), time })).toThrow('time: expected the time of the tick');
  });

  it('passes on a payload for all targets unchanged but for that', () => {
    const payload = { dryRun: false, maxKills: 3, reason: 'stuck' };

    expect(parse({ allTargets: true, ...payload })).toEqual({
      dispatchId: 'manual-invocation-1',
      trigger: 'manual',
      dispatchedAt: NOW,
      payload,
      targets: 'all',
    });
  });

  describe('an emergency for all targets', () => {
    const emergency = {
      kind: 'emergency',
      allTargets: true,
      olderThan: '2h',
      reason: 'quota',
      dryRun: false,
      askedAt: new Date(NOW).toISOString(),
    };

    it('is confirmed by the stage and the number of its targets, and by nothing else', () => {
      const confirmedBy = (confirm: unknown) => parse({ ...emergency, confirm });

      expect(() => assertConfirmed(confirmedBy('prod 12'), 'prod', 12)).not.toThrow();
      for (const confirm of ['prod 11', 'prod', 'default', undefined]) {
        expect(() => assertConfirmed(confirmedBy(confirm), 'prod', 12)).toThrow(
          'confirm: expected prod 12; nothing was sent',
        );
      }
    });

    it('then reaches each target as confirmed for it, in a group of its own', () => {
      const [message] = plan(fleet(1), parse({ ...emergency, confirm: 'prod 1' }));
      const { groupId, body } = message ?? { groupId: '', body: '' };

      expect(groupId).toBe('emergency-manual-invocation-1-reaper');
      expect(requestFor(parseMessage(body), 'target-000')).toMatchObject({ trigger: 'emergency', dryRun: false });
    });

    it('brings each target the jobs that were agreed to of it, since the ids of two projects may be the same', () => {
      const jobIdsByTarget = { 'target-000': ['7'], 'target-001': ['7', jobId(1)] };
      const { olderThan: _, ...named } = emergency;
      const dispatch = parse({ ...named, engine: ['flink', 'sql'], confirm: 'prod 2', jobIdsByTarget });

      const messages = plan(fleet(2), dispatch).map(({ body }) => parseMessage(body));

      const [message] = messages;
      if (message === undefined) throw new Error('no message');
      expect(requestFor(message, 'target-000').emergency?.jobIds).toEqual(['7']);
      expect(requestFor(message, 'target-001').emergency?.jobIds).toEqual(['7', jobId(1)]);
      expect(() => requestFor(message, 'target-002')).toThrow('jobIds: expected at least one value');
    });

    it('says of named jobs that they may be on another target, where there is one', () => {
      const { olderThan: _, ...named } = emergency;
      const dispatch = parse({ ...named, jobIds: [jobId(1)], confirm: 'prod 2' });
      const elsewhere = (targets: number) =>
        plan(fleet(targets), dispatch).map(
          ({ body }) => requestFor(parseMessage(body), 'target-000').jobsMayBeElsewhere,
        );

      expect([elsewhere(2), elsewhere(1)]).toEqual([[true], [undefined]]);
    });

    it('becomes several messages where the ids of its jobs do not fit one', () => {
      const jobIdsByTarget = Object.fromEntries(fleet(60).map(({ name }) => [name, ['7']]));
      const dispatch = parse({ ...emergency, engine: 'flink', confirm: 'prod 60', jobIdsByTarget });
      const [whole] = plan(fleet(60), dispatch);
      const bytes = Buffer.byteLength(whole?.body ?? '');

      for (const maxBytes of [bytes - 1, bytes - 60, 1_000]) {
        const messages = plan(fleet(60), dispatch, { maxBytes });
        expect(messages.length).toBeGreaterThan(1);
        for (const { body } of messages) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(maxBytes);
        expect(messages.flatMap(({ body }) => parseMessage(body).targets)).toHaveLength(60);
      }
    });

    it('needs no confirmation as a dry run, and is never live without one', () => {
      const [message] = plan(fleet(1), parse({ ...emergency, dryRun: undefined }));

      expect(requestFor(parseMessage(message?.body ?? ''), 'target-000').dryRun).toBe(true);
      const payload = { kind: 'emergency', olderThan: '2h', reason: 'quota', dryRun: false };
      expect(() => requestFor({ trigger: 'manual', payload }, 'lake')).toThrow(
        'confirm: expected the name of the target, lake',
      );
    });
  });

  describe('when it was asked for', () => {
    const asked = (askedAt: string) => parse({ target: 'lake', dryRun: false, askedAt });

    it('is what the payload says, since Lambda may deliver it late', () => {
      expect(asked('2026-01-05T08:55:00Z').dispatchedAt).toBe(NOW - 300_000);
      const [message] = plan(fleet(1), asked('2026-01-05T08:55:00Z'));
      const { dispatchedAt, payload } = parseMessage(message?.body ?? '');
      expect({ dispatchedAt, payload }).toEqual({ dispatchedAt: NOW - 300_000, payload: { dryRun: false } });
    });

    it('is never later than now', () => {
      expect(asked('2026-01-05T09:05:00Z').dispatchedAt).toBe(NOW);
    });

    const emergency = { kind: 'emergency', olderThan: '2h', reason: 'quota', dryRun: false };
    it.each([
      { name: 'for one target', payload: { target: 'lake', confirm: 'lake' } },
      { name: 'for all', payload: { allTargets: true, confirm: 'prod 1' } },
      {
        name: 'for jobs by target',
        payload: { allTargets: true, confirm: 'prod 1', jobIdsByTarget: { lake: [jobId(1)] } },
      },
    ])('has to be said of a live emergency $name', ({ payload }) => {
      const askedAt = '2026-01-05T09:00:00Z';

      expect(() => parse({ ...emergency, ...payload })).toThrow('askedAt: missing');
      expect(parse({ ...emergency, ...payload, askedAt })).toMatchObject({ dispatchedAt: NOW });
      expect(parse({ ...emergency, ...payload, dryRun: true })).toMatchObject({ dispatchedAt: NOW });
    });
  });

  it.each([
    { event: { target: 'prod' }, name: 'prod' },
    { event: {}, name: 'default' },
  ])('takes $event for the target $name', ({ event, name }) => {
    expect(parse(event)).toMatchObject({ payload: {}, targets: { name } });
  });

  const named = { kind: 'emergency', allTargets: true, reason: 'quota', dryRun: true };

  it.each([
    { event: { allTargets: true, target: 'prod' }, problem: 'expected one of them' },
    { event: { allTargets: 'true' }, problem: 'allTargets: expected true' },
    { event: { allTargets: false }, problem: 'allTargets: expected true' },
    { event: { target: '../prod' }, problem: 'target: expected letters' },
    { event: { target: 7 }, problem: 'target: ' },
    { event: { allTargets: true, dryrun: false }, problem: 'dryrun: unknown key' },
    { event: { askedAt: 'now' }, problem: 'askedAt: expected a time with its zone' },
    { event: { allTargets: true, sweepId: 'for-all-of-them' }, problem: 'sweepId: leave it out' },
    { event: { allTargets: true, jobIdsByTarget: { lake: ['7'] } }, problem: 'goes with "kind": "emergency"' },
    { event: { ...named, jobIdsByTarget: {} }, problem: 'expected lists of job ids' },
    { event: { ...named, jobIdsByTarget: { lake: '7' } }, problem: 'jobIdsByTarget.lake: expected a list' },
    { event: { ...named, dryRun: 'yes', jobIdsByTarget: { lake: ['7'] } }, problem: 'dryRun: expected true or false' },
    {
      event: { ...named, jobIdsByTarget: { lake: Array.from({ length: 1_001 }, (_, n) => `${n + 1}`) } },
      problem: 'expected at most 1000 values',
    },
    { event: { ...named, jobIdsByTarget: { lake: ['?'] } }, problem: 'expected the id of a job' },
    { event: { ...named, jobIdsByTarget: { '../x': ['7'] } }, problem: 'target: expected letters' },
    { event: { ...named, jobIds: ['7'], jobIdsByTarget: { lake: ['7'] } }, problem: 'expected one of them' },
    { event: 'now', problem: 'expected a schedule tick, or an object' },
    { event: [], problem: 'expected a schedule tick, or an object' },
    { event: null, problem: 'expected a schedule tick, or an object' },
  ])('refuses $event while somebody is there to read why', ({ event, problem }) => {
    expect(() => parse(event)).toThrow(RequestError);
    expect(() => parse(event)).toThrow(problem);
  });
});
