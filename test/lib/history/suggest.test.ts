import { describe, expect, it } from 'vitest';
import type { Job, JobState } from '../../../lib/base/job.ts';
import { type Ending, livesOf } from '../../../lib/history/life.ts';
import { type Suggestions, suggest } from '../../../lib/history/suggest.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const DAY = 24 * HOUR;
/** The 5th of a month; forty days before lie a whole month end and a half. */
const UNTIL = Date.parse('2026-03-05T00:00:00Z');

const STATES: Partial<Record<Ending, JobState>> = {
  finished: 'finished',
  failed: 'failed',
  cancelled: 'cancelled',
  dead: 'failed',
  alive: 'running',
};

interface Row {
  /** How long each job took, ms; one job for each, an hour apart, the last of them a day before the end. */
  lengths: number[];
  ending?: Ending;
  job?: Partial<Job>;
  /** Epoch ms: the first submission. */
  from?: number;
}

const times = (n: number, ms: number): number[] => Array.from({ length: n }, () => ms);

/** Makes the suggestions for jobs, each with a start, a length and an ending. */
function suggestFor(...rows: Row[]): Suggestions {
  let n = 0;
  const jobs = rows.flatMap(({ lengths, ending = 'finished', job, from }) =>
    lengths.map((length, i) => {
      const submitted = ending === 'alive' ? UNTIL - length : (from ?? UNTIL - DAY - lengths.length * HOUR) + i * HOUR;
      const state = STATES[ending] ?? 'unknown';
      const since = { running: submitted, waiting: submitted, submitted };
      n += 1;
      return {
        job: makeJob({ id: jobId(n), state, startedAt: submitted, since, ...job }),
        endedAt: ending === 'alive' ? undefined : submitted + length,
      };
    }),
  );
  return suggest(livesOf(jobs, UNTIL), UNTIL);
}

const idsOf = ({ suggestions }: Suggestions) => suggestions.map(({ id }) => id);
const reasonsOf = ({ withoutSuggestion }: Suggestions) => withoutSuggestion.map(({ reason }) => reason);

describe('suggest', () => {
  it('tells the usual and the longest of a queue and type, and a round limit with room', () => {
    const result = suggestFor({ lengths: [...times(60, 20 * MINUTE), ...times(40, 70 * MINUTE)].toReversed() });

    expect(result.suggestions).toMatchObject([
      {
        id: 'adhoc-query',
        engine: 'sql',
        queue: 'adhoc',
        jobType: 'QUERY',
        owner: null,
        otherOwners: [],
        usualMs: 20 * MINUTE,
        longestMs: 70 * MINUTE,
        // 105 minutes are needed.
        limitMs: 2 * HOUR,
        jobs: { finished: 100, failed: 0, cancelled: 0, dead: 0, alive: 0, unknown: 0 },
      },
    ]);
    expect(result).toMatchObject({ jobs: 100, unreadable: 0, leftOut: 0, withoutSuggestion: [] });
  });

  it.each([
    { name: 'seconds get the floor', longest: 5_000, limit: 30 * MINUTE },
    { name: '20m just reach the floor', longest: 20 * MINUTE, limit: 30 * MINUTE },
    { name: '21m', longest: 21 * MINUTE, limit: 45 * MINUTE },
    { name: '40m', longest: 40 * MINUTE, limit: HOUR },
    { name: '41m', longest: 41 * MINUTE, limit: 1.5 * HOUR },
    { name: '3h', longest: 3 * HOUR, limit: 6 * HOUR },
    { name: '6h40m', longest: 6 * HOUR + 40 * MINUTE, limit: 10 * HOUR },
  ])('rounds up to a limit that a person would write: $name', ({ longest, limit }) => {
    const { suggestions } = suggestFor({ lengths: times(30, longest) });

    expect(suggestions.map(({ limitMs }) => limitMs)).toEqual([limit]);
  });

  it('suggests no SQL limit of 12 hours or more, since DLI itself cancels then', () => {
    const result = suggestFor({ lengths: times(30, 6 * HOUR + 41 * MINUTE) });

    expect(result.suggestions).toEqual([]);
    expect(result.withoutSuggestion).toMatchObject([
      { queue: 'adhoc', jobType: 'QUERY', reason: 'dli-limit', longestMs: 6 * HOUR + 41 * MINUTE },
    ]);
  });

  it.each([
    { longest: 7 * HOUR, limit: 12 * HOUR },
    { longest: 20 * HOUR, limit: 36 * HOUR },
    { longest: 6 * DAY, limit: 14 * DAY },
  ])('suggests $limit ms for Spark batches, which DLI does not cancel', ({ longest, limit }) => {
    const spark = { engine: 'spark', type: null, protection: 'none' } as const;
    const { suggestions } = suggestFor({ lengths: times(30, longest), job: spark });

    expect(suggestions).toMatchObject([{ id: 'adhoc-spark', engine: 'spark', jobType: null, limitMs: limit }]);
  });

  it('suggests nothing from fewer than 30 jobs that finished, and says so', () => {
    const result = suggestFor(
      { lengths: times(29, HOUR) },
      { lengths: times(10, HOUR), ending: 'failed' },
      { lengths: times(30, HOUR), job: { queue: 'etl', type: 'INSERT' } },
    );

    expect(idsOf(result)).toEqual(['etl-insert']);
    expect(result.withoutSuggestion).toMatchObject([
      { queue: 'adhoc', reason: 'few-jobs', longestMs: HOUR, jobs: { finished: 29, failed: 10 } },
    ]);
  });

  it('takes only jobs that finished well for usual: others have a length that says nothing', () => {
    const only = suggestFor({ lengths: times(40, 10 * MINUTE) });
    const among = suggestFor(
      { lengths: times(40, 10 * MINUTE) },
      { lengths: times(90, 5 * HOUR), ending: 'cancelled' },
      { lengths: times(90, 4 * HOUR), ending: 'failed' },
      { lengths: times(90, 3 * HOUR), ending: 'alive' },
      { lengths: times(90, 3 * HOUR), ending: 'unknown' },
    );

    const numbersOf = ({ suggestions }: Suggestions) =>
      suggestions.map(({ usualMs, longestMs, limitMs, check }) => ({ usualMs, longestMs, limitMs, check }));
    expect(numbersOf(among)).toEqual(numbersOf(only));
    expect(among.suggestions).toMatchObject([{ usualMs: 10 * MINUTE, limitMs: 30 * MINUTE }]);
    expect(reasonsOf(suggestFor({ lengths: times(500, 20 * MINUTE), ending: 'cancelled' }))).toEqual(['few-jobs']);
  });

  it('counts jobs of unknown length that came near the limit, and how far they came', () => {
    const { suggestions } = suggestFor(
      { lengths: times(40, 40 * MINUTE) },
      { lengths: [47 * MINUTE, 48 * MINUTE, 5 * HOUR], ending: 'cancelled' },
      { lengths: [59 * MINUTE, 10 * MINUTE], ending: 'alive' },
      { lengths: [9 * HOUR], ending: 'failed' },
      { lengths: [9 * HOUR], ending: 'unknown' },
    );

    expect(suggestions).toMatchObject([
      { limitMs: HOUR, openEnded: { cancelled: 2, dead: 0, alive: 1, longestMs: 5 * HOUR } },
    ]);
  });

  it('counts dead Spark batches apart, since they may have failed or been cancelled', () => {
    const job = { engine: 'spark', type: null, protection: 'none' } as const;
    const { suggestions } = suggestFor(
      { lengths: times(40, 40 * MINUTE), job },
      { lengths: [3 * HOUR, MINUTE], ending: 'dead', job },
    );

    expect(suggestions).toMatchObject([
      { jobs: { dead: 2, failed: 0 }, openEnded: { cancelled: 0, dead: 1, alive: 0, longestMs: 3 * HOUR } },
    ]);
  });
});

describe('the check of a suggestion', () => {
  it.each([
    // 1 / (1 - 0.05 ** (1 / n)), rounded down.
    { jobs: 30, learnedOn: 21, triedOn: 9, oneIn: 3 },
    { jobs: 100, learnedOn: 70, triedOn: 30, oneIn: 10 },
    { jobs: 1_000, learnedOn: 700, triedOn: 300, oneIn: 100 },
    { jobs: 2_706, learnedOn: 1_894, triedOn: 812, oneIn: 271 },
  ])('learns from the older and tries on the newer of $jobs: with 0 of $triedOn, 1 in $oneIn', ({ jobs, ...check }) => {
    const { suggestions } = suggestFor({ lengths: times(jobs, MINUTE), from: UNTIL - 300 * DAY });

    expect(suggestions.map((one) => one.check)).toEqual([{ ...check, learnedFromMs: MINUTE, raised: undefined }]);
  });

  it('holds a newer job that is exactly at the limit, as a sweep does', () => {
    const { suggestions } = suggestFor({ lengths: [...times(70, MINUTE), ...times(30, 30 * MINUTE)] });

    expect(suggestions).toMatchObject([{ limitMs: 30 * MINUTE, check: { triedOn: 30, raised: undefined } }]);
  });

  it('raises a limit that newer jobs were over to cover them with room, and says that it was tried on none', () => {
    const { suggestions } = suggestFor({
      lengths: [...times(70, MINUTE), ...times(28, MINUTE), ...times(2, 2 * HOUR)],
    });

    expect(suggestions).toMatchObject([
      {
        limitMs: 3 * HOUR,
        check: {
          learnedOn: 100,
          learnedFromMs: 2 * HOUR,
          triedOn: 0,
          oneIn: undefined,
          raised: { fromMs: 30 * MINUTE, over: 2, triedOn: 30 },
        },
      },
    ]);
  });

  it('splits by the time of submission, in whatever order DLI lists the jobs', () => {
    const { suggestions } = suggestFor(
      { lengths: times(30, 2 * HOUR), from: UNTIL - 3 * DAY },
      { lengths: times(70, MINUTE), from: UNTIL - 20 * DAY },
    );

    expect(suggestions).toMatchObject([{ check: { raised: { fromMs: 30 * MINUTE, over: 30, triedOn: 30 } } }]);
  });
});

describe('suggest, by owner', () => {
  const of = (owner: string | undefined) => ({ job: { owner } });
  const limitsOf = ({ suggestions }: Suggestions) =>
    suggestions.map(({ id, owner, otherOwners, limitMs, owns }) => [id, owner, otherOwners, limitMs / MINUTE, owns]);

  it('gives an owner whose jobs take much longer a rule, and spares them from that of the others', () => {
    const result = suggestFor(
      { lengths: times(100, 20 * MINUTE), ...of('bo') },
      { lengths: times(100, 20 * MINUTE), ...of('cem') },
      { lengths: times(100, 4 * HOUR), ...of('ana') },
    );

    expect(limitsOf(result)).toEqual([
      ['adhoc-query', null, ['ana'], 30, undefined],
      ['adhoc-query-ana', 'ana', [], 360, 'longer'],
    ]);
    expect(result.suggestions.map(({ jobs }) => jobs.finished)).toEqual([200, 100]);
  });

  it('gives an owner whose jobs take much less a rule of their own', () => {
    const result = suggestFor(
      { lengths: times(100, 3 * HOUR), ...of('bo') },
      { lengths: times(100, 4 * HOUR), ...of('cem') },
      { lengths: times(100, 20 * MINUTE), ...of('ana') },
    );

    expect(limitsOf(result)).toEqual([
      ['adhoc-query', null, ['ana'], 360, undefined],
      ['adhoc-query-ana', 'ana', [], 30, 'shorter'],
    ]);
  });

  it.each([
    { name: 'whose limit is the same, however different the lengths', lengths: times(100, 1_000) },
    { name: 'with few jobs', lengths: times(29, 4 * HOUR) },
    { name: 'whose limit is less than twice that of the others', lengths: times(100, 29 * MINUTE) },
  ])('gives no rule to an owner $name', ({ lengths }) => {
    const result = suggestFor({ lengths: times(200, 20 * MINUTE), ...of('bo') }, { lengths, ...of('ana') });

    expect(idsOf(result)).toEqual(['adhoc-query']);
  });

  it('gives no rule to an owner if too few jobs are left for the others', () => {
    const result = suggestFor(
      { lengths: times(100, 4 * HOUR), ...of('ana') },
      { lengths: times(20, MINUTE), ...of('bo') },
    );

    expect(limitsOf(result)).toEqual([['adhoc-query', null, [], 360, undefined]]);
  });

  it.each(['a*', 'who?', '/ana/', 'a,b', ' ana', 'an\u202ea', undefined])(
    'gives no rule to the owner %j, whom a policy would not name alone',
    (owner) => {
      const result = suggestFor(
        { lengths: times(100, 20 * MINUTE), ...of('bo') },
        { lengths: times(100, 4 * HOUR), ...of(owner) },
      );

      expect(limitsOf(result)).toEqual([
        ['adhoc-query', null, ['bo'], 360, undefined],
        ['adhoc-query-bo', 'bo', [], 30, 'shorter'],
      ]);
    },
  );

  it('decides by the older jobs alone, so that the newer ones still try each limit', () => {
    const result = suggestFor(
      { lengths: times(140, 20 * MINUTE), from: UNTIL - 30 * DAY, ...of('bo') },
      { lengths: times(60, 4 * HOUR), from: UNTIL - 5 * DAY, ...of('ana') },
    );

    expect(idsOf(result)).toEqual(['adhoc-query']);
    expect(result.suggestions).toMatchObject([{ limitMs: 6 * HOUR, check: { raised: { over: 60 } } }]);
  });

  it('gives no rule for one long job: all but one in twenty have to differ too', () => {
    const lengths = [4 * HOUR, ...times(99, 20 * MINUTE)];
    const result = suggestFor({ lengths: times(100, 20 * MINUTE), ...of('bo') }, { lengths, ...of('ana') });

    expect(limitsOf(result)).toEqual([['adhoc-query', null, [], 360, undefined]]);
  });

  it('gives no rule to an owner whom the others are like in the newer jobs', () => {
    const result = suggestFor(
      { lengths: [...times(100, 10 * MINUTE), 4 * HOUR], ...of('bo') },
      { lengths: times(101, 4 * HOUR), ...of('ana') },
    );

    expect(limitsOf(result)).toEqual([['adhoc-query', null, [], 360, undefined]]);
    expect(result.suggestions).toMatchObject([{ check: { triedOn: 61, raised: undefined } }]);
  });

  it('leaves an owner for whom nothing can be suggested out of the rule of the others', () => {
    const result = suggestFor(
      { lengths: times(100, 20 * MINUTE), ...of('bo') },
      { lengths: times(100, 11 * HOUR), ...of('ana') },
    );

    expect(limitsOf(result)).toEqual([['adhoc-query', null, ['ana'], 30, undefined]]);
    expect(result.withoutSuggestion).toMatchObject([{ owner: 'ana', reason: 'dli-limit' }]);
  });
});

describe('the groups of suggest', () => {
  it('are one for each engine, queue and type, the queue in lower case', () => {
    const lengths = times(30, MINUTE);
    const result = suggestFor(
      { lengths },
      { lengths, job: { queue: 'ADHOC' } },
      { lengths, job: { type: 'INSERT' } },
      { lengths, job: { queue: 'etl_1' } },
      { lengths, job: { engine: 'spark', type: null, protection: 'none' } },
    );

    expect(idsOf(result)).toEqual(['adhoc-spark', 'adhoc-insert', 'adhoc-query', 'etl-1-query']);
    expect(result.suggestions.map(({ jobs }) => jobs.finished)).toEqual([30, 30, 60, 30]);
  });

  it.each<Partial<Job>>([
    { type: 'RESTART_QUEUE' },
    { type: 'SCALE_QUEUE' },
    { type: 'SOMETHING_NEW' },
    { type: undefined },
    { engine: 'flink', type: 'flink_sql_job', protection: 'none' },
  ])('leave out jobs that no rule may cancel, and Flink: %j', (job) => {
    const result = suggestFor({ lengths: times(50, MINUTE) }, { lengths: times(50, MINUTE), job });

    expect(idsOf(result)).toEqual(['adhoc-query']);
    expect(result).toMatchObject({ jobs: 100, leftOut: 50, withoutSuggestion: [] });
  });

  it.each([undefined, 'a queue', '*', 'x\ny'])(
    'have no suggestion for the queue %j, which no rule can name',
    (queue) => {
      const result = suggestFor({ lengths: times(50, MINUTE), job: { queue } });

      expect(result.suggestions).toEqual([]);
      expect(reasonsOf(result)).toEqual(['queue-name']);
    },
  );

  it('have ids of their own, in the letters of an id', () => {
    const of = (owner: string, ms: number) => ({ lengths: times(60, ms), job: { owner } });
    const result = suggestFor(
      of('bo', MINUTE),
      of('anne-oz', 40 * MINUTE),
      of('Änne.Öz', 80 * MINUTE),
      of('张伟', 4 * HOUR),
      { lengths: times(60, MINUTE), job: { queue: '1st' } },
      { lengths: times(60, MINUTE), job: { queue: 'q'.repeat(100) } },
      { lengths: times(60, MINUTE), job: { queue: 'q'.repeat(101) } },
    );

    expect(idsOf(result)).toEqual([
      'q1st-query',
      'adhoc-query',
      'adhoc-query-anne-oz',
      'adhoc-query-anne-oz-2',
      'adhoc-query-owner',
      'q'.repeat(56),
      `${'q'.repeat(56)}-2`,
    ]);
  });
});

describe('the window of suggest', () => {
  it.each([
    { name: 'from before the last day to after the 2nd', from: '2026-01-30T10:00:00Z', holds: true },
    { name: 'from the beginning of the last day', from: '2026-02-28T00:00:00Z', holds: true },
    { name: 'from within the last day', from: '2026-02-28T00:00:01Z', holds: false },
    { name: 'from the 3rd', from: '2026-03-03T00:00:00Z', holds: false },
  ])('says whether it holds a whole month end: $name', ({ from, holds }) => {
    const result = suggestFor({ lengths: times(30, MINUTE), from: Date.parse(from) });

    expect(result.window).toEqual({ from: Date.parse(from), until: UNTIL, holdsMonthEnd: holds });
    expect(result.suggestions.map((one) => one.holdsMonthEnd)).toEqual([holds]);
  });

  it('marks a queue that is younger than the last month end, although the history holds one', () => {
    const result = suggestFor(
      { lengths: times(30, MINUTE), from: UNTIL - 40 * DAY },
      { lengths: times(30, MINUTE), job: { queue: 'young' }, from: UNTIL - 2 * DAY },
    );

    expect(result.window.holdsMonthEnd).toBe(true);
    expect(result.suggestions.map(({ id, holdsMonthEnd }) => [id, holdsMonthEnd])).toEqual([
      ['adhoc-query', true],
      ['young-query', false],
    ]);
  });

  it('counts jobs whose start or end cannot be read', () => {
    const submitted = UNTIL - DAY;
    const past = { job: makeJob({ state: 'finished', startedAt: submitted }), endedAt: undefined };

    expect(suggest(livesOf([past], UNTIL), UNTIL)).toMatchObject({
      jobs: 0,
      unreadable: 1,
      window: { from: undefined },
    });
  });
});
