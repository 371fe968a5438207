import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import type { ReadCall } from '../../../lib/dli/calls.ts';
import type { DliReader } from '../../../lib/dli/client.ts';
import { DliResponseError } from '../../../lib/dli/errors.ts';
import { createQueuedLook } from '../../../lib/engines/queued-look.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../helpers/world.ts';

/** Job `n` began to wait `n` seconds after the first. */
const waiting = (n: number, fields: Partial<Job> = {}) => {
  const startedAt = NOW - 9 * HOUR + n * 1_000;
  return { ...makeJob({ id: jobId(n), status: 'LAUNCHING', state: 'queued', startedAt, ...fields }), startedAt };
};

/** A DLI where these jobs wait, and how often it was asked for a page of them. */
function makeDli(jobs: readonly Job[]) {
  const clock = fakeClock();
  const starts: number[] = [];
  const get = (async ({ query = [] }: ReadCall<unknown>) => {
    const startedAfter = Number(new Map(query).get('start'));
    starts.push(startedAfter);
    await Promise.resolve();
    const found = jobs.filter(({ startedAt = 0 }) => startedAt > startedAfter);
    return { jobs: found.slice(0, 100), jobCount: found.length };
  }) as DliReader['get'];
  return { clock, starts, get, lookAt: createQueuedLook(clock) };
}

describe('createQueuedLook', () => {
  it('knows nothing of a job before it has looked', () => {
    expect(makeDli([]).lookAt(waiting(1)).find()).toBeUndefined();
  });

  it('finds a job and those that began to wait after it in one page, and says which no longer wait', async () => {
    const jobs = [1, 2, 4].map((n) => waiting(n));
    const { lookAt, get, starts } = makeDli(jobs);

    await lookAt(waiting(1)).repeat(get);

    expect([1, 2, 3, 4, 5].map((n) => lookAt(waiting(n)).find())).toEqual([jobs[0], jobs[1], null, jobs[2], null]);
    expect(lookAt(waiting(0)).find()).toBeUndefined();
    expect(starts).toEqual([(waiting(1).startedAt ?? 0) - 1]);
  });

  it('knows nothing of jobs beyond a page, and of its last start time only what is asked for', async () => {
    const { lookAt, get } = makeDli(Array.from({ length: 150 }, (_, n) => waiting(n)));

    await lookAt(waiting(0)).repeat(get);

    expect(lookAt(waiting(98)).find()).toMatchObject({ id: jobId(98) });
    expect([99, 100].map((n) => lookAt(waiting(n)).find())).toEqual([undefined, undefined]);
  });

  it('says of a job that more than a page of others share a start time with that it was not found', async () => {
    const { startedAt } = waiting(0);
    const { lookAt, get } = makeDli(Array.from({ length: 150 }, (_, n) => waiting(n, { startedAt })));
    const last = { ...waiting(149), startedAt };

    await lookAt(last).repeat(get);

    expect(lookAt(last).find()).toBeNull();
  });

  it('counts for ten seconds', async () => {
    const { lookAt, get, clock } = makeDli([waiting(1)]);
    await lookAt(waiting(1)).repeat(get);

    clock.pass(9_999);
    expect(lookAt(waiting(1)).find()).toMatchObject({ id: jobId(1) });
    clock.pass(1);
    expect(lookAt(waiting(1)).find()).toBeUndefined();
  });

  it('is shared by all that ask for it while it is under way', async () => {
    const { lookAt, get, starts } = makeDli([1, 2, 3].map((n) => waiting(n)));

    await Promise.all([1, 2, 3].map((n) => lookAt(waiting(n)).repeat(get)));

    expect(starts).toHaveLength(1);
  });

  it('knows a job in whatever case its id is written', async () => {
    const { lookAt, get } = makeDli([waiting(0xab)]);
    const upper = waiting(0xab, { id: jobId(0xab).toUpperCase() });

    await lookAt(upper).repeat(get);

    expect(lookAt(upper).find()).toMatchObject({ id: jobId(0xab) });
  });

  it('finds no job at all if it is refused, so that each is read alone', async () => {
    const { lookAt } = makeDli([]);
    const refused = () => Promise.reject(new DliResponseError('list', { status: 403 }));

    await lookAt(waiting(5)).repeat(refused);

    expect([1, 5, 9].map((n) => lookAt(waiting(n)).find())).toEqual([null, null, null]);
  });
});
