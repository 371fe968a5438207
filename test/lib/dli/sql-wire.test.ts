import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DliProtocolError } from '../../../lib/dli/errors.ts';
import { parseSqlJobPage, parseSqlJobStatus } from '../../../lib/dli/sql-wire.ts';
import { type AnswerContext, readSuccess } from '../../../lib/dli/wire.ts';
import { thrownBy } from '../../helpers/thrown-by.ts';
import { jobId } from '../../helpers/world.ts';

const ID = jobId(1);
const ROW = {
  job_id: ID,
  job_type: 'QUERY',
  queue_name: 'adhoc',
  owner: 'ana',
  start_time: 1_785_540_000_000,
  status: 'RUNNING',
  statement: 'select secret_column',
};
const JOB = {
  engine: 'sql',
  id: ID,
  name: null,
  queue: 'adhoc',
  owner: 'ana',
  type: 'QUERY',
  protection: 'none',
  database: undefined,
  tags: new Map(),
  statement: undefined,
  status: 'RUNNING',
  state: 'running',
  startedAt: 1_785_540_000_000,
  since: { running: 1_785_540_000_000, waiting: 1_785_540_000_000, submitted: 1_785_540_000_000 },
};
const NOTHING_KNOWN = {
  engine: 'sql',
  id: '',
  name: null,
  queue: undefined,
  owner: undefined,
  type: undefined,
  protection: 'unknown',
  database: undefined,
  tags: new Map(),
  statement: undefined,
  status: undefined,
  state: 'unknown',
  startedAt: undefined,
  since: { running: undefined, waiting: undefined, submitted: undefined },
};

const ABOUT: AnswerContext = { operation: 'ask DLI', status: 200, requestId: 'req-1' };

/** The JSON object of an answer, as the connection reads it. */
const success = (body: unknown) =>
  readSuccess({ ...ABOUT, retryAfterMs: undefined, body: typeof body === 'string' ? body : JSON.stringify(body) });
const pageIn = (body: unknown, withStatements?: boolean) => parseSqlJobPage(success(body), ABOUT, withStatements);
const pageOf = (...rows: unknown[]) => pageIn({ is_success: true, message: '', job_count: rows.length, jobs: rows });
const statusIn = (body: unknown, id = ID, withStatement?: boolean) =>
  parseSqlJobStatus(success(body), ABOUT, id, withStatement);

describe('parseSqlJobPage', () => {
  it('reads rows, and how many there are in all', () => {
    expect(pageIn({ is_success: true, job_count: 250, jobs: [ROW] })).toEqual({
      jobCount: 250,
      jobs: [JOB],
    });
  });

  it('reads an empty list', () => {
    expect(pageOf()).toEqual({ jobCount: 0, jobs: [] });
  });

  it.each([
    { status: 'LAUNCHING', state: 'queued' },
    { status: 'RUNNING', state: 'running' },
    { status: 'SCALING', state: 'operation' },
    { status: 'FINISHED', state: 'finished' },
    { status: 'FINISH', state: 'finished' },
    { status: 'FAILED', state: 'failed' },
    { status: 'CANCELLED', state: 'cancelled' },
    { status: 'CANCELED', state: 'cancelled' },
    { status: 'SUSPENDED', state: 'unknown' },
    { status: 'COMPUTED', state: 'unknown' },
    { status: 'running', state: 'unknown' },
    { status: ' RUNNING', state: 'unknown' },
    { status: '__proto__', state: 'unknown' },
    { status: 'constructor', state: 'unknown' },
    { status: 'toString', state: 'unknown' },
  ])('takes status $status for $state, and keeps the word', ({ status, state }) => {
    expect(pageOf({ ...ROW, status }).jobs).toEqual([{ ...JOB, status, state }]);
  });

  it.each([
    { name: 'an empty row', row: {} },
    { name: 'a row of nulls', row: Object.fromEntries(Object.keys(ROW).map((key) => [key, null])) },
    { name: 'a row of empty texts', row: Object.fromEntries(Object.keys(ROW).map((key) => [key, ''])) },
    { name: 'a row of lists', row: Object.fromEntries(Object.entries(ROW).map(([key, value]) => [key, [value]])) },
    { name: 'a row whose number is no number', row: { start_time: '2026-08-01T00:00:00Z' } },
    { name: 'a row that is no object', row: 'RUNNING' },
    { name: 'a row that is null', row: null },
    { name: 'a row that is a list', row: [ROW] },
  ])('knows nothing of $name, and does not drop it', ({ row }) => {
    expect(pageOf(row, ROW).jobs).toEqual([NOTHING_KNOWN, JOB]);
  });

  it.each([
    { field: 'queue_name', missing: { queue: undefined } },
    { field: 'owner', missing: { owner: undefined } },
    { field: 'job_type', missing: { type: undefined, protection: 'unknown' } },
    { field: 'start_time', missing: { startedAt: undefined, since: NOTHING_KNOWN.since } },
    { field: 'status', missing: { status: undefined, state: 'unknown' } },
    { field: 'job_id', missing: { id: '' } },
    { field: 'statement', missing: {} },
  ])('knows the rest of a row without $field', ({ field, missing }) => {
    expect(pageOf({ ...ROW, [field]: undefined }).jobs).toEqual([{ ...JOB, ...missing }]);
  });

  it('reads numbers that come as texts', () => {
    const page = pageIn({ job_count: '1', jobs: [{ ...ROW, start_time: String(ROW.start_time) }] });

    expect(page).toEqual({ jobCount: 1, jobs: [{ ...JOB, isStartText: true }] });
  });

  it('reads a start beyond what a number holds as unknown', () => {
    const body = JSON.stringify({ job_count: 1, jobs: [ROW] }).replace(String(ROW.start_time), '1e999');

    expect(pageIn(body).jobs).toEqual([{ ...JOB, startedAt: undefined, since: NOTHING_KNOWN.since }]);
  });

  it('drops every statement', () => {
    expect(JSON.stringify(pageOf(ROW))).not.toContain('secret_column');
  });

  it.each([
    { name: 'no list', body: { job_count: 0 }, message: '200 without a list of jobs (request req-1)' },
    {
      name: 'an object as list',
      body: { job_count: 0, jobs: {} },
      message: '200 without a list of jobs (request req-1)',
    },
    { name: 'null as list', body: { job_count: 0, jobs: null }, message: '200 without a list of jobs (request req-1)' },
    { name: 'no count', body: { jobs: [] }, message: '200 without job_count (request req-1)' },
    { name: 'a negative count', body: { jobs: [], job_count: -1 }, message: '200 without job_count (request req-1)' },
    { name: 'half a job', body: { jobs: [], job_count: 0.5 }, message: '200 without job_count (request req-1)' },
    {
      name: 'a word as count',
      body: { jobs: [], job_count: 'none' },
      message: '200 without job_count (request req-1)',
    },
    {
      name: 'an endless count',
      body: '{"jobs":[],"job_count":1e999}',
      message: '200 without job_count (request req-1)',
    },
  ])('does not take an answer with $name for an empty page', ({ body, message }) => {
    const error = thrownBy(() => pageIn(body));

    expect(error).toBeInstanceOf(DliProtocolError);
    expect(error).toMatchObject({ message: `ask DLI: ${message}` });
  });

  it('never throws over a row, and finds a job running only where DLI writes RUNNING', () => {
    const status = fc.oneof(
      fc.constantFrom('RUNNING', 'running', 'Running', 'RUNNING ', 'LAUNCHING', '__proto__', 'constructor'),
      fc.jsonValue(),
    );
    const row = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { job_id: fc.jsonValue(), owner: fc.jsonValue(), start_time: fc.jsonValue(), status },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const { jobs } = pageOf(...rows);

        expect(jobs.map(({ state }) => state === 'running')).toEqual(
          rows.map((one) => typeof one === 'object' && one !== null && 'status' in one && one.status === 'RUNNING'),
        );
      }),
    );
  });
});

describe('parseSqlJobStatus', () => {
  it('reads one job', () => {
    expect(statusIn({ is_success: true, message: '', ...ROW })).toEqual(JOB);
  });

  it('takes an answer without an id for the job it asked about, with nothing else known', () => {
    expect(statusIn({ is_success: true })).toEqual({ ...NOTHING_KNOWN, id: ID });
  });

  it('reads the id whatever the case of its letters', () => {
    const id = 'abcdef00-0000-4000-8000-000000000001';

    expect(statusIn({ ...ROW, job_id: id.toUpperCase() }, id).id).toBe(id);
  });

  it('refuses an answer about another job', () => {
    expect(() => statusIn({ ...ROW, job_id: jobId(2) })).toThrow(DliProtocolError);
    expect(() => statusIn({ ...ROW, job_id: jobId(2) })).toThrow('about another job');
  });
});

describe('a row', () => {
  it.each([
    { name: 'none', tags: undefined, expected: new Map() },
    {
      name: 'two',
      tags: [
        { key: 'team', value: 'bi' },
        { key: 'keep', value: '' },
      ],
      expected: new Map([
        ['team', 'bi'],
        ['keep', ''],
      ]),
    },
    { name: 'no list', tags: 'team=bi', expected: undefined },
    { name: 'null', tags: null, expected: new Map() },
    { name: 'half a tag', tags: [{ key: 'team' }], expected: undefined },
    { name: 'a number for a value', tags: [{ key: 'team', value: 1 }], expected: undefined },
    { name: 'a text among tags', tags: [{ key: 'team', value: 'bi' }, 'keep'], expected: undefined },
    { name: 'an object in place of the list', tags: { team: 'bi' }, expected: undefined },
    { name: 'an empty list', tags: [], expected: new Map() },
  ])('has its tags, or says that they cannot be read: $name', ({ tags, expected }) => {
    expect(pageOf({ ...ROW, tags }).jobs[0]?.tags).toEqual(expected);
  });

  it('has the database, which only imports and exports have', () => {
    expect(pageOf({ ...ROW, database_name: 'sales' }, ROW).jobs.map(({ database }) => database)).toEqual([
      'sales',
      undefined,
    ]);
  });

  it.each([
    {
      name: 'a page',
      read: (isAsked?: boolean) =>
        pageIn({ is_success: true, message: '', job_count: 1, jobs: [ROW] }, isAsked).jobs[0],
    },
    { name: 'a status', read: (isAsked?: boolean) => statusIn(ROW, ID, isAsked) },
  ])('has no statement if that was not asked for: $name', ({ read }) => {
    expect(read()).toEqual(JOB);
    expect(read(false)).toEqual(JOB);
    expect(read(true)).toEqual({ ...JOB, statement: 'select secret_column' });
  });

  it('holds a statement that a rule may look through, and none that is longer', () => {
    const statementOf = (letters: number) =>
      pageIn({ job_count: 1, jobs: [{ ...ROW, statement: 'x'.repeat(letters) }] }, true).jobs[0]?.statement;

    expect(statementOf(65_536)).toHaveLength(65_536);
    expect(statementOf(65_537)).toBeUndefined();
  });

  it.each([
    { name: 'no text', statement: ['select 1'] },
    { name: 'empty', statement: '' },
    { name: 'absent', statement: undefined },
  ])('has no statement where the statement is $name', ({ statement }) => {
    const body = { job_count: 1, jobs: [{ ...ROW, statement }] };

    expect(pageIn(body, true).jobs).toEqual([JOB]);
  });
});
