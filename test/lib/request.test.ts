import { describe, expect, it } from 'vitest';
import { parseRequest, RequestError } from '../../lib/request.ts';

const DRY_RUN = {
  sweepId: 'sweep-1',
  trigger: 'manual',
  target: 'default',
  dryRun: true,
  maxKills: undefined,
  verifyForMs: 60_000,
  reason: undefined,
};

const parse = (event: unknown) => parseRequest(event, () => 'sweep-1');
const ALLOWED = 'unknown key; allowed: target, dryRun, maxKills, verifyFor, reason';

describe('parseRequest', () => {
  it.each([
    { name: 'a rule', source: 'aws.events' },
    { name: 'Scheduler', source: 'aws.scheduler' },
  ])('takes a tick of $name for a sweep of the default target that may be live', ({ source }) => {
    const tick = {
      version: '0',
      id: 'tick',
      'detail-type': 'Scheduled Event',
      source,
      region: 'eu-west-1',
      detail: {},
    };

    expect(parse(tick)).toEqual({ ...DRY_RUN, trigger: 'schedule', dryRun: false });
  });

  it.each([
    { name: 'from another source', event: { 'detail-type': 'Scheduled Event', source: 'my.app' } },
    { name: 'of another kind', event: { 'detail-type': 'Object Created', source: 'aws.events' } },
    { name: 'without a source', event: { 'detail-type': 'Scheduled Event' } },
    { name: 'without a kind', event: { source: 'aws.events' } },
    {
      name: 'that is a tick and asks for something as well',
      event: { 'detail-type': 'Scheduled Event', source: 'aws.scheduler', dryRun: true },
    },
  ])('refuses an event $name', ({ event }) => {
    expect(() => parse(event)).toThrow(RequestError);
  });

  it('takes an empty payload for a dry run of the default target', () => {
    expect(parse({})).toEqual(DRY_RUN);
  });

  it('takes a payload at its word', () => {
    const payload = { target: 'prod.eu-1_a', dryRun: false, maxKills: 0, verifyFor: '2m30s', reason: 'queue is stuck' };

    expect(parse(payload)).toEqual({
      sweepId: 'sweep-1',
      trigger: 'manual',
      target: 'prod.eu-1_a',
      dryRun: false,
      maxKills: 0,
      verifyForMs: 150_000,
      reason: 'queue is stuck',
    });
  });

  it('takes 0s for one reading and no waiting', () => {
    expect(parse({ verifyFor: '0s' }).verifyForMs).toBe(0);
  });

  it('gives every sweep an id of its own', () => {
    const [one, other] = [parseRequest({}), parseRequest({})];

    expect(one.sweepId).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.sweepId).not.toBe(other.sweepId);
  });

  it.each([
    { payload: { target: '' }, problem: 'target: expected letters, digits and _ . -' },
    { payload: { target: '../prod' }, problem: 'target: expected letters, digits and _ . -' },
    { payload: { target: 'a'.repeat(129) }, problem: 'target: expected letters, digits and _ . -' },
    { payload: { target: null }, problem: 'target: ' },
    { payload: { dryRun: 'false' }, problem: 'dryRun: expected true or false' },
    { payload: { dryRun: 0 }, problem: 'dryRun: expected true or false' },
    { payload: { dryRun: null }, problem: 'dryRun: expected true or false' },
    { payload: { maxKills: -1 }, problem: 'maxKills: expected 0 or more' },
    { payload: { maxKills: 1.5 }, problem: 'maxKills: expected a whole number' },
    { payload: { maxKills: '5' }, problem: 'maxKills: expected a whole number' },
    { payload: { maxKills: Number.NaN }, problem: 'maxKills: expected a whole number' },
    { payload: { verifyFor: 60 }, problem: 'verifyFor: expected a duration with a unit, such as 60s' },
    { payload: { verifyFor: '60' }, problem: 'verifyFor: not a duration: ' },
    { payload: { verifyFor: 'soon' }, problem: 'verifyFor: not a duration: ' },
    { payload: { reason: 7 }, problem: 'reason: expected a text' },
    { payload: { reason: 'a'.repeat(501) }, problem: 'reason: expected at most 500 characters' },
    { payload: { dryrun: true }, problem: `dryrun: ${ALLOWED}` },
    { payload: { dryRun: false, force: true }, problem: `force: ${ALLOWED}` },
    { payload: { constructor: 1 }, problem: `constructor: ${ALLOWED}` },
    { payload: JSON.parse('{"__proto__": {"dryRun": false}}') as unknown, problem: `__proto__: ${ALLOWED}` },
  ])('refuses a payload with $problem', ({ payload, problem }) => {
    expect(() => parse(payload)).toThrow(RequestError);
    expect(() => parse(payload)).toThrow(`the event is neither a schedule tick nor a valid payload: ${problem}`);
  });

  it('tells every field that is wrong', () => {
    expect(() => parse({ target: '', dryRun: 1, maxKills: -1 })).toThrow(
      /: target: .*; dryRun: .*; maxKills: expected 0 or more$/,
    );
  });

  it.each([null, undefined, '', '{}', 'prod', 0, 7, true, [], [null], [{ dryRun: false }], new Map()])(
    'refuses %j, which is not an object with keys it knows',
    (event) => {
      expect(() => parse(event)).toThrow(RequestError);
    },
  );
});
