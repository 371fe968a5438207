import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CollectOptions, createCollector } from '../../../lib/aggregate/collect.ts';
import { monthOfRecord } from '../../helpers/months-of-record.ts';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 5, 1, 12);
const at = (ms: number): string => new Date(NOON + ms).toISOString();

interface Line extends Record<string, unknown> {
  msg: string;
}

/** A line of a scheduled sweep of lake, in prod. */
const line = (msg: string, fields: Record<string, unknown> = {}): Line => ({
  level: 'info',
  msg,
  timestamp: at(0),
  stage: 'prod',
  target: 'lake',
  sweepId: 's1',
  awsRequestId: 'r1',
  trigger: 'schedule',
  periodMinutes: 60,
  ...fields,
});

/** A line of a query of ana that has run for three hours, under a limit of two. */
const job = (msg: string, fields: Record<string, unknown> = {}): Line =>
  line(msg, {
    jobId: 'j1',
    engine: 'sql',
    queue: 'adhoc',
    owner: 'ana',
    runTimeMs: 3 * HOUR,
    clock: 'maxRunTime',
    limitMs: 2 * HOUR,
    overLimitMs: HOUR,
    rule: 'adhoc-2h',
    decision: 'cancel',
    reason: 'over-limit',
    ...fields,
  });

const cancelled = (fields = {}) => job('job cancelled', { outcome: 'cancelled', status: 'CANCELLED', ...fields });
const end = (fields = {}) => line('sweep finished', { status: 'ok', dryRun: false, startedAt: at(-60_000), ...fields });

function collect(lines: readonly Record<string, unknown>[], options: Partial<CollectOptions> = {}) {
  const collector = createCollector({ timeZone: 'UTC', owners: 'shown', ...options });
  const source = collector.source('log');
  for (const [i, one] of lines.entries()) source.line(one, `line ${i + 1}`);
  return collector.finish(null);
}

const resultsOf = (lines: readonly Record<string, unknown>[]) =>
  collect(lines).cases.map(({ jobId, result, sweeps }) => [jobId, result, sweeps]);

describe('the case of a job', () => {
  it('is cancelled, although later sweeps saw the job being stopped', () => {
    const kept = job('job kept', {
      sweepId: 's2',
      timestamp: at(HOUR),
      decision: 'keep',
      reason: 'stopping',
      outcome: 'skipped',
    });
    expect(resultsOf([cancelled(), kept])).toEqual([['j1', 'cancelled', 2]]);
  });

  it('stays unconfirmed until a sweep that asks again says more', () => {
    const asked = job('job not seen to stop', { outcome: 'unconfirmed' });
    const kept = job('job kept', {
      sweepId: 's2',
      timestamp: at(HOUR),
      decision: 'keep',
      reason: 'exempt',
      outcome: 'skipped',
    });
    expect(resultsOf([asked, kept])).toEqual([['j1', 'unconfirmed', 2]]);
    expect(resultsOf([asked, kept, cancelled({ sweepId: 's3', timestamp: at(2 * HOUR) })])).toEqual([
      ['j1', 'cancelled', 3],
    ]);
  });

  it('is one and cancelled if Lambda delivered an event twice, and the second sweep found the job over', () => {
    const over = job('job already terminal', { awsRequestId: 'r2', timestamp: at(1_000), outcome: 'already-terminal' });
    const early = { ...over, timestamp: at(-1_000) };
    expect(resultsOf([cancelled(), over])).toEqual([['j1', 'cancelled', 2]]);
    expect(resultsOf([early, cancelled()])).toEqual([['j1', 'cancelled', 2]]);
  });

  it('is a new one for a Flink job that runs again under its id, and for no other engine', () => {
    const again = { sweepId: 's2', awsRequestId: 'r2', timestamp: at(20 * HOUR) };
    const flink = { engine: 'flink', jobId: '149' };
    expect(resultsOf([cancelled(flink), cancelled({ ...flink, ...again })])).toEqual([
      ['149', 'cancelled', 1],
      ['149', 'cancelled', 1],
    ]);
    expect(resultsOf([cancelled(), cancelled(again)])).toEqual([['j1', 'cancelled', 2]]);
  });

  it('has no result if a live sweep chose the job and left nothing else', () => {
    const victims = [
      {
        jobId: 'j1',
        queue: 'adhoc',
        owner: 'ana',
        rule: 'adhoc-2h',
        clock: 'maxRunTime',
        limitMs: 2 * HOUR,
        readingMs: 3 * HOUR,
      },
    ];
    const chosen = line('victims chosen', { count: 1, skipped: null, victims });
    expect(collect([chosen]).cases).toEqual([
      expect.objectContaining({
        jobId: 'j1',
        engine: null,
        result: 'no-result',
        reason: null,
        rule: 'adhoc-2h',
        readingMs: 3 * HOUR,
      }),
    ]);
    expect(resultsOf([chosen, cancelled({ jobId: 'J1' })])).toEqual([['J1', 'cancelled', 1]]);
    expect(resultsOf([{ ...chosen, skipped: 'dry-run' }])).toEqual([]);
  });

  it('of a target is not that of another target or stage', () => {
    expect(resultsOf([cancelled(), cancelled({ target: 'other' }), cancelled({ stage: 'test' })])).toHaveLength(3);
  });

  it('says whether a cap or a dry run kept the sweep from it, and whether its rule only warns', () => {
    const of = (fields: object) => collect([job('job not asked to stop', { outcome: 'skipped', ...fields })]).cases[0];
    expect(of({ reason: 'cap' })).toMatchObject({ result: 'not-asked', reason: 'cap' });
    expect(of({ reason: 'dry-run' })).toMatchObject({ result: 'dry-run' });
    expect(of({ msg: 'job overdue', decision: 'warn', reason: 'warn' })).toMatchObject({ result: 'noted' });
  });
});

describe('the states of a target', () => {
  const ticks = (...hours: number[]) =>
    hours.map((h) => end({ sweepId: `s${h}`, timestamp: at(h * HOUR), startedAt: at(h * HOUR) }));
  const statesOf = (lines: readonly Line[], options: Partial<CollectOptions> = {}) =>
    collect(lines, options).aggregates.states.map(({ state, from, to, sweeps }) => [state, from, to, sweeps]);

  it('are dead from a period after the last sweep, once more than two periods have passed', () => {
    expect(statesOf(ticks(0, 1, 3))).toEqual([]);
    expect(statesOf(ticks(0, 1, 3.01, 4.01))).toEqual([['dead', at(2 * HOUR), at(3.01 * HOUR), 0]]);
  });

  it('are dead to the end of the span where no sweep follows', () => {
    expect(statesOf(ticks(0, 1), { until: NOON + 6 * HOUR })).toEqual([['dead', at(2 * HOUR), at(6 * HOUR), 0]]);
  });

  it('are not alive by a sweep by hand, which anyone may write', () => {
    const byHand = {
      awsRequestId: undefined,
      recordedBy: 'arn:aws:iam::1:user/olga',
      trigger: 'schedule',
      timestamp: at(2 * HOUR),
    };
    expect(statesOf([...ticks(0, 4), end({ sweepId: 'hand', ...byHand })])).toEqual([
      ['dead', at(HOUR), at(4 * HOUR), 0],
    ]);
  });

  it.each([
    ['capped', { status: 'capped' }],
    ['blind', { status: 'partial' }],
    ['stopped', { status: 'stopped', stoppedBy: 'switch' }],
    ['stopped', { status: 'stopped', stoppedBy: 'ceilings' }],
    ['blind', { status: 'stopped', stoppedBy: 'credential' }],
    ['blind', { msg: 'sweep could not run', error: 'no policy' }],
    ['blind', { msg: 'target not swept', reason: 'deadline' }],
  ])('are %s from a sweep with %o to the next', (state, fields) => {
    const [first, second] = ticks(0, 1);
    expect(statesOf([{ ...first, ...fields } as Line, second as Line])).toEqual([[state, at(0), at(HOUR), 1]]);
  });

  it('are fine for a dry run over its cap, and for a sweep in which a job failed', () => {
    const [first, second] = ticks(0, 1);
    expect(statesOf([{ ...first, status: 'capped', dryRun: true } as Line, second as Line])).toEqual([]);
    expect(statesOf([{ ...first, status: 'failed' } as Line, second as Line])).toEqual([]);
  });
});

describe('what a person should look at', () => {
  const needsOf = (lines: readonly Record<string, unknown>[], options: Partial<CollectOptions> = {}) =>
    collect(lines, options).aggregates.needs.map(({ kind, count, what }) => [kind, count, what]);

  it('is a target without a sweep at the end of the record, before all else', () => {
    const failed = job('job not cancelled', { outcome: 'failed', error: 'refused' });
    expect(needsOf([end(), failed], { until: NOON + 9 * HOUR })).toEqual([
      ['dead', 0, `no sweep of the schedule since ${at(HOUR)}`],
      ['failed', 1, `1 job not cancelled: DLI refused, or gave up; the last at ${at(0)}`],
    ]);
  });

  it('is a message without any route, and not one that the fallback took', () => {
    const lost = line('message without route', { parameter: null, to: 'owner', owner: 'ana' });
    expect(needsOf([lost, lost, { ...lost, parameter: '/x' }])).toEqual([
      ['untold', 1, `1 message had no route; the last at ${at(0)}`],
    ]);
  });

  it('is an exemption that ends, by its latest sentence', () => {
    const says = (text: string, h: number) =>
      end({ sweepId: `s${h}`, timestamp: at(h * HOUR), notices: [text, 'another notice'] });
    expect(
      needsOf([says('exemption a (owner x) ends at T, in 6d', 1), says('exemption a (owner x) ends at T, in 1d', 2)]),
    ).toEqual([['ending', 1, 'exemption a (owner x) ends at T, in 1d']]);
  });

  it('is a sweep that could not run, although no line says for which target', () => {
    expect(needsOf([line('sweep could not run', { target: undefined, error: 'no switch' })])).toEqual([
      ['blind', 1, `1 sweep could not run; the last at ${at(0)}: no switch`],
    ]);
  });
});

describe('a record', () => {
  it('says the same in any order of its lines, and if each line comes twice', () => {
    const lines = monthOfRecord({ from: Date.UTC(2026, 2, 28), days: 3, seed: 7, jobs: 150 });
    const plain = collect(lines);
    fc.assert(
      fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
        const { aggregates, cases } = collect([...shuffled, ...shuffled]);
        const order = ({ jobId, resultAt }: (typeof cases)[number]) => `${jobId} ${resultAt}`;
        const byOrder = (all: typeof cases) => all.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
        expect(byOrder(cases)).toEqual(byOrder(plain.cases));
        expect({ ...aggregates.results, days: aggregates.days, repeats: { ...aggregates.repeats, chains: 0 } }).toEqual(
          {
            ...plain.aggregates.results,
            days: plain.aggregates.days,
            repeats: { ...plain.aggregates.repeats, chains: 0 },
          },
        );
      }),
      { numRuns: 20 },
    );
  });

  it('survives lines of any form, and counts each of them once', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, 'cancelled', 'sql', 'maxRunTime', 'prod', at(0), 'schedule'),
    );
    const keys = Object.keys({
      ...cancelled(),
      ...end(),
      warning: 0,
      victims: 0,
      skipped: 0,
      rules: 0,
      waiting: 0,
      notices: 0,
      problems: 0,
      apiCalls: 0,
      counts: 0,
      why: 0,
      error: 0,
      parameter: 0,
      recordedBy: 0,
    });
    const msg = fc.constantFrom(
      'job cancelled',
      'job kept',
      'job may be cancelled',
      'victims chosen',
      'sweep finished',
      'sweep could not run',
      'target not swept',
      'message without route',
      'x',
    );
    const broken = fc
      .tuple(fc.dictionary(fc.constantFrom(...keys), value), msg)
      .map(([fields, name]) => ({ ...cancelled(), ...fields, msg: name }));
    fc.assert(
      fc.property(fc.array(broken, { maxLength: 20 }), (lines) => {
        const { aggregates } = collect(lines, { owners: 'hidden' });
        const [source] = aggregates.sources;
        const unread = aggregates.unread
          .filter(({ first }) => first !== null)
          .reduce((sum, { count }) => sum + count, 0);
        expect(
          (source?.used ?? 0) + (source?.other ?? 0) + (source?.twice ?? 0) + (source?.outside ?? 0) + unread,
        ).toBe(lines.length);
        JSON.stringify(aggregates);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves out what lies outside the span or is of another target, and counts it', () => {
    const lines = [
      end(),
      cancelled(),
      cancelled({ jobId: 'j2', target: 'other' }),
      cancelled({ jobId: 'j3', timestamp: at(-HOUR) }),
      cancelled({ jobId: 'j4', timestamp: at(HOUR) }),
    ];
    const { cases, aggregates } = collect(lines, { since: NOON - 60_000, until: NOON + 60_000, target: 'lake' });
    expect(cases.map(({ jobId }) => jobId)).toEqual(['j1']);
    expect(aggregates.sources[0]).toMatchObject({ lines: 5, used: 2, outside: 3 });
    expect(aggregates).toMatchObject({ from: at(-60_000), to: at(60_000) });
  });

  it('says how many lines of jobs are missing', () => {
    expect(collect([end({ jobsLogged: 3 }), cancelled()]).aggregates.unread).toEqual([
      {
        source: 'log',
        first: null,
        count: 2,
        why: 'jobs of sweeps that have no line here, so they are not on this page',
      },
    ]);
  });

  it('takes the time of a line of an earlier version from its older name', () => {
    const earlier = { ...end({ timestamp: undefined }), time: at(0) };

    expect(collect([earlier])).toEqual(collect([end({ timestamp: at(0) })]));
  });

  it('names a line without a time, a target or a job', () => {
    const lines = [
      end({ timestamp: undefined }),
      end({ timestamp: '1970-01-01T00:00:00Z' }),
      end({ target: undefined }),
      job('job kept', { jobId: 7 }),
    ];
    expect(collect(lines).aggregates.unread).toEqual([
      { source: 'log', first: 'line 1', count: 2, why: 'a line without a time that can be right' },
      { source: 'log', first: 'line 3', count: 1, why: 'a line that names no target' },
      { source: 'log', first: 'line 4', count: 1, why: 'a line of a job without its id or engine' },
    ]);
  });

  it('without any line has no day, and no need', () => {
    expect(collect([]).aggregates).toMatchObject({
      days: [],
      needs: [],
      targets: [],
      states: [],
      worth: { waiting: null, leftRunning: null },
    });
  });

  it('takes a printed report, but not beside the lines of the same sweep', () => {
    const report = {
      kind: 'sweep',
      ...end({ msg: undefined }),
      finishedAt: at(0),
      jobs: [cancelled({ msg: undefined })],
    };
    const read = (lines: readonly Line[]) => {
      const collector = createCollector({ timeZone: 'UTC', owners: 'shown' });
      const file = collector.source('file');
      file.document(report, 'line 1');
      file.document(report, 'line 9');
      for (const one of lines) collector.source('log').line(one, 'line 1');
      return collector.finish(null);
    };
    expect(read([]).cases).toEqual([expect.objectContaining({ stage: null, jobId: 'j1', result: 'cancelled' })]);
    expect(read([]).aggregates.sources[0]).toMatchObject({ used: 1, twice: 1 });
    const both = read([end(), cancelled()]);
    expect(both.cases).toEqual([expect.objectContaining({ stage: 'prod', jobId: 'j1', result: 'cancelled' })]);
    expect(both.aggregates.sources[0]).toMatchObject({ used: 0, twice: 2 });
  });

  it('names documents that say nothing for it', () => {
    const collector = createCollector({ timeZone: 'UTC', owners: 'shown' });
    const file = collector.source('file');
    for (const document of [{ kind: 'doctor' }, {}, { kind: 'backtest' }, { kind: 'sweep' }])
      file.document(document, 'line 1');
    file.document({ kind: 'sweeps', sweeps: [], failures: ['lake: no policy'] }, 'line 2');
    expect(collector.finish(null).aggregates.unread.map(({ why }) => why)).toEqual([
      'a document of the kind doctor, which says nothing here',
      'a document without a kind',
      'a backtest of another version',
      'not swept: lake: no policy',
      'a report without its sweep, target, end or jobs',
    ]);
  });
});

describe('hidden owners', () => {
  it('are nowhere in the report, nor is who swept by hand or whom an exemption names', () => {
    const span = { from: null, until: at(0), isInForce: true, isToCome: false, holds: 'no' };
    const why = {
      jobId: 'j1',
      engine: 'sql',
      jobType: null,
      queue: 'adhoc',
      status: 'RUNNING',
      clocks: {},
      tagExemption: null,
      owner: 'ana',
      rules: [
        {
          rule: 'r',
          match: [{ key: 'owner', wanted: ['ana', 'zoe'], found: 'ana', holds: 'yes' }],
          ignore: [],
          limits: [],
          result: 'cancel',
        },
      ],
      exemptions: [
        { ...span, id: 'e', predicates: [{ key: 'tag', wanted: ['team=zoe'], found: 'team=zoe', holds: 'no' }] },
      ],
      freezes: [{ ...span, id: 'f', predicates: 'all' }],
      verdict: { action: 'keep', reason: 'group', because: 'ana has 3 jobs' },
    };
    const lines = [
      end({ notices: ['exemption e (owner zoe) ends at T, in 1d', 'freeze f (for zoe) holds until T: no jobs'] }),
      cancelled({
        owner: 'ana',
        name: 'ana',
        why: JSON.stringify(why),
        recordedBy: 'arn:aws:iam::1:user/olga',
        error: 'ana may not (arn:aws:sts::1:assumed-role/x/olga)',
      }),
      cancelled({ owner: 'c++ (x)', jobId: 'j2', name: 'banana' }),
    ];
    const hidden = collect(lines, { owners: 'hidden' });
    expect(hidden.whys).toHaveLength(1);
    // A line of an earlier version has the object itself.
    expect(collect([cancelled({ why })]).whys).toMatchObject([{ index: 0, why }]);
    const text = JSON.stringify(hidden);
    for (const name of ['"ana"', 'ana ', 'zoe', 'olga', 'c++']) expect(text).not.toContain(name);
    expect(text).toContain('banana');
    const cases = collect(lines, { owners: 'hidden' }).cases;
    expect(new Set(cases.map(({ owner }) => owner))).toEqual(new Set(['owner 1', 'owner 2']));
    expect(JSON.stringify(collect(lines))).toContain('zoe');
  });
});
