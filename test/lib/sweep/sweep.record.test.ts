import { describe, expect, it } from 'vitest';
import { DEFAULT_CEILINGS } from '../../../lib/settings/ceilings.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import type { SweepDeps } from '../../../lib/sweep/deps.ts';
import { type RecordLine, toPastSweeps } from '../../../lib/sweep/past/from-lines.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../helpers/world.ts';

const world = () => makeWorld({ jobs: [1, 2].map((n) => emulatedJob(n)) });
const deployed = { ...DEFAULT_CEILINGS, setBy: 'deploy' as const };
const queue = { rules: [{ id: 'r', match: { queue: 'adhoc' }, maxRunTime: '2h' }] };

const pastRun = { sweepId: 's', awsRequestId: 'r', trigger: 'schedule' } as const;

const pastChoice = (job: string): RecordLine => ({
  at: NOW - HOUR,
  msg: 'victims chosen',
  fields: {
    ...pastRun,
    count: 1,
    skipped: null,
    victims: [
      {
        jobId: job,
        queue: 'adhoc',
        owner: undefined,
        rule: 'r',
        clock: 'maxRunTime',
        limitMs: HOUR,
        readingMs: 2 * HOUR,
      },
    ],
  },
});

const pastEnd: RecordLine = {
  at: NOW - HOUR,
  msg: 'sweep finished',
  fields: {
    ...pastRun,
    dryRun: false,
    counts: {
      seen: 1,
      overdue: 1,
      toCancel: 1,
      warned: 0,
      cancelled: 0,
      alreadyTerminal: 0,
      cancelledByOthers: 0,
      unconfirmed: 1,
      failed: 0,
      repeats: 0,
      skipped: {},
    },
  },
};

describe('a sweep', () => {
  it('reads what was done before after it has chosen, then the switch, and has its victims on record before a cancel', async () => {
    const { sweep, conversation, lines } = await world();
    const order: string[] = [];

    await sweep(
      {},
      {
        onJudged: () => void order.push('judged'),
        readRecord: async ({ target, since }) => {
          order.push(`record of ${target}`);
          expect(since).toBeLessThanOrEqual(Date.parse('2026-01-04T09:00:00Z'));
          return [];
        },
        beforeCancelling: async () => void order.push(`switch, after ${conversation().length} calls`),
        settleLog: async () => {
          order.push('log');
          expect(lines.at(-1)).toMatchObject({ msg: 'victims chosen' });
          expect(conversation().filter((call) => call.startsWith('DELETE'))).toEqual([]);
        },
      },
    );

    expect(order).toEqual(['judged', 'record of test', 'switch, after 2 calls', 'log']);
    expect(conversation().filter((call) => call.startsWith('DELETE'))).toHaveLength(2);
  });

  it.each<{ name: string; request?: object; deps: (of: Awaited<ReturnType<typeof world>>) => Partial<SweepDeps> }>([
    { name: 'is a dry run', request: { dryRun: true }, deps: () => ({}) },
    {
      name: 'has no victim',
      deps: ({ withPolicy }) => withPolicy({ rules: [{ ...queue.rules[0], maxRunTime: '9h' }] }),
    },
    {
      name: 'is switched off',
      deps: ({ deps }) => ({
        loadSettings: async (asked) => ({ ...(await deps.loadSettings(asked)), isSwitchedOn: false }),
      }),
    },
    { name: 'was stopped', deps: () => ({ stop: AbortSignal.abort() }) },
    { name: 'is over its cap', deps: ({ withPolicy }) => withPolicy({ maxKills: 1 }) },
  ])('does not ask what was done before if it $name', async ({ request = {}, deps }) => {
    const one = await world();
    let asked = 0;

    await one.sweep(request, {
      ...deps(one),
      readRecord: async () => {
        asked += 1;
        return [];
      },
    });

    expect(asked).toBe(0);
  });

  it('has nothing to do with a record where none is kept', async () => {
    const { sweep } = await world();

    const report = await sweep({}, { readRecord: undefined });

    expect(report).toMatchObject({ status: 'ok', counts: { cancelled: 2 }, settingsHash: null });
  });

  it.each([
    { name: 'ended', end: [pastEnd] },
    { name: 'is under way', end: [] },
  ])('does not say that somebody else cancelled a job that an earlier sweep chose, which $name', async ({ end }) => {
    const { sweep, emulator } = await world();
    for (const n of [1, 2]) {
      const change = [{ job: jobId(n), set: { cancelledAt: 'now' } }];
      emulator.faults.add({ on: 'cancel-sql-job', target: jobId(n), change });
    }

    const report = await sweep({}, { readRecord: async () => toPastSweeps([pastChoice(jobId(1)), ...end]) });

    expect(report.counts).toMatchObject({ alreadyTerminal: 2, cancelledByOthers: 1 });
    expect(report.jobs.map(({ endedBy }) => endedBy)).toEqual([null, 'others']);
  });

  it('waits no longer for a record than a quarter of its time', async () => {
    const { sweep, clock } = await world();

    const report = await sweep({}, {
      readRecord: () => new Promise(() => {}),
      deadlineAt: clock.now() + 400,
      verifyForMs: 0,
    } as Partial<SweepDeps>);

    expect(report).toMatchObject({ status: 'stopped', stoppedBy: 'record', counts: { skipped: { stopped: 2 } } });
    expect(report.problems).toEqual([expect.stringContaining('it was not read in time')]);
  });

  it('is a dry run where the ceilings are not known, and an emergency is so too', async () => {
    const { sweep, withPolicy, conversation } = await world();
    const loadCeilings = async () => {
      throw new SettingsError('the function', 'cannot be read');
    };
    const emergency = {
      olderThanMs: HOUR,
      jobIds: [],
      queue: [],
      owner: [],
      jobType: [],
      engines: ['sql' as const],
      maxKills: 50,
      includeExempt: false,
      savepoint: true,
    };

    const report = await sweep({}, { ...withPolicy(queue), loadCeilings });
    const urgent = await sweep({ trigger: 'emergency', emergency }, { loadCeilings });

    for (const one of [report, urgent]) {
      expect(one).toMatchObject({ dryRunBecause: ['ceilings'], stoppedBy: 'ceilings', caps: { ceiling: null } });
      expect(one.problems).toEqual(['stopped: the ceilings of the stage are not known: the function: cannot be read']);
    }
    expect(conversation().filter((call) => call.startsWith('DELETE'))).toEqual([]);
  });

  it('does not hide an error in the code that reads the ceilings', async () => {
    const { sweep } = await world();
    const loadCeilings = async () => {
      throw new TypeError('a bug');
    };

    await expect(sweep({}, { loadCeilings })).rejects.toThrow('a bug');
  });

  it('tells a dry run what would hold a live one back, and goes on', async () => {
    const { sweep } = await world();

    const report = await sweep({ dryRun: true }, { loadCeilings: async () => deployed });

    expect(report).toMatchObject({ status: 'ok', dryRunBecause: ['request'], counts: { skipped: { 'dry-run': 2 } } });
    expect(report.notices).toEqual([
      'a live sweep would be a dry run: rule r: match is for all jobs, and such a rule may not cancel here; name queues or owners in it, or deploy with --param allMayCancel=true',
    ]);
  });
});
