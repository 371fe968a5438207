import { describe, expect, it } from 'vitest';
import type { PastOfJob } from '../../../../lib/sweep/past/job-past.ts';
import { type FinishedSweep, type JobLife, judgeReaped } from '../../../../lib/sweep/past/was-reaped.ts';
import { HOUR, MINUTE, NOW } from '../../../helpers/world.ts';

const ENDED_AT = NOW - HOUR;
const STARTED_AT = NOW - 4 * HOUR;

const iso = (ms: number) => new Date(ms).toISOString();

const makeLife = (fields: Partial<JobLife> = {}): JobLife => ({
  state: 'cancelled',
  startedAt: STARTED_AT,
  endedAt: ENDED_AT,
  hasRuns: false,
  doubts: [],
  ...fields,
});

const makePast = (fields: Partial<PastOfJob> = {}): PastOfJob => ({
  at: iso(ENDED_AT),
  record: '/aws/lambda/dli-job-reaper-dev-sweep',
  sweepId: 's',
  trigger: 'schedule',
  recordedBy: null,
  requestReason: null,
  decision: 'cancel',
  chosenAt: iso(ENDED_AT - 1_000),
  outcome: 'cancelled',
  reason: 'over-limit',
  rule: 'two-hours',
  clock: 'maxRunTime',
  limitMs: 2 * HOUR,
  readingMs: 3 * HOUR,
  status: 'CANCELLED',
  evidence: 'status',
  endedBy: null,
  repeats: null,
  mayBeCancelledAt: null,
  error: null,
  ...fields,
});

const lasting = (startedAt: number): FinishedSweep => ({ startedAt, finishedAt: startedAt + MINUTE });

/** One sweep long before the job, and one after it. */
const SWEEPS = [lasting(STARTED_AT - HOUR), lasting(ENDED_AT + 6 * MINUTE)];

const judge = (
  life: Partial<JobLife>,
  { past = [], sweeps = SWEEPS, problems = [] }: { past?: PastOfJob[]; sweeps?: FinishedSweep[]; problems?: string[] },
) => judgeReaped(makeLife(life), { past, sweeps, problems });

describe('judgeReaped', () => {
  it.each([
    { name: 'it was cancelled', past: makePast() },
    { name: 'a sweep has chosen it, and has no result yet', past: makePast({ outcome: null, status: null }) },
    { name: 'it was asked to stop and not seen to stop', past: makePast({ outcome: 'unconfirmed' }) },
    { name: 'its result is on record, and not that it was chosen', past: makePast({ chosenAt: null }) },
  ])('says yes where $name', ({ past }) => {
    const { answer } = judge({}, { past: [past] });

    expect(answer).toBe('yes');
  });

  it('says yes although DLI, a record or a later sweep is missing: one kill on record is enough', () => {
    const life = { state: undefined, startedAt: undefined, endedAt: undefined, doubts: ['DLI could not be asked'] };

    const { answer } = judge(life, { past: [makePast()], sweeps: [], problems: ['the log cannot be read'] });

    expect(answer).toBe('yes');
  });

  it('says no where it has ended, no sweep chose it, and the record has sweeps before it and after it', () => {
    const dryRun = makePast({ chosenAt: null, outcome: 'skipped', reason: 'dry-run' });
    const spared = makePast({ decision: 'keep', chosenAt: null, outcome: 'skipped', reason: 'exempt' });

    expect(judge({}, {}).answer).toBe('no');
    expect(judge({}, { past: [dryRun, spared] }).answer).toBe('no');
  });

  it.each([
    { name: 'it has not ended', life: { state: 'running', endedAt: undefined, doubts: ['it has not ended'] } as const },
    { name: 'a record cannot be read', record: { problems: ['the log cannot be read'] } },
    { name: 'no sweep is on record', record: { sweeps: [] } },
    { name: 'the record ends before it', record: { sweeps: [lasting(STARTED_AT - HOUR)] } },
    { name: 'the record begins after it', record: { sweeps: [lasting(ENDED_AT + 6 * MINUTE)] } },
    {
      name: 'the record begins while it ran',
      record: { sweeps: [lasting(STARTED_AT), lasting(ENDED_AT + 6 * MINUTE)] },
    },
    {
      name: 'the later sweep began before it ended',
      record: { sweeps: [lasting(STARTED_AT - HOUR), { startedAt: ENDED_AT - MINUTE, finishedAt: NOW }] },
    },
    {
      name: 'the later sweep began so soon after it that a wrong clock could be the reason',
      record: { sweeps: [lasting(STARTED_AT - HOUR), lasting(ENDED_AT + 5 * MINUTE)] },
    },
    {
      name: 'its start is not known, and the record does not go back a day',
      life: { startedAt: undefined },
    },
    { name: 'DLI refused to cancel it', record: { past: [makePast({ outcome: 'failed', status: 'RUNNING' })] } },
    {
      name: 'it had ended before it was asked to stop',
      record: { past: [makePast({ outcome: 'already-terminal', status: 'FAILED' })] },
    },
    {
      name: 'the sweep was stopped before it was asked',
      record: { past: [makePast({ outcome: 'skipped', reason: 'stopped' })] },
    },
    {
      name: 'it was asked to stop, and finished all the same',
      life: { state: 'finished' as const },
      record: { past: [makePast({ outcome: 'unconfirmed', status: 'RUNNING' })] },
    },
  ])('does not know where $name', ({ life = {}, record = {} }) => {
    const { answer, because } = judge(life, record);

    expect(answer).toBe('unknown');
    expect(because).not.toEqual([]);
  });

  it('says no without its start if the record goes back a day and more', () => {
    const { answer } = judge({ startedAt: undefined }, { sweeps: [...SWEEPS, lasting(ENDED_AT - 25 * HOUR)] });

    expect(answer).toBe('no');
  });

  it('does not take a kill for that of a later run of a Flink job', () => {
    const before = makePast({ at: iso(STARTED_AT - HOUR), chosenAt: iso(STARTED_AT - HOUR) });
    const inThisRun = makePast();

    expect(judge({ hasRuns: true }, { past: [before] }).answer).toBe('no');
    expect(judge({ hasRuns: true }, { past: [inThisRun, before] }).answer).toBe('yes');
    expect(judge({ hasRuns: true, startedAt: undefined }, { past: [before] })).toEqual({
      answer: 'unknown',
      because: expect.arrayContaining([expect.stringContaining('whether it has been started again since')]) as unknown,
    });
  });
});
