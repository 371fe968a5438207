import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EmulatorOptions } from '../../emulator/server.ts';
import type { Transfer } from '../../emulator/sql/jobs.ts';
import { emulatedBatch, emulatedFlinkJob, startApi } from '../helpers/emulated-api.ts';
import { emulatedJob, jobId, NOW } from '../helpers/world.ts';

interface Fixture {
  request?: unknown;
  status: number;
  body: unknown;
}

const folder = new URL('../fixtures/dli/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Fixture;

interface Example {
  /** Name of the fixture's file, which has the request and the answer. */
  fixture: string;
  call: string;
  query?: [name: string, value: string][];
  /** The world in which the emulator gives the documented answer. */
  world: Partial<EmulatorOptions>;
  /** Paths of values that are not known in advance. Only their type is compared. */
  ownValues?: string[];
  /** Values, by path, that differ from the example on purpose. */
  otherwise?: Record<string, unknown>;
}

const BATCH = '0a324461-d9d9-45da-a52a-3b3c7a3d809e';
const batchAt = (createdAt: number, state: 'starting' | 'dead' | 'success') =>
  emulatedBatch(1, { id: BATCH, queue: 'test', owner: '', name: '', life: [{ from: createdAt, state }] });
const draft = (id: number, sqlBody = 'select 1') =>
  emulatedFlinkJob(id, { life: [{ from: NOW, state: 'job_init' }], sqlBody });
const testQueue = { name: 'test', owner: 'testuser', cuCount: 16, type: 'general' as const };

const imported: Transfer = {
  data_path: 'obs://DLI/computeCharging/test.csv',
  data_type: 'json',
  date_format: 'yyyy-MM-dd',
  delimiter: ',',
  escape_char: '\\',
  quote_char: '"',
  timestamp_format: 'yyyy-MM-dd HH:mm:ss',
  with_column_header: false,
};
const exported: Transfer = {
  compress: 'none',
  data_path: 'obs://xxx/dli/path6',
  data_type: 'json',
  export_mode: 'Overwrite',
};
const sqlJob = (id: string, submittedAt: number, durationMs: number) => ({
  id,
  submittedAt,
  runsFrom: submittedAt,
  endsAt: submittedAt + durationMs,
});

const jarConfig = {
  entrypoint: 'FemaleInfoCollection.jar',
  dependency_jars: ['FemaleInfoCollection.jar', 'ObsBatchTest.jar'],
  dependency_files: ['FemaleInfoCollection.jar', 'ReadFromResource'],
};
const openSourceConfig = {
  checkpoint_enabled: true,
  checkpoint_interval: 600,
  log_enabled: true,
  obs_bucket: 'dli-test',
  parallel_number: 3,
  smn_topic: '',
  restart_when_exception: true,
  resume_checkpoint: true,
  udf_jar_url: 'test/flink_test-1.0-SNAPSHOT-jar-with-dependencies.jar',
  dirty_data_strategy: '0',
  entrypoint: 'test/flink_test-1.0-SNAPSHOT-jar-with-dependencies.jar',
  tm_slot_num: 3,
  operator_config: 'xxx',
  static_estimator_config: 'xxx',
};

const EXAMPLES: Example[] = [
  {
    fixture: 'show-sql-job-detail-import',
    call: 'GET /v1.0/jobs/a85d7298-ecef-47f9-bb31-499d2099d112/detail',
    world: {
      jobs: [
        emulatedJob(1, {
          ...sqlJob('a85d7298-ecef-47f9-bb31-499d2099d112', 1517385246111, 1623),
          type: 'IMPORT',
          owner: 'iam_exist',
          database: 'iam_exist',
          table: 'DLI_table20',
          transfer: imported,
        }),
      ],
    },
  },
  {
    fixture: 'show-sql-job-detail-export',
    call: 'GET /v1.0/jobs/b89fccb2-de6a-4c6c-b9b2-21f08a2eb85e/detail',
    world: {
      jobs: [
        emulatedJob(1, {
          ...sqlJob('b89fccb2-de6a-4c6c-b9b2-21f08a2eb85e', 1524107798024, 4142),
          type: 'EXPORT',
          owner: 'test',
          database: 'submitjob',
          table: 'autotest',
          transfer: exported,
        }),
      ],
    },
  },
  {
    fixture: 'show-sql-job-progress',
    call: 'GET /v1/jobs/85798b38-ae44-48eb-bb90-7cf0dcdafe7b/progress',
    world: { jobs: [emulatedJob(1, sqlJob('85798b38-ae44-48eb-bb90-7cf0dcdafe7b', NOW, 60_000))] },
    ownValues: ['sub_jobs.0.submission_time', 'sub_jobs.0.num_tasks'],
  },
  {
    fixture: 'list-spark-batches',
    call: 'GET /v2.0/batches',
    world: {
      sparkJobs: [{ ...batchAt(1531906043036, 'dead'), id: '178fa687-2e8a-41ed-a439-b00de60bb176' }],
      assumptions: { sparkAppId: 'null' },
    },
  },
  {
    fixture: 'show-spark-batch',
    call: `GET /v2.0/batches/${BATCH}`,
    world: { sparkJobs: [batchAt(1531906043036, 'starting')] },
  },
  {
    fixture: 'show-spark-batch-state',
    call: `GET /v2.0/batches/${BATCH}/state`,
    world: { sparkJobs: [batchAt(1531906043036, 'success')], assumptions: { sparkStateSpelling: 'capitalised' } },
  },
  {
    fixture: 'show-spark-batch-log',
    call: `GET /v2.0/batches/${BATCH}/log`,
    world: { sparkJobs: [batchAt(1531906043036, 'success')] },
    // Three lines in all, but one is shown.
    ownValues: ['total', 'log.0'],
  },
  {
    fixture: 'cancel-spark-batch',
    call: `DELETE /v2.0/batches/${jobId(1)}`,
    world: { sparkJobs: [emulatedBatch(1)] },
  },
  {
    fixture: 'create-spark-batch',
    call: 'POST /v2.0/batches',
    world: {},
    ownValues: ['id', 'owner', 'create_time', 'update_time'],
    // The example's answer does not belong to its request.
    otherwise: { name: 'TestDemo4', queue: 'test', cluster_name: 'test', sc_type: 'A' },
  },
  {
    fixture: 'list-flink-jobs',
    call: 'GET /v1.0/streaming/jobs',
    query: [['limit', '1']],
    world: {
      flinkJobs: Array.from({ length: 26 }, (_, i) =>
        emulatedFlinkJob(146 - i, {
          name: 'aaaaa',
          owner: '',
          life: [{ from: 1578892414688 - i, state: 'job_init' }],
        }),
      ),
    },
  },
  {
    fixture: 'show-flink-job',
    call: 'GET /v1.0/streaming/jobs/104',
    world: {
      flinkJobs: [
        emulatedFlinkJob(104, {
          name: 'jptest',
          queue: 'flinktest',
          type: 'flink_jar_job',
          sqlBody: '',
          config: jarConfig,
          life: [
            { from: 1578466221525, state: 'job_init' },
            { from: 1578467395713, state: 'job_init' },
          ],
        }),
      ],
    },
    ownValues: ['job_detail.user_id', 'job_detail.project_id'],
  },
  {
    fixture: 'show-flink-opensource-job',
    call: 'GET /v1.0/streaming/jobs/90634',
    world: {
      flinkJobs: [
        emulatedFlinkJob(90_634, {
          name: 'test_guoquan',
          queue: 'xie_container_general',
          type: 'flink_opensource_sql_job',
          sqlBody: 'xxx',
          executionGraph: 'xxx',
          config: openSourceConfig,
          life: [
            { from: 1637632872828, state: 'job_init' },
            { from: 1638433497621, state: 'job_running' },
            { from: 1638449337993, state: 'job_cancel_success' },
          ],
        }),
      ],
    },
    ownValues: ['job_detail.user_id', 'job_detail.project_id'],
    // The two examples of this page differ.
    otherwise: { message: 'Job detail query succeeds.' },
  },
  {
    fixture: 'create-flink-sql-job',
    call: 'POST /v1.0/streaming/sql-jobs',
    world: { flinkJobs: [draft(147)] },
  },
  {
    fixture: 'create-flink-jar-job',
    call: 'POST /v1.0/streaming/flink-jobs',
    world: { flinkJobs: [draft(137)] },
    // A text, as in all other answers of Flink: so both Go SDKs read it.
    otherwise: { is_success: 'true' },
  },
  {
    fixture: 'run-flink-jobs',
    call: 'POST /v1.0/streaming/jobs/run',
    world: {
      flinkJobs: [131, 130, 138, 137].map((id) => ({ ...draft(id), savepoints: [{ at: NOW, path: 'obs://a' }] })),
    },
  },
  {
    fixture: 'stop-flink-jobs',
    call: 'POST /v1.0/streaming/jobs/stop',
    // One verdict for two jobs.
    world: { flinkJobs: [emulatedFlinkJob(128), emulatedFlinkJob(137)], assumptions: { flinkVerdicts: 'one' } },
  },
  {
    fixture: 'delete-flink-jobs',
    call: 'POST /v1.0/streaming/jobs/delete',
    world: { flinkJobs: [draft(12), draft(232)], assumptions: { flinkVerdicts: 'one' } },
  },
  {
    fixture: 'update-flink-sql-job',
    call: 'PUT /v1.0/streaming/sql-jobs/104',
    world: { flinkJobs: [draft(104)] },
    ownValues: ['job.update_time'],
  },
  {
    fixture: 'update-flink-jar-job',
    call: 'PUT /v1.0/streaming/flink-jobs/104',
    world: { flinkJobs: [{ ...draft(104), type: 'flink_jar_job' }] },
    ownValues: ['job.update_time'],
    // As in the creation.
    otherwise: { is_success: 'true' },
  },
  {
    fixture: 'delete-flink-job',
    call: 'DELETE /v1.0/streaming/jobs/104',
    world: { flinkJobs: [draft(104)] },
  },
  {
    fixture: 'show-flink-execution-graph',
    call: 'GET /v1.0/streaming/jobs/104/execute-graph',
    world: { flinkJobs: [emulatedFlinkJob(104, { life: [{ from: 1578904488436, state: 'job_running' }] })] },
    ownValues: ['execute_graph.jid', 'execute_graph.duration'],
  },
  {
    fixture: 'authorize-buckets',
    call: 'POST /v1.0/dli/obs-authorize',
    world: {},
  },
  {
    fixture: 'preview-sql-job-result',
    call: 'GET /v1.0/jobs/ead0b276-8ed4-4eb5-b520-58f1511e7033/preview',
    world: {
      jobs: [
        emulatedJob(1, {
          ...sqlJob('ead0b276-8ed4-4eb5-b520-58f1511e7033', NOW - 60_000, 1_000),
          result: { schema: [{ c1: 'int' }, { c2: 'string' }], rows: [[23, 'sda']] },
        }),
      ],
    },
    // The emulator scans nothing.
    otherwise: { input_size: 0 },
  },
  {
    fixture: 'export-sql-job-result',
    call: `POST /v1.0/jobs/${jobId(1)}/export-result`,
    world: { jobs: [emulatedJob(1, { endsAt: NOW - 1 })] },
    ownValues: ['job_id'],
  },
  { fixture: 'check-sql', call: 'POST /v1.0/jobs/check-sql', world: {} },
  { fixture: 'create-queue', call: 'POST /v1.0/queues', world: {} },
  { fixture: 'delete-queue', call: 'DELETE /v1.0/queues/test', world: { queues: [{ ...testQueue, createdAt: NOW }] } },
  {
    fixture: 'restart-queue',
    call: 'PUT /v1.0/queues/test/action',
    world: { queues: [{ ...testQueue, type: 'sql', createdAt: NOW }] },
  },
  {
    fixture: 'scale-out-queue',
    call: 'PUT /v1.0/queues/myQueue/action',
    world: { queues: [{ ...testQueue, name: 'myqueue', createdAt: NOW }] },
    // "The uppercase letters will be automatically converted to lowercase letters."
    otherwise: { queue_name: 'myqueue' },
  },
  {
    fixture: 'list-queues',
    call: 'GET /v1.0/queues',
    query: [['queue_type', 'general']],
    world: {
      queues: [{ ...testQueue, createdAt: 1562221422671, labels: 'multi_az=2' }],
      assumptions: { queueFlags: 'text' },
    },
    ownValues: ['queues.0.resource_id'],
    // The example's "spark" is none of the types that the table allows.
    otherwise: { 'queues.0.queue_type': 'general' },
  },
  {
    fixture: 'show-queue',
    call: 'GET /v1.0/queues/test',
    world: { queues: [{ ...testQueue, createdAt: 1587613028851, resourceMode: 0 }] },
    ownValues: ['resource_id'],
  },
];

describe("the vendor's documented examples", () => {
  it.each(EXAMPLES)('are played by the emulator: $fixture', async ({ fixture, call, query, world, ...changes }) => {
    const { request, status, body } = read(fixture);
    const { ownValues = [], otherwise = {} } = changes;
    const expected = { body: structuredClone(body) };
    for (const path of ownValues) replace(expected, `body.${path}`, (value) => expect.any(constructorOf(value)));
    for (const [path, value] of Object.entries(otherwise)) replace(expected, `body.${path}`, () => value);
    const { call: ask } = await startApi<unknown>(world);
    const [method = '', path = ''] = call.split(' ');

    const answer = await ask(method, path, {
      ...(query !== undefined && { query }),
      ...(request !== undefined && { body: request }),
    });

    expect(answer).toMatchObject({ status, ...expected });
  });
});

function replace(root: object, path: string, by: (value: unknown) => unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let parent = root as Record<string, unknown>;
  for (const key of keys) parent = parent[key] as Record<string, unknown>;
  parent[last] = by(parent[last]);
}

function constructorOf(value: unknown) {
  return typeof value === 'number' ? Number : String;
}
