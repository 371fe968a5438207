import type { PageContent } from '../../cli/report/packed.ts';
import {
  type Aggregates,
  type Case,
  type CaseWhy,
  type Day,
  MOST_NEAR,
  type NearMiss,
  RATIO_EDGES,
  RESULTS,
  type Result,
  type RuleTotals,
  STATES,
  type StateSpan,
} from '../../lib/aggregate/aggregates.ts';

/*
 * Contents of pages, made up by hand, with every case that a page has to show. What a real record comes to is tested with
 * lib/aggregate; here the numbers only have to agree with each other.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-01T00:00:00Z');

const iso = (at: number): string => new Date(at).toISOString();

/** The same numbers each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

export const noResults = (): Record<Result, number> =>
  Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<Result, number>;

const RULES = [
  { rule: 'adhoc-2h', limitMs: 2 * HOUR, queue: 'analysts', owners: ['m.jansen', 'a.okafor', 'l.rossi', 'li.wei'] },
  { rule: 'dashboards-30m', limitMs: HOUR / 2, queue: 'bi_dashboards', owners: ['superset'] },
  { rule: 'etl-nightly-8h', limitMs: 8 * HOUR, queue: 'etl', owners: ['etl-batch'] },
  { rule: 'sandbox-1h', limitMs: HOUR, queue: 'sandbox', owners: ['a.okafor', 't.berg'] },
  { rule: 'spark-ml-12h', limitMs: 12 * HOUR, queue: 'ml_spark', owners: ['k.sato', 'p.nowak'] },
];

const WEIGHTS: [Result, number][] = [
  ['cancelled', 70],
  ['already-terminal', 8],
  ['unconfirmed', 2],
  ['failed', 2],
  ['no-result', 1],
  ['not-asked', 6],
  ['noted', 4],
  ['kept', 7],
];

export interface MadeOptions {
  days: number;
  cases: number;
  /** Every live result becomes this one. */
  only?: Result;
}

function madeCase(next: () => number, index: number, options: MadeOptions): Case {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const rule = RULES[Math.floor(next() ** 1.6 * RULES.length)] as (typeof RULES)[number];
  const result = options.only ?? pick(WEIGHTS.flatMap(([one, weight]) => Array<Result>(weight).fill(one)));
  const at = START + Math.floor(next() * options.days * 96) * (DAY / 96) + 23_000;
  const isOver = result !== 'kept' && result !== 'warned';
  const ratio = isOver ? 1.02 + next() ** 4 * 14 : 0.5 + next() * 0.45;
  const hex = (length: number) => Array.from({ length }, () => Math.floor(next() * 16).toString(16)).join('');
  const engine = rule.queue === 'ml_spark' ? 'spark' : 'sql';
  return {
    stage: 'prod',
    target: next() < 0.8 ? 'lake' : 'finance',
    engine,
    jobId: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${index.toString(16).padStart(12, '0')}`,
    name: engine === 'spark' ? pick(['churn-model', 'feature-store-refresh']) : null,
    queue: rule.queue,
    owner: pick(rule.owners),
    jobType: engine === 'spark' ? null : pick(['QUERY', 'QUERY', 'INSERT']),
    result,
    reason:
      result === 'kept' ? 'exempt' : result === 'not-asked' ? 'cap' : result === 'no-result' ? null : 'over-limit',
    rule: result === 'kept' ? 'month-end-close' : rule.rule,
    clock: isOver ? 'maxRunTime' : null,
    limitMs: isOver ? rule.limitMs : null,
    readingMs: isOver ? Math.round(rule.limitMs * ratio) : null,
    resultAt: iso(at),
    firstAt: iso(at - (next() < 0.3 ? 15 * 60_000 : 0)),
    lastAt: iso(at),
    sweeps: 1 + Math.floor(next() * 3),
    status: result === 'cancelled' ? 'CANCELLED' : result === 'already-terminal' ? 'FINISHED' : 'RUNNING',
    evidence: result === 'cancelled' ? (engine === 'spark' ? 'own-record' : 'status') : null,
    endedBy: result === 'already-terminal' && next() < 0.2 ? 'others' : null,
    repeats: result === 'cancelled' ? Math.floor(next() ** 3 * 4) : null,
    cus: engine === 'spark' ? 16 : null,
    error: result === 'failed' ? `cancel job: 400 DLI.0999 the job cannot be cancelled now (request ${hex(8)})` : null,
    sweepId: `s-${at.toString(36)}`,
    trigger: 'schedule',
    recordedBy: null,
  };
}

/** Two targets under five rules and one that is for no job, over so many days. */
export function madeContent(options: MadeOptions = { days: 61, cases: 900 }): PageContent {
  const next = random(7);
  const cases = Array.from({ length: options.cases }, (_, i) => madeCase(next, i, options)).sort(
    (a, b) => Date.parse(b.resultAt) - Date.parse(a.resultAt),
  );
  return { aggregates: aggregatesOf(cases, options, next), cases, whys: whysOf(cases.slice(0, 200)), ...FACTS };
}

const FACTS = {
  title: 'What the job reaper did: prod, March and April 2026',
  madeAt: '2026-05-01T06:30:00.000Z',
  version: '0.1.0',
  command: 'dli-reaper report --stage prod --since 2026-03-01 --until 2026-05-01 --out report.html',
  ownersHidden: false,
};

function whysOf(cases: readonly Case[]): CaseWhy[] {
  return cases.map((one, index) => ({
    index,
    why: {
      jobId: one.jobId,
      engine: one.engine,
      jobType: one.jobType,
      queue: one.queue,
      owner: one.owner,
      status: one.status,
      clocks: { maxRunTime: one.readingMs, maxQueueTime: null, maxTotalTime: null },
      rules: [
        {
          rule: one.rule ?? '?',
          match: [{ key: 'queue', wanted: [one.queue ?? ''], found: one.queue, holds: 'yes' }],
          ignore: [],
          limits: one.limitMs === null ? [] : [{ clock: 'maxRunTime', limitMs: one.limitMs, readingMs: one.readingMs }],
          result: one.result === 'kept' ? 'within-limit' : 'over-limit',
        },
      ],
      exemptions: [],
      freezes: [],
      tagExemption: null,
      verdict:
        one.limitMs === null || one.readingMs === null
          ? { action: 'keep', reason: 'exempt', rule: one.rule ?? undefined, limitMs: undefined }
          : {
              action: 'cancel',
              reason: 'over-limit',
              rule: one.rule ?? '?',
              matched: [one.rule ?? '?'],
              clock: 'maxRunTime',
              limitMs: one.limitMs,
              overLimitMs: one.readingMs - one.limitMs,
              savepoint: false,
              onSavepointFailure: 'keep',
            },
      otherExemptions: 2,
      otherFreezes: 0,
    } as CaseWhy['why'],
  }));
}

function resultsOf(cases: readonly Case[]): Record<Result, number> {
  const results = noResults();
  for (const { result } of cases) results[result] += 1;
  return results;
}

function statesOf(days: number): StateSpan[] {
  if (days < 8) return [];
  const span = (
    state: StateSpan['state'],
    day: number,
    hours: number,
    sweeps: number,
    why: string | null,
    target = 'lake',
  ) => ({
    stage: 'prod',
    target,
    state,
    from: iso(START + day * DAY),
    to: iso(START + day * DAY + hours * HOUR),
    sweeps,
    why,
  });
  return [
    span('dead', 4.2, 9, 0, null),
    span('stopped', 6.4, 5, 20, 'the switch says stop: maintenance of the lake'),
    span('capped', 3.5, 2, 8, '41 victims, and maxKills is 20'),
    span('capped', days - 12.3, 1.25, 5, '33 victims, and maxKills is 20', 'finance'),
    span('blind', days - 5.5, 26, 104, 'listing of spark jobs: 503'),
  ];
}

function daysOf(cases: readonly Case[], states: readonly StateSpan[], count: number): Day[] {
  const casesOf = Map.groupBy(cases, ({ resultAt }) => Math.floor((Date.parse(resultAt) - START) / DAY));
  return Array.from({ length: count }, (_, i) => {
    const from = START + i * DAY;
    const to = from + DAY;
    const within = (state: StateSpan) =>
      Math.max(0, Math.min(to, Date.parse(state.to)) - Math.max(from, Date.parse(state.from)));
    return {
      day: iso(from).slice(0, 10),
      from: iso(from),
      to: iso(to),
      results: resultsOf(casesOf.get(i) ?? []),
      hours: Object.fromEntries(
        STATES.map((state) => [
          state,
          states.filter((one) => one.state === state).reduce((sum, one) => sum + within(one), 0) / HOUR,
        ]),
      ) as Day['hours'],
    };
  });
}

const binOf = (ratio: number): number => RATIO_EDGES.findLastIndex((edge) => ratio >= edge);

function ruleTotals(
  { rule, limitMs }: { rule: string; limitMs: number },
  cases: readonly Case[],
  sweeps: number,
  next: () => number,
): RuleTotals {
  const own = cases.flatMap((one, index) => (one.rule === rule ? [{ ...one, index }] : []));
  const kills = own
    .filter(({ result }) => result === 'cancelled')
    .map(({ index, readingMs }) => ({ index, ratio: (readingMs ?? 0) / limitMs }))
    .sort((a, b) => a.ratio - b.ratio);
  const near = Array.from(
    { length: Math.floor(own.length / 4) },
    (): NearMiss => ({
      stage: 'prod',
      target: 'lake',
      engine: 'sql',
      jobId: `5b3c6e1e-6d0f-4f0e-9a53-${Math.floor(next() * 1e12)
        .toString(16)
        .padStart(12, '0')}`,
      rule,
      clock: 'maxRunTime',
      limitMs,
      readingMs: Math.floor(limitMs * (1 - next() ** 1.5 * 0.45)),
      at: iso(START + 5 * DAY),
    }),
  ).sort((a, b) => b.readingMs - a.readingMs);
  const bins = (ratios: readonly number[]) =>
    RATIO_EDGES.map((_, bin) => ratios.filter((ratio) => binOf(ratio) === bin).length);
  return {
    stage: 'prod',
    target: 'lake',
    rule,
    action: 'cancel',
    sweeps,
    emptySweeps: own.length === 0 ? sweeps : Math.floor(sweeps * 0.3),
    lastMatchedAt: own[0]?.resultAt ?? null,
    mostMatched: own.length === 0 ? 0 : 14,
    mostOverLimit: own.length === 0 ? 0 : 5,
    mostSpared: own.length === 0 ? {} : { exempt: 2, undetermined: 1 },
    results: resultsOf(own),
    limits: own.length === 0 ? [] : [{ clock: 'maxRunTime', limitMs, cases: own.length }],
    kills: bins(kills.map(({ ratio }) => ratio)),
    nearestKills: kills.slice(0, MOST_NEAR).map(({ index }) => index),
    misses: bins(near.map(({ readingMs }) => readingMs / limitMs)),
    nearestMisses: near.slice(0, MOST_NEAR),
  };
}

function aggregatesOf(cases: readonly Case[], { days: count }: MadeOptions, next: () => number): Aggregates {
  const states = statesOf(count);
  const results = resultsOf(cases);
  const sweeps = count * 96;
  const end = START + count * DAY;
  const jobs = (result: Result) => cases.filter((one) => one.result === result).map(({ jobId }) => jobId);
  const need = (kind: Result & ('failed' | 'unconfirmed' | 'no-result'), what: string, todo: string) =>
    jobs(kind).length === 0
      ? []
      : [
          {
            kind,
            stage: 'prod',
            target: 'lake',
            count: jobs(kind).length,
            what,
            todo,
            jobIds: jobs(kind).slice(0, MOST_NEAR),
          },
        ];
  return {
    from: iso(START),
    to: iso(end),
    timeZone: 'UTC',
    sources: [
      { name: '/aws/lambda/dli-reaper-prod-sweep', lines: 48_211, used: 31_077, other: 17_134, twice: 0, outside: 0 },
      { name: '/aws/lambda/dli-reaper-prod-notify', lines: 2_204, used: 1_991, other: 213, twice: 0, outside: 0 },
    ],
    unread: [
      {
        source: '/aws/lambda/dli-reaper-prod-sweep',
        first: 'line 20311',
        count: 3,
        why: 'not a JSON object: the line was cut off',
      },
    ],
    targets: ['lake', 'finance'].map((target) => ({
      stage: 'prod',
      target,
      projectId: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
      projectName: `eu-west-101_${target}`,
      region: 'eu-west-101',
      sweeps,
      statuses: { ok: sweeps - 120, capped: 13, partial: 104, failed: 3 },
      dryRuns: 0,
      byHand: 2,
      emergencies: target === 'lake' ? 1 : 0,
      firstAt: iso(START + 23_000),
      lastAt: iso(end - 900_000),
      periodMinutes: 15,
      results: resultsOf(cases.filter((one) => one.target === target)),
      apiCalls: sweeps * 7,
    })),
    results,
    days: daysOf(cases, states, count),
    states,
    rules: [...RULES, { rule: 'flink-forgotten-30d', limitMs: 30 * DAY }].map((rule) =>
      ruleTotals(rule, cases, sweeps, next),
    ),
    repeats: repeatsOf(results.cancelled, count),
    worth: {
      waiting:
        results.cancelled === 0
          ? null
          : RULES.slice(0, 4).map(({ queue }, i) => ({
              stage: 'prod',
              target: 'lake',
              queue,
              sweeps: 90 - 20 * i,
              before: { jobs: [14.3, 6.1, 3.2, 9][i] ?? 0, longestMs: 40 * 60_000 },
              after: { jobs: [5.2, 2.4, 3.2, 9.6][i] ?? 0, longestMs: 12 * 60_000 },
              fewer: 60 - 15 * i,
              same: 20,
              more: 10 - 5 * i < 0 ? 0 : 10 - 5 * i,
            })),
      leftRunning: results['not-asked'] === 0 ? null : { jobs: 41, jobHours: 96.4, cuHours: 310, withoutCus: 29 },
    },
    needs: [
      ...need(
        'failed',
        'DLI refused to stop these jobs, the last on 28 Apr, and they were alive after that.',
        'Stop them in the console, or ask their owners.',
      ),
      ...need(
        'unconfirmed',
        'These jobs were asked to stop, and no sweep has seen them stopped since.',
        'Look at their status in DLI.',
      ),
      ...(count < 8
        ? []
        : [
            {
              kind: 'capped' as const,
              stage: 'prod',
              target: 'lake',
              count: 8,
              what: 'Eight sweeps on 4 Mar had more victims than maxKills allows, so they cancelled none.',
              todo: 'Raise maxKills, or narrow the rule adhoc-2h.',
              jobIds: [],
            },
            {
              kind: 'ending' as const,
              stage: 'prod',
              target: 'finance',
              count: 1,
              what: 'The exemption month-end-close ends on 5 May 2026.',
              todo: null,
              jobIds: [],
            },
          ]),
    ],
    tried: [],
  };
}

function repeatsOf(cancelled: number, days: number): Aggregates['repeats'] {
  if (cancelled === 0) return { unknown: 0, times: 0, cameBack: 0, stayedAway: 0, notKnown: 0, chains: [] };
  const cameBack = Math.floor(cancelled * 0.15);
  const notKnown = Math.floor(cancelled * 0.03);
  const unknown = Math.floor(cancelled * 0.1);
  const times = cancelled - unknown;
  const chain = (i: number, name: string | null, owner: string, queue: string) => ({
    stage: 'prod',
    target: 'lake',
    engine: name === null ? 'sql' : 'spark',
    queue,
    owner,
    fingerprint: name === null ? `9f2c41d07ab${i}` : null,
    name,
    cancelledAt: Array.from({ length: 9 - i }, (_, n) => iso(START + (1 + i * 2 + n * (1.3 + i)) * DAY)).filter(
      (at) => Date.parse(at) < START + days * DAY,
    ),
    cameBack: 3,
    lastJobId: '5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa',
  });
  return {
    unknown,
    times,
    cameBack,
    stayedAway: times - cameBack - notKnown,
    notKnown,
    chains:
      days < 8
        ? []
        : [
            chain(0, null, 'superset', 'bi_dashboards'),
            chain(1, 'churn-model', 'k.sato', 'ml_spark'),
            chain(2, null, 'm.jansen', 'analysts'),
            chain(3, null, 'li.wei', 'analysts'),
          ],
  };
}

/** A page of one sweep that would have cancelled two jobs. */
export function oneSweep(): PageContent {
  const content = madeContent({ days: 1, cases: 2, only: 'dry-run' });
  return { ...content, aggregates: { ...content.aggregates, from: content.aggregates.to, unread: [], needs: [] } };
}

/** A page of a record without any line about a sweep. */
export function nothing(): PageContent {
  const content = madeContent({ days: 1, cases: 0 });
  const none = { targets: [], days: [], states: [], rules: [], needs: [], unread: [], results: noResults() };
  return { ...content, aggregates: { ...content.aggregates, ...none } };
}

/** A page of a policy that was tried on the past. */
export function onlyTried(): PageContent {
  const content = nothing();
  const near = { stage: null, target: 'lake', engine: 'sql' as const, rule: 'adhoc-2h', clock: 'maxRunTime' as const };
  const tried = {
    source: 'backtest.json',
    target: 'lake',
    from: iso(START),
    until: iso(START + 14 * DAY),
    jobs: 1200,
    wouldCancel: 31,
    wrongKills: 2,
    rules: [{ rule: 'adhoc-2h', wouldCancel: 31, wrongKills: 2 }],
    wrongKillsShown: [{ jobId: 'a', rule: 'adhoc-2h', lengthMs: 3 * HOUR, stillNeededMs: HOUR }],
    nearMisses: [0.8, 0.93, 0.99].map((ratio, i) => ({
      ...near,
      jobId: `job-${i}`,
      limitMs: 2 * HOUR,
      readingMs: 2 * HOUR * ratio,
      at: iso(START + i * DAY),
    })),
  };
  return { ...content, aggregates: { ...content.aggregates, tried: [tried] } };
}
