import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { readBackSqlJobs } from '../../../lib/engines/sql-read-back.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../helpers/world.ts';

/** Jobs that are numbered from 1. */
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => emulatedJob(i + 1, { ageMs: 10 * HOUR - i * 1_000 }));

const jobIdInHex = (n: number) => `abcdef00-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

describe('readBackSqlJobs', () => {
  const cancelled = (jobs: EmulatedJob[]) => jobs.map((job) => ({ ...job, cancelledAt: NOW }));
  const readBack = async (jobs: EmulatedJob[], round: number, others: EmulatedJob[] = []) => {
    const world = await makeWorld({ jobs: [...jobs, ...others] });
    const asked = jobs.map((job) => makeJob({ id: job.id, startedAt: job.submittedAt }));
    return { readings: await readBackSqlJobs(world.client(), asked, round), conversation: world.conversation() };
  };

  it('reads one or two jobs by themselves', async () => {
    const { readings, conversation } = await readBack(cancelled(many(2)), 0);

    expect([...readings.values()]).toEqual([
      { kind: 'terminal', state: 'cancelled', status: 'CANCELLED' },
      { kind: 'terminal', state: 'cancelled', status: 'CANCELLED' },
    ]);
    expect(conversation).toEqual(['GET 1/status', 'GET 2/status']);
  });

  it('reads a thousand cancelled jobs in about one call for each hundred', async () => {
    const { readings, conversation } = await readBack(cancelled(many(1_000)), 1);

    expect([...readings.values()].every((reading) => reading.kind === 'terminal')).toBe(true);
    expect(conversation).toEqual(Array(11).fill('GET CANCELLED 1'));
  });

  it('asks alone only for those that are neither running nor cancelled', async () => {
    const [finished, running, lively, ...others] = many(50) as [EmulatedJob, EmulatedJob, EmulatedJob];
    const { readings, conversation } = await readBack(
      [{ ...finished, endsAt: NOW }, running, lively, ...cancelled(others)],
      1,
    );

    expect(readings.get(jobId(1))).toEqual({ kind: 'terminal', state: 'finished', status: 'FINISHED' });
    expect(readings.get(jobId(2))).toEqual({ kind: 'live' });
    expect(conversation).toEqual(['GET CANCELLED 1', 'GET RUNNING 1', 'GET 1/status']);
  });

  it('finds jobs that were asked while they waited by the list of those that still wait', async () => {
    const jobs = many(50).map((job) => ({ ...job, runsFrom: NOW + HOUR }));
    const world = await makeWorld({ jobs });
    const asked = jobs.map((job) => makeJob({ id: job.id, startedAt: job.submittedAt, state: 'queued' }));

    const readings = await readBackSqlJobs(world.client(), asked, 0);

    expect([...readings.values()]).toEqual(Array(50).fill({ kind: 'live' }));
    expect(world.conversation()).toEqual(['GET LAUNCHING 1']);
  });

  it('knows a job in whatever case its id is written, and calls it as it was asked', async () => {
    const world = await makeWorld({ jobs: cancelled([0xa, 0xb, 0xc].map((n) => emulatedJob(n))) });
    const asked = [0xa, 0xb, 0xc].map((n) => makeJob({ id: jobIdInHex(n).toUpperCase() }));
    for (const job of world.emulator.sql.all()) job.id = jobIdInHex(Number(job.id.slice(-2)));

    const readings = await readBackSqlJobs(world.client(), asked, 1);

    expect([...readings.keys()]).toEqual(asked.map(({ id }) => id));
    expect(world.conversation()).toEqual(['GET CANCELLED 1']);
  });

  it('makes all jobs unreadable, and throws nothing, when something breaks in a way that was not foreseen', async () => {
    const unforeseen = new TypeError('unforeseen');
    const broken = { ...(await makeWorld({ jobs: [] })).client(), listSqlJobs: () => Promise.reject(unforeseen) };

    const readings = await readBackSqlJobs(
      broken,
      [1, 2, 3].map((n) => makeJob({ id: jobId(n) })),
      0,
    );

    expect([...readings.values()]).toEqual(Array(3).fill({ kind: 'unreadable', error: unforeseen }));
  });

  it('is content at the first look with a page of those that still run', async () => {
    const { readings, conversation } = await readBack(many(500), 0);

    expect([...readings.values()].every((reading) => reading.kind === 'live')).toBe(true);
    expect(conversation).toEqual(['GET RUNNING 1']);
  });

  it('reaches every job at a later look, however many others run on before it', async () => {
    const stubborn = many(300);
    const last = cancelled([emulatedJob(900, { ageMs: 9 * HOUR }), emulatedJob(901, { ageMs: 9 * HOUR })]);

    const { readings } = await readBack([...stubborn, ...last], 1);

    expect(readings.size).toBe(302);
    expect(readings.get(jobId(901))).toMatchObject({ kind: 'terminal' });
  });

  it('does not read through a list of others that is longer than asking for each', async () => {
    const bystanders = Array.from({ length: 3_000 }, (_, i) =>
      emulatedJob(1_000 + i, { type: 'INSERT', ageMs: 10 * HOUR - i }),
    );

    const { readings, conversation } = await readBack(many(5), 1, bystanders);

    expect([...readings.values()]).toEqual(Array(5).fill({ kind: 'live' }));
    expect(conversation.length).toBeLessThanOrEqual(7);
  });

  it('believes what a row says of itself, whatever was asked for', async () => {
    const jobs = many(5).map((job) => ({ ...job, shownStatus: 'FINISHED' }));

    const { readings } = await readBack(jobs, 0);

    expect([...readings.values()].every((reading) => reading.kind === 'terminal')).toBe(true);
  });

  it('takes an unknown status neither for over nor for alive', async () => {
    const { readings } = await readBack([{ ...(many(1)[0] as EmulatedJob), shownStatus: 'COMPUTED' }], 0);

    expect(readings.get(jobId(1))).toEqual({ kind: 'unknown', status: 'COMPUTED' });
  });
});
