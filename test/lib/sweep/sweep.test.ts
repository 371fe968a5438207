import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import type { Decision } from '../../../lib/sweep/judge/decide.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

describe('sweep', () => {
  it('lists everything, then cancels the longest over its limit first, then reads back', async () => {
    const world = await makeWorld({
      jobs: [emulatedJob(1), emulatedJob(2, { ageMs: 9 * HOUR }), emulatedJob(3, { ageMs: HOUR })],
    });

    const report = await world.sweep();

    expect(world.conversation()).toEqual([
      'GET LAUNCHING 1',
      'GET RUNNING 1',
      'DELETE 2',
      'DELETE 1',
      'GET CANCELLED 1',
      'GET CANCELLED 1',
      'GET CANCELLED 1',
      'GET CANCELLED 1',
      'GET queues',
    ]);
    expect(report).toMatchObject({
      status: 'ok',
      dryRun: false,
      counts: { seen: 2, overdue: 2, cancelled: 2 },
      apiCalls: { list: 7, cancel: 2, status: 0, retries: 0, throttled: 0 },
      startedAt: '2026-01-05T09:00:00.000Z',
      jobs: [
        { jobId: jobId(1), outcome: 'cancelled', rule: 'r', reason: 'over-limit', runTimeMs: 3 * HOUR, attempts: 1 },
        { jobId: jobId(2), outcome: 'cancelled' },
      ],
    });
    expect(report.jobs[0]?.requestId).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    { overdue: 0, young: 0 },
    { overdue: 1, young: 5_000 },
    { overdue: 5, young: 0 },
    { overdue: 30, young: 100 },
    { overdue: 100, young: 1_000 },
    { overdue: 101, young: 0 },
    { overdue: 1_000, young: 2_000 },
  ])(
    'needs at most 1.05 calls for each of $overdue overdue jobs and ten more, with $young young ones around',
    async ({ overdue, young }) => {
      const world = await makeWorld({
        jobs: [
          ...Array.from({ length: overdue }, (_, i) => emulatedJob(i, { ageMs: 9 * HOUR + i * 1_000 })),
          ...Array.from({ length: young }, (_, i) => emulatedJob(overdue + i, { ageMs: HOUR })),
        ],
      });

      const report = await world.sweep({ maxKills: 1_000 });

      expect(report).toMatchObject({ status: 'ok', counts: { cancelled: overdue } });
      expect(world.emulator.requests.length).toBeLessThanOrEqual(1.05 * overdue + 10);
    },
  );

  it('asks a job that lives on once more, and then says that it was not seen to stop', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { onCancel: 'ignore' })] });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'failed', jobs: [{ outcome: 'unconfirmed', attempts: 2 }] });
    expect(world.conversation().filter((line) => line.startsWith('DELETE'))).toHaveLength(2);
  });

  it('tells what the gateway allowed in time, the worst offenders first, and skips the rest', async () => {
    const world = await makeWorld({
      jobs: Array.from({ length: 900 }, (_, i) => emulatedJob(i, { ageMs: 9 * HOUR + i * 1_000 })),
      rateLimit: { calls: 60, windowMs: MINUTE },
    });

    const report = await world.sweep({ maxKills: 1_000 });

    const { cancelled, skipped, seen } = report.counts;
    expect(report.status).toBe('partial');
    expect(cancelled + (skipped.deadline ?? 0)).toBe(seen);
    // Ten minutes at a call a second, less what is kept for reading back.
    expect(cancelled).toBeGreaterThan(500);
    const ended = report.jobs.filter(({ outcome }) => outcome === 'cancelled').map(({ runTimeMs }) => runTimeMs ?? 0);
    const spared = report.jobs.filter(({ outcome }) => outcome === 'skipped').map(({ runTimeMs }) => runTimeMs ?? 0);
    expect(Math.min(...ended)).toBeGreaterThan(Math.max(...spared));
  });

  it.each([
    { name: 'the oldest of all, when an older one may be missing', rule: { victims: 'oldest' }, cancelled: 0 },
    { name: 'all but the oldest, which can only spare one more', rule: { victims: 'all-but-oldest' }, cancelled: 204 },
    { name: 'all but the three youngest, likewise', rule: { keep: { youngest: 3 } }, cancelled: 202 },
  ])('cancels of an incomplete list $name: $cancelled', async ({ rule, cancelled }) => {
    const world = await makeWorld({
      jobs: Array.from({ length: 205 }, (_, i) => emulatedJob(i, { ageMs: 9 * HOUR - i * 1_000 })),
    });
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'current-page=2', answer: { status: 400, body: {} } });
    const rules = [{ id: 'r', match: 'all', maxRunTime: '2h', ...rule }];

    const report = await world.sweep({ maxKills: 1_000 }, world.withPolicy({ rules, maxKillsPercent: 100 }));

    expect(report).toMatchObject({ status: 'partial', counts: { cancelled } });
  });

  it('takes no job for the oldest of a rule while another engine of the rule could not be listed', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { ageMs: 9 * HOUR })] });
    world.emulator.faults.add({
      on: 'list-flink-jobs',
      times: 100,
      answer: { status: 400, body: { error_code: 'DLI.0003', error_msg: '' } },
    });
    const rules = [{ ...LIMITED, engines: ['sql', 'flink'], victims: 'oldest' }];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(deleted(world)).toEqual([]);
    expect(report).toMatchObject({ status: 'partial', counts: { cancelled: 0, skipped: { partial: 1, group: 1 } } });
  });

  it('finds nothing to do the second time', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2)] });

    await world.sweep();
    const second = await world.sweep();

    expect(second).toMatchObject({ status: 'ok', counts: { seen: 0, overdue: 0 }, apiCalls: { cancel: 0 }, jobs: [] });
  });

  it.each([
    { name: 'the request asks for it', request: { dryRun: true }, policy: {}, because: ['request'] },
    { name: "the policy's mode is dry-run", request: {}, policy: { mode: 'dry-run' }, because: ['policy'] },
    { name: 'both do', request: { dryRun: true }, policy: { mode: 'dry-run' }, because: ['policy', 'request'] },
  ])('sends no DELETE in a dry run because $name', async ({ request, policy, because }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const report = await world.sweep(request, world.withPolicy(policy));

    expect(report).toMatchObject({
      status: 'ok',
      dryRun: true,
      dryRunBecause: because,
      counts: { skipped: { 'dry-run': 1 } },
    });
    expect(world.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1']);
  });

  it.each([
    { name: 'maxKills', policy: { maxKills: 1 }, request: {} },
    { name: 'maxKills of the request', policy: { maxKills: 5 }, request: { maxKills: 1 } },
    { name: 'maxKills of zero', policy: { maxKills: 0 }, request: {} },
    { name: 'maxKillsPercent', policy: { maxKillsPercent: 10 }, request: {} },
    {
      name: 'maxKillsPercent of zero, below its floor too',
      policy: { maxKillsPercent: 0, percentFloor: 100 },
      request: {},
    },
  ])('cancels no job over $name', async ({ policy, request }) => {
    const young = Array.from({ length: 10 }, (_, i) => emulatedJob(10 + i, { ageMs: MINUTE }));
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2), ...young] });

    const report = await world.sweep(request, world.withPolicy(policy));

    expect(report).toMatchObject({
      status: 'capped',
      counts: { cancelled: 0, skipped: { cap: 2 } },
      apiCalls: { cancel: 0 },
    });
    expect(report.problems[0]).toMatch(/^over the cap, so no job was cancelled: 2 victims/);
  });

  it('does not apply maxKillsPercent to fewer live jobs than percentFloor', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const report = await world.sweep({}, world.withPolicy({ maxKillsPercent: 50 }));

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
  });

  it.each([
    { name: 'ahead', skewMs: 6 * MINUTE },
    { name: 'behind', skewMs: -6 * MINUTE },
  ])("refuses to act when the service's clock is more than five minutes $name", async ({ skewMs }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], now: () => NOW + skewMs });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'stopped', counts: { skipped: { stopped: 1 } }, apiCalls: { cancel: 0 } });
    expect(report.stoppedBy).toBe('clock');
    expect(report.problems[0]).toContain('clock');
  });

  it('takes the earlier of the two clocks for its one instant', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], now: () => NOW - 4 * MINUTE, cancelDelayMs: 0 });

    const report = await world.sweep();

    expect(report.jobs[0]?.runTimeMs).toBe(3 * HOUR - 4 * MINUTE);
  });

  it('reports a job that finished before its cancel as already terminal, and as a success', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { onCancel: 'finish' })] });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'ok', counts: { alreadyTerminal: 1 }, jobs: [{ status: 'FINISHED' }] });
  });

  it('counts the jobs that someone else cancelled right before it', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2), emulatedJob(3, { onCancel: 'finish' })] });
    for (const n of [1, 2]) {
      const change = [{ job: jobId(n), set: { cancelledAt: 'now' } }];
      world.emulator.faults.add({ on: 'cancel-sql-job', target: jobId(n), change });
    }

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 0, alreadyTerminal: 3, cancelledByOthers: 2 } });
    expect(report.jobs.map(({ status, endedBy }) => [status, endedBy])).toEqual([
      ['CANCELLED', 'others'],
      ['CANCELLED', 'others'],
      ['FINISHED', null],
    ]);
    expect(report.notices).toContain('2 jobs were cancelled by someone else right before this sweep could');
  });

  it('claims that of no job whose cancel may have been ours', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const change = [{ job: jobId(1), set: { cancelledAt: 'now' } }];
    world.emulator.faults.add({ on: 'cancel-sql-job', times: Infinity, answer: 'reset', change });

    const report = await world.sweep();

    expect(report.counts).toMatchObject({ cancelled: 1, alreadyTerminal: 0, cancelledByOthers: 0 });
  });

  it('reports a job that was not seen to stop as unconfirmed, and fails', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { onCancel: 'ignore' })] });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'failed', counts: { unconfirmed: 1, cancelled: 0 } });
  });

  it('reports a cancel that DLI refused as failed, and cancels the others', async () => {
    const world = await makeWorld({
      jobs: [emulatedJob(1), emulatedJob(2, { queue: 'locked' })],
      deniedQueues: ['locked'],
    });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'failed', counts: { cancelled: 1, failed: 1 } });
    expect(report.jobs[1]?.error).toMatch(
      /^cancel job .*: 400 DLI\.0003 \(request [0-9a-f]{32}\); the IAM user lacks a right/,
    );
  });

  it('reports what was left when the deadline came as partial, and proves what was done before', async () => {
    const world = await makeWorld({
      jobs: Array.from({ length: 80 }, (_, i) => emulatedJob(i, { ageMs: (80 - i) * HOUR })),
      onRequest: ({ method }) => {
        if (method === 'DELETE' && world.clock.now() === NOW) world.pass(9.5 * MINUTE);
      },
    });

    const report = await world.sweep({ maxKills: 100 });

    const { cancelled, skipped } = report.counts;
    expect(report.status).toBe('partial');
    expect(cancelled).toBeGreaterThan(0);
    expect(cancelled + (skipped.deadline ?? 0)).toBe(78);
    expect(report.jobs.find(({ jobId: id }) => id === jobId(0))?.outcome).toBe('cancelled');
    expect(report.problems).toContain(`the deadline came before ${skipped.deadline} of the overdue jobs`);
  });

  it('cancels no job once the operator has interrupted it', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const report = await world.sweep({}, { stop: AbortSignal.abort() });

    expect(report).toMatchObject({ status: 'stopped', counts: { skipped: { stopped: 1 } }, apiCalls: { cancel: 0 } });
  });

  it('puts the victims on record before the first DELETE', async () => {
    const world = await makeWorld({
      jobs: [emulatedJob(1)],
      onRequest: ({ method }) => {
        if (method === 'DELETE') world.lines.push({ level: 'mark', at: NOW, msg: 'DELETE', fields: {} });
      },
    });

    await world.sweep();

    expect(world.lines.map(({ msg }) => msg)).toEqual([
      'victims chosen',
      'DELETE',
      'message',
      'message',
      'job cancelled',
      'sweep finished',
    ]);
    expect(world.lines.every(({ fields, level }) => level === 'mark' || fields.sweepId === 'sweep-1')).toBe(true);
  });

  it('throws when its settings cannot be read, and makes no call', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const loadSettings = () => Promise.reject(new SettingsError('/some/parameter', 'no such parameter'));

    await expect(world.sweep({}, { loadSettings })).rejects.toThrow('/some/parameter: no such parameter');
    expect(world.conversation()).toEqual([]);
  });

  it('never lets a statement into report or log', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { statement: 'select secret_column' })] });

    const report = await world.sweep();

    expect(JSON.stringify([report, world.lines])).not.toContain('secret_column');
  });
});

const LIMITED = { id: 'r', match: 'all', maxRunTime: '2h' };
const keepAna = { id: 'keep-ana', reason: 'backfill', owner: 'orders', until: '2026-12-31', match: { owner: 'ana' } };

type World = Awaited<ReturnType<typeof makeWorld>>;
/** Of concurrent requests, so in no order of their own. */
const deleted = (world: World) => [...new Set(world.conversation().filter((line) => line.startsWith('DELETE')))].sort();

describe('sweep, by the action of a rule', () => {
  it.each([
    { action: 'log', level: 'info' },
    { action: 'warn', level: 'warn' },
  ])('sends no DELETE for a rule that says $action, and tells of the job at $level', async ({ action, level }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const report = await world.sweep({}, world.withPolicy({ rules: [{ ...LIMITED, action }] }));

    expect(world.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1']);
    expect(report).toMatchObject({
      status: 'ok',
      dryRun: false,
      caps: { victims: 0 },
      counts: { seen: 1, overdue: 1, toCancel: 0, cancelled: 0, skipped: { [action]: 1 } },
      jobs: [{ decision: action, outcome: 'skipped', reason: action, rule: 'r', matched: ['r'], clock: 'maxRunTime' }],
    });
    expect(world.lines.map((line) => [line.level, line.msg])).toEqual([
      // The owner is told of a warning, and of nothing that is only logged.
      ...(action === 'warn' ? [['info', 'message']] : []),
      [level, 'job overdue'],
      ['info', 'sweep finished'],
    ]);
  });

  it('cancels where one of several rules says so, and tells of all that were exceeded', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { queue: 'etl' })] });
    const rules = [
      { id: 'watch', match: 'all', maxRunTime: '1h', action: 'warn' },
      { ...LIMITED, match: { queue: 'adhoc' } },
    ];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(deleted(world)).toEqual(['DELETE 1']);
    expect(report.jobs).toMatchObject([
      { decision: 'cancel', outcome: 'cancelled', rule: 'r', matched: ['r', 'watch'] },
      { decision: 'warn', outcome: 'skipped', rule: 'watch', matched: ['watch'] },
    ]);
  });

  it('cancels a job that waits longer than maxQueueTime, and none that runs', async () => {
    const world = await makeWorld({
      jobs: [
        emulatedJob(1, { runsFrom: NOW + HOUR }),
        emulatedJob(2),
        emulatedJob(3, { ageMs: 2 * HOUR, runsFrom: NOW + HOUR }),
      ],
    });
    const rules = [{ id: 'line', match: 'all', maxQueueTime: '2h' }];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(deleted(world)).toEqual(['DELETE 1']);
    expect(world.emulator.statusOf(jobId(1))).toBe('CANCELLED');
    expect(report.jobs[0]).toMatchObject({
      outcome: 'cancelled',
      clock: 'maxQueueTime',
      queueTimeMs: 3 * HOUR,
      runTimeMs: null,
      limitMs: 2 * HOUR,
    });
    expect(world.lines[0]).toMatchObject({
      msg: 'victims chosen',
      fields: { victims: [{ jobId: jobId(1), clock: 'maxQueueTime', readingMs: 3 * HOUR }] },
    });
  });

  it('tells of old jobs on queues that no rule names, and leaves them alone', async () => {
    const world = await makeWorld({
      jobs: [emulatedJob(1), emulatedJob(2, { queue: 'etl' }), emulatedJob(3, { queue: 'etl' })],
    });

    const report = await world.sweep({}, world.withPolicy({ rules: [{ ...LIMITED, match: { queue: 'adhoc' } }] }));

    expect(deleted(world)).toEqual(['DELETE 1']);
    expect(report).toMatchObject({ unmanagedQueues: { etl: 2 }, counts: { skipped: { 'no-rule': 2 } } });
    expect(report.jobs.map((job) => job.jobId)).toEqual([jobId(1)]);
  });

  it('tells what it has decided while all jobs still live', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const told: { actions: string[]; conversation: string[]; status: string | undefined }[] = [];

    await world.sweep(
      {},
      {
        onJudged: async ({ decisions, context }, readers) => {
          const status = (await readers.get('sql')?.show(jobId(1)))?.status;
          const actions = decisions.map(({ verdict }) => verdict.action);
          told.push({ actions, conversation: world.conversation(), status });
          expect(context.now).toBe(NOW);
        },
      },
    );

    expect(told).toEqual([
      { actions: ['cancel'], conversation: ['GET LAUNCHING 1', 'GET RUNNING 1', 'GET 1/status'], status: 'RUNNING' },
    ]);
    expect(world.emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });
});

describe('sweep, by its exemptions', () => {
  it.each([
    { name: 'of the settings', policy: {}, settings: [keepAna] },
    { name: 'of the policy', policy: { exemptions: [keepAna] }, settings: [] },
  ])('spares the jobs that an exemption $name protects, and no others', async ({ policy, settings }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 20 * HOUR }), emulatedJob(2, { owner: 'bo' })] });

    const report = await world.sweep({}, world.withPolicy(policy, settings));

    expect(deleted(world)).toEqual(['DELETE 2']);
    expect(report).toMatchObject({
      status: 'ok',
      notices: [],
      caps: { victims: 1 },
      counts: { overdue: 1, cancelled: 1, skipped: { exempt: 1 } },
      jobs: [{ decision: 'keep', outcome: 'skipped', reason: 'exempt', rule: 'keep-ana' }, { outcome: 'cancelled' }],
    });
    const line = world.lines.find(({ msg }) => msg === 'job kept');
    expect(line).toMatchObject({ level: 'info', fields: { jobId: jobId(1) } });
    expect(JSON.parse(String(line?.fields.why))).toMatchObject({
      rules: [{ rule: 'r', result: 'cancel' }],
      exemptions: [{ id: 'keep-ana', isInForce: true, holds: 'yes' }],
      verdict: { action: 'keep', reason: 'exempt', rule: 'keep-ana' },
    });
  });

  it.each([
    { key: 'owner', hidden: 'owner', match: { owner: 'bo' } },
    { key: 'queue', hidden: 'queue_name', match: { queue: 'etl' } },
  ])('spares as undetermined whose $key, by which an exemption goes, is unknown', async ({ hidden, match }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { hiddenFields: [hidden] }), emulatedJob(2)] });

    const report = await world.sweep({}, world.withPolicy({}, [{ ...keepAna, match }]));

    expect(deleted(world)).toEqual(['DELETE 2']);
    expect(report.counts).toMatchObject({ cancelled: 1, skipped: { undetermined: 1 } });
  });

  it('cancels whom an expired exemption would have protected, and tells of those that end soon', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { owner: 'bo' })] });
    const ended = { ...keepAna, until: '2026-01-04' };
    const ending = { ...keepAna, id: 'keep-bo', match: { owner: 'bo' }, until: '2026-01-07T09:00:00Z' };

    const report = await world.sweep({}, world.withPolicy({ exemptions: [ended] }, [ending]));

    const notices = [
      expect.stringMatching(/^exemption keep-ana \(owner orders\) expired at 2026-01-05T00:00:00\.000Z/),
      'exemption keep-bo (owner orders) ends at 2026-01-07T09:00:00.000Z, in 2d',
    ];
    expect(deleted(world)).toEqual(['DELETE 1']);
    expect(report).toMatchObject({ status: 'ok', notices });
    expect(world.lines.filter(({ msg }) => msg === 'notice')).toMatchObject(
      notices.map((notice) => ({ level: 'debug', fields: { notice } })),
    );
  });

  const forever = [{ key: 'reaper:ttl', value: 'forever' }];
  it.each<{
    name: string;
    policy: Record<string, unknown>;
    tags: NonNullable<EmulatedJob['tags']>;
    outcome: string;
    reason: string;
  }>([
    {
      name: 'not where the policy does not allow it',
      policy: {},
      tags: forever,
      outcome: 'cancelled',
      reason: 'over-limit',
    },
    {
      name: 'up to the ceiling',
      policy: { tagExemptions: { ceiling: '4h' } },
      tags: forever,
      outcome: 'skipped',
      reason: 'exempt',
    },
    {
      name: 'not beyond the ceiling',
      policy: { tagExemptions: { ceiling: '3h' } },
      tags: forever,
      outcome: 'cancelled',
      reason: 'over-limit',
    },
    {
      name: 'until the day they name',
      policy: { tagExemptions: { ceiling: '4h' } },
      tags: [{ key: 'reaper/exempt-until', value: '2026-01-05' }],
      outcome: 'skipped',
      reason: 'exempt',
    },
    {
      name: 'not after their time',
      policy: { tagExemptions: { ceiling: '4h' } },
      tags: [{ key: 'reaper/ttl', value: '150m' }],
      outcome: 'cancelled',
      reason: 'over-limit',
    },
    {
      name: 'as undetermined where they cannot be read',
      policy: { tagExemptions: { ceiling: '4h' } },
      tags: [{ key: 'reaper:ttl', value: 'soon' }],
      outcome: 'skipped',
      reason: 'undetermined',
    },
  ])('lets tags spare their job: $name', async ({ policy, tags, outcome, reason }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { tags })] });

    const report = await world.sweep({}, world.withPolicy(policy));

    expect(report.jobs).toMatchObject([{ outcome, reason, rule: reason === 'exempt' ? 'tag' : 'r' }]);
    expect(deleted(world)).toEqual(outcome === 'cancelled' ? ['DELETE 1'] : []);
  });
});

describe('sweep, by its caps', () => {
  /** Job 5 has run longest. */
  const overdue = () => [1, 2, 3, 4, 5].map((n) => emulatedJob(n, { ageMs: (2 + n) * HOUR }));
  const young = (count: number) => Array.from({ length: count }, (_, i) => emulatedJob(10 + i, { ageMs: MINUTE }));

  it.each([
    { name: 'maxKills', policy: { maxKills: 2 }, liveJobs: 5, exceeded: '5 victims are more than maxKills 2' },
    {
      name: 'maxKillsPercent',
      policy: { maxKillsPercent: 10 },
      liveJobs: 20,
      exceeded: '5 victims of 20 live jobs are more than maxKillsPercent 10',
    },
    {
      name: 'the lower one of both',
      policy: { maxKills: 3, maxKillsPercent: 10 },
      liveJobs: 20,
      exceeded: '5 victims are more than maxKills 3',
    },
  ])('drains the worst up to $name, and skips the rest', async ({ policy, liveJobs, exceeded }) => {
    const world = await makeWorld({ jobs: [...overdue(), ...young(15)] });

    const report = await world.sweep({}, world.withPolicy({ ...policy, drain: true }));

    expect(deleted(world)).toEqual(['DELETE 4', 'DELETE 5']);
    expect(report).toMatchObject({
      status: 'capped',
      problems: [`over the cap, so only the worst were cancelled: ${exceeded}`],
      counts: { overdue: 5, cancelled: 2, skipped: { cap: 3 } },
      caps: { ...policy, victims: 5, liveJobs, drain: true, exceeded },
    });
    expect(report.jobs.map(({ jobId: id, outcome, reason }) => [id, outcome, reason])).toEqual([
      ...[1, 2, 3].map((n) => [jobId(n), 'skipped', 'cap']),
      ...[4, 5].map((n) => [jobId(n), 'cancelled', 'over-limit']),
    ]);
  });

  it.each([
    { name: 'maxKills', policy: { maxKills: 0 } },
    { name: 'maxKillsPercent', policy: { maxKillsPercent: 0 } },
  ])('cancels no job by drain if $name is zero', async ({ policy }) => {
    const world = await makeWorld({ jobs: overdue() });

    const report = await world.sweep({}, world.withPolicy({ ...policy, drain: true }));

    expect(deleted(world)).toEqual([]);
    expect(report).toMatchObject({ status: 'capped', counts: { cancelled: 0, skipped: { cap: 5 } } });
  });

  it('drains everybody within the caps, and is then not capped', async () => {
    const world = await makeWorld({ jobs: overdue() });

    const report = await world.sweep({}, world.withPolicy({ maxKills: 5, drain: true }));

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 5, skipped: {} }, caps: { exceeded: null } });
  });

  it('puts on record in a dry run whom a drain would cancel', async () => {
    const world = await makeWorld({ jobs: overdue() });

    await world.sweep({ dryRun: true }, world.withPolicy({ maxKills: 2, drain: true }));

    expect(world.lines.filter(({ msg }) => msg === 'victims chosen')).toMatchObject([
      { fields: { count: 2, skipped: 'dry-run', victims: [{ jobId: jobId(5) }, { jobId: jobId(4) }] } },
    ]);
  });

  it("tells of the request's own cap in place of the policy's", async () => {
    const world = await makeWorld({ jobs: overdue() });

    const report = await world.sweep({ dryRun: true, maxKills: 1 }, world.withPolicy({ drain: true }));

    expect(report).toMatchObject({ status: 'capped', caps: { maxKills: 1, victims: 5 } });
    expect(report.problems).toEqual([
      'over the cap, so a live sweep would cancel only the worst: 5 victims are more than maxKills 1',
    ]);
  });

  it.each([{ drain: false }, { drain: true }])(
    'cancels no job if the live jobs cannot be counted, with drain: $drain',
    async ({ drain }) => {
      const world = await makeWorld({ jobs: [...overdue(), ...young(15)] });
      world.emulator.faults.add({
        // The first such call lists.
        on: 'list-sql-jobs',
        target: 'job-status=LAUNCHING',
        skip: 1,
        answer: { status: 400, body: { error_code: 'DLI.0003', error_msg: '' } },
      });

      const report = await world.sweep({}, world.withPolicy({ maxKillsPercent: 50, drain }));

      expect(world.emulator.faults.unmet()).toEqual([]);
      expect(deleted(world)).toEqual([]);
      expect(report).toMatchObject({ status: 'partial', counts: { cancelled: 0, skipped: { partial: 5 } } });
      expect(report.problems[0]).toMatch(/^listing incomplete: the number of live jobs: /);
    },
  );
});

describe('sweep, by statements', () => {
  const SECRET = "SELECT secret_column FROM sales WHERE day = '2026-01-01'";

  it.each([
    { name: 'no rule or exemption asks for', policy: {}, exemptions: [], isKept: false },
    {
      name: 'a rule matches',
      policy: { rules: [{ ...LIMITED, match: { statement: '/from sales/i' } }] },
      exemptions: [],
      isKept: true,
    },
    {
      name: 'a rule ignores',
      policy: { rules: [{ ...LIMITED, ignore: { statement: '/from stock/i' } }] },
      exemptions: [],
      isKept: true,
    },
    {
      name: 'a rule groups by',
      policy: { rules: [{ ...LIMITED, groupBy: 'fingerprint' }] },
      exemptions: [],
      isKept: true,
    },
    {
      name: 'an exemption of the policy matches',
      exemptions: [],
      isKept: true,
      policy: { exemptions: [{ ...keepAna, match: { statement: 'insert *' } }] },
    },
    {
      name: 'an exemption of the settings matches',
      policy: {},
      isKept: true,
      exemptions: [{ ...keepAna, match: { statement: 'insert *' } }],
    },
  ])('keeps statements that $name: $isKept, and shows none', async ({ policy, exemptions, isKept }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { statement: SECRET })] });
    let decisions: readonly Decision[] = [];
    const onJudged = (judgement: { decisions: readonly Decision[] }) => {
      decisions = judgement.decisions;
    };

    const report = await world.sweep({}, { ...world.withPolicy(policy, exemptions), onJudged });

    expect(decisions.map(({ job }) => job.statement)).toEqual([isKept ? SECRET : undefined]);
    expect(report.counts.cancelled).toBe(1);
    expect(JSON.stringify([report, world.lines])).not.toContain('secret_column');
  });

  it('ends a storm of one query but for its oldest, and spares smaller groups', async () => {
    const perDay = (day: number) => `select sum(amount) from sales /* ${day} */ where day = ${day}`;
    const world = await makeWorld({
      jobs: [
        ...[1, 2, 3, 4].map((n) => emulatedJob(n, { statement: perDay(n), ageMs: (10 - n) * HOUR })),
        // Not yet over its limit, so none of the storm.
        emulatedJob(5, { statement: perDay(5), ageMs: HOUR }),
        ...[6, 7].map((n) => emulatedJob(n, { statement: `select max(amount) from sales where day = ${n}` })),
        emulatedJob(8, { hiddenFields: ['statement'] }),
      ],
    });
    const storm = { groupBy: 'fingerprint', minGroupSize: 3, victims: 'all-but-oldest' };

    const report = await world.sweep({}, world.withPolicy({ rules: [{ ...LIMITED, ...storm }] }));

    expect(deleted(world)).toEqual(['DELETE 2', 'DELETE 3', 'DELETE 4']);
    expect(report.counts).toMatchObject({ cancelled: 3, skipped: { group: 3, undetermined: 1 } });
  });
});

describe('sweep, planned and done', () => {
  const RULES = [
    LIMITED,
    { id: 'line', match: { status: 'LAUNCHING' }, maxQueueTime: '2h' },
    { id: 'writes', match: { jobType: ['INSERT', 'DDL'] }, ignore: { owner: 'bo' }, maxRunTime: '2h' },
    { id: 'watch', match: 'all', maxTotalTime: '1h', action: 'warn' },
    {
      id: 'storm',
      match: { queue: 'adhoc' },
      maxTotalTime: '1h',
      groupBy: 'fingerprint',
      minGroupSize: 2,
      victims: 'all-but-oldest',
    },
  ];
  const aJob = fc.record({
    queue: fc.constantFrom('adhoc', 'etl'),
    owner: fc.constantFrom('ana', 'bo'),
    type: fc.constantFrom('QUERY', 'QUERY', 'INSERT', 'SCALE_QUEUE'),
    statement: fc.constantFrom('select 1', 'select 2', 'select a from b'),
    // The clocks stand still, so a job exactly at its limit stays there.
    ageMs: fc.constantFrom(MINUTE, HOUR, 2 * HOUR, 2 * HOUR + 1, 3 * HOUR, 5 * HOUR),
    isWaiting: fc.boolean(),
    tags: fc.constantFrom<NonNullable<EmulatedJob['tags']>>([], [], [{ key: 'reaper:ttl', value: '4h' }]),
    hiddenFields: fc.constantFrom<string[]>([], [], ['owner'], ['start_time'], ['statement']),
  });
  const aPolicy = fc.record({
    rules: fc.subarray(RULES, { minLength: 1 }),
    exemptions: fc.subarray([keepAna]),
    maxKills: fc.constantFrom(0, 1, 2, 20),
    maxKillsPercent: fc.constantFrom(0, 40, 100),
    percentFloor: fc.constantFrom(0, 4),
    drain: fc.boolean(),
  });

  it('cancels exactly whom a dry run of the same frozen world names, and no more than the caps allow', async () => {
    let victims = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(aJob, { maxLength: 9 }), aPolicy, fc.boolean(), async (drafts, policy, byTag) => {
        const jobs = drafts.map(({ isWaiting, ...fields }, n) =>
          emulatedJob(n + 1, { ...fields, ...(isWaiting && { runsFrom: NOW + HOUR }) }),
        );
        const tagExemptions = byTag ? { tagExemptions: { ceiling: '6h' } } : {};
        const runIn = async (dryRun: boolean) => {
          const world = await makeWorld({ jobs: structuredClone(jobs) });
          const report = await world.sweep({ dryRun }, world.withPolicy({ ...policy, ...tagExemptions }));
          await world.emulator.close();
          return { report, deleted: deleted(world) };
        };

        const plan = await runIn(true);
        const live = await runIn(false);

        const named = plan.report.jobs.filter(({ reason }) => reason === 'dry-run');
        expect(plan.deleted).toEqual([]);
        expect(live.deleted).toEqual(named.map(({ jobId: id }) => `DELETE ${Number(id.slice(-3))}`).sort());
        expect(live.deleted.length).toBeLessThanOrEqual(policy.maxKills);
        const decisionsOf = ({ report }: typeof plan) =>
          report.jobs.map((job) => [job.jobId, job.decision, job.rule, job.matched, job.clock, job.limitMs]);
        expect(decisionsOf(live)).toEqual(decisionsOf(plan));
        victims += named.length;
      }),
      {
        numRuns: 40,
        // One that surely has a victim, so that the property never holds for want of any.
        examples: [
          [
            [
              {
                queue: 'adhoc',
                owner: 'ana',
                type: 'QUERY',
                statement: 'select 1',
                ageMs: 3 * HOUR,
                isWaiting: false,
                tags: [],
                hiddenFields: [],
              },
            ],
            { rules: [LIMITED], exemptions: [], maxKills: 20, maxKillsPercent: 100, percentFloor: 4, drain: false },
            false,
          ],
        ],
      },
    );
    expect(victims).toBeGreaterThan(0);
  });
});
