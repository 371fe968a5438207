import headless from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needsOf } from '../../../cli/screen/needs.ts';
import { formatReport } from '../../../cli/screen/report.ts';
import { cleanText } from '../../../cli/screen/text.ts';
import type { JobReport, RuleEffect, SweepReport } from '../../../lib/sweep/record/report.ts';
import { HOUR, jobId } from '../../helpers/world.ts';

const COLUMNS = 80;

/** The lines that a text really takes on a terminal. */
async function linesOnTerminal(text: string): Promise<number> {
  const terminal = new headless.Terminal({ cols: COLUMNS, rows: 24, scrollback: 5_000, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(text.replaceAll('\n', '\r\n'), resolve));
  const { baseY, cursorY } = terminal.buffer.active;
  return baseY + cursorY;
}

const name = fc.oneof(
  fc.constantFrom('adhoc', 'ana', 'two-hours', '报表'.repeat(20), '张伟 and ana', 'x'.repeat(128), 'a\u001b[2J\r\nb'),
  fc.string({ maxLength: 128 }),
);

const texts = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.constantFrom('connection lost', `${'no job is matched by it, '.repeat(30)}none`, '报表'.repeat(90)),
        fc.string({ minLength: 1, maxLength: 400 }),
      ),
      { maxLength: 40 },
    ),
    fc.nat(200),
    fc.nat(200),
  )
  .map(([some, same, named]) => [
    ...some,
    ...Array.from({ length: same }, () => 'listing incomplete: list CANCELLED jobs, page 1: connection lost'),
    ...Array.from({ length: named }, (_, n) => `job ${jobId(n)} is not among the live SQL jobs; check the target`),
  ]);

const sparing: fc.Arbitrary<RuleEffect['spared']> = fc.constantFrom<RuleEffect['spared'][]>(
  {},
  { queued: 4 },
  { 'within-limit': 1, queued: 2, undetermined: 3, protected: 4, exempt: 5, frozen: 6, ignored: 7, group: 8 },
);

const ends = fc.constantFrom<Pick<JobReport, 'decision' | 'outcome' | 'reason' | 'error'>[]>(
  { decision: 'cancel', outcome: 'cancelled', reason: 'over-limit', error: null },
  { decision: 'cancel', outcome: 'failed', reason: 'over-limit', error: `400 DLI.0003 ${'why '.repeat(60)}` },
  { decision: 'cancel', outcome: 'failed', reason: 'over-limit', error: '400 DLI.0007 (request 1a2b)' },
  { decision: 'cancel', outcome: 'unconfirmed', reason: 'over-limit', error: null },
  { decision: 'cancel', outcome: 'already-terminal', reason: 'over-limit', error: 'connection lost' },
  { decision: 'cancel', outcome: 'skipped', reason: 'stopped', error: null },
  { decision: 'cancel', outcome: 'skipped', reason: 'deadline', error: null },
  { decision: 'cancel', outcome: 'skipped', reason: 'unsent', error: '500 oops' },
  { decision: 'warn', outcome: 'skipped', reason: 'warn', error: null },
  { decision: 'keep', outcome: 'skipped', reason: 'exempt', error: null },
);

const jobs = fc
  .tuple(fc.nat(300), fc.array(fc.tuple(ends, name, name, name, fc.option(name)), { minLength: 1, maxLength: 30 }))
  .map(([count, kinds]) =>
    Array.from({ length: count }, (_, n): JobReport => {
      const [end, queue, owner, rule, jobName] = kinds[n % kinds.length] as (typeof kinds)[number];
      return {
        ...end,
        jobId: jobId(n),
        engine: 'sql',
        name: jobName,
        queue,
        owner,
        jobType: 'QUERY',
        runTimeMs: 3 * HOUR,
        queueTimeMs: null,
        totalTimeMs: 3 * HOUR,
        clock: 'maxRunTime',
        limitMs: 2 * HOUR,
        overLimitMs: HOUR,
        rule,
        matched: [rule],
        status: 'RUNNING',
        evidence: null,
        endedBy: null,
        warning: null,
        fingerprint: null,
        repeats: null,
        cus: null,
        attempts: 1,
        requestId: null,
      };
    }),
  );

const reports: fc.Arbitrary<SweepReport> = fc
  .record({
    jobs,
    notices: texts,
    problems: texts,
    unmet: texts,
    dryRun: fc.boolean(),
    status: fc.constantFrom<SweepReport['status'][]>('ok', 'partial', 'stopped'),
    queues: fc.array(name, { maxLength: 300 }),
    rules: fc.array(
      fc.record({
        rule: name,
        action: fc.constantFrom<RuleEffect['action'][]>('cancel', 'warn'),
        matched: fc.nat(9_999),
        overLimit: fc.nat(9_999),
        spared: sparing,
      }),
      { maxLength: 60 },
    ),
    projectName: fc.option(name),
    exceeded: fc.constantFrom(null, 'too many'),
  })
  .map(({ queues, projectName, exceeded, ...drawn }) => ({
    ...drawn,
    version: 2,
    sweepId: 'a-sweep',
    target: 'lake',
    project: {
      id: '0'.repeat(32),
      name: projectName,
      verified: true,
      region: 'eu-west-101',
      endpoint: 'dli.eu-west-101.example',
    },
    trigger: 'manual',
    requestReason: null,
    emergency: null,
    dryRunBecause: drawn.dryRun ? ['policy', 'target', 'request'] : [],
    stoppedBy: drawn.status === 'stopped' ? 'switch' : null,
    startedAt: '2026-01-05T09:00:00.000Z',
    finishedAt: '2026-01-05T09:01:00.000Z',
    counts: {
      seen: drawn.jobs.length,
      overdue: drawn.jobs.length,
      toCancel: drawn.jobs.length,
      warned: 0,
      cancelled: 1_000_000,
      alreadyTerminal: 1_000_000,
      cancelledByOthers: 1_000_000,
      unconfirmed: 1_000_000,
      failed: 1_000_000,
      repeats: 0,
      skipped: { cap: 1_000_000 },
    },
    apiCalls: { list: 1_000_000, status: 0, cancel: 0, retries: 0, throttled: 0, again: 0 },
    caps: {
      victims: 300,
      liveJobs: 500,
      maxKills: 50,
      maxKillsPercent: 50,
      percentFloor: 10,
      drain: false,
      ceiling: null,
      exceeded,
    },
    freed: { estimate: true, cus: { from: 0, to: null }, cuHoursAtMost: 1_234_567 },
    credentialRefused: false,
    parameterVersions: null,
    settingsHash: null,
    unmanagedQueues: Object.fromEntries(queues.map((queue, n) => [queue, n])),
  }));

const stage = 's'.repeat(39);

describe('the report of any sweep', () => {
  it('has at most 60 lines on a screen of 80 columns', async () => {
    await fc.assert(
      fc.asyncProperty(reports, fc.boolean(), fc.nat(10), async (report, spared, linesBelow) => {
        const text = formatReport(report, { spared, stage, linesBelow }, { columns: COLUMNS });

        expect(await linesOnTerminal(text)).toBeLessThanOrEqual(60 - linesBelow);
      }),
      { numRuns: 50 },
    );
  });

  it('begins with its numbers if it is long, and ends with the jobs that need a person', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const text = formatReport(report, { stage }, { columns: COLUMNS });
        const lines = text.trimEnd().split('\n');

        const isLong = report.jobs.filter(({ decision }) => decision !== 'keep').length > 12;
        if (isLong) expect(text).toMatch(/^Project .*\n(Dry run|Sweep) .*: \d+ jobs? seen/);
        const last = needsOf(report).at(-1);
        if (last === undefined) return;
        const end = lines.slice(lines.findLastIndex((line) => line.startsWith('! ')));
        expect(end[0]).toMatch(
          new RegExp(`^! (${last.outcome}, \\d+ jobs?: |\\d+ jobs? that a person should look at)`),
        );
        expect(end.slice(1).every((line) => line.startsWith('    '))).toBe(true);
      }),
    );
  });

  it('has everything in a pipe, and on a screen with --all', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const { jobs: all, notices, problems, unmet, dryRun, rules = [], unmanagedQueues } = report;
        const names = [...Object.keys(unmanagedQueues), ...(dryRun ? rules.map(({ rule }) => rule) : [])];
        const said = [...all.map((job) => job.jobId), ...notices, ...problems, ...(dryRun ? unmet : []), ...names];

        for (const [options, screen] of [
          [{ spared: true }, {}],
          [{ spared: true, all: true }, { columns: COLUMNS }],
        ] as const) {
          const text = formatReport(report, options, screen);
          expect(said.filter((one) => !text.includes(cleanText(one)))).toEqual([]);
          expect(text).not.toMatch(/ more: see | more, see | more rules: see /);
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('sentences that repeat each other', () => {
  const [report] = fc.sample(reports, 1) as [SweepReport];
  const quiet = { ...report, jobs: [], rules: [], notices: [], problems: [], unmet: [], unmanagedQueues: {} };
  const screenOf = (changes: Partial<SweepReport>) =>
    formatReport({ ...quiet, ...changes }, {}, { columns: COLUMNS }).split('\n');

  it('stand once, with their number', () => {
    const lost = 'listing incomplete: list CANCELLED jobs, page 1: connection lost';

    const screen = screenOf({ problems: [...Array<string>(122).fill(lost), 'something else'] });

    expect(screen).toContain(`! 122 times: ${lost}`);
    expect(screen).toContain('! something else');
  });

  it('stand once with the ids of the first jobs, if they differ in nothing else', () => {
    const unmet = Array.from({ length: 30 }, (_, n) => `job ${jobId(n)} is not among the live SQL jobs`);

    const screen = screenOf({ dryRun: true, unmet });

    const at = screen.indexOf('! 30 times: job … is not among the live SQL jobs');
    expect(screen.slice(at + 1, at + 8)).toEqual([
      ...[0, 1, 2, 3, 4].map((n) => `    ${jobId(n)}`),
      '    and 25 more',
      expect.anything(),
    ]);
  });
});
