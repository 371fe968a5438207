import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createEmulatorClock } from '../../../emulator/base/clock.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../emulator/server.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { emulatedJob, HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const running: Emulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

async function start(options: Partial<EmulatorOptions> = {}) {
  const clock = createEmulatorClock(() => NOW, 0);
  const emulator = await startEmulator({ now: clock.now, clock, wall: () => NOW, random: () => 0.5, ...options });
  running.push(emulator);
  const { connection } = emulator;
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${connection.url}/_emulator/${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, never> };
  };
  const list = async (status = 'RUNNING') => {
    const path = `/v1.0/${connection.projectId}/jobs`;
    const answer = await signedCall(connection, { method: 'GET', path, query: [['job-status', status]] }, NOW);
    return JSON.parse(answer.body) as { job_count: number; jobs: Record<string, unknown>[] };
  };
  return { emulator, call, list };
}

describe('the control of jobs', () => {
  it('adds jobs with the given fields, and they live from then on', async () => {
    const { call, list } = await start();

    const added = await call('POST', 'jobs', [
      { queue: 'adhoc', owner: 'ana', age: '3h', runs: '4h' },
      { engine: 'spark', name: 'nightly', age: '1h' },
      { engine: 'flink', name: 'clicks', age: '1d', runs: '7d' },
    ]);

    expect(added).toMatchObject({
      status: 200,
      body: {
        jobs: [{ engine: 'sql', status: 'RUNNING' }, { engine: 'spark', status: 'running' }, { status: 'job_running' }],
      },
    });
    expect(await list()).toMatchObject({ job_count: 1, jobs: [{ owner: 'ana', start_time: NOW - 3 * HOUR }] });
  });

  it('changes fields of a job, and `now` is the present time', async () => {
    const { call, list } = await start({ jobs: [emulatedJob(1)] });

    expect(await call('PATCH', `jobs/${jobId(1)}`, { endsAt: 'now', owner: 'bob' })).toMatchObject({ status: 200 });

    expect(await list('FINISHED')).toMatchObject({ job_count: 1, jobs: [{ owner: 'bob', end_time: NOW }] });
  });

  it.each([
    { call: ['PATCH', `jobs/${jobId(9)}`, {}], error: `no job ${jobId(9)}` },
    { call: ['PATCH', `jobs/${jobId(1)}`, { id: 'x' }], error: 'id: the id of a job cannot change' },
    { call: ['PATCH', `jobs/${jobId(1)}`, []], error: 'the body is not an object' },
    { call: ['POST', 'jobs', { age: '3' }], error: expect.stringContaining('write the unit') },
    { call: ['POST', 'jobs', { colour: 'red' }], error: expect.stringContaining('colour') },
    { call: ['POST', 'jobs', 'no json'], error: 'the body is not JSON' },
    { call: ['POST', 'clock', {}], error: 'expected {"step": "2h"}, {"speed": 60}, or both' },
    {
      call: ['PUT', 'snapshot', { version: 2 }],
      error: 'a snapshot of version 2, and this emulator reads version 1; start without it',
    },
    { call: ['PUT', 'snapshot', { version: 1 }], error: expect.stringContaining('not a snapshot') },
    {
      call: ['PATCH', 'assumptions', { unknownID: 1 }],
      error: expect.stringMatching(/^unknownID: unknown question; /),
    },
    {
      call: ['PATCH', 'assumptions', { flinkSuccess: 'boolean', unknownId: 'x' }],
      error: 'unknownId: expected one of DLI.0002, DLI.0023',
    },
    { call: ['POST', 'faults', { on: 'list-jobs', answer: 'reset' }], error: expect.stringMatching(/^fault 1: on: /) },
    { call: ['POST', 'faults', { on: 'list-sql-jobs' }], error: expect.stringContaining('at least one of answer') },
    {
      call: ['POST', 'faults', { on: 'list-sql-jobs', answer: 'explode' }],
      error: expect.stringContaining('answer: '),
    },
  ] as { call: [string, string, unknown]; error: unknown }[])(
    'are refused with words: $call',
    async ({ call: args, error }) => {
      const { call } = await start({ jobs: [emulatedJob(1)] });

      expect(await call(...args)).toEqual({ status: 400, body: { error } });
    },
  );
});

describe('the control of the clock', () => {
  it('steps the clock over the whole life of a job', async () => {
    const { call, list } = await start();
    await call('POST', 'jobs', { waits: '10m', runs: '1h' });

    expect((await list('LAUNCHING')).job_count).toBe(1);
    await call('POST', 'clock', { step: '10m' });
    expect((await list('RUNNING')).job_count).toBe(1);
    const { body } = await call('POST', 'clock', { step: '1h' });
    expect((await list('FINISHED')).job_count).toBe(1);

    expect(body).toEqual({ now: '2026-01-05T10:10:00.000Z', epochMs: NOW + 70 * MINUTE, speed: 0 });
  });

  it('refuses to move a time that comes from the caller', async () => {
    const emulator = await startEmulator({ now: () => NOW, random: () => 0.5 });
    running.push(emulator);

    const answer = await fetch(`${emulator.connection.url}/_emulator/clock`, { method: 'POST', body: '{"speed":2}' });

    expect(answer.status).toBe(400);
  });
});

describe('the control of faults', () => {
  it('adds faults, lists those that have not happened, and deletes them', async () => {
    const { call, list } = await start({ jobs: [emulatedJob(1)] });
    const edit = {
      set: { is_success: 'true' },
      setInRows: { status: 'HIBERNATING' },
      removeFromRows: ['duration'],
      repeatFirstRow: true,
    };

    const added = await call('POST', 'faults', { on: 'list-sql-jobs', skip: 1, edit });
    expect(added.body.unmet).toHaveLength(1);
    expect(await list()).toMatchObject({ is_success: true, jobs: [{ status: 'RUNNING' }] });
    const edited = await list();

    expect(edited).toMatchObject({
      is_success: 'true',
      job_count: 1,
      jobs: [{ status: 'HIBERNATING' }, { job_id: jobId(1) }],
    });
    expect(edited.jobs[0]).not.toHaveProperty('duration');
    expect((await call('GET', 'faults')).body).toMatchObject({ faults: [{ on: 'list-sql-jobs' }], unmet: [] });
    expect((await call('DELETE', 'faults')).body).toEqual({ faults: [], unmet: [] });
  });

  it('ends a job right before a page is listed', async () => {
    const { call, list } = await start({ jobs: [emulatedJob(1), emulatedJob(2)] });
    await call('POST', 'faults', { on: 'list-sql-jobs', skip: 1, change: [{ job: jobId(1), set: { endsAt: 'now' } }] });

    expect((await list()).job_count).toBe(2);
    expect((await list()).job_count).toBe(1);
  });

  it('counts a fault that always happens as met after the first time', async () => {
    const { call, list } = await start();
    const fault = { on: 'list-sql-jobs', times: 'always', delay: '0s' };

    expect((await call('POST', 'faults', fault)).body.unmet).toHaveLength(1);
    await list();
    expect((await call('GET', 'faults')).body.unmet).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('restores everything', async () => {
    const { emulator, call, list } = await start({ jobs: [emulatedJob(1), emulatedJob(2)] });
    const upload = { method: 'POST', path: `/v2.0/${emulator.connection.projectId}/resources/jars` };
    await signedCall(emulator.connection, { ...upload, body: '{"paths":["obs://bucket/a.jar"],"group":"g"}' }, NOW);
    const { body: snapshot } = await call('GET', 'snapshot');
    await call('PATCH', `jobs/${jobId(1)}`, { endsAt: 'now' });
    await call('POST', 'jobs', {});

    expect(await call('PUT', 'snapshot', snapshot)).toEqual({ status: 200, body: { jobs: 2 } });

    expect(new Set((await list()).jobs.map((job) => job.job_id))).toEqual(new Set([jobId(1), jobId(2)]));
    expect(snapshot.packages).toMatchObject([{ name: 'a.jar' }]);
    expect((await call('GET', 'snapshot')).body).toEqual(snapshot);
  });
});

describe('the control interface', () => {
  it('lists the requests so far, and forgets them on request', async () => {
    const { call, list } = await start();
    await list();

    expect((await call('GET', 'requests')).body.requests).toMatchObject([{ method: 'GET', status: 200 }]);
    expect((await call('DELETE', 'requests')).body).toEqual({ requests: [] });
  });

  it.each(['GET nothing', 'POST requests', 'DELETE jobs'])('lists its routes for the unknown call %s', async (line) => {
    const { call } = await start();
    const [method = '', path = ''] = line.split(' ');

    const { status, body } = await call(method, path);

    expect({ status, routes: body.routes }).toEqual({ status: 404, routes: expect.arrayContaining(['GET jobs']) });
  });

  it.each([
    { host: 'evil.example.com', status: 403 },
    { host: 'evil.example.com', path: 'health', status: 200 },
    { host: 'dli.example.com', controlHosts: ['dli'], status: 403 },
    { host: 'DLI:8080', controlHosts: ['dli'], status: 200 },
    { host: 'localhost', controlHosts: ['dli'], status: 200 },
    { host: '0.0.0.0', status: 403 },
    { host: '0.0.0.0:8080', listensOn: '0.0.0.0', status: 200 },
  ])('answers $status to the name $host, with $controlHosts allowed, on $listensOn', async (given) => {
    const { host, path = 'jobs', controlHosts = [], listensOn } = given;
    const { emulator } = await start({ controlHosts, ...(listensOn !== undefined && { host: listensOn }) });
    const { port } = new URL(emulator.connection.url);

    const status = await new Promise((resolve) => {
      http.get({ port, path: `/_emulator/${path}`, headers: { host } }, (answer) => resolve(answer.statusCode));
    });

    expect(status).toBe(given.status);
  });

  it('changes an assumption for the calls that follow, and none if one is unknown', async () => {
    const { emulator, call } = await start();
    const { connection } = emulator;
    const ask = async () => {
      const path = `/v1.0/${connection.projectId}/jobs/${jobId(9)}/status`;
      const { status, body } = await signedCall(connection, { method: 'GET', path }, NOW);
      return [status, (JSON.parse(body) as { error_code: string }).error_code];
    };

    expect(await ask()).toEqual([400, 'DLI.0002']);
    await call('PATCH', 'assumptions', { unknownId: 'DLI.0023', flinkSuccess: 'maybe' });
    expect(await ask()).toEqual([400, 'DLI.0002']);
    const changed = await call('PATCH', 'assumptions', { unknownId: 'DLI.0023' });

    expect(await ask()).toEqual([404, 'DLI.0023']);
    expect(changed).toMatchObject({ status: 200, body: { assumptions: { unknownId: 'DLI.0023' } } });
    expect((await call('GET', 'assumptions')).body).toEqual(changed.body);
  });
});
