import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { once } from '../../../functions/shared/deployment.ts';
import { countFailure, logContext } from '../../../functions/shared/middleware.ts';
import type { MetricValues } from '../../../lib/sweep/record/metrics.ts';

/** A function with the middleware of ours that throws for `{"fails": true}`, with what it wrote. */
function makeFunction() {
  const begun: string[] = [];
  const metrics: MetricValues[] = [];
  const reporting = () => ({
    beginInvocation: ({ awsRequestId }: Context) => void begun.push(awsRequestId),
    writeMetrics: (values: MetricValues) => void metrics.push(values),
  });
  const handler = middy<{ fails?: boolean; byHand?: boolean }, string, Error>()
    .use(logContext(reporting))
    .use(countFailure(reporting, (event) => !(event as { byHand?: boolean }).byHand))
    .handler(async ({ fails }) => {
      begun.push('handled');
      if (fails) throw new Error('it broke');
      return 'done';
    });
  const invoke = (event: object) => handler(event, { awsRequestId: 'request-1' } as Context);
  return { begun, metrics, invoke };
}

describe('the middleware', () => {
  it('tells the log whose invocation it is before the handler runs, and counts no success', async () => {
    const { begun, metrics, invoke } = makeFunction();

    expect(await invoke({})).toBe('done');
    expect(begun).toEqual(['request-1', 'handled']);
    expect(metrics).toEqual([]);
  });

  it('counts an invocation that throws, and lets the error through', async () => {
    const { metrics, invoke } = makeFunction();

    await expect(invoke({ fails: true })).rejects.toThrow('it broke');
    expect(metrics).toEqual([{ PolicyException: 1 }]);
  });

  it('does not count the mistake of a person, who has the answer', async () => {
    const { metrics, invoke } = makeFunction();

    await expect(invoke({ fails: true, byHand: true })).rejects.toThrow('it broke');
    expect(metrics).toEqual([]);
  });
});

describe('once', () => {
  it('makes a value on first use and keeps it', () => {
    let made = 0;
    const value = once(() => ++made);

    expect(made).toBe(0);
    expect([value(), value()]).toEqual([1, 1]);
  });

  it('tries again after an error', () => {
    let tries = 0;
    const value = once(() => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      return tries;
    });

    expect(value).toThrow('not yet');
    expect(value()).toBe(2);
  });
});
