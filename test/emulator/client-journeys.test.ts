import { describe, expect, it } from 'vitest';
import { startApi } from '../helpers/emulated-api.ts';
import { HOUR } from '../helpers/world.ts';

/*
 * What well-known clients do from the first call to the last, each as its source spells it. The emulator has no jobs at first.
 */

describe("the example of Airflow's provider, tests/system/providers/huawei/example_dli.py", () => {
  it('creates a general queue, changes its network, uploads a file, waits for a batch, and deletes the queue', async () => {
    const { call, pass } = await startApi();

    await call('POST', '/v1.0/queues', {
      body: { queue_name: 'spark_queue', cu_count: 16, queue_type: 'general', resource_mode: 1 },
    });
    const moved = await call('PUT', '/v1.0/queues/spark_queue', { body: { cidr_in_vpc: '10.0.0.0/8' } });
    const uploaded = await call('POST', '/v2.0/resources/files', {
      body: { group: 'airflow', paths: ['https://airflow.obs.ap-southeast-3.myhuaweicloud.com:443/myjarfile.jar'] },
    });
    const batch = await call('POST', '/v2.0/batches', {
      body: { queue: 'spark_queue', file: 'airflow/myjarfile.jar', className: 'com.huawei.dli.demo.SparkDemoObs' },
    });
    const state = async () => (await call('GET', `/v2.0/batches/${batch.body.id as string}/state`)).body.state;
    const atFirst = await state();
    const early = await call('DELETE', '/v1.0/queues/spark_queue');
    pass(HOUR);

    expect(moved.status).toBe(200);
    expect(uploaded.body).toMatchObject({ status: 'READY', resources: ['myjarfile.jar'] });
    expect([atFirst, await state()]).toEqual(['starting', 'success']);
    expect(early.status).toBe(400);
    expect((await call('DELETE', '/v1.0/queues/spark_queue')).body).toMatchObject({ is_success: true });
  });

  it('creates a SQL queue, waits for a query, reads its result, and deletes the queue', async () => {
    const { call, pass } = await startApi();

    await call('POST', '/v1.0/queues', { body: { queue_name: 'sql_queue', cu_count: 16 } });
    const listed = await call('GET', '/v1.0/queues', {
      query: [
        ['queue_type', 'all'],
        ['with-charge-info', 'true'],
        ['with-priv', 'true'],
      ],
    });
    const { body } = await call('POST', '/v1.0/jobs/submit-job', {
      body: { queue_name: 'sql_queue', currentdb: 'DBNAME', sql: 'select * from table_name' },
    });
    const job = `/v1.0/jobs/${body.job_id as string}`;
    pass(HOUR);

    expect(listed.body).toMatchObject({ queues: [{ queue_name: 'default' }, { queue_name: 'sql_queue' }] });
    expect((await call('GET', `${job}/status`)).body).toMatchObject({ status: 'FINISHED' });
    expect((await call('GET', `${job}/preview`, { query: [['queue-name', 'sql_queue']] })).body).toMatchObject({
      is_success: true,
      job_type: 'QUERY',
    });
    expect((await call('DELETE', '/v1.0/queues/sql_queue')).status).toBe(200);
  });
});

describe('dli_flinksql_job of the Terraform provider, resource_huaweicloud_dli_flinksql_job.go', () => {
  it('authorizes a bucket, creates, runs, updates with a stop between, and deletes', async () => {
    const { call, pass } = await startApi();
    const detail = async (id: unknown) =>
      (await call('GET', `/v1.0/streaming/jobs/${String(id)}`)).body.job_detail as { status: string; desc: string };

    // As golangsdk writes a job that sets only what it must: a list or number without a value is null, a text is "".
    const created = await call('POST', '/v1.0/streaming/sql-jobs', {
      body: { name: 'a', sql_body: 'select 1', run_mode: 'shared_cluster', tags: null, manager_cu_number: null },
    });
    const { job_id: id } = created.body.job as { job_id: number };
    const bucket = await call('POST', '/v1.0/dli/obs-authorize', { body: { obs_buckets: ['b'] } });
    const config = { operator_config: '', static_estimator_config: '' };
    await call('PUT', `/v1.0/streaming/sql-jobs/${id}`, { body: config });
    await call('POST', '/v1.0/streaming/jobs/run', { body: { job_ids: [id], resume_savepoint: false } });
    pass(HOUR);
    const running = await detail(id);
    await call('POST', '/v1.0/streaming/jobs/stop', { body: { job_ids: [id], trigger_savepoint: false } });
    pass(HOUR);
    const stopped = await detail(id);
    await call('PUT', `/v1.0/streaming/sql-jobs/${id}`, { body: { ...config, desc: 'changed' } });
    await call('POST', '/v1.0/streaming/jobs/run', { body: { job_ids: [id], resume_savepoint: false } });
    pass(HOUR);
    const again = await detail(id);
    const deleted = await call('DELETE', `/v1.0/streaming/jobs/${id}`);

    expect(bucket.body).toMatchObject({ is_success: 'true' });
    expect([running, stopped, again]).toMatchObject([
      { status: 'job_running' },
      { status: 'job_cancel_success' },
      { status: 'job_running', desc: 'changed' },
    ]);
    expect(deleted.body).toMatchObject({ is_success: 'true' });
    // "DLI.16001" is how the provider knows that a job is gone.
    expect((await call('GET', `/v1.0/streaming/jobs/${id}`)).body).toMatchObject({ error_code: 'DLI.16001' });
  });
});
