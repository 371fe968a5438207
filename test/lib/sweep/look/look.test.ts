import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../lib/request/request.ts';
import { lookBack } from '../../../../lib/sweep/look/look.ts';
import { emulatedFlinkJob } from '../../../helpers/emulated-api.ts';
import { makeJob, makePolicy, makeStoredLook } from '../../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../../helpers/world.ts';

describe('look', () => {
  it('reads the details of a job that becomes a victim only by the details of another', async () => {
    const older = emulatedFlinkJob(146, { ageMs: 9 * HOUR });
    const younger = emulatedFlinkJob(147, {
      life: [
        { from: NOW - 5 * HOUR, state: 'job_submitting' },
        { from: NOW - 5 * HOUR, state: 'job_running' },
        // DLI changed it an hour ago, which only its details tell: it may be a savepoint that failed.
        { from: NOW - HOUR, state: 'job_running' },
      ],
    });
    const world = await makeWorld({ jobs: [], flinkJobs: [older, younger] });
    const life = [...older.life, { from: NOW, state: 'job_finish' as const }];
    world.emulator.faults.add({ on: 'show-flink-job', change: [{ job: '146', set: { life } }] });
    const rules = [{ id: 'r', engines: ['flink'], match: 'all', maxRunTime: '2h', victims: 'oldest' }];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(world.conversation()).toEqual([
      'GET flink job_submitting 0',
      'GET flink job_running 0',
      'GET flink 146',
      'GET flink 147',
    ]);
    expect(report.jobs.map(({ jobId: id, reason }) => [id, reason])).toEqual([
      ['146', 'terminal'],
      ['147', 'asked-recently'],
    ]);
  });

  it('that gets no answer is incomplete, and says nothing of the clocks', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    world.emulator.faults.add({ on: 'list-sql-jobs', times: Number.POSITIVE_INFINITY, answer: 'reset' });

    const { status, stoppedBy, problems } = await world.sweep({});

    const { host } = new URL(world.emulator.connection.url);
    expect({ status, stoppedBy }).toEqual({ status: 'partial', stoppedBy: null });
    expect(problems).toEqual(
      ['LAUNCHING', 'RUNNING'].map(
        (one) => `listing incomplete: list ${one} jobs, page 1: connection to ${host} lost (ECONNRESET)`,
      ),
    );
  });

  it('does not trust the clocks where it has read a named job, and got no other answer', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    world.emulator.faults.add({ on: 'list-sql-jobs', times: Number.POSITIVE_INFINITY, answer: 'reset' });
    const request = parseRequest({
      kind: 'emergency',
      jobIds: [jobId(1)],
      target: 'test',
      reason: 'stuck',
      dryRun: false,
      confirm: 'test',
      askedAt: new Date(NOW).toISOString(),
    });

    const report = await world.sweep(request);

    expect(report).toMatchObject({ status: 'stopped', stoppedBy: 'clock', counts: { seen: 1, cancelled: 0 } });
    expect(world.emulator.statusOf(jobId(1))).toBe('RUNNING');
  });
});

describe('lookBack', () => {
  const old = makeJob();
  const young = makeJob({ id: jobId(2), startedAt: NOW - HOUR });
  const stream = makeJob({ engine: 'flink', id: '146', startedAt: NOW - HOUR });
  const scope = new Map([['sql' as const, NOW - 2 * HOUR]]);

  it('sees what a sweep would have listed, and counts what it would have counted', async () => {
    const sight = lookBack(makeStoredLook({ jobs: [old, young, stream] }), scope);

    expect(sight).toMatchObject({ engines: ['sql'], jobs: [old], now: NOW, clockProblem: undefined, gaps: [] });
    expect(await sight.countLive('sql')).toBe(2);
  });

  it('sees every job of an engine whose lists cannot be cut by age', () => {
    const streams = new Map([['flink' as const, NOW - 2 * HOUR]]);

    expect(lookBack(makeStoredLook({ jobs: [old, young, stream] }), streams).jobs).toEqual([stream]);
  });

  it('passes on that the clocks disagreed, and the gaps that matter to the policy', () => {
    const gaps = [
      { engine: 'sql', what: 'one page' },
      { engine: 'flink', what: 'another page' },
      { engine: undefined, what: 'any page' },
    ] as const;

    const sight = lookBack(makeStoredLook({ gaps, clockProblem: 'hours apart' }), scope);

    expect(sight).toMatchObject({ clockProblem: 'hours apart', gaps: [{ what: 'one page' }, { what: 'any page' }] });
  });

  it('tells of an engine that was not looked at', () => {
    const sight = lookBack(makeStoredLook({ engines: ['spark'] }), scope);

    expect(sight.gaps).toEqual([{ engine: 'sql', what: 'SQL jobs: not looked at' }]);
  });
});

describe('a rule', () => {
  it('is tried once on each job, however much a sweep reads, reports and logs of it', async () => {
    const tried: string[] = [];
    const policy = makePolicy({
      rules: [
        { id: 'r', engines: ['sql', 'flink'], match: { owner: '*' }, ignore: { queue: 'etl' }, maxRunTime: '2h' },
      ],
    });
    const [rule] = policy.rules;
    const owner = { text: '*', matches: (value: string) => tried.push(value) > 0 };
    const counting = { ...policy, rules: [{ ...rule, match: { owner: [owner] } }] } as typeof policy;
    const world = await makeWorld({
      jobs: [],
      flinkJobs: [emulatedFlinkJob(146, { owner: 'eve' }), emulatedFlinkJob(147, { owner: 'cy', ageMs: HOUR })],
    });

    await world.sweep(
      {},
      { loadSettings: async (request) => ({ ...(await world.deps.loadSettings(request)), policy: counting }) },
    );

    expect(world.lines.map(({ msg }) => msg)).toContain('job cancelled');
    // The job that was overdue is another one once its details are known.
    expect(tried.toSorted()).toEqual(['cy', 'eve', 'eve']);
  });
});
