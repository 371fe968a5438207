import { describe, expect, it } from 'vitest';
import { ENGINES } from '../../../lib/engines/engines.ts';
import { emergencyPolicy } from '../../../lib/policy/emergency.ts';
import { parseRequest } from '../../../lib/request/request.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

type World = Awaited<ReturnType<typeof makeWorld>>;

const ordersOf = (world: World) => world.conversation().filter((line) => !line.startsWith('GET'));
const rulesOf = (engine: string, rule: object) => ({ rules: [{ id: 'r', engines: [engine], match: 'all', ...rule }] });

describe('a Spark batch that begins to run right before its cancel', () => {
  const sweepOf = async (rule: object) => {
    const batch = emulatedBatch(1, { plan: { runsFrom: NOW - 10 * MINUTE } });
    const world = await makeWorld({ jobs: [], sparkJobs: [{ ...batch, life: [batch.life[0]] }] });
    world.emulator.faults.add({
      on: 'show-spark-batch-state',
      change: [{ job: jobId(1), set: { life: batch.life } }],
    });
    return { world, report: await world.sweep({}, world.withPolicy(rulesOf('spark', rule))) };
  };

  it.each([
    { name: 'it waited too long', rule: { maxQueueTime: '1h' } },
    { name: 'the rule is for those that wait', rule: { match: { status: 'starting' }, maxTotalTime: '1h' } },
    { name: 'the rule ignores those that run', rule: { ignore: { status: 'running' }, maxTotalTime: '1h' } },
  ])('is spared where $name', async ({ rule }) => {
    const { world, report } = await sweepOf(rule);

    expect(ordersOf(world)).toEqual([]);
    expect(report).toMatchObject({
      status: 'ok',
      counts: { overdue: 1, cancelled: 0, skipped: { changed: 1 } },
      jobs: [{ decision: 'cancel', outcome: 'skipped', reason: 'changed', status: 'running', attempts: 0 }],
    });
  });

  it('is cancelled where it is over its limit in all', async () => {
    const { world, report } = await sweepOf({ maxTotalTime: '1h' });

    expect(ordersOf(world)).toEqual(['DELETE batch 1']);
    expect(report.counts.cancelled).toBe(1);
  });
});

describe('a Flink job that is read right before its stop', () => {
  const job = emulatedFlinkJob(146);
  const sweepOf = async (life: object[], rule: object = {}) => {
    const world = await makeWorld({ jobs: [], flinkJobs: [job] });
    // Its examination comes first.
    world.emulator.faults.add({ on: 'show-flink-job', skip: 1, change: [{ job: '146', set: { life } }] });
    const policy = rulesOf('flink', { maxRunTime: '2h', ...rule });
    return { world, report: await world.sweep({}, world.withPolicy(policy)) };
  };

  it('is spared where it runs anew under the same id', async () => {
    const { world, report } = await sweepOf([
      ...job.life,
      { from: NOW - 3_000, state: 'job_submitting' },
      { from: NOW - 2_000, state: 'job_running' },
    ]);

    expect(ordersOf(world)).toEqual([]);
    expect(report.jobs).toMatchObject([{ outcome: 'skipped', reason: 'changed', status: 'job_running', attempts: 0 }]);
  });

  it.each([
    { savepoint: true, outcome: 'skipped' },
    { savepoint: false, outcome: 'cancelled' },
  ])('and has been changed since is $outcome with savepoint: $savepoint', async ({ savepoint, outcome }) => {
    const { report } = await sweepOf([...job.life, { from: NOW - 1_000, state: 'job_running' }], { savepoint });

    expect(report.jobs).toMatchObject([{ outcome }]);
  });
});

describe('a Flink job that is started again while its stop is read back', () => {
  it.each(['keep', 'cancel'])(
    'is not said to have lost its savepoint, nor asked again: %s',
    async (onSavepointFailure) => {
      const job = emulatedFlinkJob(146);
      const world = await makeWorld({ jobs: [], flinkJobs: [job] });
      const life = [
        ...job.life,
        // Over between two looks.
        { from: NOW + 1_500, state: 'job_cancel_success' },
        { from: NOW + 1_600, state: 'job_submitting' },
        { from: NOW + 1_700, state: 'job_running' },
      ];
      // Its examination, and the reading right before its stop, come first.
      world.emulator.faults.add({ on: 'show-flink-job', skip: 2, change: [{ job: '146', set: { life } }] });

      const report = await world.sweep(
        {},
        world.withPolicy(rulesOf('flink', { maxRunTime: '2h', onSavepointFailure })),
      );

      expect(report).toMatchObject({ status: 'ok', jobs: [{ outcome: 'already-terminal', status: 'RESTARTED' }] });
      expect(ordersOf(world)).toEqual(['POST flink stop']);
    },
  );
});

describe('SQL jobs that wait too long', () => {
  /** Numbered from 1, the oldest first; they begin to run in an hour. */
  const waiting = (count: number) =>
    Array.from({ length: count }, (_, i) => emulatedJob(i + 1, { ageMs: 9 * HOUR - i * 1_000, runsFrom: NOW + HOUR }));
  const tooLong = { rules: [{ id: 'r', match: 'all', maxQueueTime: '2h' }], maxKills: 1_000 };
  it('are looked at again by one list for each hundred', async () => {
    const world = await makeWorld({ jobs: waiting(250) });
    await world.sweep({ dryRun: true }, world.withPolicy(tooLong));
    const listing = world.conversation();

    const report = await world.sweep({}, world.withPolicy(tooLong));

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 250 } });
    const calls = world.conversation().slice(2 * listing.length);
    const asking = calls.slice(
      0,
      calls.findLastIndex((line) => line.startsWith('DELETE')),
    );
    expect(asking.filter((line) => !line.startsWith('DELETE'))).toEqual(Array(3).fill('GET LAUNCHING 1'));
    expect(calls.length).toBeLessThanOrEqual(1.05 * 250 + 10 - listing.length);
  });

  it.each([
    { name: 'has begun to run', set: { runsFrom: NOW }, expected: { outcome: 'skipped', status: 'RUNNING' } },
    {
      name: 'is over',
      set: { runsFrom: NOW - 1, endsAt: NOW },
      expected: { outcome: 'already-terminal', status: 'FINISHED' },
    },
  ])('go without the one that $name since, which is read alone', async ({ set, expected }) => {
    const world = await makeWorld({ jobs: waiting(3) });
    const change = [{ job: jobId(2), set }];
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'job-status=LAUNCHING', skip: 1, change });

    const report = await world.sweep({}, world.withPolicy(tooLong));

    expect(ordersOf(world).toSorted()).toEqual(['DELETE 1', 'DELETE 3']);
    expect(world.conversation().slice(0, 3)).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1', 'GET LAUNCHING 1']);
    expect(world.conversation().filter((line) => line === 'GET 2/status')).toHaveLength(1);
    expect(report.jobs[1]).toMatchObject({ ...expected, attempts: 0 });
  });

  it.each([
    { name: 'for longer than all attempts', times: Number.POSITIVE_INFINITY, status: 503 },
    { name: 'for good', times: 1, status: 400 },
  ])('are read one by one where the look fails $name', async ({ times, status }) => {
    const world = await makeWorld({ jobs: waiting(3) });
    const answer = { status, body: {} };
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'job-status=LAUNCHING', skip: 1, times, answer });

    const report = await world.sweep({}, world.withPolicy(tooLong));

    expect(report.counts.cancelled).toBe(3);
    for (const n of [1, 2, 3]) {
      const ofJob = world.conversation().filter((line) => line.startsWith(`GET ${n}/`) || line === `DELETE ${n}`);
      expect(ofJob.slice(0, 2)).toEqual([`GET ${n}/status`, `DELETE ${n}`]);
    }
  });

  it('that share one start time with more than a page of others are told apart', async () => {
    const jobs = waiting(150).map((job) => ({ ...job, submittedAt: NOW - 3 * HOUR }));
    const world = await makeWorld({ jobs });

    const report = await world.sweep({}, world.withPolicy(tooLong));

    expect(report.counts.cancelled).toBe(150);
  });

  it('are looked at again where the turn of one comes later than ten seconds after the look', async () => {
    const world: World = await makeWorld({
      jobs: waiting(60),
      onRequest: ({ method }) => {
        if (method !== 'DELETE' || world.clock.now() > NOW + 9_000) return;
        world.pass(10_000);
        for (let n = 41; n <= 60; n++) Object.assign(world.emulator.sql.get(jobId(n)) ?? {}, { runsFrom: NOW });
      },
    });

    const report = await world.sweep({}, world.withPolicy(tooLong));

    expect(report.counts).toMatchObject({ cancelled: 40, skipped: { changed: 20 } });
    expect(ordersOf(world)).toHaveLength(40);
  });
});

describe('an emergency', () => {
  const emergencyOf = (fields: object) =>
    parseRequest({
      kind: 'emergency',
      target: 'test',
      reason: 'stuck',
      dryRun: false,
      confirm: 'test',
      sweepId: 'bad-night',
      askedAt: new Date(NOW).toISOString(),
      ...fields,
    });
  const sweepOf = (world: World, fields: object) => {
    const request = emergencyOf(fields);
    if (request.emergency === undefined) throw new Error('no emergency');
    const policy = emergencyPolicy(request.emergency);
    return world.sweep(request, {
      loadSettings: async (asked) => ({ ...(await world.deps.loadSettings(asked)), policy }),
    });
  };

  it('takes waiting jobs that begin to run meanwhile, without another look at them', async () => {
    const world = await makeWorld({
      jobs: [1, 2, 3].map((n) => emulatedJob(n, { runsFrom: NOW + HOUR })),
      onRequest: ({ method }) => {
        if (method !== 'DELETE') return;
        for (const n of [1, 2, 3]) {
          const job = world.emulator.sql.get(jobId(n));
          if (job !== undefined) job.runsFrom = NOW;
        }
      },
    });

    const report = await sweepOf(world, { olderThan: '1h', engine: 'sql' });

    expect(report.counts.cancelled).toBe(3);
    expect(world.conversation().slice(2, 5).toSorted()).toEqual(['DELETE 1', 'DELETE 2', 'DELETE 3']);
  });

  it.each([
    {
      name: 'runs anew',
      life: [{ from: NOW - 1_000, state: 'job_submitting' } as const, { from: NOW, state: 'job_running' } as const],
      unmet: 'job 146 is spared: it has changed since it was listed, and is no longer over the limit (job_running)',
    },
    {
      name: 'is in an unknown state',
      life: [{ from: NOW, state: 'job_idle' } as const],
      unmet: 'job 146 is spared: its status is one that the reaper does not know (job_idle)',
    },
  ])('says that a named job was spared which, read right before, $name', async ({ life, unmet }) => {
    const job = emulatedFlinkJob(146);
    const world = await makeWorld({ jobs: [], flinkJobs: [job] });
    const change = [{ job: '146', set: { life: [...job.life, ...life] } }];
    world.emulator.faults.add({ on: 'show-flink-job', skip: 1, change });

    const report = await sweepOf(world, { jobIds: ['146'] });

    expect(ordersOf(world)).toEqual([]);
    expect(report).toMatchObject({ status: 'failed', unmet: [unmet], counts: { overdue: 1, cancelled: 0 } });
    expect(report.problems).toEqual([unmet]);
  });
});

describe('a reading right before a cancel', () => {
  it('is the call right before it, however many others wait for their turn', async () => {
    const calls: { at: number; line: string; record: { status: number } }[] = [];
    const world: World = await makeWorld({
      jobs: [],
      sparkJobs: Array.from({ length: 60 }, (_, i) => emulatedBatch(i + 1)),
      // One at a time, so that the pace is known before the first reading: a call that was sent before the clock of the world
      // jumps arrives after it.
      rateLimit: { calls: 10, windowMs: 1_000, burst: 1 },
      onRequest: (record) => {
        calls.push({ at: world.clock.now(), line: `${record.method} ${record.target}`, record });
      },
    });

    const report = await world.sweep({ maxKills: 100 }, world.withPolicy(rulesOf('spark', { maxTotalTime: '2h' })));

    expect(report.counts.cancelled).toBe(60);
    const answered = calls.filter(({ record }) => record.status === 200);
    const ages = Array.from({ length: 60 }, (_, i) => {
      const place = answered.findIndex(({ line }) => line.startsWith('DELETE') && line.endsWith(jobId(i + 1)));
      const reading = answered.slice(0, place).findLast(({ line }) => line.includes(`${jobId(i + 1)}/state`));
      return (answered[place]?.at ?? Number.NaN) - (reading?.at ?? Number.NaN);
    });
    expect(Math.max(...ages)).toBeLessThan(2_000);
  });

  it.each([
    { waitsMs: 1_000, readings: 1 },
    { waitsMs: 2_000, readings: 2 },
  ])(
    'is made again, once, where its cancel waits for more than a moment: $waitsMs ms',
    async ({ waitsMs, readings }) => {
      const world = await makeWorld({ jobs: [], sparkJobs: [emulatedBatch(1)] });
      const { cancel } = ENGINES.spark.createCancels(world.client(), world.clock);
      const mayStillBeAsked = () => {
        world.pass(waitsMs);
        return true;
      };

      const result = await cancel(makeJob({ engine: 'spark', id: jobId(1) }), { savepoint: false, mayStillBeAsked });

      expect(result.kind).toBe('accepted');
      expect(world.conversation().filter((line) => line.startsWith('GET'))).toHaveLength(readings);
      expect(ordersOf(world)).toEqual(['DELETE batch 1']);
    },
  );
});
