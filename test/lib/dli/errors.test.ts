import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adviceOn,
  type DliError,
  DliNetworkError,
  DliNotSentError,
  DliProtocolError,
  DliResponseError,
  DliTimeoutError,
  findErrorCode,
  toDliError,
} from '../../../lib/dli/errors.ts';
import { NetworkError, TimeoutError } from '../../../lib/http/errors.ts';

describe('adviceOn', () => {
  const answer = (status: number, errorCode?: string) => new DliResponseError('list jobs', { status, errorCode });

  it.each<{ error: DliError; advice: RegExp | undefined }>([
    { error: answer(401), advice: /^check the credential and this machine's clock/ },
    { error: answer(403, 'APIG.0310'), advice: /^check that endpoint, region and project id belong together/ },
    { error: answer(400, 'DLI.0003'), advice: /^the IAM user lacks a right/ },
    { error: answer(503), advice: undefined },
    { error: answer(400, 'DLI.0001'), advice: undefined },
    { error: new DliNetworkError('list jobs', new NetworkError('ECONNRESET', true)), advice: /^check the endpoint/ },
    {
      error: new DliTimeoutError('list jobs', new TimeoutError('answer', 15_000)),
      advice: /^check the endpoint/,
    },
  ])('tells what can be done about $error.message: $advice', ({ error, advice }) => {
    if (advice === undefined) expect(adviceOn(error)).toBeUndefined();
    else expect(adviceOn(error)).toMatch(advice);
  });
});

describe('findErrorCode', () => {
  it.each([
    { name: 'flat, as DLI writes it', body: { error_code: 'DLI.0002', error_msg: 'no such job' }, code: 'DLI.0002' },
    {
      name: "flat, with the gateway's request id",
      body: { error_msg: 'throttled', error_code: 'APIG.0308', request_id: 'r' },
      code: 'APIG.0308',
    },
    { name: 'in camel case', body: { errorCode: 'DLI.0999', errorMsg: 'busy' }, code: 'DLI.0999' },
    { name: 'as code and message', body: { code: 'DLI.0001', message: 'bad' }, code: 'DLI.0001' },
    { name: "nested, as IAM's", body: { error: { code: 'IAM.0101', message: 'm', title: 't' } }, code: 'IAM.0101' },
    { name: 'nested under any key', body: { a: 1, fault: { error_code: 'DLI.0003' } }, code: 'DLI.0003' },
    { name: 'nested a level deeper', body: { a: { b: { error_code: 'DLI.0003' } } }, code: 'DLI.0003' },
    { name: 'in an array of errors', body: [{ error_code: 'DLI.15002', error_msg: 'no' }], code: 'DLI.15002' },
    {
      name: 'in an array that mixes errors and successes',
      body: [{ is_success: 'true', message: 'ok' }, { error_code: 'DLI.13007' }],
      code: 'DLI.13007',
    },
    {
      name: 'beside an authorization message',
      body: { error_code: 'PAP5.0001', error_msg: 'no', encoded_authorization_message: 'x' },
      code: 'PAP5.0001',
    },
    {
      name: 'in a 200 that says no',
      body: { is_success: false, message: 'no', error_code: 'DLI.0007' },
      code: 'DLI.0007',
    },
    {
      name: 'outermost first',
      body: { error: { error_code: 'DLI.0001' }, error_code: 'DLI.0002' },
      code: 'DLI.0002',
    },
  ])('finds a code $name', ({ body, code }) => {
    expect(findErrorCode(body)).toBe(code);
  });

  it.each([
    { name: 'HTML', body: '<html>504 DLI.0002</html>' },
    { name: 'what could not be read', body: undefined },
    { name: 'null', body: null },
    { name: 'an empty object', body: {} },
    { name: 'an empty array', body: [] },
    { name: 'a success', body: { is_success: true, message: '' } },
    { name: "IAM's bare number", body: { error: { code: 401, message: 'm', title: 'Unauthorized' } } },
    { name: "IAM's bare number as text", body: { error: { code: '401', message: 'm' } } },
    { name: 'a code that stands in a message', body: { error_msg: 'DLI.0002', message: 'DLI.0002' } },
    { name: 'a text that only begins like a code', body: { error_code: 'DLI.0002 for select secret' } },
    { name: 'a code below where bodies hold one', body: { a: { b: { c: { d: { code: 'DLI.0002' } } } } } },
  ])('finds none in $name', ({ body }) => {
    expect(findErrorCode(body)).toBeUndefined();
  });

  it('never throws, and never gives anything but a code', () => {
    const code = fc.oneof(fc.constantFrom('DLI.0002', 'APIG.0308', 'DLI.', 'x', 401, null), fc.jsonValue());
    const body = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.record({ error_code: code, errorCode: code, code, error: tie('node') }, { requiredKeys: [] }),
        fc.array(tie('node'), { maxLength: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(body, (anything) => {
        expect(findErrorCode(anything) ?? 'NONE.0').toMatch(/^[A-Za-z][A-Za-z0-9]*\.[0-9]+$/);
      }),
    );
  });
});

describe('DliResponseError', () => {
  it.each([
    {
      name: 'all there is',
      answer: { status: 400, errorCode: 'DLI.0002', requestId: 'req-1' },
      message: 'cancel job 7: 400 DLI.0002 (request req-1)',
    },
    { name: 'a status alone', answer: { status: 502 }, message: 'cancel job 7: 502' },
    { name: 'no code', answer: { status: 504, requestId: 'req-1' }, message: 'cancel job 7: 504 (request req-1)' },
    {
      name: 'a summary of our own',
      answer: { status: 200, summary: 'with is_success: false', requestId: 'req-1' },
      message: 'cancel job 7: 200 with is_success: false (request req-1)',
    },
  ])('says what was tried, what came back and where to look: $name', ({ answer, message }) => {
    expect(new DliResponseError('cancel job 7', answer).message).toBe(message);
  });

  it('keeps what the answer was, and what it means', () => {
    const answer = { status: 429, errorCode: 'APIG.0308', requestId: 'req-1', retryAfterMs: 2_000 };

    expect(new DliResponseError('list jobs', answer)).toMatchObject({
      name: 'DliResponseError',
      operation: 'list jobs',
      kind: 'throttled',
      isAmbiguous: false,
      ...answer,
    });
  });

  it.each([
    { answer: { status: 504, errorCode: 'APIG.0203' }, isAmbiguous: true },
    { answer: { status: 500, errorCode: 'DLI.0999' }, isAmbiguous: true },
    { answer: { status: 400, errorCode: 'DLI.0999' }, isAmbiguous: true },
    { answer: { status: 400, errorCode: 'DLI.0003' }, isAmbiguous: false },
    { answer: { status: 429, errorCode: 'APIG.0308' }, isAmbiguous: false },
  ])('with $answer.status $answer.errorCode leaves it open whether the call took effect: $isAmbiguous', (row) => {
    expect(new DliResponseError('cancel job 7', row.answer).isAmbiguous).toBe(row.isAmbiguous);
  });
});

describe('toDliError', () => {
  it.each([true, false])('tells of a lost connection, and whether the request may have arrived: %s', (sent) => {
    const cause = new NetworkError('ECONNRESET', sent);

    const error = toDliError('list jobs', cause);

    expect(error).toBeInstanceOf(DliNetworkError);
    expect(error).toMatchObject({
      kind: 'transient',
      isAmbiguous: sent,
      cause,
      message: `list jobs: ${cause.message}`,
    });
  });

  it.each([
    { phase: 'connect', isAmbiguous: false, message: 'list jobs: no connection within 20 ms' },
    { phase: 'answer', isAmbiguous: true, message: 'list jobs: no answer within 20 ms' },
  ] as const)('tells of a timeout of the $phase', ({ phase, isAmbiguous, message }) => {
    const error = toDliError('list jobs', new TimeoutError(phase, 20));

    expect(error).toBeInstanceOf(DliTimeoutError);
    expect(error).toMatchObject({ kind: 'transient', isAmbiguous, message });
  });

  it.each([new TypeError('bug'), new DliResponseError('x', { status: 500 }), 'text', undefined])(
    'leaves anything else as it is',
    (error) => {
      expect(toDliError('list jobs', error)).toBe(error);
    },
  );
});

describe('the other errors', () => {
  it.each([
    { reason: 'deadline', message: 'list jobs: not begun: the deadline came first' },
    { reason: 'stopped', message: 'list jobs: not begun: stopped' },
  ] as const)('say that a call was not begun, so it cannot have taken effect: $reason', ({ reason, message }) => {
    expect(new DliNotSentError('list jobs', reason)).toMatchObject({ isAmbiguous: false, reason, message });
  });

  it('say that an answer was not DLI’s, so it may have taken effect all the same', () => {
    expect(new DliProtocolError('list jobs', 'without a list', { status: 200, requestId: 'req-1' })).toMatchObject({
      kind: 'rejected',
      isAmbiguous: true,
      status: 200,
      requestId: 'req-1',
      message: 'list jobs: 200 without a list (request req-1)',
    });
  });
});
