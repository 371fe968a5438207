import { describe, expect, it } from 'vitest';
import { DliProtocolError, DliResponseError } from '../../../lib/dli/errors.ts';
import { readSuccess, readVerdicts, toCount, toNumber, toText, type WireAnswer } from '../../../lib/dli/wire.ts';
import { thrownBy } from '../../helpers/thrown-by.ts';

const ROW = { job_id: '00000000-0000-4000-8000-000000000001', status: 'RUNNING', statement: 'select secret_column' };

const answer = (body: unknown, status = 200): WireAnswer => ({
  operation: 'ask DLI',
  status,
  requestId: 'req-1',
  retryAfterMs: 2_000,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('readSuccess', () => {
  it.each([
    { name: 'HTML', body: '<html><body>login</body></html>' },
    { name: 'an empty body', body: '' },
    { name: 'half a body', body: '{"is_success":true,' },
    { name: 'an array', body: [ROW] },
    { name: 'a text', body: '"ok"' },
    { name: 'null', body: 'null' },
  ])('refuses a 200 with $name', ({ body }) => {
    const error = thrownBy(() => readSuccess(answer(body)));

    expect(error).toBeInstanceOf(DliProtocolError);
    expect(error).toMatchObject({ message: 'ask DLI: 200 with a body that is not a JSON object (request req-1)' });
  });

  it.each([false, 'false', 'False', null, 0, ''])('takes is_success: %j for a no', (is_success) => {
    const body = { is_success, message: 'select secret_column', error_code: 'DLI.0007', jobs: [], job_count: 0 };

    const error = thrownBy(() => readSuccess(answer(body)));

    expect(error).toBeInstanceOf(DliResponseError);
    expect(error).toMatchObject({
      message: 'ask DLI: 200 DLI.0007 with is_success: false (request req-1)',
      kind: 'rejected',
    });
  });

  it.each([{ is_success: true }, { is_success: 'true' }, {}])('takes %j for a yes', (success) => {
    expect(() => readSuccess(answer({ ...success, ...ROW, jobs: [], job_count: 0 }))).not.toThrow();
  });

  it.each([
    {
      name: 'code of an error object',
      body: { error_code: 'DLI.0012', error_msg: 'select secret_column' },
      errorCode: 'DLI.0012',
    },
    { name: 'code of an error array', body: [{ error_code: 'DLI.0012' }], errorCode: 'DLI.0012' },
    { name: 'status of HTML', body: '<html>secret_column</html>', errorCode: undefined },
    { name: 'status of an empty body', body: '', errorCode: undefined },
    { name: 'code even of a body that says is_success', body: { ...ROW, code: 'DLI.0012' }, errorCode: 'DLI.0012' },
  ])('brings back the $name, the request id and the wait asked for, and no text', ({ body, errorCode }) => {
    const error = thrownBy(() => readSuccess(answer(body, 503)));

    expect(error).toBeInstanceOf(DliResponseError);
    expect(error).toMatchObject({ status: 503, errorCode, requestId: 'req-1', retryAfterMs: 2_000, kind: 'transient' });
    expect(String(error)).not.toContain('secret_column');
  });
});

describe('readVerdicts', () => {
  const YES = { is_success: 'true', message: 'ok' };

  it.each([
    { name: 'a list of one', body: [YES] },
    { name: 'a list of several', body: [YES, { is_success: true }, {}] },
    { name: 'one object', body: YES },
  ])('takes $name for a yes, and returns the first verdict', ({ body }) => {
    expect(readVerdicts(answer(body))).toEqual(YES);
  });

  it.each([
    { name: 'any verdict is a no', body: [YES, { is_success: 'false' }], words: '200 with is_success: false' },
    { name: 'the one object is a no', body: { is_success: false }, words: '200 with is_success: false' },
    {
      name: 'any verdict holds an error code',
      body: [YES, { ...YES, error_code: 'DLI.13007' }],
      words: '200 DLI.13007',
    },
    { name: 'the one object holds an error code', body: { error_code: 'DLI.13007' }, words: '200 DLI.13007' },
    { name: 'a 400 brings a list', body: [YES, { error_code: 'DLI.13007' }], status: 400, words: '400 DLI.13007' },
    { name: 'a 400 brings a yes', body: [YES], status: 400, words: '400' },
  ])('is a refusal where $name', ({ body, status, words }) => {
    const error = thrownBy(() => readVerdicts(answer(body, status)));

    expect(error).toBeInstanceOf(DliResponseError);
    expect(error).toMatchObject({ message: `ask DLI: ${words} (request req-1)` });
  });

  it.each([
    { name: 'HTML', body: '<html><body>login</body></html>' },
    { name: 'an empty body', body: '' },
    { name: 'an empty list', body: [] },
    { name: 'a text among verdicts', body: [YES, 'ok'] },
    { name: 'a list in a list', body: [[YES]] },
    { name: 'null', body: 'null' },
  ])('refuses a 200 with $name', ({ body }) => {
    const error = thrownBy(() => readVerdicts(answer(body)));

    expect(error).toBeInstanceOf(DliProtocolError);
    expect(error).toMatchObject({ message: 'ask DLI: 200 without a verdict (request req-1)' });
  });
});

describe('toNumber', () => {
  it.each([
    { value: 0, number: 0 },
    { value: -1.5, number: -1.5 },
    { value: '0', number: 0 },
    { value: '1785540000000', number: 1_785_540_000_000 },
    { value: '2.5', number: 2.5 },
    { value: '9007199254740991', number: Number.MAX_SAFE_INTEGER },
  ])('reads $value', ({ value, number }) => {
    expect(toNumber(value)).toBe(number);
  });

  // Each of these could be meant for something else, or stands for another number than it says.
  it.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1\n',
    '+1',
    '-1',
    '007',
    '1e3',
    '0x10',
    '1_000',
    '1,5',
    '1.',
    '.5',
    'NaN',
    'Infinity',
    '9007199254740993',
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    [1],
    {},
    '2026-08-01',
  ])('does not guess at %j', (value) => {
    expect(toNumber(value)).toBeUndefined();
  });
});

describe('toCount', () => {
  it.each([0, 50, '0', '50'])('counts %j', (value) => {
    expect(toCount(value)).toBe(Number(value));
  });

  it.each([-1, 0.5, '0.5', '-1', 'none', null, undefined])('does not count %j', (value) => {
    expect(toCount(value)).toBeUndefined();
  });
});

describe('toText', () => {
  it('takes null, and an empty text, for a field that is not there', () => {
    expect([null, undefined, '', 'adhoc'].map(toText)).toEqual([undefined, undefined, undefined, 'adhoc']);
  });
});
