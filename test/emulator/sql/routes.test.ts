import { describe, expect, it } from 'vitest';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { startApi } from '../../helpers/emulated-api.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

type Query = [name: string, value: string][];
type Row = Record<string, unknown> & { job_id: string };
interface Body extends Record<string, unknown> {
  jobs: Row[];
  job_count: number;
}

/** Starts a world. Each route is a function that makes one signed call and reads its body. */
async function makeRoutes(jobs: EmulatedJob[], options: Omit<Partial<EmulatorOptions>, 'jobs'> = {}) {
  const { emulator, clock, pass } = await makeWorld({ jobs, ...options });
  const { connection } = emulator;
  const ask = async (method: string, path: string, query: Query = [], body?: string) => {
    const call = { method, path: `/v1.0/${connection.projectId}/jobs${path}`, query, ...(body && { body }) };
    const answer = await signedCall(connection, call, clock.now());
    return { status: answer.status, body: JSON.parse(answer.body) as Body };
  };
  return {
    pass,
    list: (...query: Query) => ask('GET', '', query),
    show: (id: string) => ask('GET', `/${id}/status`),
    detail: (id: string) => ask('GET', `/${id}/detail`),
    cancel: (id: string) => ask('DELETE', `/${id}`),
    submit: (fields: unknown) => ask('POST', '/submit-job', [], JSON.stringify(fields)),
  };
}

const numbers = ({ body }: { body: Body }) => body.jobs.map((job) => Number(job.job_id.slice(-6)));
const refusal = (code: string) => ({ status: 400, body: { error_code: code } });
const ACCEPTED = { status: 200, body: { is_success: true, message: '' } };

/** Jobs that differ only in what a filter looks at. A higher number is an older job. */
const project = [
  emulatedJob(1, { ageMs: HOUR }),
  emulatedJob(2, { ageMs: 2 * HOUR, queue: 'etl', owner: 'bogdan', type: 'INSERT', statement: 'INSERT INTO Lake' }),
  emulatedJob(3, { ageMs: 3 * HOUR, runsFrom: NOW + HOUR, tags: [{ key: 'team', value: 'bi' }] }),
  emulatedJob(4, { ageMs: 4 * HOUR, endsAt: NOW - HOUR, type: 'DDL' }),
  emulatedJob(5, { ageMs: 5 * HOUR, endsAt: NOW - HOUR, endsAs: 'FAILED', tags: [{ key: 'stage', value: 'team-a' }] }),
  emulatedJob(6, { ageMs: 6 * HOUR, type: 'SCALE_QUEUE', statement: '' }),
  emulatedJob(7, { ageMs: 7 * HOUR, cancelledAt: NOW - HOUR, owner: 'bogdan' }),
];

describe('listing jobs', () => {
  it.each<{ name: string; query: Query; listed: number[] }>([
    { name: 'no filter', query: [], listed: [1, 2, 3, 4, 5, 6, 7] },
    { name: 'job-status RUNNING', query: [['job-status', 'RUNNING']], listed: [1, 2] },
    { name: 'job-status LAUNCHING', query: [['job-status', 'LAUNCHING']], listed: [3] },
    { name: 'job-status FINISHED', query: [['job-status', 'FINISHED']], listed: [4] },
    { name: 'job-status FAILED', query: [['job-status', 'FAILED']], listed: [5] },
    { name: 'job-status SCALING', query: [['job-status', 'SCALING']], listed: [6] },
    { name: 'job-status CANCELLED', query: [['job-status', 'CANCELLED']], listed: [7] },
    { name: 'a status that no job has', query: [['job-status', 'SUSPENDED']], listed: [] },
    { name: 'start, exclusive', query: [['start', String(NOW - 3 * HOUR)]], listed: [1, 2] },
    { name: 'end, exclusive and of the start time', query: [['end', String(NOW - 5 * HOUR)]], listed: [6, 7] },
    {
      name: 'start and end of zero, as no bound',
      query: [
        ['start', '0'],
        ['end', '0'],
      ],
      listed: [1, 2, 3, 4, 5, 6, 7],
    },
    { name: 'queue_name', query: [['queue_name', 'etl']], listed: [2] },
    { name: 'queue_name in capitals', query: [['queue_name', 'ETL']], listed: [2] },
    { name: 'owner', query: [['owner', 'bogdan']], listed: [2, 7] },
    { name: 'job-type', query: [['job-type', 'INSERT']], listed: [2] },
    { name: 'job-type ALL', query: [['job-type', 'ALL']], listed: [1, 2, 3, 4, 5, 6, 7] },
    {
      name: 'job_types, each of them',
      query: [
        ['job_types', 'INSERT'],
        ['job_types', 'DDL'],
      ],
      listed: [2, 4],
    },
    {
      name: 'what job-type and job_types have in common',
      query: [
        ['job-type', 'DDL'],
        ['job_types', 'INSERT'],
        ['job_types', 'DDL'],
      ],
      listed: [4],
    },
    { name: 'job-id', query: [['job-id', jobId(5)]], listed: [5] },
    { name: 'sql_pattern in any case', query: [['sql_pattern', 'into lAKE']], listed: [2] },
    { name: 'tags, fuzzy on the key', query: [['tags', 'tea']], listed: [3] },
    { name: 'tags, fuzzy on the value', query: [['tags', 'stage=team']], listed: [5] },
    { name: 'any of several tags', query: [['tags', 'team=bi,stage=team-a']], listed: [3, 5] },
    {
      name: 'several filters at once',
      query: [
        ['job-status', 'RUNNING'],
        ['owner', 'bogdan'],
      ],
      listed: [2],
    },
    { name: 'a parameter that it does not know', query: [['colour', 'blue']], listed: [1, 2, 3, 4, 5, 6, 7] },
  ])('filters by $name', async ({ query, listed }) => {
    const { list } = await makeRoutes(project);

    const answer = await list(...query);

    expect(numbers(answer)).toEqual(listed);
    expect(answer).toMatchObject({ ...ACCEPTED, body: { job_count: listed.length } });
  });

  it.each<{ order: string; listed: number[] }>([
    { order: 'start_time_asc', listed: [4, 3, 2, 1] },
    { order: 'start_time_desc', listed: [1, 2, 3, 4] },
    { order: 'duration_asc', listed: [4, 1, 2, 3] },
    { order: 'duration_desc', listed: [3, 2, 1, 4] },
  ])('sorts by $order', async ({ order, listed }) => {
    const short = emulatedJob(4, { ageMs: 4 * HOUR, endsAt: NOW - 3.5 * HOUR });
    const { list } = await makeRoutes([...[2, 1, 3].map((n) => emulatedJob(n, { ageMs: n * HOUR })), short]);

    expect(numbers(await list(['order', order]))).toEqual(listed);
  });

  it.each<{ name: string; query: Query; length: number; first: number | undefined }>([
    { name: 'the first 50 by default', query: [], length: 50, first: 1 },
    { name: 'the rest on page 2', query: [['current-page', '2']], length: 20, first: 51 },
    { name: 'up to 100', query: [['page-size', '100']], length: 70, first: 1 },
    {
      name: 'one by one',
      query: [
        ['page-size', '1'],
        ['current-page', '70'],
      ],
      length: 1,
      first: 70,
    },
    { name: 'nothing after the last page', query: [['current-page', '100']], length: 0, first: undefined },
  ])('gives $name, and always the count of the whole filter', async ({ query, length, first }) => {
    const jobs = Array.from({ length: 70 }, (_, i) => emulatedJob(i + 1, { ageMs: (i + 1) * MINUTE }));
    const { list } = await makeRoutes([...jobs, emulatedJob(99, { owner: 'bogdan' })]);

    const answer = await list(['owner', 'ana'], ...query);

    expect(answer.body.job_count).toBe(70);
    expect(answer.body.jobs).toHaveLength(length);
    expect(numbers(answer)[0]).toBe(first);
  });

  it.each<[name: string, value: string]>([
    ['page-size', '0'],
    ['page-size', '101'],
    ['page-size', '-1'],
    ['page-size', '1.5'],
    ['page-size', ''],
    ['current-page', '0'],
    ['current-page', '101'],
    ['current-page', 'first'],
    ['start', '-1'],
    ['start', 'yesterday'],
    ['end', '-1'],
    ['end', '2026-01-05'],
    ['job-status', 'running'],
    ['job-status', 'RUNNING,LAUNCHING'],
    ['job-type', 'SELECT'],
    ['job_types', 'SELECT'],
    ['order', 'DURATION_DESC'],
    ['order', 'owner_asc'],
  ])('refuses %s=%j', async (name, value) => {
    const { list } = await makeRoutes(project);

    const answer = await list([name, value]);

    expect(answer).toMatchObject(refusal('DLI.0001'));
  });

  it('computes its rows at the moment of the request', async () => {
    const { list, pass } = await makeRoutes([emulatedJob(1, { ageMs: HOUR, endsAt: NOW + MINUTE })]);
    const running = await list();
    pass(2 * MINUTE);
    const finished = await list();

    expect(running.body.jobs[0]).toMatchObject({ status: 'RUNNING', duration: HOUR });
    expect(running.body.jobs[0]).not.toHaveProperty('end_time');
    expect(finished.body.jobs[0]).toMatchObject({
      status: 'FINISHED',
      duration: HOUR + MINUTE,
      end_time: NOW + MINUTE,
    });
  });

  it('shows a made-up status and leaves out hidden fields, to play a service that has changed', async () => {
    const { list } = await makeRoutes([emulatedJob(1, { shownStatus: 'HIBERNATING', hiddenFields: ['start_time'] })]);

    const { body } = await list(['job-status', 'RUNNING']);

    expect(body.jobs[0]).toMatchObject({ status: 'HIBERNATING' });
    expect(body.jobs[0]).not.toHaveProperty('start_time');
  });
});

describe('the filters of newer pages', () => {
  const jobs = [
    emulatedJob(1, { ageMs: HOUR, database: 'sales', table: 'orders', type: 'IMPORT' }),
    emulatedJob(2, { ageMs: 2 * HOUR, database: 'sales', engine: 'hetuEngine' }),
    emulatedJob(3, { ageMs: 3 * HOUR }),
  ];

  it.each<{ query: Query; listed: number[] }>([
    { query: [['db_name', 'sales']], listed: [1, 2] },
    { query: [['table_name', 'orders']], listed: [1] },
    { query: [['engine-type', 'hetuEngine']], listed: [2] },
    { query: [['engine_type', 'spark']], listed: [1, 3] },
  ])('find $listed by $query.0', async ({ query, listed }) => {
    const { list } = await makeRoutes(jobs);

    expect(numbers(await list(...query))).toEqual(listed);
  });

  it.each<[name: string, value: string]>([
    ['db_name', 'a_name_of_17_char'],
    ['engine-type', 'flink'],
    ['engine_type', 'Spark'],
  ])('refuse %s=%j', async (name, value) => {
    const { list } = await makeRoutes(jobs);

    expect(await list([name, value])).toMatchObject(refusal('DLI.0001'));
  });

  it('shows database and table of imports and exports, and of queries in their status', async () => {
    const { list, show } = await makeRoutes(jobs);

    const [imported, query] = (await list()).body.jobs;

    expect(imported).toMatchObject({ database_name: 'sales', table_name: 'orders' });
    expect(query).not.toHaveProperty('database_name');
    const { body } = await show(jobId(2));
    expect(body).toMatchObject({ database_name: 'sales' });
    expect(body).not.toHaveProperty('engine_type');
  });

  it('shows the cost and the output of a job as texts', async () => {
    const { list } = await makeRoutes([emulatedJob(1, { cpuCost: 15_376, outputBytes: 35 })]);

    expect((await list()).body.jobs[0]).toMatchObject({ cpu_cost: '15376', output_byte: '35' });
  });
});

describe('showing the status of a job', () => {
  it('shows the message of a job once it is over', async () => {
    const { show, pass } = await makeRoutes([
      emulatedJob(1, { endsAt: NOW + MINUTE, endsAs: 'FAILED', message: '{"error_code":"DLI.0999"}' }),
    ]);

    expect((await show(jobId(1))).body.message).toBe('');
    pass(MINUTE);
    expect((await show(jobId(1))).body).toMatchObject({ is_success: true, message: '{"error_code":"DLI.0999"}' });
  });

  it('answers is_success for a failed job, and never an end_time', async () => {
    const { show } = await makeRoutes(project);

    const { status, body } = await show(jobId(5));

    expect(status).toBe(200);
    expect(body).toMatchObject({ is_success: true, job_id: jobId(5), status: 'FAILED', job_mode: 'async' });
    expect(body).not.toHaveProperty('end_time');
  });

  it.each([
    { name: 'an unknown id', id: jobId(99), code: 'DLI.0002' },
    { name: 'a malformed id', id: 'job-1', code: 'DLI.0001' },
  ])('refuses $name with $code', async ({ id, code }) => {
    const { show } = await makeRoutes(project);

    expect(await show(id)).toMatchObject(refusal(code));
  });
});

describe('showing the details of a job', () => {
  it('shows what an import reads, and never a status', async () => {
    const transfer = { data_path: 'obs://bucket/in.csv', data_type: 'csv' as const, delimiter: ';' };
    const { detail } = await makeRoutes([
      emulatedJob(1, { type: 'IMPORT', database: 'sales', table: 'orders', transfer }),
    ]);

    const { status, body } = await detail(jobId(1));

    expect(status).toBe(200);
    expect(body).toEqual({
      is_success: true,
      message: '',
      job_id: jobId(1),
      owner: 'ana',
      start_time: NOW - 3 * HOUR,
      duration: 3 * HOUR,
      database_name: 'sales',
      table_name: 'orders',
      ...transfer,
    });
  });

  it('leaves the required fields of other jobs blank', async () => {
    const { detail } = await makeRoutes(project);

    expect((await detail(jobId(1))).body).toMatchObject({ data_path: '', data_type: '', database_name: '' });
  });

  it('refuses other jobs if the assumption says so', async () => {
    const { detail } = await makeRoutes([...project, emulatedJob(9, { type: 'EXPORT' })], {
      assumptions: { sqlDetailOfOthers: 'DLI.0007' },
    });

    expect(await detail(jobId(1))).toMatchObject(refusal('DLI.0007'));
    expect((await detail(jobId(9))).status).toBe(200);
  });

  it.each([
    { name: 'an unknown id', id: jobId(99), code: 'DLI.0002' },
    { name: 'a malformed id', id: 'job-1', code: 'DLI.0001' },
  ])('refuses $name with $code', async ({ id, code }) => {
    const { detail } = await makeRoutes(project);

    expect(await detail(id)).toMatchObject(refusal(code));
  });
});

describe('showing the progress of a job', () => {
  const startProgress = async (job: Partial<EmulatedJob>) => {
    const { call, pass } = await startApi({ jobs: [emulatedJob(1, { ageMs: 0, ...job })] });
    return { pass, progress: (id = jobId(1)) => call('GET', `/v1/jobs/${id}/progress`) };
  };

  it('goes from 0 to 1 four times, and has sub-jobs only while it runs', async () => {
    const { progress, pass } = await startProgress({ runsFrom: NOW + 10 * MINUTE, endsAt: NOW + 50 * MINUTE });
    const seen: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      const { body } = await progress();
      seen.push([body.status, body.sub_job_id, body.progress, (body.sub_jobs as unknown[] | undefined)?.length]);
      pass(10 * MINUTE + 1);
    }

    expect(seen).toEqual([
      ['LAUNCHING', undefined, 0, undefined],
      ['RUNNING', 0, 0, 1],
      ['RUNNING', 1, 0, 2],
      ['RUNNING', 2, 0, 3],
      ['RUNNING', 3, 0, 4],
      ['FINISHED', undefined, 1, undefined],
    ]);
  });

  it("counts the tasks of the running sub-job, and writes times as Java's Date does in China", async () => {
    const { progress, pass } = await startProgress({ runsFrom: NOW, endsAt: NOW + 40 * MINUTE });
    pass(15 * MINUTE);

    expect((await progress()).body).toMatchObject({
      is_success: true,
      message: '',
      job_id: jobId(1),
      sub_job_id: 1,
      progress: 0.5,
      sub_jobs: [
        {
          id: 0,
          status: 'SUCCEEDED',
          num_completed_tasks: 10,
          num_active_tasks: 0,
          submission_time: 'Mon Jan 05 17:00:00 CST 2026',
          completion_time: 'Mon Jan 05 17:10:00 CST 2026',
        },
        { id: 1, status: 'RUNNING', num_tasks: 10, num_completed_tasks: 5, job_group: jobId(1), stage_ids: [1] },
      ],
    });
  });

  it.each([
    { name: 'an unknown id', id: jobId(99), code: 'DLI.0002' },
    { name: 'a malformed id', id: 'job-1', code: 'DLI.0001' },
  ])('refuses $name with $code', async ({ id, code }) => {
    const { progress } = await startProgress({});

    expect(await progress(id)).toMatchObject(refusal(code));
  });

  it('is unknown under the version of the other routes', async () => {
    const { call } = await startApi({ jobs: [emulatedJob(1)] });

    expect(await call('GET', `/v1.0/jobs/${jobId(1)}/progress`)).toMatchObject({
      status: 404,
      body: { error_code: 'APIG.0101' },
    });
  });
});

describe('the native timeout', () => {
  it('cancels a submitted job after 12 hours of running', async () => {
    const delays = { startMs: HOUR, runMs: [24 * HOUR, 24 * HOUR] as const };
    const { submit, show, list, pass } = await makeRoutes([], { delays });
    const id = (await submit({ sql: 'select 1' })).body.job_id as string;

    pass(13 * HOUR - 1);
    expect((await show(id)).body.status).toBe('RUNNING');
    pass(1);
    expect((await show(id)).body.status).toBe('CANCELLED');
    expect((await list()).body.jobs[0]).toMatchObject({ end_time: NOW + 13 * HOUR, duration: 13 * HOUR });
  });

  it.each([
    { conf: ['dli.sql.job.timeout = 60'], after: MINUTE },
    { conf: ['spark.sql.shuffle.partitions=5', 'dli.sql.job.timeout=3600'], after: HOUR },
    { conf: ['dli.sql.job.timeout = 172800'], after: 48 * HOUR },
    { conf: ['dli.sql.job.timeout = soon'], after: 12 * HOUR },
    { conf: ['dli.sql.job.timeout = 0'], after: 12 * HOUR },
  ])('comes after $after ms with $conf, which is in seconds', async ({ conf, after }) => {
    const delays = { startMs: 0, runMs: [1_000 * HOUR, 1_000 * HOUR] as const };
    const { submit, show, pass } = await makeRoutes([], { delays });
    const id = (await submit({ sql: 'select 1', conf })).body.job_id as string;

    pass(after - 1);
    expect((await show(id)).body.status).toBe('RUNNING');
    pass(1);
    expect((await show(id)).body.status).toBe('CANCELLED');
  });

  it('has no effect if the job ends by itself or is cancelled before', async () => {
    const own = emulatedJob(1, { ageMs: 0, endsAt: NOW + MINUTE, timeoutMs: MINUTE });
    const cancelled = emulatedJob(2, { ageMs: 0, timeoutMs: MINUTE });
    const { cancel, list, pass } = await makeRoutes([own, cancelled]);

    await cancel(jobId(2));
    pass(MINUTE);

    expect((await list(['order', 'duration_desc'])).body.jobs).toMatchObject([
      { job_id: jobId(1), status: 'FINISHED' },
      { job_id: jobId(2), status: 'CANCELLED', end_time: NOW + 1_000 },
    ]);
  });

  it('stops even a job that ignores its cancel', async () => {
    const { show, pass } = await makeRoutes([emulatedJob(1, { ageMs: 0, onCancel: 'ignore', timeoutMs: MINUTE })]);

    pass(MINUTE);

    expect((await show(jobId(1))).body.status).toBe('CANCELLED');
  });
});

describe('cancelling a job', () => {
  it('accepts first, and the job is CANCELLED after the delay', async () => {
    const { cancel, show, list, pass } = await makeRoutes([emulatedJob(1)], { cancelDelayMs: 5_000 });

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(4_999);
    expect((await show(jobId(1))).body.status).toBe('RUNNING');
    pass(1);
    expect((await show(jobId(1))).body.status).toBe('CANCELLED');
    expect((await list()).body.jobs[0]).toMatchObject({ status: 'CANCELLED', end_time: NOW + 5_000 });
  });

  it('accepts a second cancel while the job still runs, without delaying its end', async () => {
    const { cancel, show, pass } = await makeRoutes([emulatedJob(1)], { cancelDelayMs: 5_000 });

    await cancel(jobId(1));
    pass(3_000);

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(2_000);
    expect((await show(jobId(1))).body.status).toBe('CANCELLED');
  });

  it('cancels a job that has not begun to run', async () => {
    const { cancel, show, pass } = await makeRoutes(project);

    expect(await cancel(jobId(3))).toEqual(ACCEPTED);
    pass(1_000);
    expect((await show(jobId(3))).body.status).toBe('CANCELLED');
  });

  it.each([
    { name: 'a job that ends within the delay', job: { endsAt: NOW + 500 }, status: 'FINISHED' },
    { name: 'a job that finishes before its cancel', job: { onCancel: 'finish' as const }, status: 'FINISHED' },
    { name: 'a job that never stops', job: { onCancel: 'ignore' as const }, status: 'RUNNING' },
  ])('accepts the cancel of $name, which is then $status', async ({ job, status }) => {
    const { cancel, show, pass } = await makeRoutes([emulatedJob(1, job)]);

    expect(await cancel(jobId(1))).toEqual(ACCEPTED);
    pass(MINUTE);
    expect((await show(jobId(1))).body.status).toBe(status);
  });

  it.each([
    { name: 'an unknown id', id: jobId(99), code: 'DLI.0002' },
    { name: 'a malformed id', id: 'job-1', code: 'DLI.0001' },
    { name: 'a finished job', id: jobId(4), code: 'DLI.0007' },
    { name: 'a failed job', id: jobId(5), code: 'DLI.0007' },
    { name: 'a cancelled job', id: jobId(7), code: 'DLI.0007' },
    { name: 'a job on a queue without the permission', id: jobId(2), code: 'DLI.0003' },
  ])('refuses $name with $code', async ({ id, code }) => {
    const { cancel, list } = await makeRoutes(project, { deniedQueues: ['etl'] });
    const before = await list();

    expect(await cancel(id)).toMatchObject(refusal(code));
    expect(await list()).toEqual(before);
  });
});

describe('submitting a job', () => {
  it('lists the job as LAUNCHING, then RUNNING, then FINISHED', async () => {
    const { submit, show, list, pass } = await makeRoutes([]);
    const tags = [{ key: 'team', value: 'bi' }];

    const { status, body } = await submit({ sql: 'select 1', queue_name: 'ETL', tags });

    expect(status).toBe(200);
    expect(body).toMatchObject({ is_success: true, job_type: 'QUERY', job_mode: 'async' });
    const id = body.job_id as string;
    expect((await list(['job-status', 'LAUNCHING'])).body.jobs).toMatchObject([
      { job_id: id, queue_name: 'etl', start_time: NOW, duration: 0, statement: 'select 1', tags },
    ]);
    pass(500);
    expect((await list(['job-status', 'RUNNING'])).body.jobs).toMatchObject([{ job_id: id, duration: 500 }]);
    pass(2 * MINUTE);
    expect((await show(id)).body).toMatchObject({ status: 'FINISHED', duration: 75_500 });
  });

  it.each([
    ['  select 1', 'QUERY'],
    ['insert into t select 1', 'INSERT'],
    ['UPDATE t SET a = 1', 'UPDATE'],
    ['delete from t', 'DELETE'],
    ['CREATE TABLE t (a int)', 'DDL'],
    ['show tables', 'DDL'],
  ])('takes %j for a %s', async (sql, type) => {
    const { submit } = await makeRoutes([]);

    expect((await submit({ sql })).body.job_type).toBe(type);
  });

  it('takes a statement of 500,000 characters, on the queue named default', async () => {
    const { submit, list } = await makeRoutes([]);

    expect((await submit({ sql: 'x'.repeat(500_000) })).status).toBe(200);
    expect((await list()).body.jobs).toMatchObject([{ queue_name: 'default' }]);
  });

  it.each([
    { name: 'no statement', fields: { queue_name: 'etl' } },
    { name: 'an empty statement', fields: { sql: '' } },
    { name: 'a statement that is no text', fields: { sql: 1 } },
    { name: 'a statement of 500,001 characters', fields: { sql: 'x'.repeat(500_001) } },
    { name: 'a queue that begins with an underscore', fields: { sql: 'select 1', queue_name: '_etl' } },
    { name: 'a queue of digits only', fields: { sql: 'select 1', queue_name: '123' } },
    { name: 'a queue with other characters', fields: { sql: 'select 1', queue_name: 'a-b' } },
    { name: 'a queue of 129 characters', fields: { sql: 'select 1', queue_name: 'q'.repeat(129) } },
    { name: 'a queue that is no text', fields: { sql: 'select 1', queue_name: 7 } },
    { name: 'a list', fields: [] },
  ])('refuses $name, and submits nothing', async ({ fields }) => {
    const { submit, list } = await makeRoutes([]);

    expect(await submit(fields)).toMatchObject(refusal('DLI.0001'));
    expect((await list()).body.job_count).toBe(0);
  });
});

describe('submitting a job with more than a statement', () => {
  it.each<{ name: string; sql: string; conf?: string[]; mode: string; status: string }>([
    { name: 'a query', sql: 'select 1', mode: 'async', status: 'LAUNCHING' },
    { name: 'DDL', sql: 'DROP TABLE t', mode: 'async', status: 'LAUNCHING' },
    {
      name: 'DDL with a setting that makes it synchronous',
      sql: 'DROP TABLE t',
      conf: ['dli.sql.sqlasync.enabled = false'],
      mode: 'sync',
      status: 'FINISHED',
    },
    { name: 'DCL', sql: 'GRANT SELECT ON t TO ana', mode: 'sync', status: 'FINISHED' },
  ])('runs $name in mode $mode', async ({ sql, conf, mode, status }) => {
    const { submit, show } = await makeRoutes([]);

    const { body } = await submit({ sql, ...(conf && { conf }) });

    expect(body).toMatchObject({ job_mode: mode, schema: [], rows: [] });
    expect((await show(body.job_id as string)).body).toMatchObject({ job_mode: mode, status });
  });

  it('shows the database, the engine and the configuration it was submitted with', async () => {
    const { submit, show, list } = await makeRoutes([]);

    const { body } = await submit({
      sql: 'select 1',
      currentdb: 'sales',
      engine_type: 'hetuEngine',
      conf: ['a = b=c'],
    });

    expect((await show(body.job_id as string)).body).toMatchObject({
      database_name: 'sales',
      user_conf: '{"a":"b=c"}',
    });
    expect((await list()).body.jobs).toMatchObject([{ engine_type: 'hetuEngine' }]);
  });

  it.each([
    { name: 'a database of digits only', fields: { currentdb: '123' } },
    { name: 'a catalog of 129 characters', fields: { current_catalog: 'c'.repeat(129) } },
    { name: 'configuration as an object', fields: { conf: { a: 'b' } } },
    { name: 'an unknown engine', fields: { engine_type: 'flink' } },
    { name: 'a tag of the system', fields: { tags: [{ key: '_sys_a', value: 'b' }] } },
    { name: 'a tag without a value', fields: { tags: [{ key: 'a', value: '' }] } },
    { name: 'a tag that ends in a space', fields: { tags: [{ key: 'a ', value: 'b' }] } },
    { name: 'a tag key of 129 characters', fields: { tags: [{ key: 'k'.repeat(129), value: 'v' }] } },
    { name: 'a tag value of 256 characters', fields: { tags: [{ key: 'k', value: 'v'.repeat(256) }] } },
  ])('refuses $name', async ({ fields }) => {
    const { submit } = await makeRoutes([]);

    expect(await submit({ sql: 'select 1', ...fields })).toMatchObject(refusal('DLI.0001'));
  });

  it('fails in the end if all jobs are set to fail', async () => {
    const { submit, show, pass } = await makeRoutes([], { failureShare: 1 });

    const { body } = await submit({ sql: 'select 1' });
    pass(2 * MINUTE);

    expect((await show(body.job_id as string)).body.status).toBe('FAILED');
  });

  it.each(['DLI.0002', 'DLI.0008'] as const)(
    'refuses an unknown queue with %s if the assumption says so',
    async (code) => {
      const { submit } = await makeRoutes([emulatedJob(1)], { assumptions: { unknownQueue: code } });

      expect(await submit({ sql: 'select 1', queue_name: 'nowhere' })).toMatchObject(refusal(code));
      expect((await submit({ sql: 'select 1', queue_name: 'ADHOC' })).status).toBe(200);
      expect((await submit({ sql: 'select 1' })).status).toBe(200);
    },
  );

  it('gives the same ids for the same seed, and never the same id twice', async () => {
    const first = await makeRoutes([]);
    const second = await makeRoutes([]);

    const id = (await first.submit({ sql: 'select 1' })).body.job_id;

    expect((await second.submit({ sql: 'select 1' })).body.job_id).toBe(id);
    expect((await second.submit({ sql: 'select 1' })).body.job_id).not.toBe(id);
  });
});

describe('the discarded forms with the queue in the path', () => {
  it('cancel a job of that queue, whatever the case of its name', async () => {
    const { call, pass, emulator } = await startApi({ jobs: [emulatedJob(1)] });

    expect(await call('DELETE', `/v1.0/queues/ADHOC/jobs/${jobId(1)}`)).toEqual(ACCEPTED);
    pass(1_000);
    expect(emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });

  it.each([
    { name: 'a job of another queue', path: `/v1.0/queues/etl/jobs/${jobId(1)}`, code: 'DLI.0002' },
    { name: 'an unknown job', path: `/v1.0/queues/adhoc/jobs/${jobId(9)}`, code: 'DLI.0002' },
    { name: 'a malformed id', path: '/v1.0/queues/adhoc/jobs/job-1', code: 'DLI.0001' },
    { name: 'a malformed queue', path: `/v1.0/queues/a-b/jobs/${jobId(1)}`, code: 'DLI.0001' },
  ])('do not cancel $name', async ({ path, code }) => {
    const { call, emulator } = await startApi({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });

    expect(await call('DELETE', path)).toMatchObject(refusal(code));
    expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
  });

  it('submit a job to that queue', async () => {
    const { call, emulator } = await startApi();

    const { status, body } = await call('POST', '/v1.0/queues/etl/jobs/submit-job', { body: { sql: 'select 1' } });

    expect(status).toBe(200);
    expect(emulator.sql.get(body.job_id as string)).toMatchObject({ queue: 'etl' });
  });
});

describe('the answer to a cancel that no document describes', () => {
  it.each<{ name: string; assumptions: EmulatorOptions['assumptions']; id: string; answer: object }>([
    {
      name: 'a finished job',
      assumptions: { sqlCancelOfEnded: 'DLI.0001' },
      id: jobId(4),
      answer: refusal('DLI.0001'),
    },
    { name: 'a failed job', assumptions: { sqlCancelOfEnded: 'accepted' }, id: jobId(5), answer: ACCEPTED },
    { name: 'a cancelled job', assumptions: { sqlCancelOfCancelled: 'accepted' }, id: jobId(7), answer: ACCEPTED },
    {
      name: 'a cancelled job, by the word for ended ones',
      assumptions: { sqlCancelOfEnded: 'accepted' },
      id: jobId(7),
      answer: refusal('DLI.0007'),
    },
    {
      name: 'an unknown id',
      assumptions: { unknownId: 'DLI.0023' },
      id: jobId(99),
      answer: { status: 404, body: { error_code: 'DLI.0023' } },
    },
    {
      name: 'a queue without the permission',
      assumptions: { deniedStatus: 403 },
      id: jobId(2),
      answer: { status: 403, body: { error_code: 'DLI.0003' } },
    },
  ])('comes from the assumptions for $name, and changes no job', async ({ assumptions, id, answer }) => {
    const { cancel, list } = await makeRoutes(project, { deniedQueues: ['etl'], ...(assumptions && { assumptions }) });
    const before = await list();

    expect(await cancel(id)).toMatchObject(answer);
    expect(await list()).toEqual(before);
  });
});
