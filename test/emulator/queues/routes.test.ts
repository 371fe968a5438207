import { describe, expect, it } from 'vitest';
import type { EmulatedQueue } from '../../../emulator/queues/queues.ts';
import { emulatedBatch, emulatedFlinkJob, refusal, startApi } from '../../helpers/emulated-api.ts';
import { emulatedJob, NOW } from '../../helpers/world.ts';

type Query = [name: string, value: string][];
interface Body extends Record<string, unknown> {
  queues: (Record<string, unknown> & { queue_name: string })[];
}
type Options = NonNullable<Parameters<typeof startApi>[0]>;

async function startQueues(options: Options) {
  const { emulator, call } = await startApi<Body>(options);
  return {
    emulator,
    list: (...query: Query) => call('GET', '/v1.0/queues', { query }),
    show: (name: string) => call('GET', `/v1.0/queues/${name}`),
  };
}

const names = ({ body }: { body: Body }) => body.queues.map((queue) => queue.queue_name);
const queue = (name: string, cuCount: number, more: Partial<EmulatedQueue> = {}): EmulatedQueue => ({
  name,
  cuCount,
  type: 'sql',
  createdAt: NOW,
  ...more,
});
const queues = [
  queue('etl', 64, { tags: [{ key: 'team', value: 'data' }] }),
  queue('adhoc', 16, { chargingMode: 2, resourceType: 'container', isRestarting: true }),
  queue('spark_q', 32, { type: 'general', elasticResourcePool: 'pool_a', cuScaleInLimit: 16, cuScaleOutLimit: 64 }),
];

describe('listing queues', () => {
  it.each<{ name: string; query: Query; listed: string[] }>([
    { name: 'those for SQL by default, sorted by name', query: [], listed: ['adhoc', 'etl'] },
    { name: 'general ones', query: [['queue_type', 'general']], listed: ['spark_q'] },
    { name: 'all', query: [['queue_type', 'all']], listed: ['adhoc', 'etl', 'spark_q'] },
    {
      name: 'the last name first',
      query: [
        ['queue_type', 'all'],
        ['order', 'queue_name_desc'],
      ],
      listed: ['spark_q', 'etl', 'adhoc'],
    },
    {
      name: 'the smallest first',
      query: [
        ['queue_type', 'all'],
        ['order', 'cu_asc'],
      ],
      listed: ['adhoc', 'spark_q', 'etl'],
    },
    {
      name: 'the largest first',
      query: [
        ['queue_type', 'all'],
        ['order', 'cu_desc'],
      ],
      listed: ['etl', 'spark_q', 'adhoc'],
    },
    {
      name: 'a page',
      query: [
        ['queue_type', 'all'],
        ['page-size', '2'],
        ['current-page', '2'],
      ],
      listed: ['spark_q'],
    },
    { name: 'those of a tag', query: [['tags', 'team=data']], listed: ['etl'] },
  ])('gives $name', async ({ query, listed }) => {
    const { list } = await startQueues({ queues });

    expect(names(await list(...query))).toEqual(listed);
  });

  it.each<[name: string, value: string]>([
    ['queue_type', 'spark'],
    ['order', 'cu'],
    ['page-size', '0'],
    ['page-size', '2147483648'],
    ['current-page', '0'],
    ['with-priv', '1'],
    ['with-charge-info', 'yes'],
  ])('refuses %s=%j', async (name, value) => {
    const { list } = await startQueues({ queues });

    expect(await list([name, value])).toMatchObject(refusal('DLI.0001'));
  });

  it('shows how a queue is charged, and 0 for the default queue', async () => {
    const { list } = await startQueues({ queues: [...queues, queue('default', 0)] });

    expect((await list()).body.queues).toMatchObject([
      { queue_name: 'adhoc', charging_mode: 2 },
      { queue_name: 'default', charging_mode: 0 },
      { queue_name: 'etl', charging_mode: 1 },
    ]);
  });

  it('shows Boolean flags by default, as golangsdk captured them', async () => {
    const { list } = await startQueues({ queues });

    expect((await list()).body).toMatchObject({ is_success: true, queues: [{ is_restarting: true }, {}] });
  });

  it.each([
    { queueFlags: 'text' as const, isSuccess: 'true', isRestarting: 'true' },
    { queueFlags: 'boolean' as const, isSuccess: true, isRestarting: true },
  ])('shows its flags as assumed: $queueFlags', async ({ queueFlags, isSuccess, isRestarting }) => {
    const { list } = await startQueues({ queues, assumptions: { queueFlags } });

    expect((await list()).body).toMatchObject({ is_success: isSuccess, queues: [{ is_restarting: isRestarting }, {}] });
  });

  it('has the queues that its jobs name, and the shared one, if it is given none', async () => {
    const { list } = await startQueues({
      jobs: [emulatedJob(1), emulatedJob(2)],
      sparkJobs: [emulatedBatch(1), emulatedBatch(2, { queue: 'adhoc' })],
      flinkJobs: [emulatedFlinkJob(1), emulatedFlinkJob(2, { queue: '' })],
    });

    expect(names(await list())).toEqual(['adhoc', 'default']);
    expect(names(await list(['queue_type', 'general']))).toEqual(['flink_q', 'gen_q']);
  });
});

describe('showing a queue', () => {
  it('shows the same as the list, with four names in camel case, whatever the case of its name', async () => {
    const { list, show } = await startQueues({ queues });
    const [listed] = (await list(['queue_type', 'general'])).body.queues;

    const { status, body } = await show('Spark_Q');

    expect(status).toBe(200);
    expect(body).toMatchObject({
      is_success: true,
      queueName: 'spark_q',
      queueType: 'general',
      cuCount: 32,
      chargingMode: 1,
      create_time: NOW,
      elastic_resource_pool_name: 'pool_a',
      cu_scale_in_limit: 16,
      cu_scale_out_limit: 64,
      cu_spec: 32,
      resource_mode: 1,
      resource_id: listed?.resource_id,
    });
    for (const name of ['queue_name', 'queue_type', 'cu_count', 'charging_mode']) expect(body).not.toHaveProperty(name);
  });

  it.each([
    { name: 'nowhere', code: 'DLI.0002' },
    { name: 'a-b', code: 'DLI.0001' },
  ])('refuses $name with $code', async ({ name, code }) => {
    const { show } = await startQueues({ queues });

    expect(await show(name)).toMatchObject(refusal(code));
  });
});
