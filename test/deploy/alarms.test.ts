import { describe, expect, it } from 'vitest';
import { createRandom } from '../../emulator/base/random.ts';
import { isSetToStop } from '../../lib/settings/switch.ts';
import { METRICS } from '../../lib/sweep/record/metrics.ts';
import { type AlarmProperties, MetricData, type Raised, readAlarm, simulate } from '../helpers/cloudwatch.ts';
import { optionsOf, resourcesOf } from '../helpers/deploy-parts.ts';
import {
  everyMinutes,
  GOOD_REPORT,
  minuteOf,
  type Outage,
  oldJob,
  quartersWhere,
  writeYear,
  YEAR_MINUTES,
} from '../helpers/reaper-year.ts';

interface Schedule {
  name: string;
  params: Record<string, string>;
  ticks: number[];
}

const OFFICE_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'];

/** Those of docs/deploy.md. */
const DOCUMENTED: Schedule[] = [
  { name: 'every 15 minutes', params: {}, ticks: everyMinutes(15) },
  { name: 'every hour', params: { schedule: 'rate(1 hour)' }, ticks: everyMinutes(60) },
  {
    name: 'in office hours',
    params: { schedule: 'cron(0/15 7-19 ? * MON-FRI *)', timeZone: 'Europe/Berlin' },
    ticks: quartersWhere(
      'Europe/Berlin',
      ({ weekday, hour }) => OFFICE_DAYS.includes(weekday) && hour >= 7 && hour <= 19,
    ),
  },
];

const OTHERS: Schedule[] = [
  { name: 'every 5 minutes', params: { periodMinutes: '5' }, ticks: everyMinutes(5) },
  { name: 'once a day', params: { schedule: 'rate(1 day)' }, ticks: everyMinutes(24 * 60) },
  {
    name: 'each night in the hour that spring leaves out and autumn repeats',
    params: { schedule: 'cron(30 2 * * ? *)', timeZone: 'Europe/Berlin' },
    ticks: quartersWhere('Europe/Berlin', ({ hour, minute }) => hour === 2 && minute === 30),
  },
  {
    name: 'three times a day, far apart',
    params: { schedule: 'cron(30 2,10,11 * * ? *)', timeZone: 'America/New_York' },
    ticks: quartersWhere('America/New_York', ({ hour, minute }) => [2, 10, 11].includes(hour) && minute === 30),
  },
];

async function alarmsOf(params: Record<string, string>): Promise<AlarmProperties[]> {
  return Object.values(await resourcesOf('alarms', params)).map(({ Properties }) => Properties as never);
}

const shortName = ({ AlarmName }: Pick<AlarmProperties, 'AlarmName'>): string =>
  AlarmName.replace('dli-job-reaper-dev-', '');

/** CloudWatch's metrics come when they come. */
const MAX_LATE_MINUTES = 5;

/** Runs every alarm of the template through a year. */
async function runYear({ params, ticks }: Schedule, outages: Outage[]): Promise<Raised[]> {
  const random = createRandom(14);
  const data = new MetricData(YEAR_MINUTES, { lateBy: () => Math.floor(random() * MAX_LATE_MINUTES) });
  const periodMinutes = Number((await optionsOf(params)).periodMinutes);
  writeYear(data, { ticks, periodMinutes, outages, random });
  return (await alarmsOf(params)).flatMap((alarm) =>
    simulate(alarm, data).map((raised) => ({ ...raised, alarm: shortName(alarm) })),
  );
}

/** Each year is run once, for all who ask what happened in it. */
function eachYear(outages: Outage[]): (schedule: Schedule) => Promise<Raised[]> {
  const known = new Map<string, Promise<Raised[]>>();
  return (schedule) => {
    const year = known.get(schedule.name) ?? runYear(schedule, outages);
    known.set(schedule.name, year);
    return year;
  };
}

/** A tick while the switch reads so. */
const stoppedBy = (value: string, at: string): Outage['tick'] => ({
  isStoppedByHand: isSetToStop({ value }, Date.parse(at)),
  report: { status: 'stopped', stoppedBy: 'switch', jobs: [oldJob({ outcome: 'skipped', reason: 'stopped' })] },
});

/** Each on a working day, and ended before the schedule pauses. */
const OUTAGES: Outage[] = [
  {
    name: 'the schedule is off',
    from: '2026-02-02T09:00Z',
    until: '2026-02-05T15:00Z',
    tick: { attempts: 0, dispatch: 'not-started' },
    raises: ['no-tick'],
  },
  {
    name: 'Scheduler cannot start the dispatch',
    from: '2026-02-10T08:00Z',
    until: '2026-02-10T14:00Z',
    tick: { attempts: 3, dispatch: 'not-started' },
    waitsIn: 'DeadLetterQueue',
    raises: ['no-dispatch', 'dead-invocations'],
  },
  {
    name: 'each dispatch fails',
    from: '2026-02-17T08:00Z',
    until: '2026-02-17T14:00Z',
    tick: { dispatch: 'failed', exceptions: 1 },
    waitsIn: 'DeadLetterQueue',
    raises: ['no-dispatch', 'could-not-run', 'dead-invocations'],
  },
  {
    name: 'one dispatch fails',
    from: '2026-02-24T09:00Z',
    until: '2026-02-24T09:15Z',
    tick: { dispatch: 'failed', exceptions: 1 },
    waitsIn: 'DeadLetterQueue',
    raises: ['could-not-run', 'dead-invocations'],
  },
  {
    name: 'one tick is lost',
    from: '2026-03-03T09:00Z',
    until: '2026-03-03T09:15Z',
    tick: { attempts: 0, dispatch: 'not-started' },
    raises: [],
  },
  {
    name: 'a deploy makes a tick try again',
    from: '2026-03-10T09:00Z',
    until: '2026-03-10T09:15Z',
    tick: { attempts: 3 },
    raises: [],
  },
  {
    name: 'the stage has no target',
    from: '2026-03-17T08:00Z',
    until: '2026-03-17T14:00Z',
    tick: { expected: 0, swept: 0, exceptions: 1 },
    raises: ['could-not-run'],
  },
  {
    name: 'sweeps die',
    from: '2026-03-24T08:00Z',
    until: '2026-03-24T14:00Z',
    tick: { swept: 0 },
    waitsIn: 'SweepDeadLetterQueue',
    raises: ['targets-missed', 'dead-sweeps'],
  },
  {
    name: 'the sweeps of two ticks die',
    from: '2026-03-25T09:00Z',
    until: '2026-03-25T09:30Z',
    tick: { swept: 0 },
    raises: [],
  },
  {
    name: 'one of three targets cannot be read',
    from: '2026-03-31T08:00Z',
    until: '2026-03-31T14:00Z',
    tick: { swept: 2, exceptions: 1 },
    raises: ['targets-missed', 'could-not-run'],
  },
  {
    name: 'listings are incomplete',
    from: '2026-04-07T08:00Z',
    until: '2026-04-07T14:00Z',
    tick: { report: { status: 'partial' } },
    raises: ['sweep-failed'],
  },
  {
    name: 'jobs do not stop',
    from: '2026-04-14T08:00Z',
    until: '2026-04-14T14:00Z',
    tick: { report: { status: 'failed', jobs: [oldJob({})] } },
    raises: ['sweep-failed', 'jobs-stuck'],
  },
  {
    name: 'jobs cannot be judged',
    from: '2026-04-15T08:00Z',
    until: '2026-04-15T14:00Z',
    tick: { report: { counts: { ...GOOD_REPORT.counts, skipped: { undetermined: 2 } } } },
    raises: ['jobs-undetermined'],
  },
  {
    name: 'there are more victims than the cap allows',
    from: '2026-04-21T08:00Z',
    until: '2026-04-21T14:00Z',
    tick: { report: { status: 'capped' } },
    raises: ['cap-reached'],
  },
  {
    name: 'somebody stops the reaper',
    from: '2026-04-28T08:00Z',
    until: '2026-05-01T14:00Z',
    tick: {
      isStoppedByHand: true,
      report: { status: 'stopped', stoppedBy: 'switch', jobs: [oldJob({ outcome: 'skipped', reason: 'stopped' })] },
    },
    raises: [],
  },
  {
    name: 'the switch is lost',
    from: '2026-05-05T08:00Z',
    until: '2026-05-05T14:00Z',
    tick: {
      report: { status: 'stopped', stoppedBy: 'switch', jobs: [oldJob({ outcome: 'skipped', reason: 'stopped' })] },
    },
    raises: ['stopped'],
  },
  {
    name: 'somebody stops the reaper until the evening',
    from: '2026-05-06T08:00Z',
    until: '2026-05-06T14:00Z',
    tick: stoppedBy('stop until 2026-05-06T18:00Z because month end', '2026-05-06T14:00Z'),
    raises: [],
  },
  {
    name: 'the end of a stop has come, and no person resumes',
    from: '2026-05-07T08:00Z',
    until: '2026-05-07T14:00Z',
    tick: stoppedBy('stop until 2026-05-07T08:00Z because month end', '2026-05-07T08:00Z'),
    raises: ['stopped'],
  },
  {
    name: 'DLI refuses calls as too many',
    from: '2026-05-12T08:00Z',
    until: '2026-05-12T14:00Z',
    tick: { report: { apiCalls: { list: 4, status: 2, cancel: 4, retries: 3, throttled: 3, again: 0 } } },
    raises: ['throttled'],
  },
  {
    name: 'sweeps take long',
    from: '2026-05-19T08:00Z',
    until: '2026-05-19T14:00Z',
    tick: { sweepMinutes: 14 },
    raises: ['duration'],
  },
  {
    name: 'messages wait longer than a period',
    from: '2026-05-26T08:00Z',
    until: '2026-05-26T14:00Z',
    tick: { swept: 0, droppedMessages: 1 },
    raises: ['ticks-dropped', 'targets-missed'],
  },
  {
    name: 'an emergency finds no free sweep',
    from: '2026-05-27T08:00Z',
    until: '2026-05-27T08:10Z',
    tick: {},
    waitsIn: 'EmergencyQueue',
    raises: ['emergency-waits'],
  },
  {
    name: 'an emergency waits for a moment',
    from: '2026-05-28T08:00Z',
    until: '2026-05-28T08:03Z',
    tick: {},
    waitsIn: 'EmergencyQueue',
    raises: [],
  },
  {
    name: 'the sweep of an emergency dies',
    from: '2026-05-29T08:00Z',
    until: '2026-05-29T14:00Z',
    tick: {},
    waitsIn: 'EmergencyDeadLetterQueue',
    raises: ['dead-emergencies'],
  },
  {
    name: 'ticks come late by more than a period',
    from: '2026-06-02T08:00Z',
    until: '2026-06-02T14:00Z',
    tick: { dispatch: 'stale' },
    raises: ['ticks-dropped', 'no-dispatch'],
  },
  {
    name: 'a webhook refuses every message',
    from: '2026-06-09T08:00Z',
    until: '2026-06-09T14:00Z',
    tick: { notifyErrors: 3 },
    waitsIn: 'DeadLetterQueue',
    raises: ['notices-failed', 'dead-invocations'],
  },
  {
    name: 'a policy cancels far more jobs than on other days, and each sweep is green',
    from: '2026-06-23T08:00Z',
    until: '2026-06-23T14:00Z',
    tick: { report: { counts: { ...GOOD_REPORT.counts, cancelled: 100 } } },
    raises: ['kills-unusual'],
  },
];

const healthyYear = eachYear([]);
const badYear = eachYear(OUTAGES);

/** On from the first deploy to the first tick, since an alarm cannot know that there was none before. */
const isFirstTick = ({ alarm, from }: Raised) => alarm === 'no-tick' && from === 0;

describe('the alarm on kills of an unusual day', () => {
  const killsOf = async (kills: (day: number) => number): Promise<number[]> => {
    const alarm = (await alarmsOf({})).find((one) => shortName(one) === 'kills-unusual') as AlarmProperties;
    const data = new MetricData(30 * 24 * 60);
    for (let day = 0; day < 30; day++) data.put('JobsCancelled', (day * 24 + 12) * 60, kills(day));
    return simulate(alarm, data).map(({ from }) => Math.floor(from / 60 / 24));
  };

  it.each([
    { name: 'a quiet stage has a bad morning', kills: (day: number) => (day === 20 ? 50 : 1) },
    { name: 'a busy stage has a busy day', kills: (day: number) => (day === 20 ? 590 : 200) },
    { name: 'a stage has none on weekends', kills: (day: number) => (day % 7 < 5 ? 120 : 0) },
    { name: 'a stage has been still for a week', kills: (day: number) => (day > 10 && day < 20 ? 0 : 50) },
  ])('stays off where $name', async ({ kills }) => {
    expect(await killsOf(kills)).toEqual([]);
  });

  it.each([
    { name: 'a quiet stage has 60', kills: (day: number) => (day === 20 ? 60 : 1) },
    { name: 'a busy stage has five times as many', kills: (day: number) => (day === 20 ? 1_000 : 200) },
  ])('goes off on the day on which $name', async ({ kills }) => {
    expect(await killsOf(kills)).toEqual([20]);
  });
});

describe('the alarms', () => {
  it.each([...DOCUMENTED, ...OTHERS])(
    'stay silent for a healthy year with a schedule that ticks $name',
    async (schedule) => {
      const raised = await healthyYear(schedule);

      expect(raised.filter((one) => !isFirstTick(one))).toEqual([]);
    },
  );

  it.each(DOCUMENTED)('go off as each outage demands, and for no other reason, $name', async (schedule) => {
    const raised = (await badYear(schedule)).filter((one) => !isFirstTick(one));
    const periodMinutes = Number((await optionsOf(schedule.params)).periodMinutes);
    const isOf = ({ from, until }: Outage, one: Raised) =>
      one.from >= minuteOf(from) && one.from < minuteOf(until) + 2 * periodMinutes;

    const seen = OUTAGES.map((outage) => ({
      name: outage.name,
      raised: [...new Set(raised.filter((one) => isOf(outage, one)).map(({ alarm }) => alarm))].sort(),
    }));
    expect(seen).toEqual(OUTAGES.map(({ name, raises }) => ({ name, raised: raises.toSorted() })));
    expect(raised.filter((one) => !OUTAGES.some((outage) => isOf(outage, one)))).toEqual([]);
    // Each ends when data of good periods has taken the place of the bad.
    const ended = (is: (alarm: string) => boolean) =>
      raised
        .filter(({ alarm }) => is(alarm))
        .map(({ from, until }) => {
          const outage = OUTAGES.findLast((one) => minuteOf(one.from) <= from);
          return (until ?? Number.POSITIVE_INFINITY) - minuteOf(outage?.until ?? '');
        });
    expect(Math.max(...ended((alarm) => alarm !== 'kills-unusual'))).toBeLessThanOrEqual(5 * periodMinutes);
    // This one counts the jobs of a whole day.
    expect(Math.max(...ended((alarm) => alarm === 'kills-unusual'))).toBeLessThanOrEqual(24 * 60 + MAX_LATE_MINUTES);
  });

  it.each(DOCUMENTED)('go off in time, $name', async (schedule) => {
    const raised = await badYear(schedule);
    const { periodMinutes, silencePeriodSeconds, silencePeriods } = await optionsOf(schedule.params);
    const period = Number(periodMinutes);
    const minutesTo = (alarm: string, name: string) => {
      const began = minuteOf(OUTAGES.find((outage) => outage.name === name)?.from ?? '');
      // A silence begins with the last tick before it, anything else with the first tick that it meets.
      const first =
        alarm === 'no-tick' ? schedule.ticks.findLast((at) => at < began) : schedule.ticks.find((at) => at >= began);
      return (raised.find((one) => one.alarm === alarm && one.from >= began)?.from ?? Number.NaN) - (first ?? 0);
    };
    const silence = (Number(silencePeriodSeconds) * Number(silencePeriods)) / 60;

    const noTick = minutesTo('no-tick', 'the schedule is off');
    expect(noTick).toBeGreaterThanOrEqual(silence);
    expect(noTick).toBeLessThanOrEqual(silence + MAX_LATE_MINUTES);
    for (const outage of ['Scheduler cannot start the dispatch', 'each dispatch fails']) {
      expect(minutesTo('no-dispatch', outage)).toBeGreaterThanOrEqual(2 * period);
      expect(minutesTo('no-dispatch', outage)).toBeLessThanOrEqual(2 * period + MAX_LATE_MINUTES);
    }
    expect(minutesTo('targets-missed', 'sweeps die')).toBeGreaterThanOrEqual(3 * period);
    expect(minutesTo('targets-missed', 'sweeps die')).toBeLessThanOrEqual(3 * period + MAX_LATE_MINUTES);
    for (const [alarm, outage] of [
      ['could-not-run', 'the stage has no target'],
      ['stopped', 'the switch is lost'],
      ['sweep-failed', 'listings are incomplete'],
    ] as const) {
      expect(minutesTo(alarm, outage)).toBeLessThanOrEqual(15 + MAX_LATE_MINUTES);
    }
  });

  it.each(DOCUMENTED)(
    'are off after a first deploy, but for no-tick, which waits for the first tick $name',
    async (schedule) => {
      const raised = await healthyYear(schedule);

      const firstTick = (schedule.ticks[0] ?? Number.NaN) + MAX_LATE_MINUTES;
      expect(raised.filter(({ from }) => from < firstTick).map(({ alarm }) => alarm)).toEqual(['no-tick']);
      expect(raised[0]?.until).toBeLessThan(firstTick);
    },
  );

  it('have an outage each that this year knows', async () => {
    const all = (await alarmsOf({})).map(shortName);

    expect(all.filter((alarm) => !OUTAGES.some(({ raises }) => raises.includes(alarm)))).toEqual([]);
  });

  it.each([...DOCUMENTED, ...OTHERS])('look back no longer than CloudWatch allows, $name', async ({ params }) => {
    const DAY = 86_400;
    for (const alarm of await alarmsOf(params)) {
      const { periodSeconds, evaluationPeriods, name } = readAlarm(alarm);
      const longest = periodSeconds < 3_600 ? DAY : 7 * DAY;
      expect({ name, isAllowed: periodSeconds % 60 === 0 && periodSeconds * evaluationPeriods <= longest }).toEqual({
        name,
        isAllowed: true,
      });
    }
  });
});

describe('the three alarms of the small profile', () => {
  const small = ({ name, params, ticks }: Schedule): Schedule => ({
    name: `${name}, small`,
    params: { ...params, profile: 'small' },
    ticks,
  });

  /** Those of a full stage, and the one of a small stage that goes off in their place. */
  const IN_PLACE_OF: Record<string, string | undefined> = {
    'no-tick': 'no-sweep',
    'no-dispatch': 'no-sweep',
    'dead-sweeps': 'no-sweep',
    'could-not-run': 'could-not-run',
    'sweep-failed': 'sweep-not-ok',
    'cap-reached': 'sweep-not-ok',
    stopped: 'sweep-not-ok',
  };
  /** What a stage of several targets can lose, and what a person or a message says as well: see docs/deploy.md. */
  const LEFT_OUT = [
    'dead-emergencies',
    'dead-invocations',
    'duration',
    'emergency-waits',
    'jobs-stuck',
    'jobs-undetermined',
    'kills-unusual',
    'notices-failed',
    'targets-missed',
    'throttled',
    'ticks-dropped',
  ];
  /** No sweep takes place, but fewer than all alarms of a full stage say so. */
  const alsoSilent = ['the stage has no target', 'messages wait longer than a period'];

  it('read the metrics that the functions of such a stage write, and all of them', async () => {
    const text = JSON.stringify(await alarmsOf({ profile: 'small' }));
    const read = [...text.matchAll(/"MetricName":"(\w+)"/g)].map(([, name = '']) => name);

    const { metrics } = await optionsOf({ profile: 'small' });
    expect(String(metrics).split(' ').toSorted()).toEqual([...new Set(read)].toSorted());
    expect(read.filter((name) => !Object.hasOwn(METRICS, name))).toEqual([]);
    expect(await optionsOf()).toMatchObject({ metrics: '' });
  });

  it.each([...DOCUMENTED, ...OTHERS])(
    'stay silent for a healthy year with a schedule that ticks $name',
    async (one) => {
      const raised = await healthyYear(small(one));

      expect(raised.filter(({ alarm, from }) => !(alarm === 'no-sweep' && from === 0))).toEqual([]);
    },
  );

  it('go off in each outage in place of those that are left out, and for no other reason', async () => {
    const raised = await badYear(small(DOCUMENTED[0] as Schedule));

    for (const { name, from, until, raises } of OUTAGES) {
      const isOf = (one: Raised) => one.from >= minuteOf(from) && one.from < minuteOf(until) + 30;
      const wanted = raises.flatMap((alarm) => IN_PLACE_OF[alarm] ?? []);
      // A dispatch that fails once leaves a dead invocation, and no silence.
      if (alsoSilent.includes(name)) wanted.push('no-sweep');
      const seen = new Set(raised.filter(isOf).map(({ alarm }) => alarm));
      expect({ name, raised: [...seen].toSorted() }).toEqual({ name, raised: [...new Set(wanted)].toSorted() });
    }
  });

  it('leave out no alarm without a reason', async () => {
    const all = (await alarmsOf({})).map(shortName);

    expect([...Object.keys(IN_PLACE_OF), ...LEFT_OUT].toSorted()).toEqual(all.toSorted());
  });
});
