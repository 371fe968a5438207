import { describe, expect, it } from 'vitest';
import {
  assertTargetName,
  createRequest,
  expiresAtOf,
  parseAskedAt,
  parseRequest,
  RequestError,
} from '../../../lib/request/request.ts';

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
const problemsOf = (call: () => unknown): readonly string[] => {
  try {
    call();
    return [];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.problems;
  }
};
const ALLOWED = 'unknown key; allowed: target, dryRun, verifyFor, reason, sweepId, kind, maxKills';

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

  it('takes over the id of whoever wants to follow the sweep', () => {
    expect(parse({ kind: 'sweep', sweepId: 'made-by-the-client' })).toEqual({
      ...DRY_RUN,
      sweepId: 'made-by-the-client',
    });
  });
});

describe('createRequest', () => {
  it('has the defaults of an empty payload, and an id of its own', () => {
    const [one, other] = [createRequest({}), createRequest({})];

    expect({ ...one, sweepId: 'sweep-1' }).toEqual(DRY_RUN);
    expect(one.sweepId).not.toBe(other.sweepId);
  });

  it('keeps what it is given, and takes a default for what is undefined', () => {
    expect(createRequest({ sweepId: 'sweep-1', maxKills: 0, target: undefined, reason: 'stuck' })).toEqual({
      ...DRY_RUN,
      maxKills: 0,
      reason: 'stuck',
    });
  });
});

describe('assertTargetName', () => {
  it.each(['lake', 'prod.eu-1_a', 'x'.repeat(128)])('takes a name that a payload may have: %s', (name) => {
    expect(problemsOf(() => assertTargetName(name))).toEqual([]);
    expect(parse({ target: name }).target).toBe(name);
  });

  it.each(['', 'my lake', 'a/b', 'x'.repeat(129)])('refuses any other in the words of a payload: "%s"', (name) => {
    const problems = problemsOf(() => parse({ target: name }));

    expect(problems).toEqual(['target: expected letters, digits and _ . -']);
    expect(problemsOf(() => assertTargetName(name))).toEqual(problems);
  });
});

describe('askedAt of a payload', () => {
  const AT = Date.parse('2026-01-05T09:00:00Z');

  it.each([
    { text: '2026-01-05T09:00:00Z', is: AT },
    { text: '2026-01-05T10:00:00.250+01:00', is: AT + 250 },
    { text: '2026-01-05T09:00Z', is: AT },
  ])('may be $text', ({ text, is }) => {
    expect(parse({ askedAt: text }).askedAt).toBe(is);
    expect(parse({ kind: 'emergency', olderThan: '10m', reason: 'stuck', askedAt: text }).askedAt).toBe(is);
    expect(parseAskedAt(text)).toBe(is);
  });

  // Without a zone it could mean hours later; a day alone means its end.
  it.each(['2026-01-05T09:00:00', '2026-01-05', 'now', '', 1_767_603_600_000, null])('is refused as %j', (askedAt) => {
    const problem = 'askedAt: expected a time with its zone, such as 2026-01-05T09:00:00Z';

    expect(() => parse({ askedAt })).toThrow(problem);
    expect(() => parseAskedAt(askedAt)).toThrow(problem);
  });

  it('may be left out by all but a live emergency', () => {
    expect(parse({ dryRun: false }).askedAt).toBeUndefined();
    expect(parse({ kind: 'emergency', olderThan: '10m', reason: 'stuck' }).askedAt).toBeUndefined();
    expect(parseAskedAt(undefined)).toBeUndefined();
  });

  it('is of a tick the time at which it was due, where it says so', () => {
    const tick = { 'detail-type': 'Scheduled Event', source: 'aws.events' };

    expect(parse({ ...tick, time: '2026-01-05T09:00:00Z' }).askedAt).toBe(AT);
    expect(parse({ ...tick, time: 'soon' }).askedAt).toBeUndefined();
  });
});

describe('expiresAtOf', () => {
  const MINUTE = 60_000;

  it.each([
    { name: 'a tick after one period', trigger: 'schedule', minutes: 15 },
    { name: 'an emergency after 10 minutes', trigger: 'emergency', minutes: 10 },
    { name: 'a sweep by hand after 30 minutes', trigger: 'manual', minutes: 30 },
  ] as const)('lets $name expire', ({ trigger, minutes }) => {
    expect(expiresAtOf({ trigger, askedAt: 1_000 }, 15 * MINUTE)).toBe(1_000 + minutes * MINUTE);
  });
});
