import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../cli/screen/exit-code.ts';
import { formatBar } from '../../../cli/screen/job-table.ts';
import { formatReport } from '../../../cli/screen/report.ts';
import type { Job } from '../../../lib/base/job.ts';
import { createRequest } from '../../../lib/request/request.ts';
import type { Ends } from '../../../lib/sweep/act/act.ts';
import type { Decision } from '../../../lib/sweep/judge/decide.ts';
import { createMeasure, judge } from '../../../lib/sweep/judge/judge.ts';
import type { Gap, Sight } from '../../../lib/sweep/look/look.ts';
import type { Outcome } from '../../../lib/sweep/record/outcome.ts';
import type { DryRunReason, Stopped } from '../../../lib/sweep/record/report.ts';
import { createCallCounter, type SweepReport } from '../../../lib/sweep/record/report.ts';
import { tell } from '../../../lib/sweep/tell/tell.ts';
import { makeExemption, makeJob, makePolicy } from '../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

/*
 * What a person reads and what a machine reads of one sweep. Jobs, rules, outcomes and troubles are random; the decisions
 * are those of the policy.
 */

const LIMITS = ['maxRunTime', 'maxQueueTime', 'maxTotalTime'] as const;

const jobs: fc.Arbitrary<Job[]> = fc
  .array(
    fc.record({
      ageMs: fc.constantFrom(undefined, MINUTE, 2 * HOUR, 3 * HOUR, 9 * HOUR),
      runsForMs: fc.constantFrom(undefined, MINUTE, 2 * HOUR),
      state: fc.constantFrom('running', 'running', 'queued', 'unknown', 'stopping', 'finished'),
      queue: fc.constantFrom('adhoc', 'bi', 'etl', undefined),
      owner: fc.constantFrom('ana', 'bo', 'dashboards', undefined),
      type: fc.constantFrom('QUERY', 'QUERY', 'INSERT', 'SCALE_QUEUE', undefined),
    }),
    { maxLength: 8 },
  )
  .map((rows) =>
    rows.map(({ ageMs, runsForMs = ageMs, ...fields }, n) => {
      const startedAt = ageMs === undefined ? undefined : NOW - ageMs;
      const running = runsForMs === undefined ? undefined : NOW - Math.min(runsForMs, ageMs ?? runsForMs);
      const job = makeJob({ ...fields, id: jobId(n), startedAt });
      return { ...job, since: { running, waiting: startedAt, submitted: startedAt } };
    }),
  );

const rules = fc.array(
  fc.record({
    match: fc.constantFrom('all', { queue: 'adhoc' }, { owner: 'b*' }, { jobType: ['QUERY', 'INSERT'] }),
    ignore: fc.constantFrom(undefined, { owner: 'dashboards' }),
    action: fc.constantFrom('cancel', 'warn', 'log'),
    limits: fc.uniqueArray(fc.tuple(fc.constantFrom(...LIMITS), fc.constantFrom('30m', '2h', '5h')), {
      minLength: 1,
      selector: ([name]) => name,
    }),
  }),
  { minLength: 1, maxLength: 3 },
);

const OUTCOMES: Outcome[] = [
  { kind: 'cancelled', status: 'CANCELLED', evidence: 'status' },
  { kind: 'already-terminal', status: 'FINISHED' },
  { kind: 'unconfirmed', error: undefined },
  { kind: 'failed', error: new Error('400 DLI.0003') },
  { kind: 'skipped', reason: 'deadline' },
  { kind: 'skipped', reason: 'cap' },
];

const troubles = fc.record({
  outcomes: fc.array(fc.constantFrom(...OUTCOMES), { minLength: 8, maxLength: 8 }),
  dryRunBecause: fc.constantFrom<DryRunReason[][]>([], [], ['request'], ['policy', 'target']),
  gaps: fc.constantFrom<Gap[][]>([], [], [], [{ engine: 'sql', what: 'page 2' }]),
  stopped: fc.constantFrom<(Stopped | undefined)[]>(undefined, undefined, undefined, {
    by: 'switch',
    because: 'the switch is not set to run',
  }),
  maxKills: fc.constantFrom(0, 2, 20),
  isExempt: fc.boolean(),
});

const reports = fc.tuple(jobs, rules, troubles);
type Drawn = typeof reports extends fc.Arbitrary<infer T> ? T : never;

async function tellOf([listed, ruleRows, trouble]: Drawn): Promise<SweepReport> {
  const { dryRunBecause, gaps, stopped, maxKills, isExempt } = trouble;
  const policy = makePolicy({
    maxKills,
    maxKillsPercent: 100,
    exemptions: [],
    rules: ruleRows.map(({ limits, ignore, ...rule }, n) => ({
      id: `r${n}`,
      ...rule,
      ...(ignore && { ignore }),
      ...(rule.action === 'cancel' && { warnBefore: '29m' }),
      ...Object.fromEntries(limits),
    })),
  });
  const sight: Sight = {
    engines: ['sql'],
    jobs: listed,
    now: NOW,
    clockProblem: undefined,
    gaps,
    countLive: async () => listed.length,
  };
  const exemptions = isExempt ? [makeExemption()] : [];
  const judgement = await judge(sight, createMeasure(policy, { exemptions }));
  const isDryRun = dryRunBecause.length > 0;
  const endOf = (n: number): Outcome =>
    isDryRun ? { kind: 'skipped', reason: 'dry-run' } : (trouble.outcomes[n] ?? { kind: 'skipped', reason: 'partial' });
  const ends: Ends = {
    outcomes: new Map(judgement.overdue.map(({ job }: Decision, n) => [job.id, endOf(n)])),
    cancellations: [],
    askedAgain: 0,
    stopped,
    freed: undefined,
  };
  return tell(
    {
      request: createRequest({ target: 'lake', dryRun: isDryRun }),
      dryRunBecause,
      project: null,
      isSwitchedOn: true,
      startedAt: NOW,
      finishedAt: NOW,
      apiCalls: createCallCounter().apiCalls,
      notices: [],
    },
    sight,
    judgement,
    ends,
  );
}

const SENTENCE = /^(?:Sweep|Dry run) .*calls?\.$/m;

/** The number before a word of the sentence; 0 where it is left out. */
const told = (sentence: string, words: string): number =>
  Number(new RegExp(`(\\d+) ${words}`).exec(sentence)?.[1] ?? 0);

describe('the screen of a sweep', () => {
  it('counts what the JSON counts', async () => {
    await fc.assert(
      fc.asyncProperty(reports, async (drawn) => {
        const report = await tellOf(drawn);
        const { counts } = report;
        const [sentence = ''] = SENTENCE.exec(formatReport(report, { spared: true })) ?? [];
        const skipped = Object.values(counts.skipped).reduce((a, b) => a + b, 0);
        const toCancel = sentence.includes('to be cancelled')
          ? told(sentence, 'of them to be cancelled')
          : told(sentence, 'overdue');

        expect(told(sentence, 'jobs? seen')).toBe(counts.seen);
        expect(told(sentence, 'overdue')).toBe(counts.overdue);
        expect(toCancel).toBe(counts.toCancel);
        expect(told(sentence, 'may be cancelled soon')).toBe(counts.warned);
        if (report.dryRun) {
          expect(sentence).toContain('none cancelled');
          expect(counts.cancelled).toBe(0);
        } else {
          expect(told(sentence, 'cancelled,')).toBe(counts.cancelled);
          expect(told(sentence, 'already terminal')).toBe(counts.alreadyTerminal);
          expect(told(sentence, 'unconfirmed')).toBe(counts.unconfirmed);
          expect(told(sentence, 'failed,')).toBe(counts.failed);
          expect(told(sentence, 'left alone')).toBe(skipped);
          expect(sentence).toContain(`Sweep ${report.status}:`);
        }
      }),
    );
  });

  it('counts the rows that it shows', async () => {
    await fc.assert(
      fc.asyncProperty(reports, async (drawn) => {
        const { counts, caps, jobs: shown } = await tellOf(drawn);
        const decided = (...wanted: string[]) => shown.filter(({ decision }) => wanted.includes(decision)).length;

        expect(decided('cancel', 'warn', 'log')).toBe(counts.overdue);
        expect(decided('cancel')).toBe(counts.toCancel);
        expect(caps.victims).toBe(counts.toCancel);
        expect(shown.filter(({ overLimitMs }) => (overLimitMs ?? 0) > 0).length).toBe(counts.overdue);
      }),
    );
  });

  it('draws over its limit what is over its limit, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(reports, async (drawn) => {
        for (const job of (await tellOf(drawn)).jobs) {
          const bar = formatBar(job);
          expect(bar.includes('▓')).toBe((job.overLimitMs ?? 0) > 0);
          if (bar !== '') expect(bar).toHaveLength(10);
          if (job.reason === 'queued') expect([bar, job.limitMs]).toEqual(['', null]);
        }
      }),
    );
  });

  it('ends with 0 where nothing is said to be wrong, and with another code where something is', async () => {
    const codes = { ok: 0, stopped: 1, partial: 4, capped: 5, failed: 3 };
    await fc.assert(
      fc.asyncProperty(reports, async (drawn) => {
        const report = await tellOf(drawn);
        const isHarmless = report.dryRun && report.status === 'capped';

        expect(exitCodeOf(report)).toBe(isHarmless ? 0 : codes[report.status]);
        expect(report.problems.length > 0).toBe(report.status !== 'ok');
        expect(report.stoppedBy !== null).toBe(report.status === 'stopped');
      }),
    );
  });

  it.each([
    { stage: 'prod', hint: 'dli-reaper resume --stage prod sets the switch to run.' },
    { stage: undefined, hint: 'dli-reaper resume sets the switch to run.' },
  ])('names $stage where the switch stopped it', async ({ stage, hint }) => {
    const stopped: Stopped = { by: 'switch', because: 'whatever the words are' };
    const [drawn] = fc.sample(reports, 1) as [Drawn];
    const report = await tellOf([drawn[0], drawn[1], { ...drawn[2], stopped }]);
    const byOperator = await tellOf([drawn[0], drawn[1], { ...drawn[2], stopped: { ...stopped, by: 'operator' } }]);

    expect(formatReport(report, { spared: false, stage })).toContain(`\n${hint}\n`);
    expect(formatReport(byOperator, { spared: false, stage })).not.toContain('dli-reaper resume');
  });
});
