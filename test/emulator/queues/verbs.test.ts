import { describe, expect, it } from 'vitest';
import { emulatedBatch, emulatedFlinkJob, refusal, startApi } from '../../helpers/emulated-api.ts';
import { emulatedJob, NOW } from '../../helpers/world.ts';

type Options = NonNullable<Parameters<typeof startApi>[0]>;

const QUEUES = [
  { name: 'etl', type: 'sql' as const, cuCount: 64, createdAt: NOW },
  { name: 'gen_q', type: 'general' as const, cuCount: 32, createdAt: NOW, elasticResourcePool: 'pool_a' },
];

async function startQueues(options: Options = {}) {
  const { call, pass } = await startApi<Record<string, unknown> & { queues: object[] }>({ queues: QUEUES, ...options });
  const properties = '/v3/queues/etl/properties';
  return {
    pass,
    call,
    create: (body: object) => call('POST', '/v1.0/queues', { body }),
    erase: (name: string) => call('DELETE', `/v1.0/queues/${name}`),
    show: (name: string) => call('GET', `/v1.0/queues/${name}`),
    list: async () => (await call('GET', '/v1.0/queues', { query: [['queue_type', 'all']] })).body.queues,
    act: (name: string, body: object) => call('PUT', `/v1.0/queues/${name}/action`, { body }),
    move: (name: string, cidr: string) => call('PUT', `/v1.0/queues/${name}`, { body: { cidr_in_vpc: cidr } }),
    properties: (...query: [name: string, value: string][]) => call('GET', properties, { query }),
    set: (fields: object, method = 'PUT') => call(method, properties, { body: { properties: fields } }),
    unset: (keys: unknown) => call('DELETE', properties, { body: { keys } }),
  };
}

describe('creating a queue', () => {
  it('adds it under its name in lower case, with the fields of the request', async () => {
    const { create, show, list } = await startQueues({ queues: [] });

    const { body } = await create({
      queue_name: 'New_Q',
      queue_type: 'general',
      cu_count: 16,
      description: 'nightly loads',
      resource_mode: 1,
      platform: 'aarch64',
      enterprise_project_id: '7',
      labels: ['multi_az=2'],
      tags: [{ key: 'team', value: 'bi' }],
    });

    expect(body).toEqual({ is_success: true, message: '', queue_name: 'new_q' });
    expect((await show('new_q')).body).toMatchObject({
      queueType: 'general',
      cuCount: 16,
      description: 'nightly loads',
    });
    expect(await list()).toMatchObject([
      { queue_name: 'new_q', platform: 'aarch64', enterprise_project_id: '7', labels: 'multi_az=2', resource_mode: 1 },
    ]);
  });

  it.each([
    { name: 'a name that is there', fields: { queue_name: 'ETL' }, code: 'DLI.0006' },
    { name: 'a name with other characters', fields: { queue_name: 'a-b' }, code: 'DLI.0001' },
    { name: 'no CUs', fields: { cu_count: undefined }, code: 'DLI.0001' },
    { name: 'a type that is none', fields: { queue_type: 'all' }, code: 'DLI.0001' },
    { name: 'a monthly queue', fields: { charging_mode: 2 }, code: 'DLI.0001' },
  ])('refuses $name', async ({ fields, code }) => {
    const { create, list } = await startQueues();

    expect(await create({ queue_name: 'new_q', cu_count: 16, ...fields })).toMatchObject(refusal(code));
    expect(await list()).toHaveLength(2);
  });
});

describe('deleting a queue', () => {
  it('removes it', async () => {
    const { erase, show } = await startQueues();

    expect(await erase('Etl')).toEqual({ status: 200, body: { is_success: true, message: '' } });
    expect(await show('etl')).toMatchObject(refusal('DLI.0002'));
    expect(await erase('etl')).toMatchObject(refusal('DLI.0002'));
  });

  it.each<{ name: string; options: Options }>([
    { name: 'a SQL job', options: { jobs: [emulatedJob(1, { queue: 'etl' })] } },
    { name: 'a batch', options: { sparkJobs: [emulatedBatch(1, { queue: 'etl' })] } },
    { name: 'a Flink job', options: { flinkJobs: [emulatedFlinkJob(1, { queue: 'etl' })] } },
  ])('is refused while $name lives on it, and its network cannot change', async ({ options }) => {
    const { erase, move } = await startQueues(options);
    const other = await startQueues({ ...options, assumptions: { busyQueue: 'DLI.0009' } });

    expect(await erase('etl')).toMatchObject(refusal('DLI.0007'));
    expect(await move('etl', '172.16.0.0/12')).toMatchObject(refusal('DLI.0007'));
    expect(await other.erase('etl')).toMatchObject(refusal('DLI.0009'));
  });

  it('does not mind jobs that are over, or drafts', async () => {
    const { erase } = await startQueues({
      jobs: [emulatedJob(1, { queue: 'etl', endsAt: NOW - 1 })],
      sparkJobs: [emulatedBatch(1, { queue: 'etl', plan: { endsAt: NOW - 1 } })],
      flinkJobs: [emulatedFlinkJob(1, { queue: 'etl', life: [{ from: NOW - 1, state: 'job_init' }] })],
    });

    expect((await erase('etl')).status).toBe(200);
  });
});

describe('changing a queue', () => {
  it('gives it another network', async () => {
    const { move, list } = await startQueues();

    expect((await move('etl', '172.16.0.0/12')).body).toEqual({ is_success: true, message: '' });
    expect(await list()).toMatchObject([{ cidr_in_vpc: '172.16.0.0/12' }, { cidr_in_vpc: '10.0.0.0/8' }]);
  });

  it('scales it by so many CUs, and keeps its specification', async () => {
    const { act, show } = await startQueues();

    expect((await act('etl', { action: 'scale_out', cu_count: 32 })).body).toEqual({ queue_name: 'etl', result: true });
    expect((await act('etl', { action: 'scale_in', cu_count: 16 })).status).toBe(200);
    expect((await show('etl')).body).toMatchObject({ cuCount: 80, cu_spec: 64 });
  });

  it('restarts it by a job of its own, if forced', async () => {
    const { act, call } = await startQueues();

    const { body } = await act('etl', { action: 'restart', force: true });

    expect(await call('GET', `/v1.0/jobs/${body.job_id as string}/status`)).toMatchObject({
      status: 200,
      body: { job_type: 'RESTART_QUEUE', status: 'FINISHED', queue_name: 'etl' },
    });
    expect((await act('etl', { action: 'restart' })).body).toEqual({ is_success: true, message: 'Restart success' });
  });

  it.each([
    {
      name: 'CUs that are no multiple of 16',
      queue: 'etl',
      body: { action: 'scale_out', cu_count: 8 },
      code: 'DLI.0001',
    },
    { name: 'no CUs', queue: 'etl', body: { action: 'scale_out' }, code: 'DLI.0001' },
    { name: 'all its CUs away', queue: 'etl', body: { action: 'scale_in', cu_count: 64 }, code: 'DLI.0001' },
    { name: 'another action', queue: 'etl', body: { action: 'stop' }, code: 'DLI.0001' },
    { name: 'a queue in a pool', queue: 'gen_q', body: { action: 'scale_out', cu_count: 16 }, code: 'DLI.0007' },
    { name: 'the restart of a general queue', queue: 'gen_q', body: { action: 'restart' }, code: 'DLI.0007' },
    { name: 'an unknown queue', queue: 'nowhere', body: { action: 'restart' }, code: 'DLI.0002' },
  ])('refuses $name', async ({ queue, body, code }) => {
    const { act } = await startQueues();

    expect(await act(queue, body)).toMatchObject(refusal(code));
  });
});

describe('the properties of a queue', () => {
  it('are listed as texts, page by page, and can be taken back', async () => {
    const { set, unset, properties, list } = await startQueues();

    await set({ 'computeEngine.maxInstance': 2, 'network.cidrInVpc': '192.168.0.0/16' });
    await set({ 'job.maxConcurrent': 5 }, 'POST');

    expect((await properties()).body).toEqual({
      is_success: true,
      message: '',
      properties: [
        { key: 'computeEngine.maxInstance', value: '2' },
        { key: 'job.maxConcurrent', value: '5' },
      ],
    });
    expect((await properties(['offset', '2'])).body).toMatchObject({ properties: [] });
    expect(await list()).toMatchObject([{ cidr_in_vpc: '192.168.0.0/16' }, {}]);

    await unset(['computeEngine.maxInstance']);

    expect((await properties()).body).toMatchObject({ properties: [{ key: 'job.maxConcurrent' }] });
  });

  it('are refused in the wrong form', async () => {
    const { set, unset, properties } = await startQueues();

    expect(await set({ 'job.maxConcurrent': 'five' })).toMatchObject(refusal('DLI.0001'));
    expect(await unset('job.maxConcurrent')).toMatchObject(refusal('DLI.0001'));
    expect(await properties(['offset', 'x'])).toMatchObject(refusal('DLI.0001'));
  });
});

describe('the queues of a pool', () => {
  const path = '/v3/elastic-resource-pools/pool_a/queues';
  const policy = { priority: 5, impact_start_time: '08:00', impact_stop_time: '18:00', min_cu: 16, max_cu: 64 };

  it('have a policy for the whole day, until they get others', async () => {
    const { call } = await startQueues();

    expect((await call('GET', path)).body).toMatchObject({
      count: 1,
      queues: [
        {
          queue_name: 'gen_q',
          queue_scaling_policies: [{ impact_start_time: '00:00', impact_stop_time: '24:00', min_cu: 32, max_cu: 32 }],
        },
      ],
    });

    expect((await call('PUT', `${path}/gen_q`, { body: { queue_scaling_policies: [policy] } })).status).toBe(200);

    expect((await call('GET', path)).body).toMatchObject({ queues: [{ queue_scaling_policies: [policy] }] });
  });

  it('come into it, and are found by a part of their name, page by page only with a limit', async () => {
    const { call, show } = await startQueues();

    expect((await call('POST', path, { body: { queue_name: 'etl' } })).status).toBe(200);

    const found = async (...query: [name: string, value: string][]) => (await call('GET', path, { query })).body.queues;
    expect((await show('etl')).body).toMatchObject({ elastic_resource_pool_name: 'pool_a' });
    expect(await found(['queue_name', 'et'])).toMatchObject([{ queue_name: 'etl' }]);
    expect(await found(['offset', '1'])).toHaveLength(2);
    expect(await found(['offset', '1'], ['limit', '100'])).toHaveLength(1);
  });

  it.each([
    { name: 'a queue that is in a pool', call: ['POST', path, { queue_name: 'gen_q' }] as const, code: 'DLI.0007' },
    { name: 'an unknown queue', call: ['POST', path, { queue_name: 'nowhere' }] as const, code: 'DLI.0002' },
    {
      name: 'a policy of a queue outside of the pool',
      call: ['PUT', `${path}/etl`, { queue_scaling_policies: [policy] }] as const,
      code: 'DLI.0002',
    },
    { name: 'no policies', call: ['PUT', `${path}/gen_q`, { queue_scaling_policies: [] }] as const, code: 'DLI.0001' },
    {
      name: 'a time that is none',
      call: ['PUT', `${path}/gen_q`, { queue_scaling_policies: [{ ...policy, impact_stop_time: '25:00' }] }] as const,
      code: 'DLI.0001',
    },
  ])('refuse $name', async ({ call: [method, to, body], code }) => {
    const { call } = await startQueues();

    expect(await call(method, to, { body })).toMatchObject(refusal(code));
  });
});

describe('the quotas', () => {
  it('count the queues and their CUs', async () => {
    const { call } = await startQueues();

    const { body } = await call('GET', '/v3/quotas');

    expect(body).toMatchObject({
      is_success: true,
      quotas: { resources: expect.arrayContaining([expect.objectContaining({ type: 'CU', used: 96 })]) as unknown },
    });
  });
});
