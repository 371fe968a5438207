import { describe, expect, it } from 'vitest';
import { DEFAULT_CEILINGS } from '../../../../lib/settings/ceilings.ts';
import { SettingsError } from '../../../../lib/settings/settings.ts';
import { brake } from '../../../../lib/sweep/judge/brake.ts';
import type { Victim } from '../../../../lib/sweep/judge/cap.ts';
import type { Judgement } from '../../../../lib/sweep/judge/judge.ts';
import type { PastSweep, ReadRecord } from '../../../../lib/sweep/past/past-sweeps.ts';
import { makePolicy, makeVictim } from '../../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const DAY = 24 * HOUR;

/** Victims with the numbers 1 to `count`, the worst first. */
function judgementOf(
  count: number,
  { drain = false, ...changes }: Partial<Judgement> & { drain?: boolean } = {},
): Judgement {
  const victims: Victim[] = Array.from({ length: count }, (_, i) => makeVictim(i + 1, (count - i) * HOUR));
  return {
    decisions: victims,
    context: { policy: makePolicy(), exemptions: [], now: NOW },
    overdue: victims,
    chosen: victims,
    spared: new Map(),
    obstacle: undefined,
    caps: {
      victims: count,
      liveJobs: 500,
      maxKills: 500,
      maxKillsPercent: 100,
      percentFloor: 10,
      drain,
      ceiling: 500,
      exceeded: null,
    },
    gaps: [],
    ...changes,
  };
}

const past = (cancelled: number, fields: Partial<PastSweep> = {}): PastSweep => ({
  at: NOW - HOUR,
  isEmergency: false,
  isFinished: true,
  cancelled,
  unconfirmed: [],
  unconfirmedUnknown: 0,
  cancelledJobs: [],
  warned: [],
  warningsOver: [],
  target: 'lake',
  projectId: null,
  chosen: [],
  settingsHash: 'same',
  hasActed: true,
  ...fields,
});

async function hold(judgement: Judgement, sweeps: PastSweep[] | ReadRecord, changes: object = {}) {
  const asked: { since: number; until?: number | undefined }[] = [];
  const readRecord: ReadRecord = async (what) => {
    asked.push({ since: NOW - what.since, until: what.until });
    if (typeof sweeps === 'function') return sweeps(what);
    return sweeps.filter(({ at }) => at >= what.since && at <= (what.until ?? NOW));
  };
  const braked = await brake(judgement, {
    target: 'lake',
    projectId: 'a1',
    isEmergency: false,
    settingsHash: 'same',
    ceilings: { ...DEFAULT_CEILINGS, setBy: 'deploy' },
    readRecord,
    now: NOW,
    timeoutMs: 1_000,
    ...changes,
  });
  return { ...braked, asked, chosen: braked.judgement.chosen.map(({ job }) => job.id) };
}

describe('the ceiling of a day', () => {
  it('lets all victims go while it leaves room for each', async () => {
    const { judgement, notices, stopped } = await hold(judgementOf(5), [past(195)]);

    expect(judgement).toEqual(judgementOf(5));
    expect({ notices, stopped }).toEqual({ notices: [], stopped: undefined });
  });

  it('lets none go if there are more than it leaves, and says how many it allows', async () => {
    const { judgement } = await hold(judgementOf(12), [past(100), past(95)]);

    expect(judgement.obstacle).toBe('cap');
    expect(judgement.caps.exceeded).toBe(
      '12 victims, and 195 of the 200 kills that the sweeps of a target may have in 24 hours are used; ' +
        'wait, or deploy with --param killsPerDay=…',
    );
  });

  it('with drain lets the worst go that it leaves room for', async () => {
    const { judgement, chosen } = await hold(judgementOf(12, { drain: true }), [past(195)]);

    expect(chosen).toEqual([1, 2, 3, 4, 5].map(jobId));
    expect(judgement.obstacle).toBeUndefined();
    expect([...judgement.spared].map(([id, why]) => [id, why])).toEqual(
      [6, 7, 8, 9, 10, 11, 12].map((n) => [jobId(n), 'cap']),
    );
    expect(judgement.caps.exceeded).toContain('195 of the 200');
  });

  it.each([
    { name: 'none', used: 200 },
    { name: 'less than none, after two sweeps at once', used: 250 },
  ])('with drain lets none go where it leaves $name', async ({ used }) => {
    const { judgement } = await hold(judgementOf(1, { drain: true }), [past(used)]);

    expect(judgement.obstacle).toBe('cap');
  });

  it('counts what is older than a day no more, and what died in the day in full', async () => {
    const before = past(200, { at: NOW - DAY });
    const died = past(190, { at: NOW - DAY - 14 * MINUTE, isFinished: false, hasActed: false });

    expect((await hold(judgementOf(3), [before])).chosen).toHaveLength(3);
    expect((await hold(judgementOf(11), [died])).judgement.obstacle).toBe('cap');
  });

  it('counts emergencies and sweeps each against a ceiling of their own', async () => {
    const emergencies = [past(990, { isEmergency: true })];

    const emergency = await hold(judgementOf(11), emergencies, { isEmergency: true });
    const sweep = await hold(judgementOf(11), [...emergencies, past(1)]);

    expect(emergency.judgement.caps.exceeded).toBe(
      '11 victims, and 990 of the 1000 kills that the emergencies on a target may have in 24 hours are used; ' +
        'wait, or deploy with --param emergencyKillsPerDay=…',
    );
    expect(sweep.chosen).toHaveLength(11);
  });

  it('adds its words to those of a cap that has spared some already', async () => {
    const drained = judgementOf(12, { drain: true });
    const { judgement } = await hold({ ...drained, caps: { ...drained.caps, exceeded: 'too many' } }, [past(195)]);

    expect(judgement.caps.exceeded).toMatch(/^too many; 12 victims, and 195/);
  });
});

describe('a record that is not known', () => {
  it.each([
    {
      name: 'cannot be read',
      read: async () => {
        throw new SettingsError('/aws/lambda/x', 'the log cannot be read (AccessDeniedException)');
      },
      why: '/aws/lambda/x: the log cannot be read (AccessDeniedException)',
    },
    { name: 'does not come in time', read: () => new Promise<never>(() => {}), why: 'it was not read in time' },
  ])('lets no job be cancelled if it $name', async ({ read, why }) => {
    const { judgement, stopped } = await hold(judgementOf(1), read, { timeoutMs: 20 });

    expect(judgement.obstacle).toBe('stopped');
    expect(stopped).toEqual({
      by: 'record',
      because: `no job was cancelled, since it is not known what the sweeps of this target cancelled in the last 24 hours: ${why}; docs/runbook.md says what to do`,
    });
  });

  it('tells an emergency how to do without', async () => {
    const read = () => new Promise<never>(() => {});

    const { stopped } = await hold(judgementOf(1), read, { timeoutMs: 20, isEmergency: true });

    expect(stopped?.because).toMatch(
      /; an emergency without --stage, with --endpoint and --project-id, needs no record$/,
    );
  });

  it.each([
    { name: 'has no victim', judgement: judgementOf(0) },
    { name: 'is over a cap', judgement: judgementOf(3, { obstacle: 'cap' }) },
    { name: 'has clocks that disagree', judgement: judgementOf(3, { obstacle: 'stopped' }) },
  ])('is not asked for by a sweep that $name', async ({ judgement }) => {
    const { judgement: same, asked } = await hold(judgement, []);

    expect(asked).toEqual([]);
    expect(same).toEqual(judgement);
  });
});

describe('the first sweep by changed settings', () => {
  it('lets the worst three go, whatever drain says, and says so', async () => {
    const { judgement, chosen, notices, stopped } = await hold(judgementOf(12, { drain: true }), [
      past(1, { settingsHash: 'other' }),
    ]);

    expect(chosen).toEqual([1, 2, 3].map(jobId));
    expect(new Set(judgement.spared.values())).toEqual(new Set(['first-sweep']));
    expect(judgement.spared.size).toBe(9);
    expect({ obstacle: judgement.obstacle, exceeded: judgement.caps.exceeded, stopped }).toEqual({
      obstacle: undefined,
      exceeded: null,
      stopped: undefined,
    });
    expect(notices).toEqual([
      'this is the first live sweep on record with this policy, target and exemptions, so it cancels only the worst ' +
        '3 of 12 victims; the next sweep goes on',
    ]);
  });

  it('is no first one where a sweep of the last 8 days went by the same, as after a long weekend', async () => {
    const weekend = await hold(judgementOf(12), [past(1, { at: NOW - 8 * DAY + HOUR })]);
    const longer = await hold(judgementOf(12), [past(1, { at: NOW - 8 * DAY - HOUR })]);

    expect(weekend.chosen).toHaveLength(12);
    expect(longer.chosen).toHaveLength(3);
  });

  it('reads no more than a day where that is enough', async () => {
    const known = await hold(judgementOf(12), [past(1)]);
    const few = await hold(judgementOf(3), []);
    const unknown = await hold(judgementOf(4), []);

    const day = { since: DAY + 15 * MINUTE, until: undefined };
    expect(known.asked).toEqual([day]);
    expect(few.asked).toEqual([day]);
    expect(unknown.asked).toEqual([day, { since: 8 * DAY, until: NOW - DAY }]);
  });

  it('takes a week that cannot be read for one in which nothing went by them', async () => {
    const { chosen, stopped } = await hold(judgementOf(12), async ({ until }) => {
      if (until !== undefined) throw new Error('too slow');
      return [];
    });

    expect(chosen).toHaveLength(3);
    expect(stopped).toBeUndefined();
  });

  it.each([
    { name: 'an emergency', changes: { isEmergency: true } },
    { name: 'a sweep whose settings are nowhere on record', changes: { settingsHash: undefined } },
  ])('does not concern $name', async ({ changes }) => {
    expect((await hold(judgementOf(12), [], changes)).chosen).toHaveLength(12);
  });

  it('does not let a job go that the ceiling of the day holds back', async () => {
    const { judgement, notices } = await hold(judgementOf(12), [past(198, { settingsHash: 'other' })]);

    expect(judgement.obstacle).toBe('cap');
    expect(notices).toEqual([]);
  });
});
