import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countLiveSqlJobs, listLiveSqlJobs } from '../../../lib/engines/sql-list.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

/** Jobs that are numbered from 1. */
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => emulatedJob(i + 1, { ageMs: 10 * HOUR - i * 1_000 }));

const jobIdInHex = (n: number) => `abcdef00-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id).sort();

describe('listLiveSqlJobs', () => {
  it('reads a short list once', async () => {
    const world = await makeWorld({ jobs: [...many(100), emulatedJob(500, { ageMs: MINUTE })] });

    const { jobs, gaps } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(jobs).toHaveLength(100);
    expect(gaps).toEqual([]);
    expect(world.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1']);
  });

  it('takes two spellings of one id for one job', async () => {
    const [one, other] = [jobIdInHex(1), jobIdInHex(1).toUpperCase()];
    const world = await makeWorld({ jobs: [one, other].map((id) => ({ ...emulatedJob(1), id })) });

    const { jobs } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(jobs.map(({ id }) => id.toLowerCase())).toEqual([one]);
  });

  it('reads a longer list by page, and again by windows of start time that are one instant each', async () => {
    const world = await makeWorld({ jobs: many(205) });

    const { jobs } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(ids(jobs)).toEqual(Array.from({ length: 205 }, (_, i) => jobId(i + 1)));
    expect(world.conversation()).toEqual([
      'GET LAUNCHING 1',
      'GET RUNNING 1',
      'GET RUNNING 2',
      'GET RUNNING 3',
      'GET RUNNING 1',
      'GET RUNNING 1',
      'GET RUNNING 1',
    ]);
  });

  it('reaches more rows than its hundred pages hold', async () => {
    const world = await makeWorld({ jobs: many(10_150) });

    const { jobs, gaps } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(jobs).toHaveLength(10_150);
    expect(gaps).toEqual([]);
  });

  it('says so when more rows started at one instant than can be told apart', async () => {
    const world = await makeWorld({ jobs: Array.from({ length: 10_001 }, (_, i) => emulatedJob(i)) });

    const { jobs, gaps } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(jobs).toHaveLength(10_000);
    expect(gaps[0]).toBe(
      'RUNNING jobs: more than 10000, and too many of them started at the same time to list them all',
    );
  });

  it.each([
    { name: 'fewer rows than their count', jobs: 3, count: 5 },
    { name: 'fewer rows than fit', jobs: 150, count: 10_000 },
    { name: 'a full page and a count that leaves no room for it', jobs: 150, count: 7 },
  ])('says so when pages hold $name, however often they are asked for', async ({ jobs: rows, count }) => {
    const world = await makeWorld({ jobs: many(rows) });
    const edit = { set: { job_count: count } };
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'RUNNING', edit, times: Number.POSITIVE_INFINITY });

    const { jobs, gaps } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect(jobs.length).toBeGreaterThan(0);
    expect(gaps).toEqual(["RUNNING jobs: DLI's job_count does not match the jobs that it lists"]);
  });

  it('asks again for a page that does not fit its count, as when a job ends between the two', async () => {
    const world = await makeWorld({ jobs: many(3) });
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'RUNNING', edit: { set: { job_count: 4 } } });

    const { jobs, gaps } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

    expect({ ids: ids(jobs), gaps }).toEqual({ ids: [1, 2, 3].map(jobId), gaps: [] });
    expect(world.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1', 'GET RUNNING 1']);
  });

  it('brings statements along only where they are asked for', async () => {
    const world = await makeWorld({ jobs: many(101) });
    const statementsOf = async (withStatements?: boolean) => {
      const { jobs } = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR, withStatements });
      return new Set(jobs.map(({ statement }) => statement));
    };

    expect(await statementsOf()).toEqual(new Set([undefined]));
    expect(await statementsOf(true)).toEqual(new Set(['select 1']));
  });

  it('loses no job and lists none twice, whatever begins, runs and ends meanwhile', async () => {
    const change = fc.record({ at: fc.nat(12), job: fc.nat(259), to: fc.constantFrom('ended', 'running', 'begun') });

    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.array(change, { maxLength: 60 }), async (launching, changes) => {
        const jobs = many(260).map((job, i) => (i < launching ? { ...job, runsFrom: NOW + HOUR } : job));
        const ended = new Set<string>();
        let request = 0;
        const world = await makeWorld({
          jobs,
          onRequest: () => {
            for (const { job: n, to } of changes.filter(({ at }) => at === request)) {
              const job = world.emulator.sql.get(jobId(n + 1));
              if (job === undefined) throw new Error('no such job');
              if (to === 'running') job.runsFrom = Math.min(job.runsFrom, NOW);
              else if (to === 'ended') {
                job.endsAt = NOW;
                ended.add(job.id);
              } else {
                world.emulator.sql.add(emulatedJob(10_000 + request * 1_000 + n, { ageMs: 10 * HOUR - n * 1_000 }));
              }
            }
            request += 1;
          },
        });

        const listed = await listLiveSqlJobs(world.client(), { startedBefore: NOW - HOUR });

        const found = new Set(ids(listed.jobs));
        expect(found.size).toBe(listed.jobs.length);
        expect(listed.gaps).toEqual([]);
        expect(jobs.filter(({ id }) => !ended.has(id) && !found.has(id))).toEqual([]);
        await world.emulator.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('countLiveSqlJobs', () => {
  it('counts those that run and those that wait, whatever their age, in two calls', async () => {
    const world = await makeWorld({
      jobs: [
        ...many(150),
        emulatedJob(500, { ageMs: MINUTE }),
        emulatedJob(501, { ageMs: MINUTE, runsFrom: NOW + HOUR }),
        emulatedJob(502, { endsAt: NOW - HOUR }),
      ],
    });

    expect(await countLiveSqlJobs(world.client())).toBe(152);
    expect(world.conversation()).toEqual(['GET RUNNING 1', 'GET LAUNCHING 1']);
    for (const { target } of world.emulator.requests) expect(target).toMatch(/[?&]page-size=1(&|$)/);
  });

  it('does not count a job twice that begins to run meanwhile', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { runsFrom: NOW + HOUR })] });
    world.emulator.faults.add({
      on: 'list-sql-jobs',
      skip: 1,
      change: [{ job: jobId(2), set: { runsFrom: NOW } }],
    });

    expect(await countLiveSqlJobs(world.client())).toBeLessThanOrEqual(2);
    expect(world.emulator.faults.unmet()).toEqual([]);
  });
});
