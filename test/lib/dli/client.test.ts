import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../../../emulator/control/faults.ts';
import type { AccessKey } from '../../../emulator/gateway/authentication.ts';
import { EMULATOR_KEY } from '../../../emulator/server.ts';
import type { Job } from '../../../lib/base/job.ts';
import type { SharedLook } from '../../../lib/dli/calls.ts';
import { createDliClient, createDliReader, type DliClient, type DliClientOptions } from '../../../lib/dli/client.ts';
import type { DliCallEvent } from '../../../lib/dli/exchange.ts';
import { ENGINES } from '../../../lib/engines/engines.ts';
import { emulatedBatch } from '../../helpers/emulated-api.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const WRONG_KEY: AccessKey = { ...EMULATOR_KEY, secretAccessKey: 'not-the-secret' };

/** A source of one key after the other, and then of the last one for ever. */
function keySource(...keys: AccessKey[]) {
  let reads = 0;
  return { name: 'test', read: async () => keys[Math.min(reads++, keys.length - 1)] ?? EMULATOR_KEY };
}

/** A client and an emulator that share a clock, with one running job unless the test says not. */
async function connect(changes: Partial<DliClientOptions> = {}, world: Partial<Parameters<typeof makeWorld>[0]> = {}) {
  const { emulator, clock, sleeps, pass, conversation } = await makeWorld({ jobs: [emulatedJob(1)], ...world });
  const events: DliCallEvent[] = [];
  const options: DliClientOptions = {
    endpoint: new URL(emulator.connection.url),
    projectId: emulator.connection.projectId,
    credentials: keySource(EMULATOR_KEY),
    clock,
    random: () => 0.5,
    deadlineAt: NOW + 24 * HOUR,
    onCall: (event) => void events.push(event),
    ...changes,
  };
  const client = createDliClient(options);
  onTestFinished(() => client.close());
  const list = (page = 1) => client.listSqlJobs({ status: 'RUNNING', page, pageSize: 100 });
  return { emulator, options, client, list, events, sleeps, pass, conversation };
}

const fault = (on: Fault['on'], answer: NonNullable<Fault['answer']>, more: Partial<Fault> = {}): Fault => ({
  on,
  answer,
  ...more,
});
const failure = (status: number, code: string) => ({ status, body: { error_code: code, error_msg: 'trouble' } });

describe('createDliReader', () => {
  it('makes nothing that could cancel', async () => {
    const { options } = await connect();

    const [reader, client] = [createDliReader(options), createDliClient(options)].map(Object.keys);

    expect(client?.filter((name) => !reader?.includes(name))).toEqual(['order', 'cancelSqlJob']);
  });
});

describe('createDliClient', () => {
  it.each<{ name: string; changes: Partial<DliClientOptions> }>([
    { name: 'a project id with a slash', changes: { projectId: 'secret/../x' } },
    { name: 'an empty project id', changes: { projectId: '' } },
    { name: 'a project id of 65 characters', changes: { projectId: 'a'.repeat(65) } },
    { name: 'plain http to another machine', changes: { endpoint: new URL('http://dli.example.com') } },
    { name: 'a path in the endpoint', changes: { endpoint: new URL('https://dli.example.com/secret') } },
    { name: 'a password in the endpoint', changes: { endpoint: new URL('https://u:secret@dli.example.com') } },
  ])('throws a TypeError for $name, without repeating it', async ({ changes }) => {
    const { options } = await connect();
    const create = () => createDliClient({ ...options, ...changes });

    expect(create).toThrow(TypeError);
    expect(create).not.toThrow(/secret/);
  });

  it.each(['', 'secret', '../secret', `${jobId(1)}/secret`, `${jobId(1)}?secret`, `${jobId(1)}\n`])(
    'sends nothing for the malformed job id %j',
    async (id) => {
      const { client, emulator } = await connect();

      for (const call of [() => client.cancelSqlJob(id), () => client.showSqlJobStatus(id)]) {
        const error: unknown = await call().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).not.toContain('secret');
      }
      expect(emulator.requests).toEqual([]);
    },
  );

  it('lists one page of one status within a window, the oldest start first', async () => {
    const jobs = [emulatedJob(1, { ageMs: HOUR }), emulatedJob(2, { ageMs: 2 * HOUR }), emulatedJob(3)];
    const { client } = await connect({}, { jobs });
    const window = { startedAfter: NOW - 2.5 * HOUR, startedBefore: NOW };

    const page = await client.listSqlJobs({ status: 'RUNNING', ...window, page: 1, pageSize: 1 });

    expect(page).toMatchObject({ jobCount: 2, jobs: [{ id: jobId(2), state: 'running', startedAt: NOW - 2 * HOUR }] });
  });

  it('reads one job, and says not-found of one that DLI does not know', async () => {
    const { client } = await connect();

    expect(await client.showSqlJobStatus(jobId(1))).toMatchObject({ id: jobId(1), state: 'running' });
    await expect(client.showSqlJobStatus(jobId(9))).rejects.toMatchObject({ kind: 'not-found', errorCode: 'DLI.0002' });
  });

  it.each([
    { name: 'once the deadline has come', changes: { deadlineAt: NOW }, reason: 'deadline' },
    { name: 'once its signal is aborted', changes: { signal: AbortSignal.abort() }, reason: 'stopped' },
  ])('begins no call $name', async ({ changes, reason }) => {
    const { list, client, emulator } = await connect(changes);

    await expect(list()).rejects.toMatchObject({ name: 'DliNotSentError', reason });
    expect(await client.cancelSqlJob(jobId(1))).toMatchObject({ kind: 'not-sent', reason, attempts: 0 });
    expect(emulator.requests).toEqual([]);
  });

  it.each([
    { name: 'ahead of ours', skewMs: 3 * MINUTE },
    { name: 'behind ours', skewMs: -3 * MINUTE },
  ])("reads the service's clock from the first answer when it is $name", async ({ skewMs }) => {
    let serviceAt = NOW + skewMs;
    const { client, list, pass } = await connect({}, { now: () => serviceAt });
    expect(client.clockReading()).toBeUndefined();

    await list();
    serviceAt += MINUTE;
    pass(MINUTE);
    await list();

    expect(client.clockReading()).toEqual({ serviceAt: NOW + skewMs, localAt: NOW });
  });

  it('reports each exchange without headers, bodies or secrets', async () => {
    const { client, list, events, emulator } = await connect(
      {},
      { jobs: [emulatedJob(1, { statement: 'select hush' })] },
    );
    emulator.faults.add(
      fault('list-sql-jobs', { status: 500, body: { error_code: 'DLI.0999', error_msg: 'select hush' } }),
      fault('cancel-sql-job', 'reset'),
    );

    await list();
    await client.cancelSqlJob(jobId(1));

    expect(events.map(({ call, attempt, status }) => [call, attempt, status])).toEqual([
      ['list', 1, 500],
      ['list', 2, 200],
      ['cancel', 1, undefined],
      ['status', 1, 200],
      ['cancel', 2, 200],
    ]);
    expect(events.map(({ error }) => error?.kind)).toEqual(['transient', undefined, 'transient', undefined, undefined]);
    for (const event of events) expect(Object.keys(event)).toEqual(['call', 'attempt', 'status', 'error']);
    expect(inspect(events, { depth: Infinity })).not.toMatch(
      /hush|authorization|signature=|x-sdk-date|emulator-secret/i,
    );
  });
});

describe('a listener', () => {
  it('cannot change the result of a call', async () => {
    const { client } = await connect({
      onCall: () => {
        throw new Error('a listener of little care');
      },
    });

    expect(await client.cancelSqlJob(jobId(1))).toMatchObject({ kind: 'accepted', attempts: 1 });
  });
});

describe('a window of start times', () => {
  it.each([-1, 0])('that begins at %i is sent without its beginning, which DLI would refuse', async (startedAfter) => {
    const { client, emulator } = await connect();

    await client.listSqlJobs({ status: 'RUNNING', startedAfter, page: 1, pageSize: 1 });

    expect(emulator.requests[0]?.target).not.toContain('start=');
  });
});

describe('a refused credential', () => {
  it('costs one request, and every later call fails without another', async () => {
    const { list, client, emulator } = await connect({ credentials: keySource(WRONG_KEY) });
    const refusal = { kind: 'authentication', status: 401 };

    await expect(list()).rejects.toMatchObject(refusal);
    await expect(list(2)).rejects.toMatchObject(refusal);
    await expect(client.showSqlJobStatus(jobId(1))).rejects.toMatchObject(refusal);
    expect(await client.cancelSqlJob(jobId(1))).toMatchObject({ kind: 'not-sent', reason: 'stopped', error: refusal });

    expect(emulator.requests).toHaveLength(1);
  });

  it('costs one request when five calls begin at once', async () => {
    const { list, emulator } = await connect({ credentials: keySource(WRONG_KEY) });

    const results = await Promise.allSettled([1, 2, 3, 4, 5].map(list));

    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(emulator.requests).toHaveLength(1);
  });

  it.each([
    { name: 'before the first call', first: WRONG_KEY, keys: [EMULATOR_KEY] },
    { name: 'and has a security token', first: EMULATOR_KEY, keys: [{ ...EMULATOR_KEY, securityToken: 'token' }] },
  ])('is read again, and succeeds the second time if it was rotated $name', async ({ first, keys }) => {
    const { list, emulator, events } = await connect({ credentials: keySource(first, ...keys) }, { keys });

    expect((await list()).jobCount).toBe(1);

    expect(emulator.requests.map(({ status }) => status)).toEqual([401, 200]);
    expect(events.map(({ status }) => status)).toEqual([401, 200]);
  });

  it('is survived by calls side by side when it is rotated under way', async () => {
    const keys = [EMULATOR_KEY];
    const read = () => Promise.resolve(keys[0] ?? EMULATOR_KEY);
    const { list, emulator } = await connect({ credentials: { name: 'test', read } }, { keys });
    await list();
    keys[0] = { accessKeyId: 'ROTATED', secretAccessKey: 'rotated' };

    const pages = await Promise.all([1, 2, 3, 4, 5].map(list));

    expect(pages.map(({ jobCount }) => jobCount)).toEqual([1, 1, 1, 1, 1]);
    expect(emulator.requests.filter(({ status }) => status === 200)).toHaveLength(6);
    expect(emulator.requests.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
  });

  it('is not tried a third time if the rotated one is refused too', async () => {
    const another = { ...EMULATOR_KEY, secretAccessKey: 'nor-this' };
    const { list, emulator } = await connect({ credentials: keySource(WRONG_KEY, another, EMULATOR_KEY) });

    await expect(list()).rejects.toMatchObject({ kind: 'authentication' });
    await expect(list()).rejects.toMatchObject({ kind: 'authentication' });

    expect(emulator.requests).toHaveLength(2);
  });

  it('is found out by one call at a time, until one has authenticated', async () => {
    const order: string[] = [];
    const { list, emulator } = await connect(
      { onCall: () => void order.push('answered') },
      { onRequest: () => void order.push('arrived') },
    );
    emulator.faults.add(fault('list-sql-jobs', failure(503, 'APIG.0613'), { times: 2 }));

    await Promise.all([1, 2, 3, 4, 5].map(list));

    expect(order.slice(0, 6)).toEqual(['arrived', 'answered', 'arrived', 'answered', 'arrived', 'answered']);
    expect(order).toHaveLength(2 * 7);
  });
});

describe('a key that dies while many calls wait for their turn', () => {
  const list200 = (client: DliClient) =>
    Promise.allSettled(
      Array.from({ length: 200 }, () => client.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 1 })),
    );

  it('is sent no more often than there were calls under way', async () => {
    const { client, list, emulator } = await connect({ maxConnections: 4 });
    await list();
    emulator.faults.add(fault('list-sql-jobs', failure(401, 'APIGW.0301'), { times: Number.POSITIVE_INFINITY }));

    const results = await list200(client);

    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(emulator.requests.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(4);
  });

  it('is tried once with what it was rotated to, however many were refused', async () => {
    const { client, list, emulator } = await connect(
      { maxConnections: 4, credentials: keySource(EMULATOR_KEY, WRONG_KEY) },
      { keys: [EMULATOR_KEY] },
    );
    await list();
    emulator.faults.add(fault('list-sql-jobs', failure(401, 'APIGW.0301'), { times: 4 }));

    await list200(client);

    expect(emulator.requests.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
  });

  it('is waited for no longer than the deadline when its source hangs', async () => {
    const { list, emulator } = await connect({
      deadlineAt: NOW + 40,
      credentials: { name: 'test', read: () => new Promise(() => {}) },
    });

    await expect(list()).rejects.toMatchObject({ name: 'DliNotSentError', reason: 'deadline' });
    expect(emulator.requests).toEqual([]);
  });
});

describe('close', () => {
  it('ends what waits for its turn, and whatever would be sent again', async () => {
    const { client, list, emulator } = await connect({ maxConnections: 1 });
    await list();
    emulator.faults.add(fault('list-sql-jobs', 'hang'));
    const calls = [list(), list(), list()];
    const settled = Promise.allSettled(calls);

    client.close();

    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(emulator.requests.length).toBeLessThanOrEqual(2);
  });
});

describe('a clock that is far off', () => {
  it.each([
    { name: 'behind', skewMs: 20 * MINUTE },
    { name: 'ahead', skewMs: -20 * MINUTE },
  ])('is corrected for signing by the Date of the refusal, once, when ours is $name', async ({ skewMs }) => {
    const { client, list, emulator } = await connect({}, { now: () => NOW + skewMs });

    await list();
    await list();

    expect(emulator.requests.map(({ status }) => status)).toEqual([401, 200, 200]);
    expect(client.clockReading()).toEqual({ serviceAt: NOW + skewMs, localAt: NOW });
  });

  it('is not tried again when the corrected one is refused too', async () => {
    const { list, emulator } = await connect({ credentials: WRONG_KEY }, { now: () => NOW + 20 * MINUTE });

    await expect(list()).rejects.toMatchObject({ kind: 'authentication' });
    await expect(list()).rejects.toMatchObject({ kind: 'authentication' });

    expect(emulator.requests).toHaveLength(2);
  });
});

describe('trouble on the way', () => {
  it.each<{ name: string; answer: NonNullable<Fault['answer']> }>([
    { name: '500 without a body', answer: { status: 500, body: '' } },
    { name: '503 in HTML', answer: { status: 503, body: '<html></html>' } },
    { name: '400 DLI.0999', answer: failure(400, 'DLI.0999') },
    { name: 'a cut connection', answer: 'reset' },
  ])('is retried with a signature of its own moment: $name', async ({ answer }) => {
    const waits: number[] = [];
    const clock = {
      now: () => now,
      sleep: async (ms: number) => {
        waits.push(ms);
        // Long enough to make the first signature worthless.
        now += 20 * MINUTE;
      },
    };
    let now = NOW;
    const { list, emulator } = await connect({ clock }, { now: () => now });
    emulator.faults.add(fault('list-sql-jobs', answer, { times: 2 }));

    expect((await list()).jobCount).toBe(1);

    expect(emulator.requests.map(({ status }) => status)).toEqual([...Array<number>(2).fill(statusOf(answer)), 200]);
    expect(waits).toEqual([150, 300]);
  });

  it('is given up after four attempts, with the last error', async () => {
    const { list, emulator, sleeps } = await connect();
    emulator.faults.add(fault('list-sql-jobs', failure(500, 'DLI.0999'), { times: 4 }));

    await expect(list()).rejects.toThrow(/^list RUNNING jobs, page 1: 500 DLI\.0999 \(request [0-9a-f]{32}\)$/);

    expect(emulator.requests).toHaveLength(4);
    expect(sleeps).toEqual([150, 300, 600]);
  });

  it.each([429, 503])('is waited out for as long as the server asks with a %i', async (status) => {
    const { list, emulator, sleeps } = await connect();
    const answer = { ...failure(status, ''), headers: { 'retry-after': '7' } };
    emulator.faults.add(fault('list-sql-jobs', answer));

    await list();

    expect(emulator.requests.map((request) => request.status)).toEqual([status, 200]);
    expect(sleeps.reduce((sum, ms) => sum + ms, 0)).toBe(7_000);
  });

  it.each([
    { name: '400 DLI.0003', answer: failure(400, 'DLI.0003'), kind: 'permission' },
    { name: '400 DLI.0001', answer: failure(400, 'DLI.0001'), kind: 'rejected' },
    { name: '404 of the gateway', answer: failure(404, 'APIG.0101'), kind: 'configuration' },
    {
      name: 'a 200 that says is_success: false',
      answer: { status: 200, body: { is_success: false } },
      kind: 'rejected',
    },
    { name: 'a 200 that is a login page', answer: { status: 200, body: '<html></html>' }, kind: 'rejected' },
  ])('is not retried when it will not pass: $name', async ({ answer, kind }) => {
    const { list, emulator } = await connect();
    emulator.faults.add(fault('list-sql-jobs', answer));

    await expect(list()).rejects.toMatchObject({ kind });
    expect(emulator.requests).toHaveLength(1);
  });
});

describe('cancelSqlJob', () => {
  const ID = jobId(1);
  const lost = (more: Partial<Fault> = {}) => fault('cancel-sql-job', 'reset', more);

  it('reports that DLI accepted, after one request', async () => {
    const { client, conversation } = await connect();

    const result = await client.cancelSqlJob(ID);

    expect(result).toEqual({
      kind: 'accepted',
      attempts: 1,
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    });
    expect(conversation()).toEqual(['DELETE 1']);
  });

  it.each([
    { name: 'the job is over', job: { endsAt: NOW - 1 }, errorCode: 'DLI.0007' },
    { name: 'the queue is not ours', job: { queue: 'locked' }, errorCode: 'DLI.0003' },
  ])('reports that DLI refused when $name, and asks once', async ({ job, errorCode }) => {
    const { client, conversation } = await connect({}, { jobs: [emulatedJob(1, job)], deniedQueues: ['locked'] });

    expect(await client.cancelSqlJob(ID)).toMatchObject({ kind: 'refused', attempts: 1, error: { errorCode } });
    expect(conversation()).toEqual(['DELETE 1']);
  });

  it.each<{ name: string; answer: NonNullable<Fault['answer']> }>([
    { name: 'a cut connection', answer: 'reset' },
    { name: '504', answer: { status: 504, body: '' } },
  ])('reads the job after $name, and asks no second time when it is over', async ({ answer }) => {
    const { client, conversation, emulator } = await connect({}, { cancelDelayMs: 0 });
    emulator.faults.add(fault('cancel-sql-job', answer, { executes: true }));

    expect(await client.cancelSqlJob(ID)).toMatchObject({ kind: 'lost', attempts: 1, error: { isAmbiguous: true } });
    expect(conversation()).toEqual(['DELETE 1', 'GET 1/status']);
    expect(emulator.statusOf(ID)).toBe('CANCELLED');
  });

  it('asks again when the answer was lost and the job still runs', async () => {
    const { client, conversation, emulator } = await connect({}, { cancelDelayMs: 0 });
    emulator.faults.add(lost());

    expect(await client.cancelSqlJob(ID)).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(conversation()).toEqual(['DELETE 1', 'GET 1/status', 'DELETE 1']);
    expect(emulator.statusOf(ID)).toBe('CANCELLED');
  });

  it('stays lost when a later answer is a refusal: the first request may have been carried out', async () => {
    const { client, conversation, emulator } = await connect();
    emulator.faults.add(lost({ executes: true }), fault('cancel-sql-job', failure(400, 'DLI.0007')));

    expect(await client.cancelSqlJob(ID)).toMatchObject({
      kind: 'lost',
      attempts: 2,
      error: { errorCode: 'DLI.0007' },
    });
    expect(conversation()).toEqual(['DELETE 1', 'GET 1/status', 'DELETE 1']);
  });

  it('is lost when no answer ever comes', async () => {
    const { client, emulator } = await connect();
    emulator.faults.add(lost({ times: 4 }));

    expect(await client.cancelSqlJob(ID)).toMatchObject({ kind: 'lost', attempts: 4 });
    expect(emulator.faults.unmet()).toEqual([]);
  });

  it('asks again without reading when the request was certainly not carried out', async () => {
    const { client, conversation, emulator } = await connect();
    emulator.faults.add(fault('cancel-sql-job', failure(429, 'APIG.0308')));

    expect(await client.cancelSqlJob(ID)).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(conversation()).toEqual(['DELETE 1', 'DELETE 1']);
  });
});

describe('an order that reads first', () => {
  /** An order to cancel the batch 1, and how many requests were not reads. */
  async function connectOrder(world: Partial<Parameters<typeof makeWorld>[0]> = {}) {
    const { client, emulator, conversation } = await connect({}, { sparkJobs: [emulatedBatch(1)], ...world });
    const cancels = ENGINES.spark.createCancels(client, { now: () => NOW, sleep: async () => {} });
    const cancel = (mayStillBeAsked: (read: Job) => boolean = () => true) =>
      cancels.cancel(makeJob({ engine: 'spark', id: jobId(1) }), { savepoint: false, mayStillBeAsked });
    const sent = () => emulator.requests.filter(({ method }) => method !== 'GET').length;
    return { cancel, emulator, conversation, sent };
  }
  const reading = 'show-spark-batch-state';

  it('is not given if the job, as it was read, may no longer be asked', async () => {
    const { cancel, sent } = await connectOrder();
    const asked: Job[] = [];

    const result = await cancel((read) => asked.push(read) === 0);

    expect(asked).toMatchObject([{ id: jobId(1), status: 'running', state: 'running' }]);
    expect(result).toEqual({
      kind: 'not-sent',
      reason: 'changed',
      status: 'running',
      attempts: 0,
      requestId: undefined,
    });
    expect(sent()).toBe(0);
  });

  it.each([
    { name: 'is refused', answer: failure(403, 'APIG.0302'), times: 1 },
    { name: 'fails in every attempt', answer: failure(503, 'APIG.0613'), times: Number.POSITIVE_INFINITY },
    { name: 'is no answer of DLI', answer: { status: 200, body: '<html></html>' }, times: 1 },
  ])('is not sent, and says why, where the reading $name', async ({ answer, times }) => {
    const { cancel, emulator, sent } = await connectOrder();
    emulator.faults.add(fault(reading, answer, { times }));

    const result = await cancel();

    expect(result).toMatchObject({ kind: 'not-sent', reason: 'unsent', attempts: 0 });
    expect(result).toHaveProperty('error.operation', `read batch ${jobId(1)}`);
    expect(sent()).toBe(0);
  });

  it('is not sent if the reading fails in a way that was not foreseen', async () => {
    const { cancel, sent } = await connectOrder();

    const result = await cancel(() => {
      throw new TypeError('unforeseen');
    });

    expect(result).toMatchObject({ kind: 'not-sent', reason: 'unsent', error: { message: 'unforeseen' } });
    expect(sent()).toBe(0);
  });

  it('reads again before it is repeated after a refusal for being too many', async () => {
    const { cancel, emulator, conversation } = await connectOrder();
    emulator.faults.add(fault('cancel-spark-batch', failure(429, 'APIG.0308')));

    expect(await cancel()).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(conversation()).toEqual(['GET batch 1/state', 'DELETE batch 1', 'GET batch 1/state', 'DELETE batch 1']);
  });

  it('stays lost if the job, read after a lost answer, may no longer be asked', async () => {
    const { cancel, emulator, sent } = await connectOrder();
    emulator.faults.add(fault('cancel-spark-batch', 'reset'));
    let readings = 0;

    expect(await cancel(() => ++readings === 1)).toMatchObject({ kind: 'lost', attempts: 1 });
    expect(sent()).toBe(1);
  });
});

describe('a cancel for which no connection can be made', () => {
  it('is not sent, and counts no request', async () => {
    const { client } = await connect({ endpoint: new URL('http://127.0.0.1:1') });

    const result = await client.cancelSqlJob(jobId(1));

    expect(result).toMatchObject({
      kind: 'not-sent',
      reason: 'unsent',
      attempts: 0,
      error: { message: `cancel job ${jobId(1)}: cannot connect to 127.0.0.1:1 (ECONNREFUSED)` },
    });
  });
});

describe('a shared look', () => {
  const waits = makeJob({ id: jobId(1), status: 'LAUNCHING', state: 'queued' });

  /** Answers one after the other, and the last one for ever; each time it is asked it takes the next. */
  const lookOf = (...found: (Job | null | undefined)[]) => {
    const counts = { asked: 0, repeated: 0 };
    const look: SharedLook = {
      find: () => found[Math.min(counts.asked++, found.length - 1)],
      repeat: async () => void counts.repeated++,
    };
    return { look, counts };
  };

  it('spares reading the job', async () => {
    const { client, conversation } = await connect();
    const { look, counts } = lookOf(waits);

    expect(await client.cancelSqlJob(jobId(1), { look })).toMatchObject({ kind: 'accepted' });
    expect(conversation()).toEqual(['DELETE 1']);
    expect(counts.repeated).toBe(0);
  });

  it('is repeated until it knows of the job', async () => {
    const { client } = await connect();
    const { look, counts } = lookOf(undefined, undefined, waits);

    expect(await client.cancelSqlJob(jobId(1), { look })).toMatchObject({ kind: 'accepted' });
    expect(counts.repeated).toBe(2);
  });

  it('leaves a job alone that may no longer be asked', async () => {
    const { client, conversation } = await connect();
    const { look } = lookOf({ ...waits, status: 'RUNNING', state: 'running' });

    const result = await client.cancelSqlJob(jobId(1), { look, mayStillBeAsked: ({ state }) => state === 'queued' });

    expect(result).toMatchObject({ kind: 'not-sent', reason: 'changed', status: 'RUNNING', attempts: 0 });
    expect(conversation()).toEqual([]);
  });

  it('lets a job that it does not find be read alone', async () => {
    const { client, conversation } = await connect();

    expect(await client.cancelSqlJob(jobId(1), { look: lookOf(null).look })).toMatchObject({ kind: 'accepted' });
    expect(conversation()).toEqual(['GET 1/status', 'DELETE 1']);
  });

  it('is repeated once if it is too old when the turn comes, and then counts', async () => {
    const { client, conversation } = await connect();
    // Found twice as the cancel goes in line; too old in its turn; found again; and too old for ever.
    const { look, counts } = lookOf(waits, waits, undefined, undefined, waits, waits, undefined);

    expect(await client.cancelSqlJob(jobId(1), { look })).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(counts.repeated).toBe(1);
    expect(conversation()).toEqual(['DELETE 1']);
  });
});

/** What the emulator records for an answer. */
function statusOf(answer: NonNullable<Fault['answer']>): number {
  return typeof answer === 'string' ? 0 : answer.status;
}
