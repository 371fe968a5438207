import { describe, expect, it } from 'vitest';
import type { EmulatedFlinkJob } from '../../../emulator/flink/jobs.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { type Emergency, emergencyPolicy } from '../../../lib/policy/emergency.ts';
import { toEmergency } from '../../../lib/request/emergency.ts';
import type { SweepRequest } from '../../../lib/request/request.ts';
import type { SweepDeps } from '../../../lib/sweep/deps.ts';
import { emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const EMERGENCY = toEmergency({ olderThan: 10 * MINUTE, engine: ['sql'] });

/** A world in which an emergency is asked for at `NOW`, and its sweep begins so much later. */
async function makeNight(
  options: Partial<EmulatorOptions> & { jobs: EmulatedJob[] },
  { lateMs = 0, emergency: changes = {} }: { lateMs?: number; emergency?: Partial<Emergency> } = {},
) {
  const world = await makeWorld(options);
  const emergency = { ...EMERGENCY, ...changes };
  world.pass(lateMs);
  const sweep = (more: Partial<SweepRequest> = {}, deps: Partial<SweepDeps> = {}) =>
    world.sweep(
      { trigger: 'emergency', emergency, askedAt: NOW, ...more },
      {
        deadlineAt: NOW + HOUR,
        loadSettings: async (asked) => ({
          ...(await world.deps.loadSettings(asked)),
          policy: emergencyPolicy(emergency),
        }),
        ...deps,
      },
    );
  const deletes = () => world.conversation().filter((line) => line.startsWith('DELETE'));
  return { ...world, sweep, deletes };
}

describe('a sweep whose request expires before its first cancel', () => {
  it.each([
    { name: 'an emergency', request: { trigger: 'emergency' }, goodForMs: 10 * MINUTE },
    { name: 'a sweep by hand', request: { trigger: 'manual' }, goodForMs: 30 * MINUTE },
    { name: 'a tick', request: { trigger: 'schedule' }, goodForMs: 15 * MINUTE },
  ] as const)('cancels no job and says so: $name', async ({ request, goodForMs }) => {
    const night = await makeNight({ jobs: [emulatedJob(1)] });
    // The sweep begins in time, and the last look at the switch ends too late.
    const until = (at: number): Partial<SweepDeps> => ({
      periodMs: 15 * MINUTE,
      beforeCancelling: async () => night.pass(at - night.clock.now()),
    });

    const late = await night.sweep(request, until(NOW + goodForMs + 1));

    expect(late).toMatchObject({ status: 'stopped', counts: { overdue: 1, cancelled: 0, skipped: { expired: 1 } } });
    const expiredAt = new Date(NOW + goodForMs).toISOString();
    expect(late.problems).toEqual([
      `stopped: the request expired at ${expiredAt}, before the first cancel; no job was cancelled, so ask again if it is still wanted`,
    ]);
    expect(night.lines.find(({ msg }) => msg === 'victims chosen')?.fields).toMatchObject({ skipped: 'expired' });
    expect(night.deletes()).toEqual([]);
  });

  it('cancels at the last moment that is not too late', async () => {
    const night = await makeNight({ jobs: [emulatedJob(1)] });

    const report = await night.sweep({}, { beforeCancelling: async () => night.pass(10 * MINUTE) });

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
  });

  it('is not called late where it has no job to cancel, or a cap stands in the way', async () => {
    const quiet = await makeNight({ jobs: [emulatedJob(1, { ageMs: MINUTE })] }, { lateMs: 11 * MINUTE });
    const capped = await makeNight({ jobs: [emulatedJob(1)] }, { lateMs: 11 * MINUTE, emergency: { maxKills: 0 } });

    expect((await quiet.sweep()).status).toBe('ok');
    expect((await capped.sweep()).status).toBe('capped');
  });

  it('does not believe an asking that lies ahead: it was asked for when it came', async () => {
    const night = await makeNight({ jobs: [emulatedJob(1)] });

    const report = await night.sweep(
      { askedAt: NOW + 24 * HOUR },
      { beforeCancelling: async () => night.pass(11 * MINUTE) },
    );

    expect(report).toMatchObject({ status: 'stopped', counts: { skipped: { expired: 1 } } });
  });
});

describe('an emergency that is carried out some minutes after it was asked for', () => {
  /** Old enough when it was asked for; old enough by now; and not there yet when it was asked for. */
  const jobs = () => [
    emulatedJob(1, { ageMs: 11 * MINUTE }),
    emulatedJob(2, { ageMs: 5 * MINUTE }),
    emulatedJob(3, { ageMs: -MINUTE }),
  ];

  it('cancels what was old enough at the asking, and no other', async () => {
    const night = await makeNight({ jobs: jobs() }, { lateMs: 9 * MINUTE });

    const report = await night.sweep();

    expect(report).toMatchObject({ status: 'ok', counts: { seen: 1, cancelled: 1 } });
    expect(report.jobs).toMatchObject([{ jobId: jobId(1), totalTimeMs: 11 * MINUTE }]);
    expect(night.deletes()).toEqual(['DELETE 1']);
  });

  it.each([
    { name: 'ahead of ours', skewMs: 4 * MINUTE },
    { name: 'behind ours', skewMs: -4 * MINUTE },
  ])('takes no job that was submitted later where the clock of DLI is $name', async ({ skewMs }) => {
    const clock = { now: () => NOW };
    const serviceNow = () => clock.now() + skewMs;
    // By DLI's own clock: two seconds after the asking, and two seconds before it.
    const submitted = (n: number, afterMs: number) => emulatedJob(n, { ageMs: -skewMs - afterMs });
    const night = await makeNight(
      { jobs: [submitted(1, 2_000), submitted(2, -HOUR)], now: serviceNow },
      { emergency: { olderThanMs: 0, jobIds: [jobId(1), jobId(2)] } },
    );
    clock.now = night.clock.now;
    night.pass(9 * MINUTE);

    await night.sweep();

    expect(night.deletes()).toEqual(['DELETE 2']);
  });

  it('takes no run of a Flink job that began later, and tells the person who named it', async () => {
    const life: EmulatedFlinkJob['life'] = [
      { from: NOW + MINUTE, state: 'job_submitting' },
      { from: NOW + MINUTE, state: 'job_running' },
    ];
    const restarted = emulatedFlinkJob(146, { life });
    const unnamed = emulatedFlinkJob(147, { life });
    const night = await makeNight(
      { jobs: [], flinkJobs: [restarted, unnamed] },
      { lateMs: 5 * MINUTE, emergency: { engines: ['flink'], olderThanMs: 0, jobIds: ['146'], savepoint: false } },
    );

    const report = await night.sweep();

    expect(report).toMatchObject({ status: 'failed', counts: { seen: 1, overdue: 0, cancelled: 0 } });
    expect(report.unmet).toEqual(['job 146 is spared: it began after this was asked for']);
    expect(night.conversation().filter((line) => line.startsWith('POST'))).toEqual([]);
  });

  it('counts from now in a sweep by a policy, however long ago that was asked for', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 115 * MINUTE })] });
    world.pass(9 * MINUTE);

    const report = await world.sweep({ askedAt: NOW }, { deadlineAt: NOW + HOUR });

    expect(report).toMatchObject({ counts: { cancelled: 1 }, jobs: [{ runTimeMs: 124 * MINUTE }] });
  });
});

describe('an emergency for jobs by their ids', () => {
  const named = (...jobIds: string[]) => ({ emergency: { olderThanMs: 0, jobIds } });

  it('is not met by a job that is not there', async () => {
    const night = await makeNight({ jobs: [emulatedJob(1)] }, named(jobId(1), jobId(7)));

    const report = await night.sweep();

    const missing = `job ${jobId(7)} is not among the live SQL jobs; if it should be, check target and project`;
    expect(report).toMatchObject({ status: 'failed', unmet: [missing], notices: [], counts: { cancelled: 1 } });
    expect(report.problems).toContain(missing);
  });

  it('is met by a job that has ended by itself since its plan was shown', async () => {
    const over = emulatedJob(7, { endsAt: NOW - MINUTE });
    const night = await makeNight({ jobs: [emulatedJob(1), over] }, named(jobId(1), jobId(7)));

    const report = await night.sweep();

    expect(report).toMatchObject({ status: 'ok', unmet: [], counts: { cancelled: 1, skipped: { terminal: 1 } } });
    expect(night.conversation()).toContain('GET 7/status');
  });

  it('says of a job that is too young for the lists that it is younger than was asked for', async () => {
    const young = emulatedJob(7, { ageMs: 5 * MINUTE });
    const night = await makeNight({ jobs: [young] }, { emergency: { jobIds: [jobId(7)], olderThanMs: 10 * MINUTE } });

    const report = await night.sweep();

    expect(report.unmet).toEqual([`job ${jobId(7)} is spared: it is younger than was asked for`]);
    expect(night.deletes()).toEqual([]);
  });

  it('looks under each engine that could have the id, and tells of an answer that it cannot read', async () => {
    const night = await makeNight(
      {
        jobs: [],
        faults: [{ on: 'show-sql-job-status', answer: { status: 500, body: '' }, times: 100 }],
      },
      { emergency: { olderThanMs: 0, jobIds: [jobId(7)], engines: ['sql', 'spark'] } },
    );

    const report = await night.sweep();

    expect(report.status).toBe('partial');
    expect(report.problems[0]).toContain(`listing incomplete: read job ${jobId(7)}: 500`);
    expect(night.conversation()).toContain('GET batch 7');
  });

  it('reads none of them one by one where so many are missing that the target must be another one', async () => {
    const jobIds = Array.from({ length: 51 }, (_, n) => jobId(n + 100));
    const night = await makeNight({ jobs: [] }, named(...jobIds));

    const report = await night.sweep();

    expect(report.unmet).toHaveLength(51);
    expect(night.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1']);
  });
});
