import { describe, expect, it } from 'vitest';
import type { Message, MessageJob } from '../../../lib/sweep/record/message.ts';
import { emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const rule = { id: 'two-hours', match: 'all', maxRunTime: '2h', warnBefore: '30m' };
const first = { ...rule, warnFirst: true };

type World = Awaited<ReturnType<typeof makeWorld>>;

/** Sweeps on the schedule's behalf after a time has passed. Each sweep has an id of its own. */
function scheduled(world: World, policy: Record<string, unknown> = { rules: [rule] }) {
  let count = 0;
  return async (afterMs = 0, more: Parameters<World['sweep']>[1] = {}, exemptions: readonly unknown[] = []) => {
    world.pass(afterMs);
    const from = world.lines.length;
    count += 1;
    const report = await world.sweep(
      { trigger: 'schedule', sweepId: `sweep-${count}` },
      {
        ...world.withPolicy(policy, exemptions),
        readRecord: world.readRecord,
        deadlineAt: world.clock.now() + 10 * MINUTE,
        ...more,
      },
    );
    const messages = world.lines
      .slice(from)
      .flatMap(({ msg, fields }) => (msg === 'message' ? [fields as unknown as Message] : []));
    const toOwner = messages.filter(({ to }) => to === 'owner').flatMap(({ jobs }) => jobs);
    const saidTo = (owner: string): [MessageJob['kind'], string][] =>
      messages
        .filter((one) => one.owner === owner)
        .flatMap(({ jobs }) => jobs.map(({ kind, jobId: id }) => [kind, id]));
    return { report, messages, toOwner, saidTo };
  };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

describe('a rule with warnBefore', () => {
  it('warns the owner of a job that comes to the limit within that time, and of no younger one', async () => {
    const jobs = [
      emulatedJob(1, { ageMs: 89 * MINUTE, owner: 'bo' }),
      emulatedJob(2, { ageMs: 91 * MINUTE, owner: 'ana' }),
      emulatedJob(3, { ageMs: 110 * MINUTE, owner: 'ana' }),
    ];
    const world = await makeWorld({ jobs });

    const { report, toOwner, messages } = await scheduled(world)();

    expect(report).toMatchObject({ status: 'ok', counts: { warned: 2, cancelled: 0, overdue: 0 } });
    expect(toOwner.map(({ kind, jobId: id, at }) => [kind, id, at])).toEqual([
      ['may-be-cancelled', jobId(2), timeOf(NOW + 29 * MINUTE)],
      ['may-be-cancelled', jobId(3), timeOf(NOW + 10 * MINUTE)],
    ]);
    expect(toOwner[0]).toMatchObject({
      rule: 'two-hours',
      clock: 'maxRunTime',
      limitMs: 2 * HOUR,
      readingMs: 91 * MINUTE,
    });
    expect(messages.find(({ to }) => to === 'operators')?.jobs).toEqual([]);
  });

  it('does not delay a cancel if the warning was missed', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });

    const { report } = await scheduled(world)();

    expect(report.counts).toMatchObject({ cancelled: 1, warned: 0 });
  });

  it('warns of no job that is exempt, frozen or protected, and of none while the reaper is stopped', async () => {
    const jobs = [
      emulatedJob(1, { ageMs: 100 * MINUTE, owner: 'exempt' }),
      emulatedJob(2, { ageMs: 100 * MINUTE, owner: 'frozen' }),
      emulatedJob(3, { ageMs: 100 * MINUTE, type: 'INSERT' }),
      emulatedJob(4, { ageMs: 100 * MINUTE, owner: 'ana' }),
    ];
    const world = await makeWorld({ jobs });
    const until = '2026-01-06T09:00:00Z';
    const policy = {
      rules: [rule],
      exemptions: [{ id: 'e', reason: 'why', owner: 'team', until, match: { owner: 'exempt' } }],
      freezes: [{ id: 'f', reason: 'why', from: '2026-01-05T08:00:00Z', until, match: { owner: 'frozen' } }],
    };
    const sweep = scheduled(world, policy);
    const { loadSettings } = world.withPolicy(policy);
    const off = async (asked: Parameters<typeof world.deps.loadSettings>[0]) => ({
      ...(await (loadSettings ?? world.deps.loadSettings)(asked)),
      isSwitchedOn: false,
    });

    const running = await sweep();
    const stopped = await sweep(0, { loadSettings: off });

    expect(running.toOwner.map(({ jobId: id }) => id)).toEqual([jobId(4)]);
    expect(stopped.toOwner).toEqual([]);
    expect(stopped.report.counts.warned).toBe(0);
  });

  it('says of a job that ended by itself that it did, once', async () => {
    const jobs = [
      emulatedJob(1, { ageMs: 100 * MINUTE, endsAt: NOW + 10 * MINUTE }),
      emulatedJob(2, { ageMs: MINUTE }),
    ];
    const world = await makeWorld({ jobs });
    const sweep = scheduled(world);

    expect((await sweep()).saidTo('ana')).toEqual([['may-be-cancelled', jobId(1)]]);
    expect((await sweep(15 * MINUTE)).saidTo('ana')).toEqual([['ended', jobId(1)]]);
    expect((await sweep(15 * MINUTE)).saidTo('ana')).toEqual([]);
  });

  it('says so of a job that ended right before its cancel', async () => {
    const endsAt = NOW + 15 * MINUTE + 1_000;
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 110 * MINUTE, endsAt })] });
    const sweep = scheduled(world);
    await sweep();

    const { report, saidTo } = await sweep(15 * MINUTE, { onJudged: () => world.pass(2_000) });

    expect(report.counts).toMatchObject({ alreadyTerminal: 1, cancelled: 0 });
    expect(saidTo('ana')).toEqual([['ended', jobId(1)]]);
  });

  it('says nothing of a job that is missing if not all jobs could be listed', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 100 * MINUTE, endsAt: NOW + 10 * MINUTE })] });
    const sweep = scheduled(world);
    await sweep();
    const answer = { status: 400, body: {} };
    world.emulator.faults.add({ on: 'list-sql-jobs', target: 'LAUNCHING', times: Number.POSITIVE_INFINITY, answer });

    const { report, saidTo } = await sweep(15 * MINUTE);

    expect(report.status).toBe('partial');
    expect(saidTo('ana')).toEqual([]);
  });

  it('says it also if another sweep of the target came in between', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 100 * MINUTE, endsAt: NOW + 10 * MINUTE })] });
    await scheduled(world)();
    await scheduled(world, { rules: [{ id: 'night', match: { queue: 'night' }, maxRunTime: '1h' }] })(15 * MINUTE);

    const { saidTo } = await scheduled(world)(15 * MINUTE);

    expect(saidTo('ana')).toEqual([['ended', jobId(1)]]);
  });

  it('does not take a Flink job for ended that no list has, since one that writes a savepoint is in none', async () => {
    const flink = { ...rule, engines: ['flink'], match: 'all' };
    const stream = emulatedFlinkJob(7, {
      life: [
        { from: NOW - 100 * MINUTE, state: 'job_running' },
        { from: NOW + 10 * MINUTE, state: 'job_savepointing' },
        { from: NOW + 20 * MINUTE, state: 'job_running' },
      ],
    });
    const world = await makeWorld({ jobs: [], flinkJobs: [stream] });
    const sweep = scheduled(world, { rules: [flink] });

    const warned = await sweep();
    const later = await sweep(15 * MINUTE);

    expect(warned.toOwner).toMatchObject([{ kind: 'may-be-cancelled', jobId: '7' }]);
    expect(later.toOwner).toEqual([]);
  });

  it('says of a job that an exemption keeps until when, and whose it is, once', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 100 * MINUTE })] });
    const sweep = scheduled(world);
    const until = '2026-01-05T18:00:00Z';
    const exemptions = [{ id: 'backfill', reason: 'why', owner: 'data-team', until, match: { owner: 'ana' } }];
    await sweep();

    const kept = await sweep(15 * MINUTE, {}, exemptions);
    const later = await sweep(15 * MINUTE, {}, exemptions);

    expect(kept.toOwner).toMatchObject([
      {
        kind: 'kept',
        jobId: jobId(1),
        owner: 'ana',
        at: '2026-01-05T18:00:00.000Z',
        keptBy: { exemption: 'backfill', owner: 'data-team' },
      },
    ]);
    expect(later.saidTo('ana')).toEqual([]);
  });

  it('goes on without these if the record cannot be read', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 100 * MINUTE })] });
    const readRecord = async () => {
      throw new Error('no rights');
    };

    const { report, saidTo } = await scheduled(world)(0, { readRecord });

    expect(report).toMatchObject({ status: 'ok', notices: [expect.stringContaining('no rights')] });
    expect(saidTo('ana')).toEqual([['may-be-cancelled', jobId(1)]]);
  });
});

describe('a rule with warnFirst', () => {
  it('cancels no job before its warning is on record for that long', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });
    const sweep = scheduled(world, { rules: [first] });

    const found = await sweep();
    const later = await sweep(29 * MINUTE);
    const last = await sweep(2 * MINUTE);

    expect(found.report.jobs).toMatchObject([
      {
        decision: 'cancel',
        outcome: 'skipped',
        reason: 'warn-first',
        warning: { mayBeCancelledAt: timeOf(NOW + 30 * MINUTE) },
      },
    ]);
    expect(found.toOwner).toMatchObject([
      { kind: 'may-be-cancelled', at: timeOf(NOW + 30 * MINUTE), readingMs: 3 * HOUR },
    ]);
    expect(later.report.counts).toMatchObject({ cancelled: 0, skipped: { 'warn-first': 1 } });
    expect(later.report.jobs[0]?.warning?.mayBeCancelledAt).toBe(timeOf(NOW + 30 * MINUTE));
    expect(last.report.counts).toMatchObject({ cancelled: 1, warned: 0 });
    expect(world.conversation().filter((call) => call.startsWith('DELETE'))).toHaveLength(1);
  });

  it('cancels a job that was warned of in time as soon as it is over its limit', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 91 * MINUTE })], cancelDelayMs: 0 });
    const sweep = scheduled(world, { rules: [first] });

    expect((await sweep()).report.counts).toMatchObject({ warned: 1 });
    expect((await sweep(31 * MINUTE)).report.counts).toMatchObject({ cancelled: 1 });
  });

  it('says of a job that was warned of late when it may really be cancelled', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 115 * MINUTE })] });

    const { toOwner } = await scheduled(world, { rules: [first] })();

    expect(toOwner).toMatchObject([{ at: timeOf(NOW + 30 * MINUTE) }]);
  });

  it('gives a job no more than one further period if its warning was lost', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });
    const sweep = scheduled(world, { rules: [first] });
    await sweep();
    const lost = world.lines.findIndex(({ msg }) => msg === 'job may be cancelled');
    world.lines.splice(lost, 1);

    expect((await sweep(15 * MINUTE)).report.counts).toMatchObject({ cancelled: 0 });
    expect((await sweep(16 * MINUTE)).report.counts).toMatchObject({ cancelled: 0 });
    expect((await sweep(15 * MINUTE)).report.counts).toMatchObject({ cancelled: 1 });
  });

  it('cancels a job that was warned of for a whole day, however long the period is', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 0, endsAt: NOW + 99 * HOUR })], cancelDelayMs: 0 });
    const slow = { ...first, maxRunTime: '25h', warnBefore: '24h' };
    const sweep = scheduled(world, { rules: [slow] });

    const outcomes: unknown[] = [];
    for (let hour = 1; hour <= 30; hour++) outcomes.push((await sweep(HOUR)).report.counts.cancelled);

    expect(outcomes.indexOf(1)).toBeGreaterThanOrEqual(24);
    expect(outcomes).toContain(1);
  });

  it('warns anew of a job that was kept in between', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 91 * MINUTE })], cancelDelayMs: 0 });
    const sweep = scheduled(world, { rules: [first] });
    const until = '2026-01-05T18:00:00Z';
    const exemptions = [{ id: 'backfill', reason: 'why', owner: 'data-team', until, match: { owner: 'ana' } }];
    await sweep();
    await sweep(15 * MINUTE, {}, exemptions);

    const back = await sweep(15 * MINUTE);
    const later = await sweep(31 * MINUTE);

    expect(back.report.counts).toMatchObject({ cancelled: 0, skipped: { 'warn-first': 1 } });
    expect(later.report.counts).toMatchObject({ cancelled: 1 });
  });

  it('warns of jobs also where a cap spares all of them', async () => {
    const world = await makeWorld({ jobs: [1, 2, 3].map((n) => emulatedJob(n)), cancelDelayMs: 0 });

    const { report, toOwner } = await scheduled(world, { rules: [first], maxKills: 2 })();

    expect(report).toMatchObject({
      status: 'capped',
      counts: { cancelled: 0, warned: 3, skipped: { 'warn-first': 3 } },
    });
    expect(toOwner).toHaveLength(3);
  });

  it('takes no warning of an earlier run, of another rule or of a dry run for one of this job', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });
    await scheduled(world, { mode: 'dry-run', rules: [first] })();
    await scheduled(world, { rules: [{ ...first, id: 'other' }] })(5 * MINUTE);

    const { report } = await scheduled(world, { rules: [first] })(31 * MINUTE);

    expect(report.counts).toMatchObject({ cancelled: 0, skipped: { 'warn-first': 1 } });
  });

  it('cancels nothing without a record, since no warning is known', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const { report } = await scheduled(world, { rules: [first] })(0, { readRecord: undefined });

    expect(report.counts).toMatchObject({ cancelled: 0, skipped: { 'warn-first': 1 } });
  });

  it('is no reason to spare a job that a rule without it cancels', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], cancelDelayMs: 0 });
    const hard = { id: 'longer', match: 'all', maxRunTime: '2h30m' };

    const { report } = await scheduled(world, { rules: [first, hard] })();

    expect(report.jobs).toMatchObject([{ rule: 'longer', matched: ['longer', 'two-hours'], outcome: 'cancelled' }]);
  });
});

describe('a job that is cancelled again', () => {
  const like = (n: number, fields: object = {}) =>
    emulatedJob(n, { statement: `select x from t where day = ${n}`, ...fields });

  it('is counted by the shape of its statement, its owner and its queue, from the record alone', async () => {
    const jobs = [
      like(1),
      like(2, { submittedAt: NOW + HOUR, runsFrom: NOW + HOUR }),
      like(3, { owner: 'bo', submittedAt: NOW + HOUR, runsFrom: NOW + HOUR }),
    ];
    const world = await makeWorld({ jobs, cancelDelayMs: 0 });
    const sweep = scheduled(world);

    const one = await sweep();
    const two = await sweep(4 * HOUR);

    expect(one.report.jobs.map(({ repeats }) => repeats)).toEqual([0]);
    expect(two.report.jobs.map(({ jobId: id, repeats }) => [id, repeats])).toEqual([
      [jobId(2), 1],
      [jobId(3), 0],
    ]);
    expect(two.report.counts).toMatchObject({ cancelled: 2, repeats: 1 });
    expect(two.report.jobs[0]?.fingerprint).toBe(one.report.jobs[0]?.fingerprint);
    expect(two.toOwner).toMatchObject([
      { kind: 'cancelled', repeats: 1 },
      { kind: 'cancelled', repeats: 0 },
    ]);
    expect(JSON.stringify(world.lines)).not.toContain('select x');
  });

  it('is no repeat of what the same sweep cancels with it', async () => {
    const world = await makeWorld({ jobs: [like(1), like(2)], cancelDelayMs: 0 });
    const sweep = scheduled(world);

    expect((await sweep()).report.jobs.map(({ repeats }) => repeats)).toEqual([0, 0]);
    world.emulator.sql.add(like(3, { submittedAt: NOW + HOUR, runsFrom: NOW + HOUR }));
    expect((await sweep(4 * HOUR)).report.jobs.map(({ repeats }) => repeats)).toEqual([1]);
  });

  it('is no repeat a day later, and not known to be one without a record', async () => {
    const jobs = [
      like(1),
      like(2, { submittedAt: NOW + 22 * HOUR, runsFrom: NOW + 22 * HOUR, endsAt: NOW + 72 * HOUR }),
    ];
    const world = await makeWorld({ jobs, cancelDelayMs: 0 });
    const sweep = scheduled(world);

    const one = await sweep(0, { readRecord: undefined });
    const two = await sweep(25 * HOUR);

    expect(one.report.jobs[0]?.repeats).toBeNull();
    expect(two.report.jobs[0]?.repeats).toBe(0);
  });
});
