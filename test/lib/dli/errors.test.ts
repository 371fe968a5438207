import { describe, expect, it } from 'vitest';
import {
  DliNetworkError,
  DliNotSentError,
  DliProtocolError,
  DliResponseError,
  DliTimeoutError,
  toDliError,
} from '../../../lib/dli/errors.ts';
import { NetworkError, TimeoutError } from '../../../lib/http/errors.ts';

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
  it.each([true, false])('reports a lost connection, and whether the request may have arrived: %s', (sent) => {
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
  ] as const)('reports a timeout of the $phase', ({ phase, isAmbiguous, message }) => {
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
