import { describe, expect, it } from 'vitest';
import type { EmulatedFlinkJob } from '../../../emulator/flink/jobs.ts';
import { emulatedFlinkJob, refusal, startApi } from '../../helpers/emulated-api.ts';
import { MINUTE, NOW } from '../../helpers/world.ts';

type Options = NonNullable<Parameters<typeof startApi>[0]>;
interface Body extends Record<string, unknown> {
  job: { job_id: number; update_time: number };
  job_detail: Record<string, unknown>;
}

const JOBS = '/v1.0/streaming/jobs';

async function startFlink(flinkJobs: EmulatedFlinkJob[], options: Options = {}) {
  const { call, pass } = await startApi<Body>({ flinkJobs, ...options });
  return {
    call,
    pass,
    detail: async (id = 1) => (await call('GET', `${JOBS}/${id}`)).body.job_detail,
    updateSql: (body: object, id: number | string = 1) => call('PUT', `/v1.0/streaming/sql-jobs/${id}`, { body }),
    updateJar: (body: object, id = 1) => call('PUT', `/v1.0/streaming/flink-jobs/${id}`, { body }),
    erase: (id: number | string) => call('DELETE', `${JOBS}/${id}`),
    post: (path: string, body: unknown) => call('POST', path, { body }),
  };
}

const jar = (id: number) => emulatedFlinkJob(id, { type: 'flink_jar_job' });

describe('updating a Flink job', () => {
  it('changes the fields that are given, and says when', async () => {
    const { updateSql, detail, pass } = await startFlink([emulatedFlinkJob(1, { config: { cu_number: 4 } })]);
    pass(MINUTE);

    const { body } = await updateSql({ name: 'orders', desc: 'd', sql_body: 'select 2', smn_topic: 't', tags: null });

    expect(body).toEqual({
      is_success: 'true',
      message: 'The job is updated successfully.',
      job: { update_time: NOW + MINUTE },
    });
    expect(await detail()).toMatchObject({
      name: 'orders',
      desc: 'd',
      sql_body: 'select 2',
      queue_name: 'flink_q',
      status: 'job_running',
      update_time: NOW + MINUTE,
      job_config: { cu_number: 4, smn_topic: 't' },
    });
  });

  it('changes a Jar job', async () => {
    const { updateJar, detail } = await startFlink([jar(1)]);

    const answer = await updateJar({
      queue_name: 'Other_Q',
      main_class: 'Pi',
      entrypoint_args: 'a b',
      entrypoint: 'pi.jar',
    });

    expect(answer).toMatchObject({ status: 200, body: { is_success: 'true' } });
    expect(await detail()).toMatchObject({
      queue_name: 'other_q',
      main_class: 'Pi',
      entrypoint_args: 'a b',
      job_config: { entrypoint: 'pi.jar' },
    });
  });

  it('does not take null or an empty name for a change', async () => {
    const { updateSql, detail } = await startFlink([emulatedFlinkJob(1)]);

    await updateSql({ name: '', desc: null, cu_number: null, operator_config: '' });

    expect(await detail()).toMatchObject({ name: 'clicks', desc: '', job_config: { cu_number: 2 } });
  });

  it.each([
    { name: 'an unknown id', id: 9, fields: {}, code: 'DLI.16001' },
    { name: 'an id that is no number', id: 'x', fields: {}, code: 'DLI.0001' },
    { name: 'a Jar job as a SQL job', id: 2, fields: {}, code: 'DLI.0001' },
    { name: 'a name of 58 characters', id: 1, fields: { name: 'n'.repeat(58) }, code: 'DLI.0001' },
    { name: 'too many parallel tasks', id: 1, fields: { parallel_number: 5 }, code: 'DLI.0001' },
    { name: 'a configuration of the wrong type', id: 1, fields: { log_enabled: 'yes' }, code: 'DLI.0001' },
  ])('refuses $name', async ({ id, fields, code }) => {
    const { updateSql } = await startFlink([emulatedFlinkJob(1), jar(2)]);

    expect(await updateSql(fields, id)).toMatchObject(refusal(code));
  });

  it('refuses a SQL job as a Jar job, and an unknown queue if so assumed', async () => {
    const { updateJar, updateSql } = await startFlink([emulatedFlinkJob(1)], {
      assumptions: { unknownQueue: 'DLI.0002' },
    });

    expect(await updateJar({})).toMatchObject(refusal('DLI.0001'));
    expect(await updateSql({ queue_name: 'nowhere' })).toMatchObject(refusal('DLI.0002'));
  });
});

describe('deleting one Flink job', () => {
  it('deletes a job that runs, and knows it no more', async () => {
    const { erase, call } = await startFlink([emulatedFlinkJob(1)]);

    expect((await erase(1)).body).toEqual({ is_success: 'true', message: 'The job is successfully deleted.' });
    expect(await call('GET', `${JOBS}/1`)).toMatchObject(refusal('DLI.16001'));
    expect(await erase(1)).toMatchObject(refusal('DLI.17001'));
    expect(await erase('x')).toMatchObject(refusal('DLI.0001'));
  });
});

describe('the status after a stop', () => {
  it.each([
    { flinkStopped: 'job_cancel_success' as const, more: {} },
    { flinkStopped: 'job_init' as const, more: {} },
    { flinkStopped: 'job_init' as const, more: { trigger_savepoint: true } },
  ])('is $flinkStopped if so assumed, $more', async ({ flinkStopped, more }) => {
    const planned: EmulatedFlinkJob['life'] = [
      { from: NOW - MINUTE, state: 'job_running' },
      { from: NOW + 10 * MINUTE, state: 'job_running_exception' },
    ];
    const { post, detail, pass, call } = await startFlink([emulatedFlinkJob(1, { life: planned })], {
      assumptions: { flinkStopped },
    });

    await post(`${JOBS}/stop`, { job_ids: [1], ...more });
    pass(30 * MINUTE);

    expect(await detail()).toMatchObject({ status: flinkStopped });
    expect((await call('GET', JOBS)).body.job_list).toMatchObject({ jobs: [{ duration: 0 }] });
    expect((await post(`${JOBS}/run`, { job_ids: [1] })).status).toBe(200);
  });
});

describe('a field that is null', () => {
  it('counts as left out, as Terraform sends it', async () => {
    const { post } = await startFlink([]);
    const body = { name: 'a', tags: null, manager_cu_number: null, desc: null, queue_name: null, smn_topic: null };

    expect((await post('/v1.0/streaming/sql-jobs', body)).status).toBe(200);
    expect((await post('/v1.0/streaming/flink-jobs', body)).status).toBe(200);
    expect(await post('/v1.0/streaming/sql-jobs', { name: null })).toMatchObject({
      status: 400,
      body: { error_msg: 'Parameter check errors occur: name is missing' },
    });
  });
});

describe('the text of a refusal', () => {
  it.each([
    { body: { name: 7 }, says: 'name is invalid' },
    { body: { name: 'a', queue_name: 'a-b' }, says: 'queue_name is invalid' },
    { body: { name: 'a', tags: [{ key: '_sys_x', value: 'y' }] }, says: 'tags.0.key is invalid' },
    { body: [], says: 'name is missing' },
    { body: 'text', says: 'the request body is not JSON' },
    { body: 'null', says: 'the request body is invalid' },
  ])('does not show the words of a schema library: $says', async ({ body, says }) => {
    const { post } = await startFlink([]);

    expect(await post('/v1.0/streaming/sql-jobs', body)).toMatchObject({
      status: 400,
      body: { error_code: 'DLI.0001', error_msg: `Parameter check errors occur: ${says}` },
    });
  });
});

describe('the graphs of a Flink job', () => {
  it.each<{ life: EmulatedFlinkJob['life']; shown: object }>([
    {
      life: [{ from: NOW, state: 'job_init' }],
      shown: { state: 'CREATED', 'start-time': -1, 'end-time': -1, duration: 0 },
    },
    {
      life: [{ from: NOW - MINUTE, state: 'job_running' }],
      shown: { state: 'RUNNING', 'start-time': NOW - MINUTE, 'end-time': -1, duration: MINUTE },
    },
    {
      life: [
        { from: NOW - 2 * MINUTE, state: 'job_running' },
        { from: NOW - MINUTE, state: 'job_finish' },
      ],
      shown: { state: 'FINISHED', 'start-time': NOW - 2 * MINUTE, 'end-time': NOW - MINUTE, duration: MINUTE },
    },
  ])('show its run: $shown.state', async ({ life, shown }) => {
    const { call } = await startFlink([emulatedFlinkJob(1, { life })]);

    expect((await call('GET', `${JOBS}/1/execute-graph`)).body).toMatchObject({ execute_graph: shown });
    expect(await call('GET', `${JOBS}/2/execute-graph`)).toMatchObject(refusal('DLI.16001'));
  });

  it('include a static stream graph, as a text of JSON without nodes', async () => {
    const { post } = await startFlink([emulatedFlinkJob(1)]);
    const path = '/v3/streaming/jobs/1/gen-graph';
    const sql = { sql_body: 'select 1', job_type: 'flink_opensource_sql_job', graph_type: 'job_graph' };

    const { body } = await post(path, sql);

    expect(body).toMatchObject({ is_success: true, message: '', error_code: '' });
    expect(JSON.parse(body.stream_graph as string)).toMatchObject({ nodes: [], operator_list: [] });
    expect(await post(path, { ...sql, graph_type: 'tree' })).toMatchObject(refusal('DLI.0001'));
    expect(await post('/v3/streaming/jobs/2/gen-graph', sql)).toMatchObject(refusal('DLI.16001'));
  });
});

describe('the tags of a Flink job', () => {
  it('can be added, replaced, listed and deleted, as Terraform does', async () => {
    const { post, call, detail } = await startFlink([emulatedFlinkJob(1, { tags: [{ key: 'team', value: 'bi' }] })]);
    const path = '/v3/dli_flink_job/1/tags';

    const added = await post(`${path}/create`, {
      tags: [
        { key: 'team', value: 'data' },
        { key: 'stage', value: 'dev' },
      ],
    });

    expect(added).toEqual({ status: 204, body: undefined });
    expect((await call('GET', path)).body).toEqual({
      tags: [
        { key: 'team', value: 'data' },
        { key: 'stage', value: 'dev' },
      ],
      count: 2,
    });
    expect((await post(`${path}/delete`, { tags: [{ key: 'stage' }] })).status).toBe(204);
    expect(await detail()).toMatchObject({ tags: [{ key: 'team', value: 'data' }] });
  });

  it('are refused for other resources and unknown jobs', async () => {
    const { call, post } = await startFlink([]);

    expect(await call('GET', '/v3/dli_queue/1/tags')).toMatchObject(refusal('DLI.0001'));
    expect(await call('GET', '/v3/dli_flink_job/1/tags')).toMatchObject(refusal('DLI.16001'));
    expect(await post('/v3/dli_flink_job/1/tags/create', { tags: 'x' })).toMatchObject(refusal('DLI.0001'));
  });
});
