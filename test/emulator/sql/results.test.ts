import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { refusal, startApi } from '../../helpers/emulated-api.ts';
import { emulatedJob, jobId, NOW } from '../../helpers/world.ts';

async function startResults(job: Partial<EmulatedJob>, options: Parameters<typeof startApi>[0] = {}) {
  const { call, pass } = await startApi({ jobs: [emulatedJob(1, { endsAt: NOW - 1, ...job })], ...options });
  return {
    pass,
    preview: (id = jobId(1)) => call('GET', `/v1.0/jobs/${id}/preview`),
    exportTo: (fields: object) =>
      call('POST', `/v1.0/jobs/${jobId(1)}/export-result`, {
        body: { data_path: 'obs://bucket/path', data_type: 'csv', ...fields },
      }),
    check: (body: object) => call('POST', '/v1.0/jobs/check-sql', { body }),
    status: (id: string) => call('GET', `/v1.0/jobs/${id}/status`),
    detail: (id: string) => call('GET', `/v1.0/jobs/${id}/detail`),
  };
}

describe('the preview of a result', () => {
  it('shows the first 1,000 rows, and counts all', async () => {
    const rows = Array.from({ length: 1_500 }, (_, i) => [i]);
    const { preview } = await startResults({ result: { schema: [{ n: 'int' }], rows } });

    const { status, body } = await preview();

    expect({ status, body }).toMatchObject({ status: 200, body: { row_count: 1_500, schema: [{ n: 'int' }] } });
    expect(body.rows).toEqual(rows.slice(0, 1_000));
  });

  it('shows no rows for a query without a result of its own', async () => {
    const { preview } = await startResults({});

    expect((await preview()).body).toMatchObject({ is_success: true, row_count: 0, schema: [], rows: [] });
  });

  it.each<{ name: string; job: Partial<EmulatedJob> }>([
    { name: 'a query that still runs', job: { endsAt: NOW + 1_000 } },
    { name: 'a query that failed', job: { endsAs: 'FAILED' } },
    { name: 'a job of another type', job: { type: 'INSERT' } },
  ])('is refused for $name, with the code assumed', async ({ job }) => {
    const usual = await startResults(job);
    const other = await startResults(job, { assumptions: { sqlResultOfOthers: 'DLI.0100' } });

    expect(await usual.preview()).toMatchObject(refusal('DLI.0007'));
    expect(await other.preview()).toMatchObject(refusal('DLI.0100'));
  });

  it('is refused for an unknown and a malformed id', async () => {
    const { preview } = await startResults({});

    expect(await preview(jobId(9))).toMatchObject(refusal('DLI.0002'));
    expect(await preview('nope')).toMatchObject(refusal('DLI.0001'));
  });
});

describe('the export of a result', () => {
  it('is a job of its own, which shows what it moves', async () => {
    const { exportTo, status, detail } = await startResults({ database: 'sales' });

    const { body } = await exportTo({ queue_name: 'Etl', compress: 'gzip', with_column_header: 'true' });

    const id = body.job_id as string;
    expect((await status(id)).body).toMatchObject({ job_type: 'EXPORT', status: 'LAUNCHING', queue_name: 'etl' });
    expect((await detail(id)).body).toMatchObject({
      data_path: 'obs://bucket/path',
      data_type: 'csv',
      compress: 'gzip',
      export_mode: 'ErrorIfExists',
      with_column_header: true,
      database_name: 'sales',
    });
  });

  it.each([
    { name: 'a path outside of OBS', fields: { data_path: '/tmp' } },
    { name: 'an unknown format', fields: { data_type: 'orc' } },
    { name: 'an unknown compression', fields: { compress: 'zip' } },
    { name: 'a quote of two characters', fields: { quote_char: '""' } },
  ])('refuses $name', async ({ fields }) => {
    const { exportTo } = await startResults({});

    expect(await exportTo(fields)).toMatchObject(refusal('DLI.0001'));
  });

  it('is refused while the query runs, and for an unknown queue if so assumed', async () => {
    const running = await startResults({ endsAt: NOW + 1_000 });
    const strict = await startResults({}, { assumptions: { unknownQueue: 'DLI.0002' } });

    expect(await running.exportTo({})).toMatchObject(refusal('DLI.0007'));
    expect(await strict.exportTo({ queue_name: 'nowhere' })).toMatchObject(refusal('DLI.0002'));
  });
});

describe('the check of a statement', () => {
  it.each([
    { sql: 'select 1', type: 'QUERY' },
    { sql: 'create table t (n int)', type: 'DDL' },
    { sql: 'insert into t values (1)', type: 'INSERT' },
  ])('names its type: $sql', async ({ sql, type }) => {
    const { check } = await startResults({});

    expect((await check({ sql, currentdb: 'db1' })).body).toMatchObject({ message: 'the sql is ok', job_type: type });
  });

  it('refuses no statement', async () => {
    const { check } = await startResults({});

    expect(await check({ sql: '' })).toMatchObject(refusal('DLI.0001'));
  });
});
