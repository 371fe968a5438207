import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startEmulator } from '../../../emulator/server.ts';
import { parseSqlJobPage, parseSqlJobStatus } from '../../../lib/dli/sql-wire.ts';
import { type AnswerContext, readSuccess } from '../../../lib/dli/wire.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { emulatedJob, jobId, NOW } from '../../helpers/world.ts';

interface Fixture {
  source: string;
  request?: unknown;
  status: number;
  body: Record<string, unknown>;
}

const folder = new URL('../../fixtures/dli/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Fixture;
const ABOUT: AnswerContext = { operation: 'read a fixture', status: 200, requestId: undefined };
const successOf = ({ status, body }: Fixture) =>
  readSuccess({ ...ABOUT, status, retryAfterMs: undefined, body: JSON.stringify(body) });

describe("the vendor's documented examples", () => {
  it('each name their source', () => {
    for (const file of readdirSync(folder)) expect(read(file.replace('.json', '')).source).toMatch(/\.rst, "/);
  });

  it('are read by the client: querying all jobs', () => {
    expect(parseSqlJobPage(successOf(read('list-sql-jobs')), ABOUT)).toEqual({
      jobCount: 1,
      jobs: [
        {
          engine: 'sql',
          id: '37286cc7-0508-4ffd-b636-951c8a5c75de',
          name: null,
          queue: 'queue1',
          owner: 'tenant1',
          type: 'QUERY',
          protection: 'none',
          database: undefined,
          tags: new Map(),
          statement: undefined,
          status: 'FINISHED',
          state: 'finished',
          startedAt: 1502349803729,
          since: { running: 1502349803729, waiting: 1502349803729, submitted: 1502349803729 },
        },
      ],
    });
  });

  it('are read by the client: querying job status', () => {
    const id = '208b08d4-0dc2-4dd7-8879-ddd4c020d7aa';

    expect(parseSqlJobStatus(successOf(read('show-sql-job-status')), ABOUT, id)).toMatchObject({
      id,
      state: 'finished',
      owner: 'test',
    });
  });

  it('are read by the client: canceling a job', () => {
    expect(() => successOf(read('cancel-sql-job'))).not.toThrow();
  });

  it.each([
    { name: 'list-sql-jobs', method: 'GET', path: '/jobs', body: undefined },
    { name: 'show-sql-job-status', method: 'GET', path: `/jobs/${jobId(1)}/status`, body: undefined },
    { name: 'cancel-sql-job', method: 'DELETE', path: `/jobs/${jobId(2)}`, body: undefined },
    { name: 'submit-sql-job', method: 'POST', path: '/jobs/submit-job', body: read('submit-sql-job').request },
  ])(
    'are answered by the emulator with the same fields of the same types: $name',
    async ({ name, method, path, body }) => {
      const fixture = read(name);
      const ended = emulatedJob(1, { endsAt: NOW - 1 });
      const emulator = await startEmulator({
        now: () => NOW,
        random: () => 0.5,
        jobs: [ended, emulatedJob(2, { ageMs: 1 })],
      });

      try {
        const { projectId } = emulator.connection;
        const query: [string, string][] = name === 'list-sql-jobs' ? [['job-status', 'FINISHED']] : [];
        const call = {
          method,
          path: `/v1.0/${projectId}${path}`,
          query,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        };
        const answer = await signedCall(emulator.connection, call, NOW);

        expect(answer.status).toBe(fixture.status);
        expect(typesOf(JSON.parse(answer.body))).toMatchObject(typesOf(fixture.body) as object);
      } finally {
        await emulator.close();
      }
    },
  );
});

/** Fields of imports, exports and result rows, which the emulator's jobs have none of. */
const NOT_PLAYED = ['with_column_header', 'database_name', 'table_name', 'schema', 'rows'];

function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => (NOT_PLAYED.includes(key) ? [] : [[key, typesOf(field)]])),
  );
}
