import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../../cli/screen/exit-code.ts';
import type { EmulatedJob } from '../../../../emulator/sql/jobs.ts';
import type { Job } from '../../../../lib/base/job.ts';
import { type Emergency, emergencyPolicy } from '../../../../lib/policy/emergency.ts';
import { toEmergency } from '../../../../lib/request/emergency.ts';
import type { Decision } from '../../../../lib/sweep/judge/decide.ts';
import { describeUndetermined, isBlind } from '../../../../lib/sweep/judge/undetermined.ts';
import { decideOne, makeExemption, makeFreeze, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../../helpers/world.ts';

const R = { id: 'r', match: 'all', maxRunTime: '2h' };
const HIBERNATING = { status: 'HIBERNATING', state: 'unknown' } as const;

const decided = (job: Partial<Job>, rule: object = {}): Decision =>
  decideOne(makeJob(job), makePolicy({ rules: [{ ...R, ...rule }] }));

describe('describeUndetermined', () => {
  it.each([
    { job: HIBERNATING, rule: {}, why: 'the status HIBERNATING is not known' },
    { job: HIBERNATING, rule: { match: { queue: 'adhoc' } }, why: 'the status HIBERNATING is not known' },
    { job: { status: undefined, state: 'unknown' }, rule: {}, why: 'the status is missing, or cannot be read' },
    { job: { id: '7' }, rule: {}, why: 'the id is not one that a job can have' },
    { job: { type: 'VACUUM' }, rule: {}, why: 'the type VACUUM is not known' },
    { job: { type: undefined }, rule: {}, why: 'the type is missing, or cannot be read' },
    {
      job: { queue: undefined },
      rule: { match: { owner: '*', queue: 'adhoc' } },
      why: 'the queue is missing, or cannot be read',
    },
    {
      job: { tags: undefined },
      rule: { ignore: { owner: 'ana', tag: 'keep' } },
      why: 'the tag is missing, or cannot be read',
    },
    { job: { owner: undefined }, rule: { groupBy: 'owner' }, why: 'the owner is missing, or cannot be read' },
    {
      job: { statement: 'x'.repeat(65_537) },
      rule: { match: { statement: '/y/' } },
      why: 'the statement is missing, or takes too long to look through',
    },
    {
      job: { statement: 'x'.repeat(65_537) },
      rule: { groupBy: 'fingerprint' },
      why: 'the fingerprint is missing, or takes too long to look through',
    },
    { job: { startedAt: undefined }, rule: {}, why: 'the start is missing, or cannot be right' },
    { job: { startedAt: NOW / 1_000 }, rule: {}, why: 'the start is missing, or cannot be right' },
  ] as const)('says that $why', ({ job, rule, why }) => {
    const decision = decided(job, rule);

    expect(decision.verdict.reason).toBe('undetermined');
    expect(describeUndetermined([decision])).toBe(
      `1 job could not be judged, and is spared as undetermined, because ${why}`,
    );
  });

  it('says that an exemption may be for the job', () => {
    const decision = decideOne(makeJob({ owner: undefined }), makePolicy(), [makeExemption()]);

    expect(describeUndetermined([decision])).toContain('because it is not known whether an exemption covers it');
  });

  it('says that a freeze may be for the job', () => {
    const policy = { ...makePolicy(), freezes: [makeFreeze()] };

    expect(describeUndetermined([decideOne(makeJob({ owner: undefined }), policy)])).toContain(
      'because it is not known whether a freeze covers it',
    );
  });

  it('says that what was read right before the cancel is not known, of a job that was to be cancelled', () => {
    expect(describeUndetermined([decided({})])).toContain('because the status that was read right before the cancel');
  });

  it('tells the commonest reason, and of how many; of two as common the first by its letters', () => {
    const [unknown, late] = [decided(HIBERNATING), decided({ startedAt: undefined })];
    const begin = 'jobs could not be judged, and are spared as undetermined,';

    expect(describeUndetermined([late, unknown, unknown])).toBe(
      `3 ${begin} 2 of them because the status HIBERNATING is not known`,
    );
    expect(describeUndetermined([unknown, late])).toBe(
      `2 ${begin} 1 of them because the start is missing, or cannot be right`,
    );
    expect(describeUndetermined([late, late])).toBe(`2 ${begin} because the start is missing, or cannot be right`);
  });

  it('cuts a word that is too long for a sentence', () => {
    expect(describeUndetermined([decided({ ...HIBERNATING, status: 'x'.repeat(300) })]).length).toBeLessThan(160);
  });
});

describe('isBlind', () => {
  const QUEUED = { status: 'LAUNCHING', state: 'queued' } as const;
  const undetermined = decided(HIBERNATING);

  it.each([
    { name: 'one over its limit', other: decided({}) },
    { name: 'one within its limit', other: decided({ startedAt: NOW - HOUR }) },
    { name: 'one that waits', other: decided(QUEUED) },
    { name: 'a write that no rule names', other: decided({ type: 'INSERT' }) },
    { name: 'one that is not of its group', other: decided({}, { minGroupSize: 5 }) },
  ])('is not said of a sweep that could judge $name', ({ other }) => {
    expect(isBlind([undetermined, other])).toBe(false);
    expect(isBlind([other])).toBe(false);
  });

  it.each([
    { name: 'one that no rule is for', other: decided({}, { match: { queue: 'etl' } }) },
    { name: 'one that is exempt', other: decideOne(makeJob(), makePolicy(), [makeExemption()]) },
    { name: 'one that its rule ignores, whatever its age', other: decided({}, { ignore: { owner: 'ana' } }) },
    { name: 'a write whose age is not known', other: decided({ type: 'INSERT', startedAt: undefined }) },
    { name: 'an operation on a queue', other: decided({ status: 'SCALING', state: 'operation' }) },
    {
      name: 'one whose age no limit counts, and is not known',
      other: decided({ startedAt: undefined }, { maxRunTime: undefined, maxQueueTime: '1h' }),
    },
  ])('is said of a sweep whose only other job is $name', ({ other }) => {
    expect(isBlind([undetermined, other])).toBe(true);
    expect(isBlind([other])).toBe(false);
  });

  it('is not said of a sweep that saw no job', () => {
    expect(isBlind([])).toBe(false);
  });
});

describe('a sweep', () => {
  const respelled = { on: 'list-sql-jobs', times: Infinity, edit: { setInRows: { status: 'Running' } } } as const;

  it.each([
    {
      name: 'the status is spelled anew',
      edit: { setInRows: { status: 'Running' } },
      why: 'the status Running is not',
    },
    {
      name: 'the type is spelled anew',
      edit: { setInRows: { job_type: 'query' } },
      why: 'the type query is not known',
    },
    { name: 'the start is in seconds', edit: { setInRows: { start_time: NOW / 1_000 - 9_000 } }, why: 'the start is ' },
    { name: 'the start is gone', edit: { removeFromRows: ['start_time'] }, why: 'the start is missing, or cannot' },
  ])('that can judge no job is not ok, and says why: $name', async ({ edit, why }) => {
    const jobs = [1, 2, 3].map((n) => emulatedJob(n));
    const world = await makeWorld({ jobs, faults: [{ ...respelled, edit }] });

    const report = await world.sweep();

    expect(report).toMatchObject({ status: 'partial', counts: { seen: 3, overdue: 0, skipped: { undetermined: 3 } } });
    expect(report.problems).toEqual([expect.stringContaining(`3 jobs could not be judged, and are spared`)]);
    expect(report.problems[0]).toContain(`because ${why}`);
    expect(report.notices).toEqual([]);
    expect(exitCodeOf(report)).toBe(4);
  });

  it('that can judge some of its jobs is ok, cancels, and notes how many it could not judge', async () => {
    const jobs = [emulatedJob(1), emulatedJob(2, { hiddenFields: ['start_time'] })];
    const world = await makeWorld({ jobs });

    const report = await world.sweep();

    expect(report).toMatchObject({
      status: 'ok',
      problems: [],
      notices: [
        '1 job could not be judged, and is spared as undetermined, because the start is missing, or cannot be right',
      ],
      counts: { overdue: 1, cancelled: 1, skipped: { undetermined: 1 } },
    });
  });

  it('that can judge no job is not ok as a dry run either', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)], faults: [respelled] });

    expect(await world.sweep({ dryRun: true })).toMatchObject({ dryRun: true, status: 'partial' });
  });
});

describe('an emergency', () => {
  const EMERGENCY = toEmergency({ olderThan: 10 * MINUTE, engine: ['sql'] });
  async function sweepFor(changes: Partial<Emergency>, jobs: EmulatedJob[]) {
    const world = await makeWorld({ jobs });
    const emergency = { ...EMERGENCY, ...changes };
    const loadSettings: typeof world.deps.loadSettings = async (asked) => ({
      ...(await world.deps.loadSettings(asked)),
      policy: emergencyPolicy(emergency),
    });
    return world.sweep({ trigger: 'emergency', emergency }, { loadSettings });
  }
  const unreadable = (fields: Partial<EmulatedJob> = {}) => emulatedJob(2, { hiddenFields: ['start_time'], ...fields });

  it('is not ok where it could not judge one job in its scope, and cancels the others', async () => {
    const report = await sweepFor({}, [emulatedJob(1), unreadable()]);

    expect(report).toMatchObject({ status: 'partial', counts: { cancelled: 1, skipped: { undetermined: 1 } } });
    expect(report.problems).toEqual([expect.stringContaining('1 job could not be judged')]);
    expect(report.notices).toEqual([]);
  });

  it('is ok where the job that it could not judge is none that was asked for', async () => {
    const report = await sweepFor({ queue: ['adhoc'] }, [emulatedJob(1), unreadable({ queue: 'etl' })]);

    expect(report).toMatchObject({ status: 'ok', problems: [], counts: { cancelled: 1 } });
  });

  it('that names the job fails, since the job is spared', async () => {
    const report = await sweepFor({ jobIds: [jobId(1), jobId(2)] }, [emulatedJob(1), unreadable()]);

    expect(report).toMatchObject({ status: 'failed', unmet: [expect.stringContaining(`job ${jobId(2)} is spared`)] });
    expect(report.notices).toEqual([expect.stringContaining('1 job could not be judged')]);
  });
});
