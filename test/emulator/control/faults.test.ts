import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../emulator/control/faults.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import { formatSdkDate, sign } from '../../../lib/dli/sign.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { emulatedJob, jobId, makeWorld, NOW } from '../../helpers/world.ts';

const TROUBLE = { status: 503, body: { error_code: 'APIG.0613' } };
const list: Fault = { on: 'list-sql-jobs', answer: TROUBLE };

/** Two running jobs, and calls by the end of their paths that give back their status. */
async function makeTrouble(faults: Fault[], options: Omit<Partial<EmulatorOptions>, 'jobs'> = {}) {
  const { emulator, clock } = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2)], cancelDelayMs: 0, ...options });
  emulator.faults.add(...faults);
  const { connection } = emulator;
  const call = (method: string, path: string) =>
    signedCall(connection, { method, path: `/v1.0/${connection.projectId}/jobs${path}` }, clock.now());
  return {
    emulator,
    list: async () => (await call('GET', '')).status,
    show: async (n: number) => (await call('GET', `/${jobId(n)}/status`)).status,
    cancel: async (n: number) => (await call('DELETE', `/${jobId(n)}`)).status,
  };
}

describe('FaultScript', () => {
  it.each<{ name: string; faults: Fault[]; statuses: number[] }>([
    { name: 'once by default', faults: [list], statuses: [503, 200, 200, 200] },
    { name: 'as often as `times` says', faults: [{ ...list, times: 2 }], statuses: [503, 503, 200, 200] },
    { name: 'for ever if `times` is infinite', faults: [{ ...list, times: Infinity }], statuses: [503, 503, 503, 503] },
    { name: 'after the calls that pass', faults: [{ ...list, skip: 2 }], statuses: [200, 200, 503, 200] },
    {
      name: 'one after the other, in the order scripted',
      faults: [list, { ...list, answer: { status: 429, body: {} } }],
      statuses: [503, 429, 200, 200],
    },
  ])('makes trouble $name', async ({ faults, statuses }) => {
    const world = await makeTrouble(faults);

    for (const [i, status] of statuses.entries()) expect([i, await world.list()]).toEqual([i, status]);
  });

  it('leaves other routes alone', async () => {
    const { show, list: listJobs } = await makeTrouble([list]);

    expect(await show(1)).toBe(200);
    expect(await listJobs()).toBe(503);
  });

  it('happens only to its target, and counts only calls of that', async () => {
    const { show } = await makeTrouble([{ on: 'show-sql-job-status', target: jobId(2), skip: 1, answer: TROUBLE }]);

    expect([await show(1), await show(1), await show(2), await show(1), await show(2)]).toEqual([
      200, 200, 200, 200, 503,
    ]);
  });

  it('is not used up by a call that the gateway refuses', async () => {
    const world = await makeTrouble([list]);

    const unsigned = await fetch(`${world.emulator.connection.url}/v1.0/${world.emulator.connection.projectId}/jobs`);

    expect(unsigned.status).toBe(401);
    expect(await world.list()).toBe(503);
  });

  it('sends the headers and the body of the fault, even HTML', async () => {
    const { emulator } = await makeTrouble([
      { on: 'list-sql-jobs', answer: { status: 429, body: '<html>slow down</html>', headers: { 'retry-after': '7' } } },
    ]);
    const { connection } = emulator;

    const call = { method: 'GET', path: `/v1.0/${connection.projectId}/jobs` };
    const answer = await signedCall(connection, call, NOW);

    expect(answer).toMatchObject({ status: 429, body: '<html>slow down</html>' });
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.headers.get('content-type')).toBe('text/html');
  });

  it.each([
    { executes: true, answer: TROUBLE, status: 'CANCELLED' },
    { executes: true, answer: 'reset' as const, status: 'CANCELLED' },
    { executes: false, answer: TROUBLE, status: 'RUNNING' },
    { executes: false, answer: 'reset' as const, status: 'RUNNING' },
  ])('leaves the job $status when executes is $executes', async ({ executes, answer, status }) => {
    const { emulator, cancel } = await makeTrouble([{ on: 'cancel-sql-job', executes, answer }]);

    const seen = await cancel(1).catch(() => 'no answer');

    expect(seen).toBe(answer === 'reset' ? 'no answer' : 503);
    expect(emulator.statusOf(jobId(1))).toBe(status);
    expect(emulator.statusOf(jobId(2))).toBe('RUNNING');
  });

  it('cuts the connection of one call, and answers the next', async () => {
    const { emulator, list: listJobs } = await makeTrouble([{ on: 'list-sql-jobs', answer: 'reset' }]);

    await expect(listJobs()).rejects.toThrow('fetch failed');
    expect(await listJobs()).toBe(200);
    expect(emulator.requests.map(({ status }) => status)).toEqual([0, 200]);
  });

  it('lets a call hang until its client goes away, and answers others meanwhile', async () => {
    const arrived = Promise.withResolvers<void>();
    const {
      emulator,
      show,
      list: listJobs,
    } = await makeTrouble([{ ...list, answer: 'hang' }], {
      onRequest: () => arrived.resolve(),
    });
    const { connection } = emulator;
    const path = `/v1.0/${connection.projectId}/jobs`;
    const date = formatSdkDate(NOW);
    const headers = { host: new URL(connection.url).host, 'x-sdk-date': date };
    const { authorization } = sign({ method: 'GET', path, query: [], headers, body: '' }, connection);
    const client = new AbortController();

    const hanging = fetch(connection.url + path, {
      headers: { 'x-sdk-date': date, authorization },
      signal: client.signal,
    });
    await arrived.promise;

    expect(await show(1)).toBe(200);
    expect(emulator.requests.map(({ status }) => status)).toEqual([0, 200]);
    client.abort();
    await expect(hanging).rejects.toThrow('aborted');
    expect(await listJobs()).toBe(200);
  });

  it('lists the faults that did not happen, or not as often as scripted', async () => {
    const twice: Fault = { ...list, times: 2 };
    const never: Fault = { on: 'submit-sql-job', answer: 'reset' };
    const met: Fault = { on: 'show-sql-job-status', answer: TROUBLE };
    const world = await makeTrouble([twice, never, met]);

    await world.list();
    await world.show(1);

    expect(world.emulator.faults.unmet()).toEqual([twice, never]);
    await world.list();
    expect(world.emulator.faults.unmet()).toEqual([never]);
  });
});
