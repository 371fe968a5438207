import { formatDuration } from '../base/duration.ts';
import { type Case, MOST_NEAR, type Need, type Place, type StateSpan } from './aggregates.ts';
import { isoOf, type Run } from './sightings.ts';
import { hasEnd } from './states.ts';

/*
 * What a person should look at, one sentence each. What is worst comes first.
 */

const DAY_MS = 86_400_000;

/** What `notify` wrote about messages that did not reach their recipient. */
export interface Undelivered extends Place {
  /** The stage has no route for it at all; or one try to send it failed, and a later one may have succeeded. */
  why: 'no-route' | 'not-sent';
  /** Epoch ms. */
  at: number;
}

/** A sweep that could not run, before it was known for which target. */
export interface Trouble {
  stage: string | null;
  error: string;
  /** Epoch ms. */
  at: number;
}

/** What one target's record holds. */
export interface TargetRecord {
  place: Place;
  runs: readonly Run[];
  cases: readonly Case[];
  states: readonly StateSpan[];
}

interface NeedOptions {
  /** Epoch ms, the end of the record. */
  to: number;
  undelivered: readonly Undelivered[];
  troubles: readonly Trouble[];
}

export function needsOf(targets: readonly TargetRecord[], { to, undelivered, troubles }: NeedOptions): Need[] {
  const needs = [
    ...targets.flatMap((record) => [
      ...ofJobs(record),
      ...ofStates(record, to),
      ...ofCap(record),
      ...ofCalendar(record, to),
    ]),
    ...ofMessages(undelivered),
    ...ofTroubles(troubles),
  ];
  return needs.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

const ORDER: readonly Need['kind'][] = [
  'dead',
  'blind',
  'failed',
  'unconfirmed',
  'no-result',
  'capped',
  'stopped',
  'not-reached',
  'untold',
  'ending',
];

const LOOK = 'look at each with dli-reaper why';

const JOBS = {
  failed: { words: 'not cancelled: DLI refused, or gave up', todo: LOOK },
  unconfirmed: { words: 'asked to stop, and not seen to stop', todo: LOOK },
  'no-result': { words: 'chosen by a sweep that left no result', todo: `${LOOK}: the sweep may have died` },
  untold: { words: 'cancelled without an owner on record, so no owner hears of it', todo: null },
  'not-reached': {
    words: 'over a limit, and not reached by the last sweep',
    todo: 'see why that sweep did not end its work',
  },
} as const;

function ofJobs({ place, runs, cases }: TargetRecord): Need[] {
  const last = lastRun(runs);
  const isNotReached = ({ result, reason, lastAt }: Case) =>
    result === 'not-asked' &&
    (reason === 'deadline' || reason === 'unsent' || reason === 'partial' || reason === 'stopped') &&
    last !== undefined &&
    Date.parse(lastAt) >= last.end.startedAt;
  const kinds: [keyof typeof JOBS, (one: Case) => boolean][] = [
    ['failed', ({ result }) => result === 'failed'],
    ['unconfirmed', ({ result }) => result === 'unconfirmed'],
    ['no-result', ({ result }) => result === 'no-result'],
    ['not-reached', isNotReached],
    ['untold', ({ result, owner }) => result === 'cancelled' && owner === null],
  ];
  return kinds.flatMap(([kind, is]): Need[] => {
    const jobs = cases.filter(is).sort((a, b) => Date.parse(b.resultAt) - Date.parse(a.resultAt));
    const [latest] = jobs;
    if (latest === undefined) return [];
    const { words, todo } = JOBS[kind];
    const what = `${jobsText(jobs.length)} ${words}; the last at ${latest.resultAt}`;
    return [
      { ...place, kind, count: jobs.length, what, todo, jobIds: jobs.slice(0, MOST_NEAR).map(({ jobId }) => jobId) },
    ];
  });
}

const lastRun = (runs: readonly Run[]) =>
  runs
    .filter(hasEnd)
    .reduce<(Run & { end: NonNullable<Run['end']> }) | undefined>(
      (last, run) => (last === undefined || run.end.at > last.end.at ? run : last),
      undefined,
    );

const STATES = {
  dead: { words: 'no sweep of the schedule', todo: 'look at the schedule and the function with dli-reaper doctor' },
  blind: { words: 'the sweeps do not see or reach all jobs', todo: 'see why with dli-reaper doctor' },
  stopped: { words: 'the sweeps are stopped', todo: 'dli-reaper resume, when the reason is gone' },
} as const;

/** States that last at the end of the record; and how long the target had no sweep before. */
function ofStates({ place, states }: TargetRecord, to: number): Need[] {
  return (['dead', 'blind', 'stopped'] as const).flatMap((state): Need[] => {
    const spans = states.filter((span) => span.state === state);
    const last = spans.at(-1);
    if (last === undefined) return [];
    const { words, todo } = STATES[state];
    if (Date.parse(last.to) >= to) {
      const why = last.why === null ? '' : `: ${last.why}`;
      return [
        { ...place, kind: state, count: last.sweeps, what: `${words} since ${last.from}${why}`, todo, jobIds: [] },
      ];
    }
    if (state !== 'dead') return [];
    const ms = spans.reduce((sum, { from, to: end }) => sum + Date.parse(end) - Date.parse(from), 0);
    const what = `${words} for ${formatDuration(ms)} in all, the last time until ${last.to}`;
    return [{ ...place, kind: state, count: spans.length, what, todo: null, jobIds: [] }];
  });
}

function ofCap({ place, runs }: TargetRecord): Need[] {
  const capped = runs.filter(hasEnd).filter(({ end }) => end.status === 'capped' && !end.dryRun);
  const last = lastRun(capped);
  if (last === undefined) return [];
  const isLast = lastRun(runs) === last;
  const what = `${capped.length === 1 ? '1 sweep was' : `${capped.length} sweeps were`} over the cap, ${isLast ? 'also the last one' : 'the last'} at ${isoOf(last.end.at)}`;
  return [
    {
      ...place,
      kind: 'capped',
      count: capped.length,
      what: last.end.problem === null ? what : `${what}: ${last.end.problem}`,
      todo: 'look at the plan, then raise the cap for one sweep or mend the policy',
      jobIds: [],
    },
  ];
}

/** Marks come once in a week, so what was said since then still counts. */
const CALENDAR_MS = 8 * DAY_MS;

/** Exemptions and freezes that end or have ended, each with its latest sentence. */
function ofCalendar({ place, runs }: TargetRecord, to: number): Need[] {
  const latest = new Map<string, { at: number; what: string }>();
  for (const { end } of runs.filter(hasEnd)) {
    for (const what of end.calendar) {
      const [kind = '', id = ''] = what.split(' ');
      const known = latest.get(`${kind} ${id}`);
      if (end.at >= to - CALENDAR_MS && (known === undefined || end.at >= known.at)) {
        latest.set(`${kind} ${id}`, { at: end.at, what });
      }
    }
  }
  return [...latest.values()].map(({ what }) => ({ ...place, kind: 'ending', count: 1, what, todo: null, jobIds: [] }));
}

const MESSAGES = {
  'no-route': { words: 'had no route', todo: 'give the stage a fallback route, see docs/notices.md' },
  'not-sent': { words: 'could not be sent at one try', todo: 'look at the log of the function notify' },
} as const;

function ofMessages(undelivered: readonly Undelivered[]): Need[] {
  const groups = Map.groupBy(undelivered, ({ stage, target, why }) => JSON.stringify([stage, target, why]));
  return [...groups.values()].flatMap((messages): Need[] => {
    const [first] = messages;
    if (first === undefined) return [];
    const { words, todo } = MESSAGES[first.why];
    const count = messages.length;
    const last = isoOf(messages.reduce((latest, { at }) => Math.max(latest, at), 0));
    const what = `${count === 1 ? '1 message' : `${count} messages`} ${words}; the last at ${last}`;
    return [{ stage: first.stage, target: first.target, kind: 'untold', count, what, todo, jobIds: [] }];
  });
}

function ofTroubles(troubles: NeedOptions['troubles']): Need[] {
  return [...Map.groupBy(troubles, ({ stage }) => stage)].map(([stage, all]): Need => {
    const last = all.reduce((latest, one) => (one.at > latest.at ? one : latest));
    const count = all.length === 1 ? '1 sweep' : `${all.length} sweeps`;
    const what = `${count} could not run; the last at ${isoOf(last.at)}: ${last.error}`;
    return { stage, kind: 'blind', count: all.length, what, todo: STATES.blind.todo, jobIds: [] };
  });
}

const jobsText = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`);
