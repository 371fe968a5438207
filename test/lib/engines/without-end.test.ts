import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../lib/base/clock.ts';
import { ENGINE_NAMES, type Engine } from '../../../lib/base/job.ts';
import { createDliClient } from '../../../lib/dli/client.ts';
import { ENGINES } from '../../../lib/engines/engines.ts';
import { readBackSqlJobs } from '../../../lib/engines/sql-read-back.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../helpers/world.ts';

/** What is asked for, as SQL, Spark and Flink call it. */
interface Asked {
  path: string;
  status: string;
  /** Rows before the page, by its number or its offset. */
  offset: number;
  startedAfter: number;
  startedBefore: number;
}

interface Row {
  n: number;
  startedAt: number;
  statement?: string;
}

/** A DLI that shows the given rows, and says that there are so many. */
async function serve(list: (asked: Asked) => { rows: Row[]; total: number } | undefined) {
  const asked: Asked[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  const server = http.createServer((request, response) => {
    underWay += 1;
    mostAtOnce = Math.max(mostAtOnce, underWay);
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://dli');
    const page = {
      path: pathname,
      status: query.get('job-status') ?? query.get('state') ?? query.get('status') ?? '',
      offset: query.has('current-page')
        ? (Number(query.get('current-page')) - 1) * 100
        : Number(query.get('from') ?? query.get('offset') ?? 0),
      startedAfter: Number(query.get('start') ?? Number.NEGATIVE_INFINITY),
      startedBefore: Number(query.get('end') ?? Number.POSITIVE_INFINITY),
    };
    asked.push(page);
    const shown = list(page);
    // Others that may be under way at once arrive meanwhile.
    setImmediate(() => {
      underWay -= 1;
      response.writeHead(shown === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(shown === undefined ? { error_code: 'DLI.0002' } : answerTo(page, shown)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dli = createDliClient({
    endpoint: new URL(`http://127.0.0.1:${port}`),
    projectId: '0123456789abcdef0123456789abcdef',
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    clock: systemClock,
    random: () => 0.5,
  });
  onTestFinished(() => {
    dli.close();
    server.closeAllConnections();
    server.close();
  });
  return { dli, asked, mostAtOnce: () => mostAtOnce };
}

function answerTo({ path, status }: Asked, { rows, total }: { rows: Row[]; total: number }): object {
  if (path.endsWith('/batches')) {
    const sessions = rows.map(({ n, startedAt }) => ({ id: jobId(n), state: status, create_time: startedAt }));
    return { from: 0, total, sessions };
  }
  if (path.endsWith('/streaming/jobs')) {
    const jobs = rows.map(({ n, startedAt }) => ({ job_id: n, status, start_time: startedAt }));
    return { is_success: 'true', job_list: { total_count: total, jobs } };
  }
  if (path.endsWith('/status')) return { is_success: true, job_id: path.split('/').at(-2), status: 'CANCELLED' };
  const jobs = rows.map(({ n, startedAt, statement = 'select 1' }) => ({
    job_id: jobId(n),
    job_type: 'QUERY',
    status,
    start_time: startedAt,
    statement,
  }));
  return { is_success: true, job_count: total, jobs };
}

const STARTED = NOW - 9 * HOUR;
const rowOf = (n: number): Row => ({ n, startedAt: STARTED + n });
const rowsFrom = (first: number, count: number): Row[] => Array.from({ length: count }, (_, i) => rowOf(first + i));

const NOTHING = { rows: [], total: 0 };

const listLive = (dli: Awaited<ReturnType<typeof serve>>['dli'], engine: Engine, withStatements = false) =>
  ENGINES[engine].createReads(dli, { withStatements }).listLive({ startedBefore: NOW });

/** The list is one of the statuses; of any other there is nothing. */
const STATUS: Record<Engine, string> = { sql: 'RUNNING', spark: 'running', flink: 'job_running' };

describe.each(ENGINE_NAMES)('the listing of %s', (engine) => {
  it('ends at a page that shows nothing new, and says that rows are missing', async () => {
    const page = rowsFrom(1, 100);
    const { dli, asked } = await serve(({ status }) =>
      status === STATUS[engine] ? { rows: page, total: 2 ** 31 } : NOTHING,
    );

    const { jobs, gaps } = await listLive(dli, engine);

    expect(jobs).toHaveLength(100);
    expect(gaps).toEqual([
      engine === 'sql'
        ? "RUNNING jobs: DLI's job_count does not match the jobs that it lists"
        : expect.stringMatching(/^(job_)?running .+: the list says that there are 2147483648, and shows 100$/),
    ]);
    // SQL has up to 32 pages under way when the first of them shows nothing new, and reads the list four times.
    expect(asked.length).toBeLessThan(engine === 'sql' ? 200 : 12);
  });

  it('takes a thousand calls at most, whatever the list shows, and says that it is not whole', async () => {
    let n = 0;
    const { dli, asked } = await serve(({ status }) => {
      if (status !== STATUS[engine]) return NOTHING;
      n += 100;
      return { rows: rowsFrom(n, 100), total: 2 ** 31 };
    });

    const { jobs, gaps } = await listLive(dli, engine);

    expect(asked).toHaveLength(1_000);
    expect(gaps).toContainEqual(
      expect.stringMatching(/^(job_)?running .+: not read to the end, since the listing has taken 1000 calls$/i),
    );
    expect(jobs.length).toBeGreaterThan(90_000);
  });
});

describe('the listing of SQL', () => {
  it('has a gap if every page is the first, however the list is cut by start times', async () => {
    const all = rowsFrom(1, 300);
    const { dli } = await serve(({ status, startedAfter, startedBefore }) => {
      if (status !== 'RUNNING') return NOTHING;
      const found = all.filter(({ startedAt }) => startedAt > startedAfter && startedAt < startedBefore);
      return { rows: found.slice(0, 100), total: found.length };
    });

    const { jobs, gaps } = await listLive(dli, 'sql');

    expect(jobs.length).toBeLessThan(300);
    expect(gaps).toEqual(["RUNNING jobs: DLI's job_count does not match the jobs that it lists"]);
  });

  it('comes to an end where more than its pages hold cannot be cut by start times', async () => {
    const all = rowsFrom(1, 10_200);
    const { dli, asked } = await serve(({ status, offset }) =>
      status === 'RUNNING' ? { rows: all.slice(offset, offset + 100), total: all.length } : NOTHING,
    );

    const { jobs, gaps } = await listLive(dli, 'sql');

    expect(jobs).toHaveLength(10_000);
    expect(gaps).toContain(
      'RUNNING jobs: more than 10000, and too many of them started at the same time to list them all',
    );
    expect(asked.length).toBeLessThanOrEqual(1_000);
  });

  it('is whole where the list says less at its second page than at its first, as when a job has ended', async () => {
    const all = rowsFrom(1, 150);
    const { dli } = await serve(({ status, offset, startedAfter, startedBefore }) => {
      if (status !== 'RUNNING') return NOTHING;
      const found = all.filter(({ startedAt }) => startedAt > startedAfter && startedAt < startedBefore);
      return {
        rows: found.slice(offset, offset + 100),
        total: found.length + (offset === 0 && found.length > 100 ? 1 : 0),
      };
    });

    const { jobs, gaps } = await listLive(dli, 'sql');

    expect(jobs).toHaveLength(150);
    expect(gaps).toEqual([]);
  });

  it.each([
    { letters: 10, jobs: 3_600, atOnce: 32 },
    { letters: 16_000, jobs: 600, atOnce: 2 },
    { letters: 60_000, jobs: 600, atOnce: 1 },
  ])('has $atOnce pages under way at once where its first has statements of $letters characters', async (world) => {
    const { letters, jobs, atOnce } = world;
    const all = rowsFrom(1, jobs);
    const { dli, mostAtOnce } = await serve(({ status, offset, startedAfter, startedBefore }) => {
      if (status !== 'RUNNING') return NOTHING;
      const found = all.filter(({ startedAt }) => startedAt > startedAfter && startedAt < startedBefore);
      const rows = found.slice(offset, offset + 100);
      const isFirst = offset === 0 && found.length === jobs;
      const statement = '中'.repeat(letters);
      return { rows: isFirst ? rows.map((row) => ({ ...row, statement })) : rows, total: found.length };
    });

    expect((await listLive(dli, 'sql', true)).gaps).toEqual([]);

    expect(mostAtOnce()).toBe(atOnce);
  });

  it('lists a page with more of statements than an answer may hold, and holds none of them', async () => {
    const statement = '中'.repeat(500_000);
    const { dli } = await serve(({ status }) =>
      status === 'RUNNING' ? { rows: rowsFrom(1, 45).map((row) => ({ ...row, statement })), total: 45 } : NOTHING,
    );

    for (const withStatements of [false, true]) {
      const { jobs, gaps } = await listLive(dli, 'sql', withStatements);

      expect(gaps).toEqual([]);
      expect(jobs.map(({ statement: held }) => held)).toEqual(Array.from({ length: 45 }));
    }
  });
});

describe('reading back SQL jobs', () => {
  it('reads each by itself where the lists never end', async () => {
    const asked = rowsFrom(1, 60).map(({ n, startedAt }) => makeJob({ id: jobId(n), startedAt }));
    let n = 1_000;
    const { dli, asked: calls } = await serve(({ path }) => {
      if (path.endsWith('/status')) return { rows: [], total: 1 };
      n += 100;
      // Always one more than it shows, and always others.
      return { rows: rowsFrom(n, 100), total: 101 };
    });

    const readings = await readBackSqlJobs(dli, asked, { isGlance: false });

    expect([...readings.values()].map(({ kind }) => kind)).toEqual(asked.map(() => 'terminal'));
    expect(calls.filter(({ path }) => !path.endsWith('/status')).length).toBeLessThan(12);
  });

  it('goes no further in a list that shows the same again', async () => {
    const asked = rowsFrom(1, 200).map(({ n, startedAt }) => makeJob({ id: jobId(n), startedAt }));
    let startedAt = STARTED;
    const { dli, asked: calls } = await serve(({ path }) => {
      if (path.endsWith('/status')) return { rows: [], total: 1 };
      startedAt += 1_000;
      return { rows: rowsFrom(1_000, 100).map((row) => ({ ...row, startedAt })), total: 300 };
    });

    const readings = await readBackSqlJobs(dli, asked, { isGlance: false });

    expect(readings.size).toBe(200);
    // Two pages of each of the two lists, for each of the three parts that the jobs are cut into.
    expect(calls.filter(({ path }) => !path.endsWith('/status')).length).toBe(12);
  });
});

describe('the look at SQL jobs that wait, right before they are cancelled', () => {
  it('costs no more than a call for each, where the list shows others for ever', async () => {
    const waiting = rowsFrom(1, 40).map(({ n, startedAt }) => ({ id: jobId(n), startedAt }));
    let n = 1_000;
    const { dli, asked } = await serve(({ path }) => {
      if (path.endsWith('/status') || !path.endsWith('/jobs')) return undefined;
      n += 100;
      return { rows: rowsFrom(n, 100).map((row) => ({ ...row, startedAt: STARTED })), total: 2 ** 31 };
    });
    const cancels = ENGINES.sql.createCancels(dli, systemClock);

    const results = await Promise.all(
      waiting.map((job) =>
        cancels.cancel(makeJob({ ...job, status: 'LAUNCHING', state: 'queued' }), {
          savepoint: false,
          mayStillBeAsked: ({ state }) => state === 'queued',
        }),
      ),
    );

    expect(results.map(({ kind }) => kind)).toEqual(waiting.map(() => 'not-sent'));
    expect(asked.filter(({ path }) => path.endsWith('/jobs')).length).toBeLessThanOrEqual(waiting.length);
    expect(asked.length).toBeLessThanOrEqual(2 * waiting.length);
  });
});
