import { describe, expect, it } from 'vitest';
import type { EmulatedFlinkJob } from '../../../emulator/flink/jobs.ts';
import { emulatedFlinkJob, refusal, startApi } from '../../helpers/emulated-api.ts';
import { HOUR, MINUTE, NOW } from '../../helpers/world.ts';

type Query = [name: string, value: string][];
type Row = Record<string, unknown> & { job_id: number };
type Verdict = { is_success: unknown; message: string } | { error_code: string; error_msg: string };
interface Body extends Record<string, unknown> {
  job_list: { total_count: number; jobs: Row[] };
  job_detail: Row;
  job: { job_id: number };
}
type Options = Omit<NonNullable<Parameters<typeof startApi>[0]>, 'flinkJobs'>;

const JOBS = '/v1.0/streaming/jobs';

async function startFlink(flinkJobs: EmulatedFlinkJob[], options: Options = {}) {
  const { emulator, pass, call } = await startApi<Body>({ flinkJobs, ...options });
  const show = (id: number | string) => call('GET', `${JOBS}/${id}`);
  const post = async (path: string, body: unknown) => {
    const answer = await call('POST', `/v1.0/streaming${path}`, { body });
    return { status: answer.status, body: answer.body as unknown as Verdict[] };
  };
  return {
    emulator,
    pass,
    list: (...query: Query) => call('GET', JOBS, { query }),
    show,
    statusOf: async (id: number) => (await show(id)).body.job_detail.status,
    run: (ids: number[], more = {}) => post('/jobs/run', { job_ids: ids, ...more }),
    stop: (ids: unknown, more = {}) => post('/jobs/stop', { job_ids: ids, ...more }),
    erase: (ids: number[]) => post('/jobs/delete', { job_ids: ids }),
    savepoint: (id: number, body: unknown) => call('POST', `${JOBS}/${id}/savepoint`, { body }),
    createSql: (body: unknown) => call('POST', '/v1.0/streaming/sql-jobs', { body }),
    createJar: (body: unknown) => call('POST', '/v1.0/streaming/flink-jobs', { body }),
  };
}

const ids = ({ body }: { body: Body }) => body.job_list.jobs.map((job) => job.job_id);
const STOPPING = { is_success: 'true', message: 'The request for stopping DLI jobs is delivered successfully.' };
const RUNNING = { is_success: 'true', message: 'The request for submitting DLI jobs is delivered successfully.' };
const life = (state: EmulatedFlinkJob['life'][0]['state'], ageMs = 3 * HOUR): EmulatedFlinkJob['life'] => [
  { from: NOW - ageMs, state },
];
const SAVE = { trigger_savepoint: true };

/** Jobs with higher ids are older. */
const project = [
  emulatedFlinkJob(1, { ageMs: HOUR }),
  emulatedFlinkJob(2, { ageMs: 2 * HOUR, queue: 'etl', owner: 'bogdan', name: 'orders', type: 'flink_jar_job' }),
  emulatedFlinkJob(3, { life: life('job_init'), tags: [{ key: 'team', value: 'bi' }] }),
  emulatedFlinkJob(4, { life: life('job_finish', 4 * HOUR), rootId: 9 }),
  emulatedFlinkJob(5, { life: life('job_arrearage_stopped', 5 * HOUR), enterpriseProject: 'retail' }),
];

describe('listing Flink jobs', () => {
  it.each<{ name: string; query: Query; listed: number[] }>([
    { name: 'no filter, the newest first, without edge children', query: [], listed: [1, 2, 3, 5] },
    { name: 'status job_running', query: [['status', 'job_running']], listed: [1, 2] },
    { name: 'status job_init', query: [['status', 'job_init']], listed: [3] },
    { name: 'status job_arrearage_stopped', query: [['status', 'job_arrearage_stopped']], listed: [5] },
    { name: 'job_type', query: [['job_type', 'flink_jar_job']], listed: [2] },
    { name: 'queue_name in capitals', query: [['queue_name', 'ETL']], listed: [2] },
    { name: 'user_name', query: [['user_name', 'bogdan']], listed: [2] },
    { name: 'name, the whole of it', query: [['name', 'orders']], listed: [2] },
    { name: 'a part of a name', query: [['name', 'order']], listed: [] },
    { name: 'root_job_id', query: [['root_job_id', '9']], listed: [4] },
    { name: 'root_job_id of jobs without one', query: [['root_job_id', '-1']], listed: [1, 2, 3, 5] },
    { name: 'tags', query: [['tags', 'team=bi']], listed: [3] },
    { name: 'sys_enterprise_project_name', query: [['sys_enterprise_project_name', 'retail']], listed: [5] },
    { name: 'a parameter that it does not know', query: [['page-size', '1']], listed: [1, 2, 3, 5] },
  ])('filters by $name', async ({ query, listed }) => {
    const { list } = await startFlink(project);

    const answer = await list(...query);

    expect(ids(answer)).toEqual(listed);
    expect(answer).toMatchObject({
      status: 200,
      body: { is_success: 'true', job_list: { total_count: listed.length } },
    });
  });

  it.each<{ name: string; query: Query; listed: number[] }>([
    { name: 'ten by default', query: [], listed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
    { name: 'none for limit=0', query: [['limit', '0']], listed: [] },
    {
      name: 'those after an offset in rows',
      query: [
        ['offset', '10'],
        ['limit', '3'],
      ],
      listed: [11, 12, 13],
    },
    {
      name: 'the oldest first',
      query: [
        ['order', 'asc'],
        ['limit', '2'],
      ],
      listed: [120, 119],
    },
    { name: 'none after the last', query: [['offset', '120']], listed: [] },
  ])('gives $name, and always the total', async ({ query, listed }) => {
    const jobs = Array.from({ length: 120 }, (_, i) => emulatedFlinkJob(i + 1, { ageMs: (i + 1) * MINUTE }));
    const { list } = await startFlink(jobs);

    const answer = await list(...query);

    expect(ids(answer)).toEqual(listed);
    expect(answer.body.job_list.total_count).toBe(120);
  });

  it('gives up to 100', async () => {
    const jobs = Array.from({ length: 120 }, (_, i) => emulatedFlinkJob(i + 1));
    const { list } = await startFlink(jobs);

    expect(ids(await list(['limit', '100']))).toHaveLength(100);
  });

  it.each<[name: string, value: string, code: string]>([
    ['offset', '-1', 'DLI.23001'],
    ['offset', 'first', 'DLI.0001'],
    ['limit', '101', 'DLI.0001'],
    ['limit', '-1', 'DLI.0001'],
    ['status', 'running', 'DLI.0001'],
    ['status', 'job_running,job_init', 'DLI.0001'],
    ['job_type', 'flink_job', 'DLI.0001'],
    ['order', 'ASC', 'DLI.0001'],
    ['show_detail', 'yes', 'DLI.0001'],
    ['root_job_id', 'x', 'DLI.0001'],
    ['queue_name', 'a-b', 'DLI.0001'],
    ['name', 'n'.repeat(58), 'DLI.0001'],
  ])('refuses %s=%j with %s', async (name, value, code) => {
    const { list } = await startFlink(project);

    expect(await list([name, value])).toMatchObject(refusal(code));
  });

  it('shows the user, the duration and the root without details, and the configuration with them', async () => {
    const { list } = await startFlink([emulatedFlinkJob(1, { config: { cu_number: 8 } })]);

    const [row] = (await list()).body.job_list.jobs;
    const [detail] = (await list(['show_detail', 'true'])).body.job_list.jobs;

    expect(row).toMatchObject({ user_name: 'ana', duration: 3 * HOUR, root_id: -1, start_time: NOW - 3 * HOUR });
    for (const field of ['job_config', 'sql_body', 'update_time']) expect(row).not.toHaveProperty(field);
    expect(detail).toMatchObject({ job_config: { cu_number: 8, manager_cu_number: 1 }, update_time: NOW - 3 * HOUR });
    for (const field of ['user_name', 'duration', 'root_id']) expect(detail).not.toHaveProperty(field);
  });

  it('shows 0 for the start and the duration of a draft, and null for its start in the details', async () => {
    const { list, show } = await startFlink([emulatedFlinkJob(3, { life: life('job_init') })]);

    expect((await list()).body.job_list.jobs[0]).toMatchObject({ start_time: 0, duration: 0 });
    expect((await show(3)).body.job_detail.start_time).toBeNull();
  });

  it('leaves the queue of a shared cluster out', async () => {
    const { list } = await startFlink([emulatedFlinkJob(1, { queue: '' })]);

    expect((await list()).body.job_list.jobs[0]).not.toHaveProperty('queue_name');
  });

  it('gives is_success as a Boolean if the assumption says so', async () => {
    const { list, show, stop } = await startFlink(project, { assumptions: { flinkSuccess: 'boolean' } });

    expect((await list()).body.is_success).toBe(true);
    expect((await show(1)).body.is_success).toBe(true);
    expect((await stop([1])).body).toEqual([{ ...STOPPING, is_success: true }]);
  });

  it('shows a made-up status and leaves out hidden fields', async () => {
    const { list } = await startFlink([
      emulatedFlinkJob(1, { shownStatus: 'job_dreaming', hiddenFields: ['duration'] }),
    ]);

    const [row] = (await list(['status', 'job_running'])).body.job_list.jobs;

    expect(row).toMatchObject({ status: 'job_dreaming' });
    expect(row).not.toHaveProperty('duration');
  });
});

describe('showing a Flink job', () => {
  it.each([
    { name: 'an unknown id', id: 99, code: 'DLI.16001' },
    { name: 'an id that is no number', id: 'job-1', code: 'DLI.0001' },
  ])('refuses $name with $code', async ({ id, code }) => {
    const { show } = await startFlink(project);

    expect(await show(id)).toMatchObject(refusal(code));
  });
});

describe('stopping Flink jobs', () => {
  it('delivers the request first; the job is job_canceling, and job_cancel_success after the delay', async () => {
    const { stop, show, statusOf, pass } = await startFlink(project, { cancelDelayMs: 5_000 });

    expect(await stop([1])).toEqual({ status: 200, body: [STOPPING] });
    expect(await statusOf(1)).toBe('job_canceling');
    pass(4_999);
    expect(await statusOf(1)).toBe('job_canceling');
    pass(1);
    expect((await show(1)).body.job_detail).toMatchObject({
      status: 'job_cancel_success',
      update_time: NOW + 5_000,
      start_time: NOW - HOUR,
    });
  });

  it('writes a savepoint first, however long that takes', async () => {
    const job = emulatedFlinkJob(1, { savepointMs: 5 * HOUR });
    const { stop, show, statusOf, pass } = await startFlink([job], { cancelDelayMs: 5_000 });

    expect(await stop([1], SAVE)).toEqual({ status: 200, body: [STOPPING] });
    expect((await show(1)).body.job_detail).toMatchObject({ status: 'job_savepointing', has_savepoint: false });
    pass(5 * HOUR - 1);
    expect(await statusOf(1)).toBe('job_savepointing');
    pass(1);
    expect((await show(1)).body.job_detail).toMatchObject({
      status: 'job_canceling',
      has_savepoint: true,
      savepoint_path: expect.stringMatching(/^obs:/) as string,
    });
    pass(5_000);
    expect(await statusOf(1)).toBe('job_cancel_success');
  });

  it('takes its delay from the emulator unless the job has its own', async () => {
    const { stop, statusOf, pass } = await startFlink(project, { delays: { savepointMs: MINUTE } });

    await stop([1], SAVE);
    pass(MINUTE - 1);

    expect(await statusOf(1)).toBe('job_savepointing');
    pass(1);
    expect(await statusOf(1)).toBe('job_canceling');
  });

  it.each([
    { name: 'of the emulator', job: {}, options: { savepointOutcome: 'failure' as const } },
    { name: 'of the job', job: { onSavepoint: 'failure' as const }, options: {} },
  ])('leaves the job running and says why when the savepoint fails by the setting $name', async ({ job, options }) => {
    const { stop, show, pass } = await startFlink([emulatedFlinkJob(1, job)], options);

    await stop([1], SAVE);
    pass(5_000);

    expect((await show(1)).body.job_detail).toMatchObject({
      status: 'job_running',
      has_savepoint: false,
      start_time: NOW - 3 * HOUR,
      status_desc: 'The savepoint failed; the job is still running.',
    });
    pass(24 * HOUR);
    expect((await show(1)).body.job_detail.status).toBe('job_running');
  });

  it.each([
    { onStop: 'finish' as const, first: 'job_finish', last: 'job_finish' },
    { onStop: 'fail' as const, first: 'job_canceling', last: 'job_cancel_fail' },
    { onStop: 'ignore' as const, first: 'job_canceling', last: 'job_canceling' },
  ])('ends in $last for a job with onStop $onStop', async ({ onStop, first, last }) => {
    const { stop, statusOf, pass } = await startFlink([emulatedFlinkJob(1, { onStop })]);

    expect((await stop([1])).status).toBe(200);
    expect(await statusOf(1)).toBe(first);
    pass(HOUR);
    expect(await statusOf(1)).toBe(last);
  });

  it('can be requested again after it failed', async () => {
    const { emulator, stop, statusOf, pass } = await startFlink([emulatedFlinkJob(1, { onStop: 'fail' })]);
    await stop([1]);
    pass(MINUTE);
    Object.assign(emulator.flink.get('1') ?? {}, { onStop: 'stop' });

    expect((await stop([1])).status).toBe(200);
    pass(MINUTE);
    expect(await statusOf(1)).toBe('job_cancel_success');
  });

  it.each([
    { name: 'while it is stopped', more: {}, endsInMs: 500, seen: 'job_canceling' },
    { name: 'while its savepoint is written', more: SAVE, endsInMs: 4_000, seen: 'job_savepointing' },
  ])('comes too late for a job that ends by itself $name', async ({ more, endsInMs, seen }) => {
    const job = emulatedFlinkJob(1);
    job.life.push({ from: NOW + endsInMs, state: 'job_finish' });
    const { stop, show, statusOf, pass } = await startFlink([job]);

    await stop([1], more);
    pass(endsInMs - 1);
    expect(await statusOf(1)).toBe(seen);
    pass(1);

    expect(await statusOf(1)).toBe('job_finish');
    pass(HOUR);
    expect((await show(1)).body.job_detail).toMatchObject({ status: 'job_finish', has_savepoint: false });
  });

  it.each([
    { status: 'job_submitting' as const, code: undefined, savepointCode: 'DLI.15002' },
    { status: 'job_running' as const, code: undefined, savepointCode: undefined },
    { status: 'job_init' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
    { status: 'job_savepointing' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
    { status: 'job_canceling' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
    { status: 'job_cancel_success' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
    { status: 'job_cancel_fail' as const, code: undefined, savepointCode: 'DLI.15002' },
    { status: 'job_finish' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
    { status: 'job_running_exception' as const, code: 'DLI.15002', savepointCode: 'DLI.15002' },
  ])(
    'of a job in $status answers $code, and $savepointCode with a savepoint',
    async ({ status, code, savepointCode }) => {
      for (const [more, expected] of [
        [SAVE, savepointCode],
        [{}, code],
      ] as const) {
        const { stop } = await startFlink([emulatedFlinkJob(1, { life: life(status) })]);

        const answer = await stop([1], more);

        if (expected === undefined) expect(answer).toEqual({ status: 200, body: [STOPPING] });
        else expect(answer).toMatchObject({ status: 400, body: [{ error_code: expected }] });
      }
    },
  );

  it('gives a verdict for each id in their order under one 400, and stops those it can', async () => {
    const { stop, statusOf, pass } = await startFlink(project, { deniedQueues: ['etl'] });

    const { status, body } = await stop([3, 1, 99, 2, 1]);

    expect(status).toBe(400);
    expect(body).toMatchObject([
      { error_code: 'DLI.15002' },
      STOPPING,
      { error_code: 'DLI.13007' },
      { error_code: 'DLI.0003' },
      { error_code: 'DLI.15002' },
    ]);
    pass(MINUTE);
    expect([await statusOf(1), await statusOf(2)]).toEqual(['job_cancel_success', 'job_running']);
  });

  it('gives mixed verdicts under a 200, and another code for an unknown id, if the assumptions say so', async () => {
    const assumptions = { flinkMixedStatus: 200, flinkUnknownInBatch: 'DLI.15002', flinkVerdicts: 'one' } as const;
    const { stop } = await startFlink(project, { assumptions });

    expect(await stop([1, 99])).toMatchObject({ status: 200, body: [STOPPING, { error_code: 'DLI.15002' }] });
    expect(await stop([99])).toMatchObject({ status: 400, body: [{ error_code: 'DLI.15002' }] });
  });

  it.each([
    { flinkVerdicts: 'each' as const, body: [STOPPING, STOPPING] },
    { flinkVerdicts: 'one' as const, body: [STOPPING] },
    { flinkVerdicts: 'object' as const, body: STOPPING },
  ])('of two jobs has the form that is assumed: $flinkVerdicts', async ({ flinkVerdicts, body }) => {
    const { stop } = await startFlink(project, { assumptions: { flinkVerdicts } });

    expect(await stop([1, 2])).toEqual({ status: 200, body });
  });

  it.each([
    { name: 'no ids', jobIds: undefined },
    { name: 'an empty list', jobIds: [] },
    { name: 'one id that is not in a list', jobIds: 1 },
    { name: 'ids as texts', jobIds: ['1'] },
    { name: 'half an id', jobIds: [1.5] },
    { name: 'a savepoint as a text', jobIds: [1], more: { trigger_savepoint: 'true' } },
  ])('refuses $name with one error, not a list', async ({ jobIds, more }) => {
    const { stop, statusOf } = await startFlink(project);

    expect(await stop(jobIds, more)).toMatchObject(refusal('DLI.0001'));
    expect(await statusOf(1)).toBe('job_running');
  });
});

describe('a savepoint alone', () => {
  it('is written while the job goes on', async () => {
    const { savepoint, show, statusOf, pass } = await startFlink([emulatedFlinkJob(1)]);

    const answer = await savepoint(1, { action: 'TRIGGER', savepoint_path: 'obs://bucket/here' });

    expect(answer).toMatchObject({ status: 200, body: { is_success: 'true' } });
    expect(await statusOf(1)).toBe('job_savepointing');
    pass(5_000);
    expect((await show(1)).body.job_detail).toMatchObject({
      status: 'job_running',
      has_savepoint: true,
      savepoint_path: 'obs://bucket/here',
      status_desc: '',
      start_time: NOW - 3 * HOUR,
    });
  });

  it.each([
    { name: 'an unknown job', id: 99, body: { action: 'TRIGGER' }, code: 'DLI.16001' },
    { name: 'a draft', id: 3, body: { action: 'TRIGGER' }, code: 'DLI.15002' },
    { name: 'another action', id: 1, body: { action: 'CANCEL' }, code: 'DLI.0001' },
    { name: 'a path elsewhere', id: 1, body: { action: 'TRIGGER', savepoint_path: '/tmp' }, code: 'DLI.0001' },
  ])('is refused for $name with $code', async ({ id, body, code }) => {
    const { savepoint } = await startFlink(project);

    expect(await savepoint(id, body)).toMatchObject(refusal(code));
  });
});

describe('running Flink jobs', () => {
  it('submits a draft, which then runs for ever', async () => {
    const { run, show, statusOf, pass } = await startFlink(project);

    expect(await run([3])).toEqual({ status: 200, body: [RUNNING] });
    expect(await statusOf(3)).toBe('job_submitting');
    pass(500);
    expect((await show(3)).body.job_detail).toMatchObject({ status: 'job_running', start_time: NOW + 500 });
    pass(1_000 * HOUR);
    expect(await statusOf(3)).toBe('job_running');
  });

  it('runs a stopped job again from its savepoint, and deletes that', async () => {
    const { run, stop, show, pass } = await startFlink([emulatedFlinkJob(1)]);
    await stop([1], SAVE);
    pass(MINUTE);

    expect((await show(1)).body.job_detail).toMatchObject({ status: 'job_cancel_success', has_savepoint: true });
    expect(await run([1], { resume_savepoint: true })).toEqual({ status: 200, body: [RUNNING] });
    pass(MINUTE);
    expect((await show(1)).body.job_detail).toMatchObject({
      status: 'job_running',
      has_savepoint: false,
      start_time: NOW + MINUTE + 500,
      create_time: NOW - 3 * HOUR,
    });
  });

  it.each([
    { name: 'a running job', id: 1, more: {}, code: 'DLI.0007' },
    { name: 'an unknown job', id: 99, more: {}, code: 'DLI.13007' },
    { name: 'a job without a statement', id: 6, more: {}, code: 'DLI.13005' },
    { name: 'a job without a savepoint from one', id: 3, more: { resume_savepoint: true }, code: 'DLI.13017' },
  ])('refuses $name with $code, and runs the others', async ({ id, more, code }) => {
    const saved = emulatedFlinkJob(7, {
      life: life('job_cancel_success'),
      savepoints: [{ at: NOW - 1, path: 'obs://a' }],
    });
    const empty = emulatedFlinkJob(6, { life: life('job_init'), sqlBody: ' ' });
    const { run, statusOf } = await startFlink([...project, empty, saved]);

    expect(await run([id, 7], more)).toMatchObject({ status: 400, body: [{ error_code: code }, RUNNING] });
    expect(await statusOf(7)).toBe('job_submitting');
  });

  it.each([
    { name: 'ends in an exception', config: {}, status: 'job_running_exception', restarts: 0 },
    { name: 'restarts if it may', config: { restart_when_exception: true }, status: 'job_running', restarts: 1 },
  ])('$name if all jobs are set to fail', async ({ config, status, restarts }) => {
    const draft = emulatedFlinkJob(1, { life: life('job_init'), config });
    const { run, show, statusOf, pass } = await startFlink([draft], { failureShare: 1 });

    await run([1]);
    pass(MINUTE);
    expect(await statusOf(1)).toBe('job_running');
    pass(MINUTE);

    expect((await show(1)).body.job_detail).toMatchObject({ status, restart_times: restarts });
  });
});

describe('creating Flink jobs', () => {
  const sql = { name: 'clicks', queue_name: 'Flink_Q', sql_body: 'INSERT INTO a SELECT 1', cu_number: 4 };

  it('makes a draft of a SQL job, with an id of its own', async () => {
    const { createSql, show } = await startFlink([emulatedFlinkJob(7_000)]);

    const first = await createSql({ ...sql, checkpoint_mode: 2, tags: [{ key: 'team', value: 'bi' }] });
    const second = await createSql({ ...sql, run_mode: 'exclusive_cluster', desc: 'the second' });

    expect(first).toMatchObject({
      status: 200,
      body: { is_success: 'true', job: { job_id: 7_001, status_name: 'job_init', status_desc: '' } },
    });
    expect(second.body.job.job_id).toBe(7_002);
    expect((await show(7_001)).body.job_detail).toMatchObject({
      name: 'clicks',
      queue_name: 'flink_q',
      status: 'job_init',
      sql_body: 'INSERT INTO a SELECT 1',
      run_mode: 'shared_cluster',
      job_type: 'flink_sql_job',
      tags: [{ key: 'team', value: 'bi' }],
      job_config: { cu_number: 4, parallel_number: 1, checkpoint_mode: 'at_least_once' },
    });
    expect((await show(7_002)).body.job_detail).toMatchObject({ run_mode: 'exclusive_cluster', desc: 'the second' });
  });

  it('makes a draft of a Jar job', async () => {
    const { createJar, show } = await startFlink([]);

    const { body } = await createJar({ name: 'pi', queue_name: 'flink_q', entrypoint: 'pi.jar', main_class: 'Pi' });

    expect(body).toMatchObject({ is_success: 'true', job: { status_name: 'job_init' } });
    expect((await show(body.job.job_id)).body.job_detail).toMatchObject({
      job_type: 'flink_jar_job',
      main_class: 'Pi',
      job_config: { entrypoint: 'pi.jar' },
    });
  });

  it('never gives the same id twice, not even that of a deleted job', async () => {
    const { createSql, erase } = await startFlink([]);
    const first = (await createSql(sql)).body.job.job_id;

    await erase([first]);

    expect((await createSql(sql)).body.job.job_id).toBe(first + 1);
  });

  it.each([
    { name: 'no name', fields: { name: undefined } },
    { name: 'an empty name', fields: { name: '' } },
    { name: 'a name of 58 characters', fields: { name: 'n'.repeat(58) } },
    { name: 'a description of 2,049 characters', fields: { desc: 'd'.repeat(2_049) } },
    { name: 'a queue with other characters', fields: { queue_name: 'a-b' } },
    { name: 'an unknown run mode', fields: { run_mode: 'cluster' } },
    { name: 'a Jar job', fields: { job_type: 'flink_jar_job' } },
    { name: 'one CU', fields: { cu_number: 1 } },
    { name: '401 CUs', fields: { cu_number: 401 } },
    { name: 'more CUs than the queue has', fields: { cu_number: 17 } },
    { name: 'more than four parallel tasks for each CU', fields: { cu_number: 4, parallel_number: 13 } },
    { name: 'a third checkpoint mode', fields: { checkpoint_mode: 3 } },
    { name: 'an unknown way with dirty data', fields: { dirty_data_strategy: '2' } },
    { name: 'a tag of the system', fields: { tags: [{ key: '_sys_x', value: 'y' }] } },
  ])('refuses $name, and creates nothing', async ({ fields }) => {
    const queues = [{ name: 'flink_q', type: 'general' as const, cuCount: 16, createdAt: 0 }];
    const { createSql, list } = await startFlink([], { queues });

    expect(await createSql({ ...sql, ...fields })).toMatchObject(refusal('DLI.0001'));
    expect((await list()).body.job_list.total_count).toBe(0);
  });

  it('refuses an unknown queue if the assumption says so, but not the shared cluster', async () => {
    const { createSql } = await startFlink([], { assumptions: { unknownQueue: 'DLI.0002' } });

    expect(await createSql(sql)).toMatchObject(refusal('DLI.0002'));
    expect((await createSql({ ...sql, queue_name: '' })).status).toBe(200);
  });
});

describe('deleting Flink jobs', () => {
  it('deletes jobs in any state, and says which are unknown', async () => {
    const { erase, list, show } = await startFlink(project);

    expect(await erase([1, 99, 4])).toMatchObject({
      status: 400,
      body: [{ is_success: 'true' }, { error_code: 'DLI.17001' }, { is_success: 'true' }],
    });
    expect(ids(await list())).toEqual([2, 3, 5]);
    expect(await show(1)).toMatchObject(refusal('DLI.16001'));
  });
});
