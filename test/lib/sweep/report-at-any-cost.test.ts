import { describe, expect, it } from 'vitest';
import { EMULATOR_KEY } from '../../../emulator/server.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import type { SweepDeps } from '../../../lib/sweep/deps.ts';
import { emulatedBatch } from '../../helpers/emulated-api.ts';
import { emulatedJob, makeWorld } from '../../helpers/world.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

/** After the first refusal a key that no header can carry, so that every further call throws an unexpected error. */
const keyThatBreaks = (world: World): Partial<SweepDeps> => ({
  loadSettings: async (request) => {
    let reads = 0;
    const broken = { ...EMULATOR_KEY, accessKeyId: 'EMULATOR\nACCESSKEYID0' };
    return {
      ...(await world.deps.loadSettings(request)),
      credentials: { name: 'test', read: async () => (reads++ === 0 ? EMULATOR_KEY : broken) },
    };
  },
});
const refusal = { answer: { status: 401, body: { error_code: 'APIGW.0301' } } };

describe('a sweep that has cancelled jobs comes to its report', () => {
  it.each([
    { name: 'one by one', jobs: 1, fault: { on: 'show-sql-job-status' } as const },
    { name: 'by lists', jobs: 5, fault: { on: 'list-sql-jobs', skip: 2 } as const },
  ])('although reading back breaks, of jobs that are read $name', async ({ jobs, fault }) => {
    const world = await makeWorld({ jobs: Array.from({ length: jobs }, (_, i) => emulatedJob(i + 1)) });
    world.emulator.faults.add({ ...fault, ...refusal });

    const report = await world.sweep({}, keyThatBreaks(world));

    expect(report).toMatchObject({ status: 'failed', counts: { overdue: jobs, unconfirmed: jobs, cancelled: 0 } });
    expect(report.jobs.map(({ error }) => error)).toEqual(
      Array(jobs).fill(expect.stringContaining('Invalid character')),
    );
  });

  it('although the key was changed meanwhile to one that is refused where it is read', async () => {
    const jobs = [1, 2, 3, 4, 5].map((n) => emulatedJob(n));
    const world = await makeWorld({ jobs });
    world.emulator.faults.add({ on: 'cancel-sql-job', skip: 3, times: Number.POSITIVE_INFINITY, ...refusal });
    world.emulator.faults.add({ on: 'list-sql-jobs', skip: 2, times: Number.POSITIVE_INFINITY, ...refusal });
    let reads = 0;
    const read = async () => {
      if (reads++ > 0)
        throw new SettingsError('/dli-reaper/prod/credentials/c', 'secretAccessKey: ends in a line break');
      return EMULATOR_KEY;
    };

    const report = await world.sweep(
      {},
      {
        loadSettings: async (request) => ({
          ...(await world.deps.loadSettings(request)),
          credentials: { name: 'test', read },
        }),
      },
    );

    expect(report).toMatchObject({ stoppedBy: 'credential', counts: { overdue: 5, unconfirmed: 5 } });
    for (const { error } of report.jobs) expect(error).toContain('401 APIGW.0301');
  });

  it('although the queues cannot be listed, which would tell what was freed', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    world.emulator.faults.add({ on: 'list-queues', ...refusal });

    const report = await world.sweep({}, keyThatBreaks(world));

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 1 }, freed: { cus: { from: 0, to: null } } });
  });

  it('although one engine cannot be read back at all, with the outcomes of the others', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], sparkJobs: [emulatedBatch(11)] });
    world.emulator.faults.add({
      on: 'show-spark-batch-state',
      skip: 1,
      times: Number.POSITIVE_INFINITY,
      answer: { status: 200, body: '' },
    });
    const rules = [
      { id: 'queries', match: 'all', maxRunTime: '2h' },
      { id: 'batches', engines: ['spark'], match: 'all', maxTotalTime: '2h' },
    ];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(report.jobs.map(({ engine, outcome }) => [engine, outcome])).toEqual([
      ['sql', 'cancelled'],
      ['spark', 'unconfirmed'],
    ]);
  });

  it('although the screen that shows its progress fails', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const onProgress = () => {
      throw new Error('a screen that is gone');
    };

    expect(await world.sweep({}, { onProgress })).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
  });
});
