import { tmpdir } from 'node:os';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials.js';
import { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient.js';
import { DefaultHttpClient } from '@huaweicloud/huaweicloud-sdk-core/http/DefaultHttpClient.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RouteName } from '../../emulator/base/service.ts';
import { ROUTES } from '../../emulator/routes.ts';
import { startEmulator } from '../../emulator/server.ts';
import { emulatedBatch, emulatedFlinkJob } from '../helpers/emulated-api.ts';
import { emulatedJob, HOUR, jobId } from '../helpers/world.ts';

/*
 * The vendor's own Node SDK core signs, sends and reads one call of each route, with all that the route needs to succeed. What
 * each answer looks like is in the tests of the engines; what a client finds missing in it is seen here.
 */

interface Call {
  /** Values for the parameters of the path. */
  params?: Record<string, string | number>;
  query?: object;
  data?: object;
  /** A part of the answer. Its form is the one that the SDKs read. */
  answers: object;
}

const FLINK_OK = { is_success: 'true' };
const OK = { is_success: true };
const [LIVE, ENDED] = [{ job_id: jobId(1) }, { job_id: jobId(2) }];
const BATCH = { batch_id: jobId(3) };
const TAGS = { resource_type: 'dli_flink_job', resource_id: 1 };

const POOL = { elastic_resource_pool_name: 'pool_a' };
const PACKAGES = { paths: ['obs://bucket/a.jar'], group: 'group' };
const UPLOADED = { params: { resource_name: 'a.jar' }, query: { group: 'group' } };

const CALLS: Record<Exclude<RouteName, 'show-project' | 'list-projects'>, Call> = {
  'list-sql-jobs': { query: { 'page-size': 10, job_types: ['QUERY'] }, answers: { ...OK, job_count: 2 } },
  'submit-sql-job': { data: { sql: 'select 1', queue_name: 'etl' }, answers: { ...OK, job_mode: 'async' } },
  'show-sql-job-status': { params: LIVE, answers: { ...OK, status: 'RUNNING' } },
  'show-sql-job-detail': { params: LIVE, answers: { ...OK, owner: 'ana' } },
  'show-sql-job-progress': { params: LIVE, answers: { ...OK, status: 'RUNNING' } },
  'cancel-sql-job': { params: LIVE, answers: OK },
  'preview-sql-job-result': { params: ENDED, query: { 'queue-name': 'etl' }, answers: { ...OK, row_count: 0 } },
  'export-sql-job-result': {
    params: ENDED,
    data: { data_path: 'obs://bucket/path', data_type: 'csv' },
    answers: { ...OK, job_mode: 'async' },
  },
  'check-sql': { data: { sql: 'select 1' }, answers: { ...OK, job_type: 'QUERY' } },
  'cancel-sql-job-on-queue': { params: { ...LIVE, queue_name: 'adhoc' }, answers: OK },
  'submit-sql-job-to-queue': { params: { queue_name: 'etl' }, data: { sql: 'select 1' }, answers: OK },
  'list-spark-batches': { query: { size: 10 }, answers: { total: 1 } },
  'create-spark-batch': { data: { file: 'obs://bucket/a.py', queue: 'gen_q' }, answers: { state: 'starting' } },
  'show-spark-batch': { params: BATCH, answers: { queue: 'gen_q' } },
  'show-spark-batch-state': { params: BATCH, answers: { state: 'running' } },
  'show-spark-batch-log': { params: BATCH, answers: { from: 0 } },
  'cancel-spark-batch': { params: BATCH, answers: { msg: 'deleted' } },
  'list-flink-jobs': { query: { limit: 5 }, answers: { ...FLINK_OK, job_list: { total_count: 2 } } },
  'create-flink-sql-job': { data: { name: 'a', tags: null }, answers: { ...FLINK_OK, job: { job_id: 101 } } },
  'create-flink-jar-job': { data: { name: 'a', tags: null }, answers: { ...FLINK_OK, job: { job_id: 101 } } },
  'show-flink-job': { params: { job_id: 1 }, answers: { ...FLINK_OK, job_detail: { status: 'job_running' } } },
  'run-flink-jobs': { data: { job_ids: [2] }, answers: { 0: FLINK_OK } },
  'stop-flink-jobs': { data: { job_ids: [1], trigger_savepoint: false }, answers: { 0: FLINK_OK } },
  'delete-flink-jobs': { data: { job_ids: [1, 2] }, answers: { 0: FLINK_OK, 1: FLINK_OK } },
  'delete-flink-job': { params: { job_id: 1 }, answers: FLINK_OK },
  'update-flink-sql-job': { params: { job_id: 1 }, data: { name: 'b' }, answers: { ...FLINK_OK, job: {} } },
  'update-flink-jar-job': { params: { job_id: 2 }, data: { name: 'b' }, answers: { ...FLINK_OK, job: {} } },
  'trigger-flink-savepoint': {
    params: { job_id: 1 },
    data: { action: 'TRIGGER', savepoint_path: 'obs://bucket/path' },
    answers: FLINK_OK,
  },
  'show-flink-execution-graph': {
    params: { job_id: 1 },
    answers: { ...FLINK_OK, execute_graph: { state: 'RUNNING' } },
  },
  'create-flink-stream-graph': {
    params: { job_id: 1 },
    data: { sql_body: 'select 1' },
    answers: { ...OK, error_code: '' },
  },
  'authorize-buckets': { data: { obs_buckets: ['a'] }, answers: FLINK_OK },
  'list-resource-tags': { params: TAGS, answers: { count: 0 } },
  'add-resource-tags': { params: TAGS, data: { tags: [{ key: 'a', value: 'b' }] }, answers: { httpStatusCode: 204 } },
  'delete-resource-tags': { params: TAGS, data: { tags: [{ key: 'a' }] }, answers: { httpStatusCode: 204 } },
  'list-queues': { query: { queue_type: 'all' }, answers: { ...OK, queues: { length: 5 } } },
  'show-queue': { params: { queue_name: 'adhoc' }, answers: { ...OK, queueName: 'adhoc' } },
  'create-queue': { data: { queue_name: 'new_q', cu_count: 16 }, answers: { ...OK, queue_name: 'new_q' } },
  'delete-queue': { params: { queue_name: 'default' }, answers: OK },
  'update-queue-cidr': { params: { queue_name: 'default' }, data: { cidr_in_vpc: '10.0.0.0/16' }, answers: OK },
  'run-queue-action': { params: { queue_name: 'adhoc' }, data: { action: 'restart', force: true }, answers: OK },
  'list-queue-properties': { params: { queue_name: 'adhoc' }, answers: { ...OK, properties: [] } },
  'create-queue-properties': { params: { queue_name: 'adhoc' }, data: { properties: {} }, answers: OK },
  'update-queue-properties': { params: { queue_name: 'adhoc' }, data: { properties: {} }, answers: OK },
  'delete-queue-properties': { params: { queue_name: 'adhoc' }, data: { keys: ['job.maxConcurrent'] }, answers: OK },
  'list-pool-queues': { params: POOL, query: { limit: 100 }, answers: { ...OK, count: 1 } },
  'associate-queue': { params: POOL, data: { queue_name: 'adhoc' }, answers: OK },
  'set-scaling-policies': {
    params: { ...POOL, queue_name: 'pool_q' },
    data: {
      queue_scaling_policies: [
        { priority: 1, impact_start_time: '00:00', impact_stop_time: '24:00', min_cu: 16, max_cu: 64 },
      ],
    },
    answers: OK,
  },
  'show-quotas': { answers: { ...OK, quotas: {} } },
  'upload-packages': { data: { ...PACKAGES, kind: 'jar' }, answers: { httpStatusCode: 201, status: 'READY' } },
  'upload-file-packages': { data: PACKAGES, answers: { httpStatusCode: 201, status: 'READY' } },
  'upload-jar-packages': { data: PACKAGES, answers: { httpStatusCode: 201, status: 'READY' } },
  'upload-python-packages': { data: PACKAGES, answers: { httpStatusCode: 201, status: 'READY' } },
  'list-packages': { query: { kind: 'jar' }, answers: { total: 1 } },
  'show-package': { ...UPLOADED, answers: { resource_name: 'a.jar' } },
  'delete-package': { ...UPLOADED, answers: { httpStatusCode: 200 } },
  'change-package-owner': { data: { new_owner: 'bogdan', group_name: 'group' }, answers: OK },
};

async function startClient() {
  // The SDK leaves a file in the user's home directory.
  vi.stubEnv('HOME', tmpdir());
  onTestFinished(() => void vi.unstubAllEnvs());
  const now = Date.now();
  const [submittedAt, endsAt] = [now - HOUR, now + HOUR];
  const running = { submittedAt, runsFrom: submittedAt, endsAt };
  const emulator = await startEmulator({
    now: Date.now,
    random: () => 0.5,
    jobs: [emulatedJob(1, running), emulatedJob(2, { ...running, endsAt: now - 1_000 })],
    sparkJobs: [emulatedBatch(3, { life: [{ from: submittedAt, state: 'running' }] })],
    flinkJobs: [
      emulatedFlinkJob(1, { life: [{ from: submittedAt, state: 'job_running' }] }),
      emulatedFlinkJob(2, { type: 'flink_jar_job', life: [{ from: submittedAt, state: 'job_init' }] }),
    ],
  });
  onTestFinished(() => emulator.close());
  const uploaded = { createdAt: now, updatedAt: now, owner: 'ana', id: jobId(4) };
  emulator.queues.add({ name: 'pool_q', type: 'sql', cuCount: 16, createdAt: now, elasticResourcePool: 'pool_a' });
  emulator.packages.add({ name: 'a.jar', group: 'group', kind: 'jar', ...uploaded });
  const { url: endpoint, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const credentials = new BasicCredentials().withAk(accessKeyId).withSk(secretAccessKey).withProjectId(projectId);
  const client = new HcClient(new DefaultHttpClient({}, [endpoint]))
    .withEndpoints([endpoint])
    .withCredential(credentials);
  return (method: string, url: string, { params = {}, query = {}, data }: Call) =>
    client.sendRequest({
      method,
      url,
      contentType: 'application/json',
      queryParams: query,
      pathParams: { project_id: projectId, ...params },
      headers: {},
      ...(data !== undefined && { data }),
    });
}

describe("the vendor's SDK core", () => {
  it.each(ROUTES)('is answered by $name', async ({ name, method, version, path }) => {
    const send = await startClient();
    const call = CALLS[name as keyof typeof CALLS];

    expect(await send(method, `${version}/{project_id}${path}`, call)).toMatchObject(call.answers);
  });
});
