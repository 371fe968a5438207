import { describe, expect, it } from 'vitest';
import type { EmulatedBatch } from '../../../emulator/spark/jobs.ts';
import { emulatedBatch, refusal, startApi } from '../../helpers/emulated-api.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

type Query = [name: string, value: string][];
type Session = Record<string, unknown> & { id: string; state: string };
interface Body extends Record<string, unknown> {
  from: number;
  total: number;
  sessions: Session[];
  id: string;
  state: string;
}
type Options = Omit<NonNullable<Parameters<typeof startApi>[0]>, 'sparkJobs'>;

async function startSpark(sparkJobs: EmulatedBatch[], options: Options = {}) {
  const { emulator, pass, call } = await startApi<Body>({ sparkJobs, ...options });
  return {
    emulator,
    pass,
    list: (...query: Query) => call('GET', '/v2.0/batches', { query }),
    show: (id: string) => call('GET', `/v2.0/batches/${id}`),
    state: (id: string) => call('GET', `/v2.0/batches/${id}/state`),
    log: (id: string, ...query: Query) => call('GET', `/v2.0/batches/${id}/log`, { query }),
    cancel: (id: string) => call('DELETE', `/v2.0/batches/${id}`),
    create: (body: unknown) => call('POST', '/v2.0/batches', { body }),
  };
}

const numbers = ({ body }: { body: Body }) => body.sessions.map(({ id }) => Number(id.slice(-6)));
const ACCEPTED = { status: 200, body: { msg: 'deleted' } };

/** The older the higher its number. */
const project = [
  emulatedBatch(1, { ageMs: HOUR }),
  emulatedBatch(2, { ageMs: 2 * HOUR, queue: 'etl', owner: 'bogdan', name: 'hourly' }),
  emulatedBatch(3, { ageMs: 3 * HOUR, plan: { runsFrom: NOW - HOUR, endsAt: NOW - MINUTE } }),
  emulatedBatch(4, { ageMs: 4 * HOUR, plan: { endsAt: NOW - HOUR, endsAs: 'dead' } }),
  emulatedBatch(5, { ageMs: HOUR * 5, plan: { recoveries: [{ from: NOW - MINUTE, until: NOW + MINUTE }] } }),
  emulatedBatch(6, { ageMs: 0, plan: { runsFrom: NOW + MINUTE } }),
];

describe('listing batches', () => {
  it.each<{ name: string; query: Query; listed: number[] }>([
    { name: 'no filter, the newest first', query: [], listed: [6, 1, 2, 3, 4, 5] },
    { name: 'state starting', query: [['state', 'starting']], listed: [6] },
    { name: 'state running', query: [['state', 'running']], listed: [1, 2] },
    { name: 'state recovering', query: [['state', 'recovering']], listed: [5] },
    { name: 'state success', query: [['state', 'success']], listed: [3] },
    { name: 'state dead', query: [['state', 'dead']], listed: [4] },
    { name: 'queue_name', query: [['queue_name', 'etl']], listed: [2] },
    { name: 'cluster_name, in capitals', query: [['cluster_name', 'ETL']], listed: [2] },
    { name: 'owner', query: [['owner', 'bogdan']], listed: [2] },
    { name: 'job_name, the whole of it', query: [['job_name', 'hourly']], listed: [2] },
    { name: 'a part of a job_name', query: [['job_name', 'hour']], listed: [] },
    { name: 'job-id', query: [['job-id', jobId(5)]], listed: [5] },
    { name: 'job_id', query: [['job_id', jobId(5)]], listed: [5] },
    { name: 'start, exclusive', query: [['start', String(NOW - 2 * HOUR)]], listed: [6, 1] },
    { name: 'end, exclusive', query: [['end', String(NOW - 4 * HOUR)]], listed: [5] },
    {
      name: 'start and end of zero, as no bound',
      query: [
        ['start', '0'],
        ['end', '0'],
      ],
      listed: [6, 1, 2, 3, 4, 5],
    },
    { name: 'a parameter that it does not know', query: [['current-page', '7']], listed: [6, 1, 2, 3, 4, 5] },
  ])('filters by $name', async ({ query, listed }) => {
    const { list } = await startSpark(project);

    const answer = await list(...query);

    expect(numbers(answer)).toEqual(listed);
    expect(answer).toMatchObject({ status: 200, body: { from: 0, total: listed.length } });
    expect(answer.body).not.toHaveProperty('is_success');
  });

  it.each<{ order: string; listed: number[] }>([
    { order: 'CREATE_TIME_ASC', listed: [5, 4, 3, 2, 1, 6] },
    { order: 'CREATE_TIME_DESC', listed: [6, 1, 2, 3, 4, 5] },
    { order: 'DURATION_ASC', listed: [6, 3, 1, 2, 4, 5] },
    { order: 'DURATION_DESC', listed: [5, 4, 2, 1, 3, 6] },
  ])('sorts by $order', async ({ order, listed }) => {
    const { list } = await startSpark(project);

    expect(numbers(await list(['order', order]))).toEqual(listed);
  });

  it.each<{ name: string; query: Query; length: number; first: number | undefined }>([
    { name: 'the first 100 by default', query: [], length: 100, first: 1 },
    { name: 'the rows behind an offset', query: [['from', '100']], length: 50, first: 101 },
    { name: 'more than 100, since no limit is documented', query: [['size', '1000']], length: 150, first: 1 },
    {
      name: 'a window that starts on any row',
      query: [
        ['from', '7'],
        ['size', '2'],
      ],
      length: 2,
      first: 8,
    },
    { name: 'nothing behind the last', query: [['from', '150']], length: 0, first: undefined },
  ])('gives $name, and always the total', async ({ query, length, first }) => {
    const { list } = await startSpark(
      Array.from({ length: 150 }, (_, i) => emulatedBatch(i + 1, { ageMs: (i + 1) * MINUTE })),
    );

    const answer = await list(...query);

    expect(answer.body.total).toBe(150);
    expect(answer.body.sessions).toHaveLength(length);
    expect(numbers(answer)[0]).toBe(first);
  });

  it.each<[name: string, value: string]>([
    ['from', '-1'],
    ['from', 'first'],
    ['size', '-1'],
    ['size', '1.5'],
    ['state', 'Running'],
    ['state', 'cancelled'],
    ['order', 'create_time_asc'],
    ['start', 'yesterday'],
    ['end', '-1'],
    ['queue_name', 'a-b'],
    ['cluster_name', '123'],
    ['job-id', 'not an id!'],
  ])('refuses %s=%j', async (name, value) => {
    const { list } = await startSpark(project);

    expect(await list([name, value])).toMatchObject(refusal('DLI.0001'));
  });

  it.each<{ sparkFilters: 'otc' | 'oas'; listed: number[] }>([
    { sparkFilters: 'otc', listed: [1, 2] },
    { sparkFilters: 'oas', listed: [5] },
  ])('ignores what the $sparkFilters page does not name', async ({ sparkFilters, listed }) => {
    const jobs = [emulatedBatch(1, { ageMs: HOUR }), emulatedBatch(2, { ageMs: 2 * HOUR })];
    const { list } = await startSpark([...jobs, emulatedBatch(5, { ageMs: 5 * HOUR, owner: 'bogdan' })], {
      assumptions: { sparkFilters },
    });

    expect(numbers(await list(['owner', 'ana'], ['end', String(NOW - 3 * HOUR)]))).toEqual(listed);
  });

  it('finds a part of a name if the assumption says so', async () => {
    const { list } = await startSpark(project, { assumptions: { nameFilter: 'part' } });

    expect(numbers(await list(['job_name', 'our']))).toEqual([2]);
  });

  it('starts with the oldest if the assumption says so', async () => {
    const { list } = await startSpark(project, { assumptions: { sparkDefaultOrder: 'CREATE_TIME_ASC' } });

    expect(numbers(await list())).toEqual([5, 4, 3, 2, 1, 6]);
  });

  it('shows how long a batch has run, not how long ago it was created', async () => {
    const { list, pass } = await startSpark([
      emulatedBatch(1, { ageMs: HOUR, plan: { runsFrom: NOW + MINUTE, endsAt: NOW + 3 * MINUTE } }),
    ]);
    const durations: unknown[] = [];
    for (let minute = 0; minute < 5; minute++) {
      durations.push((await list()).body.sessions[0]?.duration);
      pass(MINUTE);
    }

    expect(durations).toEqual([0, 0, MINUTE, 2 * MINUTE, 2 * MINUTE]);
  });

  it.each([
    { sparkAppId: 'text' as const, appId: `batch-session-${jobId(1)}:31309` },
    { sparkAppId: 'null' as const, appId: null },
    { sparkAppId: 'list' as const, appId: [`batch-session-${jobId(1)}:31309`] },
  ])('shows the application id as a $sparkAppId if the assumption says so', async ({ sparkAppId, appId }) => {
    const { list } = await startSpark([emulatedBatch(1)], { assumptions: { sparkAppId } });

    expect((await list()).body.sessions[0]).toMatchObject({ appId });
  });

  it('shows a made-up state and leaves out hidden fields', async () => {
    const { list, state } = await startSpark([
      emulatedBatch(1, { shownState: 'hibernating', hiddenFields: ['queue', 'duration'] }),
    ]);

    const [session] = (await list(['state', 'running'])).body.sessions;

    expect(session).toMatchObject({ state: 'hibernating', cluster_name: 'gen_q' });
    expect(session).not.toHaveProperty('queue');
    expect(session).not.toHaveProperty('duration');
    expect((await state(jobId(1))).body.state).toBe('hibernating');
  });
});

describe('showing a batch', () => {
  it('shows what the list shows, but no duration', async () => {
    const { list, show } = await startSpark([emulatedBatch(1, { sparkVersion: '3.3.1', feature: 'basic' })]);
    const [{ duration: _, ...session } = {} as Session] = (await list()).body.sessions;

    expect(await show(jobId(1))).toEqual({
      status: 200,
      body: { ...session, feature: 'basic', spark_version: '3.3.1' },
    });
  });

  it('goes from starting through running and recovering to success, each with its time', async () => {
    const plan = {
      runsFrom: NOW + MINUTE,
      recoveries: [{ from: NOW + 2 * MINUTE, until: NOW + 3 * MINUTE }],
      endsAt: NOW + 4 * MINUTE,
    };
    const { show, pass } = await startSpark([emulatedBatch(1, { ageMs: MINUTE, plan })]);
    const seen: unknown[] = [];
    for (let minute = 0; minute < 6; minute++) {
      const { state, update_time: updatedAt } = (await show(jobId(1))).body;
      seen.push([state, ((updatedAt as number) - NOW) / MINUTE]);
      pass(MINUTE);
    }

    expect(seen).toEqual([
      ['starting', -1],
      ['running', 1],
      ['recovering', 2],
      ['running', 3],
      ['success', 4],
      ['success', 4],
    ]);
  });

  it('ends a batch that found no resources in three hours', async () => {
    const { state, pass } = await startSpark([
      emulatedBatch(1, { ageMs: 3 * HOUR - 1, plan: { runsFrom: NOW + 5 * HOUR, endsAt: NOW + 6 * HOUR } }),
    ]);

    expect((await state(jobId(1))).body).toEqual({ id: jobId(1), state: 'starting' });
    pass(1);
    expect((await state(jobId(1))).body).toEqual({ id: jobId(1), state: 'dead' });
  });

  it('spells the state with a capital only in the state route, and only if the assumption says so', async () => {
    const { state, show } = await startSpark(project, { assumptions: { sparkStateSpelling: 'capitalised' } });

    expect((await state(jobId(3))).body.state).toBe('Success');
    expect((await show(jobId(3))).body.state).toBe('success');
  });

  it('logs a line for each stage so far', async () => {
    const { log } = await startSpark(project);

    expect((await log(jobId(3))).body).toEqual({
      id: jobId(3),
      from: 0,
      total: 3,
      log: [
        '2026-01-05T06:00:00.000Z starting',
        '2026-01-05T08:00:00.000Z running',
        '2026-01-05T08:59:00.000Z success',
      ],
    });
    expect((await log(jobId(3), ['from', '1'], ['size', '1'], ['type', 'driver'])).body).toMatchObject({
      from: 1,
      total: 3,
      log: ['2026-01-05T08:00:00.000Z running'],
    });
    expect(await log(jobId(3), ['type', 'executor'])).toMatchObject(refusal('DLI.0001'));
  });

  it.each<{ name: string; id: string; unknownId: 'DLI.0002' | 'DLI.0023'; code: string; status: number }>([
    { name: 'an unknown id', id: jobId(99), unknownId: 'DLI.0002', code: 'DLI.0002', status: 400 },
    { name: 'an unknown id, if that is assumed,', id: jobId(99), unknownId: 'DLI.0023', code: 'DLI.0023', status: 404 },
    { name: 'a malformed id', id: 'batch-1', unknownId: 'DLI.0002', code: 'DLI.0001', status: 400 },
  ])('refuses $name with $status $code', async ({ id, unknownId, code, status }) => {
    const { show, state, log, cancel } = await startSpark(project, { assumptions: { unknownId } });

    for (const ask of [show, state, log, cancel]) expect(await ask(id)).toMatchObject(refusal(code, status));
  });
});

describe('cancelling a batch', () => {
  it('accepts first, and the batch is dead after the delay', async () => {
    const { cancel, show, pass } = await startSpark(project, { cancelDelayMs: 5_000 });

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(4_999);
    expect((await show(jobId(1))).body.state).toBe('running');
    pass(1);
    expect((await show(jobId(1))).body).toMatchObject({ state: 'dead', update_time: NOW + 5_000 });
    pass(25 * HOUR);
    expect((await show(jobId(1))).body.state).toBe('dead');
  });

  it('accepts a second cancel while the batch still runs, without delaying its end', async () => {
    const { cancel, state, pass } = await startSpark(project, { cancelDelayMs: 5_000 });

    await cancel(jobId(1));
    pass(3_000);

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(2_000);
    expect((await state(jobId(1))).body.state).toBe('dead');
  });

  it.each([
    { name: 'a batch that recovers', n: 5 },
    { name: 'a batch that starts', n: 6 },
  ])('cancels $name, even if it would run by then', async ({ n }) => {
    const { cancel, state, pass } = await startSpark(project, { cancelDelayMs: 2 * MINUTE });

    expect(await cancel(jobId(n))).toEqual(ACCEPTED);
    pass(MINUTE);
    expect((await state(jobId(n))).body.state).toBe('running');
    pass(MINUTE);
    expect((await state(jobId(n))).body.state).toBe('dead');
  });

  it.each([
    { name: 'a batch that ends within the delay', batch: { plan: { endsAt: NOW + 500 } }, state: 'success' },
    { name: 'a batch that ends with the delay', batch: { plan: { endsAt: NOW + 1_000 } }, state: 'success' },
    { name: 'a batch that outruns its cancel', batch: { onCancel: 'finish' as const }, state: 'success' },
    { name: 'a batch that never stops', batch: { onCancel: 'ignore' as const }, state: 'running' },
  ])('accepts the cancel of $name, which is then $state', async ({ batch, state: expected }) => {
    const { cancel, state, pass } = await startSpark([emulatedBatch(1, batch)]);

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(MINUTE);
    expect((await state(jobId(1))).body.state).toBe(expected);
  });

  it.each([
    { name: 'a batch that succeeded', n: 3, code: 'DLI.0007', status: 400 },
    { name: 'a dead batch', n: 4, code: 'DLI.0007', status: 400 },
    { name: 'a batch on a queue without the permission', n: 2, code: 'DLI.0003', status: 400 },
  ])('refuses $name with $code, and changes nothing', async ({ n, code, status }) => {
    const { cancel, list } = await startSpark(project, { deniedQueues: ['etl'] });
    const before = await list();

    expect(await cancel(jobId(n))).toMatchObject(refusal(code, status));
    expect(await list()).toEqual(before);
  });

  it.each([
    { sparkCancelOfEnded: 'accepted' as const, total: 6 },
    { sparkCancelOfEnded: 'erased' as const, total: 5 },
  ])('answers for a dead batch as assumed: $sparkCancelOfEnded', async ({ sparkCancelOfEnded, total }) => {
    const { cancel, list, state } = await startSpark(project, { assumptions: { sparkCancelOfEnded } });

    expect(await cancel(jobId(4))).toEqual(ACCEPTED);
    expect((await list()).body.total).toBe(total);
    expect((await state(jobId(4))).status).toBe(total === 6 ? 200 : 400);
  });

  it('refuses with 403 if the assumption says so', async () => {
    const { cancel } = await startSpark(project, { deniedQueues: ['etl'], assumptions: { deniedStatus: 403 } });

    expect(await cancel(jobId(2))).toMatchObject(refusal('DLI.0003', 403));
  });
});

describe('creating a batch', () => {
  const request = { file: 'pi.jar', className: 'Pi', queue: 'Gen_Q', name: 'pi' };

  it('starts, runs and succeeds', async () => {
    const { create, list, state, pass } = await startSpark([]);

    const { status, body } = await create(request);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: 'starting',
      name: 'pi',
      queue: 'gen_q',
      cluster_name: 'gen_q',
      sc_type: 'A',
      log: [],
      appId: '',
      create_time: NOW,
      update_time: NOW,
      req_body: JSON.stringify(request),
    });
    expect((await list(['state', 'starting'])).body.sessions).toMatchObject([{ id: body.id }]);
    pass(500);
    expect((await state(body.id)).body.state).toBe('running');
    pass(75_000);
    expect((await state(body.id)).body.state).toBe('success');
  });

  it.each([
    { name: 'its resource type', fields: { sc_type: 'C' }, shown: { sc_type: 'C' } },
    { name: 'sizes of its own', fields: { sc_type: 'C', numExecutors: 2 }, shown: { sc_type: 'CUSTOMIZED' } },
    { name: 'cluster_name', fields: { queue: undefined, cluster_name: 'old' }, shown: { queue: 'old' } },
    { name: 'no queue', fields: { queue: undefined }, shown: { queue: 'default' } },
    { name: 'an image', fields: { feature: 'custom', image: 'team/spark:3' }, shown: { image: 'team/spark:3' } },
    { name: "the documented example's class_name", fields: { className: undefined, class_name: 'Pi' }, shown: {} },
    { name: 'no class, as DataArts sends a batch of Python', fields: { className: undefined }, shown: {} },
    { name: 'an empty class, as Terraform does', fields: { className: '' }, shown: {} },
    { name: 'null in place of a field left out', fields: { conf: null, args: null, image: null }, shown: {} },
    { name: 'a name of 128 characters', fields: { name: 'n'.repeat(128) }, shown: { name: 'n'.repeat(128) } },
    { name: 'configuration as an object', fields: { conf: { 'spark.x': 'y' } }, shown: {} },
  ])('takes $name', async ({ fields, shown }) => {
    const { create } = await startSpark([]);

    expect(await create({ ...request, ...fields })).toMatchObject({ status: 200, body: shown });
  });

  it.each([
    { name: 'no file', fields: { file: undefined } },
    { name: 'queue and cluster_name at once', fields: { cluster_name: 'gen_q' } },
    { name: 'a queue with other characters', fields: { queue: 'a-b' } },
    { name: 'a name of 129 characters', fields: { name: 'n'.repeat(129) } },
    { name: 'an unknown resource type', fields: { sc_type: 'D' } },
    { name: 'arguments that are no list', fields: { args: 'x' } },
    { name: 'configuration as a list', fields: { conf: ['a = b'] } },
    { name: '101 retries', fields: { auto_recovery: true, max_retry_times: 101 } },
    { name: 'half a core', fields: { driverCores: 0.5 } },
  ])('refuses $name, and creates nothing', async ({ fields }) => {
    const { create, list } = await startSpark([]);

    expect(await create({ ...request, ...fields })).toMatchObject(refusal('DLI.0001'));
    expect((await list()).body.total).toBe(0);
  });

  it('refuses a body that is not JSON', async () => {
    const { create } = await startSpark([]);

    expect(await create('{')).toMatchObject(refusal('DLI.0001'));
  });

  it('fails to start when a memory size has no unit', async () => {
    const { create, state, pass } = await startSpark([]);

    const { body } = await create({ ...request, driverMemory: '2048' });

    pass(500);
    expect((await state(body.id)).body.state).toBe('dead');
  });

  it.each([
    { name: 'is dead after its first failure', retries: {}, states: ['running', 'dead', 'dead'] },
    {
      name: 'recovers as often as it may, and is then dead',
      retries: { auto_recovery: true, max_retry_times: 2 },
      states: ['running', 'recovering', 'running', 'recovering', 'running', 'dead'],
    },
    {
      name: 'does not recover when it may not',
      retries: { auto_recovery: true, max_retry_times: 0 },
      states: ['running', 'dead'],
    },
  ])('$name if all batches are set to fail', async ({ retries, states }) => {
    const delays = { startMs: MINUTE, runMs: [MINUTE, MINUTE] as const };
    const { create, state, pass } = await startSpark([], { failureShare: 1, delays });

    const { body } = await create({ ...request, ...retries });

    for (const [i, expected] of states.entries()) {
      pass(MINUTE);
      expect([i, (await state(body.id)).body.state]).toEqual([i, expected]);
    }
  });

  it.each(['DLI.0002', 'DLI.0008'] as const)(
    'refuses an unknown queue with %s if the assumption says so',
    async (code) => {
      const queues = [{ name: 'gen_q', type: 'general' as const, cuCount: 16, createdAt: 0 }];
      const { create } = await startSpark([], { queues, assumptions: { unknownQueue: code } });

      expect(await create({ ...request, queue: 'nowhere' })).toMatchObject(refusal(code));
      expect((await create(request)).status).toBe(200);
    },
  );
});
