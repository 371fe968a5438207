import { describe, expect, it, onTestFinished } from 'vitest';
import { type EmulatorOptions, startEmulator } from '../../../emulator/server.ts';
import { batchLife } from '../../../emulator/spark/jobs.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { ENGINES_WITH_PAST, emptyHistory, type History, readHistory } from '../../../lib/history/read.ts';
import { emulatedJob, HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

/** A query that ended an hour after it was submitted. */
const over = (n: number, fields: Partial<EmulatedJob> & { ageMs: number }): EmulatedJob =>
  emulatedJob(n, { endsAt: NOW - fields.ageMs + HOUR, ...fields });

async function makePast(jobs: EmulatedJob[], options: Partial<EmulatorOptions> = {}) {
  let now = NOW;
  const emulator = await startEmulator({ now: () => now, random: () => 0.5, jobs, ...options });
  onTestFinished(emulator.close);
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const settings = {
    target: { name: 'lake', endpoint: new URL(url), projectId, mode: undefined },
    credentials: { name: 'test', read: () => Promise.resolve({ accessKeyId, secretAccessKey }) },
  };
  const read = (history: History, more: Partial<Parameters<typeof readHistory>[2]> = {}) =>
    readHistory(history, settings, {
      clock,
      random: () => 0.5,
      sharedFor: createSharedStates(clock),
      maxCalls: 600,
      withStatements: false,
      ...more,
    });
  const empty = (since?: number) => emptyHistory(settings, ENGINES_WITH_PAST, { until: NOW, since });
  return { emulator, read, empty, now: clock.now };
}

const idsOf = ({ jobs }: History) => jobs.map(({ job }) => job.id);

describe('the past of a project', () => {
  it('holds the jobs of every state with their ends, and no Flink jobs', async () => {
    const { read, empty } = await makePast(
      [
        over(1, { ageMs: 9 * HOUR }),
        over(2, { ageMs: 8 * HOUR, endsAs: 'FAILED' }),
        over(3, { ageMs: 7 * HOUR, endsAt: NOW + HOUR, cancelledAt: NOW - 3 * HOUR }),
        emulatedJob(4, { ageMs: 2 * HOUR }),
        over(5, { ageMs: 6 * HOUR, hiddenFields: ['end_time'] }),
        over(6, { ageMs: 5 * HOUR, hiddenFields: ['end_time', 'duration'] }),
      ],
      {
        sparkJobs: [
          {
            id: jobId(7),
            name: 'nightly',
            queue: 'general',
            owner: 'ana',
            life: batchLife({ createdAt: NOW - 4 * HOUR, runsFrom: NOW - 4 * HOUR, endsAt: NOW - HOUR }),
          },
        ],
      },
    );

    const { jobs, places, gaps } = await read(empty());

    const shown = jobs.map(({ job, endedAt }) => [job.id, job.state, endedAt === undefined ? endedAt : NOW - endedAt]);
    expect(new Map(shown.map(([id, ...rest]) => [id, rest]))).toEqual(
      new Map([
        [jobId(4), ['running', undefined]],
        [jobId(6), ['finished', undefined]],
        [jobId(5), ['finished', 5 * HOUR]],
        [jobId(3), ['cancelled', 3 * HOUR]],
        [jobId(2), ['failed', 7 * HOUR]],
        [jobId(1), ['finished', 8 * HOUR]],
        [jobId(7), ['finished', HOUR]],
      ]),
    );
    expect([places.size, gaps]).toEqual([0, []]);
  });

  it('is whole beyond 10,000 jobs, also where many started in one millisecond', async () => {
    const crowd = Array.from({ length: 350 }, (_, i) => over(i + 1, { ageMs: 30 * HOUR }));
    const others = Array.from({ length: 10_200 }, (_, i) => over(i + 1_000, { ageMs: 2 * HOUR + i * 1_000 }));
    const { emulator, read, empty } = await makePast([...crowd, ...others]);

    const history = await read(empty());

    expect(new Set(idsOf(history)).size).toBe(10_550);
    expect(history.jobs).toHaveLength(10_550);
    // A hundred rows a call, one of them met twice, and one call for the batches.
    expect(emulator.requests.length).toBeLessThanOrEqual(Math.ceil(10_550 / 99) + 3);
  });

  it('loses no job to rows that DLI drops, or gets, while it is read', async () => {
    const jobs = Array.from({ length: 450 }, (_, i) => over(i + 1, { ageMs: 10 * HOUR - i * MINUTE }));
    const { emulator, read, empty } = await makePast(jobs);

    const history = await read(empty(), {
      onPage: ({ calls }) => {
        for (let n = 0; n < 20; n++) emulator.sql.add(emulatedJob(1_000 + calls * 100 + n, { ageMs: -MINUTE }));
      },
    });

    expect(new Set(idsOf(history))).toEqual(new Set(jobs.map(({ id }) => id)));
  });

  it('begins with the newest jobs, so that calls that run out leave out the oldest, and is read on later', async () => {
    const jobs = Array.from({ length: 350 }, (_, i) => over(i + 1, { ageMs: 10 * HOUR - i * MINUTE }));
    const { emulator, read, empty } = await makePast(jobs);

    const first = await read(empty(), { maxCalls: 2 });
    const calls = emulator.requests.length;
    const whole = await read(first);

    expect(calls).toBe(2);
    expect(first.places.has('sql')).toBe(true);
    expect(idsOf(first)).toContain(jobId(350));
    expect(idsOf(first)).not.toContain(jobId(1));
    expect(new Set(idsOf(whole))).toEqual(new Set(jobs.map(({ id }) => id)));
    expect(whole.places.size).toBe(0);
  });

  it('holds only jobs submitted within the days that are asked for', async () => {
    const { read, empty } = await makePast([
      over(1, { ageMs: 50 * HOUR }),
      over(2, { ageMs: 48 * HOUR }),
      over(3, { ageMs: 47 * HOUR }),
    ]);

    expect(idsOf(await read(empty(NOW - 48 * HOUR)))).toEqual([jobId(3), jobId(2)]);
  });

  it('keeps what was read before DLI refused, and says so', async () => {
    const jobs = Array.from({ length: 250 }, (_, i) => over(i + 1, { ageMs: 10 * HOUR - i * MINUTE }));
    const { emulator, read, empty } = await makePast(jobs);

    const history = await read(empty(), {
      onPage: ({ calls }) => {
        if (calls === 1) emulator.faults.add({ on: 'list-sql-jobs', answer: { status: 403, body: {} } });
      },
    });

    expect(history.jobs).toHaveLength(100);
    expect(history.gaps).toEqual([]);
    expect(history).toMatchObject({
      calls: 2,
      endedBy: { kind: 'error', error: expect.stringContaining('403') as never },
    });
    expect(history.places.has('sql')).toBe(true);
  });

  it('fails if nothing can be read', async () => {
    const { emulator, read, empty } = await makePast([]);
    emulator.faults.add({ on: 'list-sql-jobs', answer: { status: 403, body: {} } });

    await expect(read(empty())).rejects.toThrow(/permission|403/i);
  });

  it('takes at most half of the calls that DLI allows, since a live reaper may share the limit', async () => {
    const jobs = Array.from({ length: 2_000 }, (_, i) => over(i + 1, { ageMs: 40 * HOUR - i * MINUTE }));
    const { read, empty, now } = await makePast(jobs, { rateLimit: { calls: 60, windowMs: MINUTE, burst: 5 } });

    const times: number[] = [];
    await read(empty(), { onPage: () => times.push(now()) });

    const late = times.slice(-10);
    const perMinute = ((late.length - 1) * MINUTE) / ((late.at(-1) ?? 0) - (late[0] ?? 0));
    expect(perMinute).toBeLessThanOrEqual(31);
  });
});
