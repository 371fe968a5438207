import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import type { Look } from '../../../lib/engines/engine.ts';
import { readBackSqlJobs } from '../../../lib/engines/sql-read-back.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../helpers/world.ts';

/** Jobs that are numbered from 1. */
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => emulatedJob(i + 1, { ageMs: 10 * HOUR - i * 1_000 }));

const GLANCE = { isGlance: true };
const WHOLE = { isGlance: false };

const jobIdInHex = (n: number) => `abcdef00-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

describe('readBackSqlJobs', () => {
  const cancelled = (jobs: EmulatedJob[]) => jobs.map((job) => ({ ...job, cancelledAt: NOW }));
  const readBack = async (jobs: EmulatedJob[], look: Look, others: EmulatedJob[] = []) => {
    const world = await makeWorld({ jobs: [...jobs, ...others] });
    const asked = jobs.map((job) => makeJob({ id: job.id, startedAt: job.submittedAt }));
    return { readings: await readBackSqlJobs(world.client(), asked, look), conversation: world.conversation() };
  };

  it('reads one or two jobs by themselves', async () => {
    const { readings, conversation } = await readBack(cancelled(many(2)), WHOLE);

    const fingerprint = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect([...readings.values()]).toEqual([
      { kind: 'terminal', state: 'cancelled', status: 'CANCELLED', fingerprint },
      { kind: 'terminal', state: 'cancelled', status: 'CANCELLED', fingerprint },
    ]);
    expect(conversation).toEqual(['GET 1/status', 'GET 2/status']);
  });

  it('reads a thousand cancelled jobs at a glance in about one call for each hundred', async () => {
    const { readings, conversation } = await readBack(cancelled(many(1_000)), GLANCE);

    expect(readings.size).toBe(1_000);
    expect([...readings.values()].every((reading) => reading.kind === 'terminal')).toBe(true);
    expect(conversation).toEqual(Array(12).fill('GET CANCELLED 1'));
  });

  it('takes one call for a glance at jobs of which none has stopped', async () => {
    const { readings, conversation } = await readBack(many(1_000), GLANCE);

    expect(readings.size).toBe(0);
    expect(conversation).toEqual(['GET CANCELLED 1']);
  });

  it('glances at the jobs that were asked first', async () => {
    const jobs = many(300);
    const world = await makeWorld({ jobs: [...jobs.slice(0, 200), ...cancelled(jobs.slice(200))] });
    const asked = jobs.toReversed().map((job) => makeJob({ id: job.id, startedAt: job.submittedAt }));

    const readings = await readBackSqlJobs(world.client(), asked, GLANCE);

    expect(readings.size).toBe(100);
  });

  it('glances at the first job alone where its page of the list is full of others', async () => {
    const strangers = cancelled(
      Array.from({ length: 150 }, (_, i) => emulatedJob(1_000 + i, { ageMs: 10 * HOUR - i })),
    );
    const jobs = Array.from({ length: 5 }, (_, i) => emulatedJob(i + 1, { ageMs: 10 * HOUR - 200 - i }));
    const first = { ...jobs[0], endsAt: NOW } as EmulatedJob;
    const around = emulatedJob(6, { ageMs: 10 * HOUR });
    const { readings, conversation } = await readBack([first, ...jobs.slice(1), around], GLANCE, strangers);

    expect(conversation.slice(0, 2)).toEqual(['GET CANCELLED 1', 'GET 1/status']);
    expect([...readings.keys()]).toEqual([jobId(1)]);
  });

  it('glances at a single job by reading it', async () => {
    const { readings, conversation } = await readBack(many(1), GLANCE);

    expect([...readings.values()]).toEqual([{ kind: 'live' }]);
    expect(conversation).toEqual(['GET 1/status']);
  });

  it('asks alone only for those that are neither running nor cancelled', async () => {
    const [finished, running, lively, ...others] = many(50) as [EmulatedJob, EmulatedJob, EmulatedJob];
    const { readings, conversation } = await readBack(
      [{ ...finished, endsAt: NOW }, running, lively, ...cancelled(others)],
      WHOLE,
    );

    expect(readings.get(jobId(1))).toEqual({ kind: 'terminal', state: 'finished', status: 'FINISHED' });
    expect(readings.get(jobId(2))).toEqual({ kind: 'live' });
    expect(conversation).toEqual(['GET RUNNING 1', 'GET CANCELLED 1', 'GET 1/status']);
  });

  it('finds jobs that were asked while they waited by the list of those that still wait', async () => {
    const jobs = many(50).map((job) => ({ ...job, runsFrom: NOW + HOUR }));
    const world = await makeWorld({ jobs });
    const asked = jobs.map((job) => makeJob({ id: job.id, startedAt: job.submittedAt, state: 'queued' }));

    const readings = await readBackSqlJobs(world.client(), asked, WHOLE);

    expect([...readings.values()]).toEqual(Array(50).fill({ kind: 'live' }));
    expect(world.conversation()).toEqual(['GET LAUNCHING 1']);
  });

  it('knows a job in whatever case its id is written, and calls it as it was asked', async () => {
    const world = await makeWorld({ jobs: cancelled([0xa, 0xb, 0xc].map((n) => emulatedJob(n))) });
    const asked = [0xa, 0xb, 0xc].map((n) => makeJob({ id: jobIdInHex(n).toUpperCase() }));
    for (const job of world.emulator.sql.all()) job.id = jobIdInHex(Number(job.id.slice(-2)));

    const readings = await readBackSqlJobs(world.client(), asked, GLANCE);

    expect([...readings.keys()]).toEqual(asked.map(({ id }) => id));
    expect(world.conversation()).toEqual(['GET CANCELLED 1']);
  });

  it('makes all jobs unreadable, and throws nothing, when something breaks in a way that was not foreseen', async () => {
    const unforeseen = new TypeError('unforeseen');
    const broken = { ...(await makeWorld({ jobs: [] })).client(), listSqlJobs: () => Promise.reject(unforeseen) };

    const readings = await readBackSqlJobs(
      broken,
      [1, 2, 3].map((n) => makeJob({ id: jobId(n) })),
      WHOLE,
    );

    expect([...readings.values()]).toEqual(Array(3).fill({ kind: 'unreadable', error: unforeseen }));
  });

  it('reaches every job at a whole look, however many others run on before it', async () => {
    const stubborn = many(300);
    const last = cancelled([emulatedJob(900, { ageMs: 9 * HOUR }), emulatedJob(901, { ageMs: 9 * HOUR })]);

    const { readings } = await readBack([...stubborn, ...last], WHOLE);

    expect(readings.size).toBe(302);
    expect(readings.get(jobId(901))).toMatchObject({ kind: 'terminal' });
  });

  it('does not read through a list of others that is longer than asking for each', async () => {
    const bystanders = Array.from({ length: 3_000 }, (_, i) =>
      emulatedJob(1_000 + i, { type: 'INSERT', ageMs: 10 * HOUR - i }),
    );

    const { readings, conversation } = await readBack(many(5), WHOLE, bystanders);

    expect([...readings.values()]).toEqual(Array(5).fill({ kind: 'live' }));
    expect(conversation.length).toBeLessThanOrEqual(7);
  });

  it('believes what a row says of itself, whatever was asked for', async () => {
    const jobs = many(5).map((job) => ({ ...job, shownStatus: 'FINISHED' }));

    const { readings } = await readBack(jobs, WHOLE);

    expect([...readings.values()].every((reading) => reading.kind === 'terminal')).toBe(true);
  });

  it('takes an unknown status neither for over nor for alive', async () => {
    const { readings } = await readBack([{ ...(many(1)[0] as EmulatedJob), shownStatus: 'COMPUTED' }], WHOLE);

    expect(readings.get(jobId(1))).toEqual({ kind: 'unknown', status: 'COMPUTED' });
  });
});
