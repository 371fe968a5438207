import { describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../../../emulator/control/faults.ts';
import type { ReadCall } from '../../../lib/dli/calls.ts';
import { createDliReader } from '../../../lib/dli/client.ts';
import { createConnection } from '../../../lib/dli/connection.ts';
import { DliProtocolError, DliResponseError } from '../../../lib/dli/errors.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { ENGINES } from '../../../lib/engines/engines.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, jobId, MINUTE, makeWorld } from '../../helpers/world.ts';

const THROTTLED = {
  status: 429,
  body: { error_code: 'APIG.0308', error_msg: 'policy user over ratelimit,limit:60,time:1 minute' },
};
const BROKEN = { status: 500, body: 'oops' };

/** A reader of an emulator that gives these answers first, and a call whose `parse` looks at nothing. */
async function connect(...answers: { status: number; body: unknown }[]) {
  const { emulator, clock } = await makeWorld({ jobs: [emulatedJob(1)] });
  emulator.faults.add(...answers.map((answer) => ({ on: 'list-sql-jobs' as const, answer })));
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const shared = createSharedStates(clock)('test');
  const reader = createDliReader({
    endpoint: new URL(url),
    projectId,
    credentials: { accessKeyId, secretAccessKey },
    clock,
    random: () => 0.5,
    shared,
  });
  onTestFinished(() => reader.close());
  const given: Parameters<ReadCall<string>['parse']>[] = [];
  const ask = () =>
    reader.get({
      kind: 'list',
      operation: 'ask DLI',
      version: 'v1.0',
      path: '/jobs',
      query: [['job-status', 'RUNNING']],
      parse: (...args) => {
        given.push(args);
        return 'a value';
      },
    });
  const statuses = () => emulator.requests.map(({ status }) => status);
  return { ask, given, statuses, pacer: shared.pacer, clock };
}

describe('a call whose parse looks at nothing', () => {
  it('is asked again after a 429 and a 500, and its value is that of the 200', async () => {
    const { ask, given, statuses } = await connect(THROTTLED, BROKEN);

    expect(await ask()).toBe('a value');

    expect(statuses()).toEqual([429, 500, 200]);
    expect(given).toHaveLength(1);
  });

  it('outlasts a window of five minutes in which everything is refused', async () => {
    const refused = { status: 429, body: { error_code: 'APIG.0308', error_msg: 'throttled' } };
    const { ask, clock } = await connect(...Array.from({ length: 37 }, () => refused));
    const startedAt = clock.now();

    expect(await ask()).toBe('a value');

    expect(clock.now() - startedAt).toBeGreaterThan(5 * MINUTE);
  });

  it('teaches the pacer its rate all the same', async () => {
    const { ask, pacer } = await connect(THROTTLED);
    expect(pacer.isLimited()).toBe(false);

    await ask();

    expect(pacer.isLimited()).toBe(true);
  });

  it('fails with the last 500 if there is never anything else', async () => {
    const { ask, given, statuses } = await connect(BROKEN, BROKEN, BROKEN, BROKEN);

    await expect(ask()).rejects.toMatchObject({ name: 'DliResponseError', status: 500, kind: 'transient' });

    expect(statuses()).toEqual([500, 500, 500, 500]);
    expect(given).toEqual([]);
  });

  it.each([
    { name: 'is_success: false', status: 200, body: { is_success: false, error_code: 'DLI.0007' } },
    { name: 'is_success: "false"', status: 200, body: { is_success: 'false' } },
    { name: 'a 400', status: 400, body: { is_success: true } },
    { name: 'a 302', status: 302, body: { is_success: true } },
  ])('is refused by $name', async ({ status, body }) => {
    const { ask, given, statuses } = await connect({ status, body });

    await expect(ask()).rejects.toBeInstanceOf(DliResponseError);

    expect(statuses()).toEqual([status]);
    expect(given).toEqual([]);
  });

  it.each([
    { name: 'HTML', body: '<html></html>' },
    { name: 'nothing', body: '' },
    { name: 'a list', body: [{ is_success: true }] },
    { name: 'null', body: 'null' },
  ])('takes a 200 with $name for no answer of DLI', async ({ body }) => {
    const { ask, given } = await connect({ status: 200, body });

    await expect(ask()).rejects.toBeInstanceOf(DliProtocolError);

    expect(given).toEqual([]);
  });

  it('is given the object of a success, and what an error about it has to name', async () => {
    const { ask, given } = await connect({ status: 202, body: { queues: [] } });

    await ask();

    const requestId = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
    expect(given).toEqual([[{ queues: [] }, { operation: 'ask DLI', status: 202, requestId }]]);
  });
});

describe('the listener to each answer', () => {
  /** Sends one call that gets these answers. @returns what its listener got, and how the call ends. */
  async function listen(...answers: NonNullable<Fault['answer']>[]) {
    const { emulator, clock } = await makeWorld({ jobs: [] });
    emulator.faults.add(...answers.map((answer) => ({ on: 'list-sql-jobs' as const, answer })));
    const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
    const connection = createConnection({
      endpoint: new URL(url),
      projectId,
      credentials: { name: 'test', read: () => Promise.resolve({ accessKeyId, secretAccessKey }) },
      clock,
      random: () => 0.5,
    });
    onTestFinished(() => connection.close());
    const heard: unknown[] = [];
    const sent = connection.send({
      kind: 'list',
      operation: 'ask DLI',
      request: { method: 'GET', path: `/v1.0/${projectId}/jobs`, query: [] },
      parse: () => 'a value',
      onAnswer: ({ status, body }) => void heard.push({ status, body }),
    });
    return { heard, sent };
  }

  it('gets it as it came, refusals and bodies that are not JSON included', async () => {
    const { heard, sent } = await listen(THROTTLED, BROKEN, { status: 200, body: '<html>' });

    await expect(sent).rejects.toBeInstanceOf(DliProtocolError);
    expect(heard).toEqual([
      { status: 429, body: JSON.stringify(THROTTLED.body) },
      { status: 500, body: 'oops' },
      { status: 200, body: '<html>' },
    ]);
  });

  it('hears nothing of an answer that did not come', async () => {
    const { heard, sent } = await listen('reset');

    expect(await sent).toMatchObject({ value: 'a value' });
    expect(heard).toEqual([{ status: 200, body: expect.stringContaining('"jobs":[]') }]);
  });
});

describe('a listing of Spark batches', () => {
  it('is refused by is_success: false, which a success does not have', async () => {
    const world = await makeWorld({ jobs: [] });
    const answer = { status: 200, body: { is_success: false, sessions: [], total: 0 } };
    world.emulator.faults.add({ on: 'list-spark-batches', answer });

    const reads = ENGINES.spark.createReads(world.client(), { withStatements: false });

    await expect(reads.countLive()).rejects.toBeInstanceOf(DliResponseError);
  });
});

describe('an order to stop a job', () => {
  const ORDERS = [
    { engine: 'sql', id: jobId(1), on: 'cancel-sql-job' },
    { engine: 'spark', id: jobId(1), on: 'cancel-spark-batch' },
    { engine: 'flink', id: '146', on: 'stop-flink-jobs' },
  ] as const;

  async function order({ engine, id, on }: (typeof ORDERS)[number], answer: { status: number; body: unknown }) {
    const world = await makeWorld({
      jobs: [emulatedJob(1)],
      sparkJobs: [emulatedBatch(1)],
      flinkJobs: [emulatedFlinkJob(146)],
    });
    world.emulator.faults.add({ on, answer });
    const cancels = ENGINES[engine].createCancels(world.client(), world.clock);
    return cancels.cancel(makeJob({ engine, id }), { savepoint: false, mayStillBeAsked: () => true });
  }

  describe.each(ORDERS)('of $engine', (one) => {
    it.each([200, 202])('may have been carried out if a %i says nothing', async (status) => {
      const result = await order(one, { status, body: '' });

      expect(result).toMatchObject({ kind: 'lost', attempts: 1, error: { name: 'DliProtocolError', status } });
    });

    it.each([
      { name: 'a 200 with is_success: false', status: 200, body: { is_success: false } },
      { name: 'a 400', status: 400, body: { error_code: 'DLI.0007' } },
      { name: 'a 400 with a list', status: 400, body: [{ is_success: 'false', error_code: 'DLI.0007' }] },
    ])('is refused by $name', async ({ status, body }) => {
      const result = await order(one, { status, body });

      expect(result).toMatchObject({ kind: 'refused', attempts: 1, error: { name: 'DliResponseError', status } });
    });
  });

  it.each([
    { engine: 'sql', kind: 'lost' },
    { engine: 'spark', kind: 'lost' },
    { engine: 'flink', kind: 'accepted' },
  ])('of $engine is $kind after a list of verdicts, which only Flink answers with', async ({ engine, kind }) => {
    const one = ORDERS.find((row) => row.engine === engine) as (typeof ORDERS)[number];

    expect(await order(one, { status: 200, body: [{ is_success: 'true' }] })).toMatchObject({ kind, attempts: 1 });
  });
});
