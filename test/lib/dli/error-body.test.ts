import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findErrorCode, findRefusalReason, parseRateHint } from '../../../lib/dli/error-body.ts';

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

describe('findRefusalReason', () => {
  it('finds no reason in a body of another form', () => {
    expect([undefined, 'decrypt token fail', { error_msg: 7 }, null].map(findRefusalReason)).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
  });
});

describe('parseRateHint', () => {
  it.each([
    ['The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute', 60, 60_000],
    ['policy user over ratelimit,limit:10,time:5 second', 10, 5_000],
    ['limit: 7, time: 30 second', 7, 30_000],
  ])('reads %j', (text, calls, windowMs) => {
    expect(parseRateHint(text)).toEqual({ calls, windowMs });
  });

  it.each([
    '',
    'too many requests',
    'limit:0,time:1 minute',
    'limit:60,time:0 minute',
    'limit:1,time:1 day',
    'limit:200,time:1 hour',
    'limit:200,time:2 minute',
  ])('makes nothing of %j', (text) => {
    expect(parseRateHint(text)).toBeUndefined();
  });
});
