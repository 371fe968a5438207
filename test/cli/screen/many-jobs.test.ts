import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatReport } from '../../../cli/screen/report.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld } from '../../helpers/world.ts';

const SCREEN = { columns: 80 };
const MANY = 300;

/** Jobs on two queues by three owners, each older than the one before. */
const manyJobs = (): EmulatedJob[] =>
  Array.from({ length: MANY }, (_, i) =>
    emulatedJob(i + 1, {
      ageMs: 3 * HOUR + i * MINUTE,
      queue: i % 3 === 0 ? 'bi_reports' : 'adhoc',
      owner: ['ana', 'bo', 'dashboards'][i % 3] ?? '',
    }),
  );
const policy = { rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }], maxKills: 1_000, maxKillsPercent: 100 };

const makeLake = () => makeWorld({ jobs: manyJobs(), cancelDelayMs: 0 });
type Lake = Awaited<ReturnType<typeof makeLake>>;

/** DLI refuses to cancel these jobs. */
const refuse = (lake: Lake, numbers: readonly number[]) =>
  lake.emulator.faults.add(
    ...numbers.map((n) => ({
      on: 'cancel-sql-job' as const,
      target: jobId(n),
      times: Number.POSITIVE_INFINITY,
      answer: { status: 400, body: { error_code: 'DLI.0003' } },
    })),
  );

const linesOf = (text: string): string[] =>
  stripVTControlCharacters(text)
    .trimEnd()
    .split('\n')
    .flatMap((line) => line.match(/.{1,80}/g) ?? ['']);

describe('the screen of a sweep of 300 jobs', () => {
  it.each([
    { name: 'a plan', request: { dryRun: true }, refused: [], changes: {} },
    { name: 'a plan over its cap', request: { dryRun: true }, refused: [], changes: { maxKills: 50 } },
    { name: 'a sweep', request: {}, refused: [], changes: {} },
    { name: 'a sweep over its cap', request: {}, refused: [], changes: { maxKills: 50 } },
    { name: 'a sweep of which a part fails', request: {}, refused: [1, 17, 200, 201, 202, 203, 204], changes: {} },
  ])('has at most 60 lines: $name', async ({ request, refused, changes }) => {
    const lake = await makeLake();
    refuse(lake, refused);

    const report = await lake.sweep(request, lake.withPolicy({ ...policy, ...changes }));
    const lines = linesOf(formatReport(report, {}, SCREEN));

    expect(report.jobs).toHaveLength(MANY);
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(lines.slice(0, 24).join('\n')).toMatch(/300 jobs seen, 300 overdue/);
    expect(lines.slice(0, 24).join('\n')).toMatch(/│ 100 +│ bi_reports │ ana +│ two-hours │/);
    expect(lines.join('\n')).toMatch(/^and 2\d\d more: see --all or --json$/m);
  });

  it('ends with the jobs that need a person: each reason once, with its jobs and what to do', async () => {
    const lake = await makeLake();
    refuse(lake, [1, 17, 200, 201, 202, 203, 204]);

    const report = await lake.sweep({}, lake.withPolicy(policy));
    const screen = formatReport(report, {}, SCREEN).trimEnd().split('\n');

    const needs = screen.slice(screen.findIndex((line) => line.startsWith('! failed, ')));
    expect(needs).toEqual([
      '! failed, 7 jobs: 400 DLI.0003; the IAM user lacks a right; docs/deploy.md lists those it needs',
      ...Array<unknown>(5).fill(expect.stringMatching(/^ {4}00000000-[\w-]+ on (adhoc|bi_reports) by \w+$/)),
      '    and 2 more',
    ]);
  });

  it('shows every job in a pipe, and on a screen with --all', async () => {
    const lake = await makeLake();
    const report = await lake.sweep({}, lake.withPolicy(policy));
    const ids = report.jobs.map(({ jobId: id }) => id);

    for (const text of [formatReport(report, {}), formatReport(report, { all: true }, SCREEN)]) {
      expect(ids.filter((id) => !text.includes(id))).toEqual([]);
      expect(text).not.toContain(' more: see');
    }
  });

  it('says after an interruption how many jobs were not reached, and what to do', async () => {
    const lake = await makeLake();
    const stop = new AbortController();
    let asked = 0;
    const onProgress = () => {
      asked += 1;
      if (asked === 100) stop.abort();
    };

    const report = await lake.sweep({}, { ...lake.withPolicy(policy), stop: stop.signal, onProgress });
    const screen = formatReport(report, {}, SCREEN);

    expect(report.status).toBe('stopped');
    expect(screen).toMatch(/^! not reached, \d+ jobs: the sweep was stopped before; run it again to go on$/m);
    expect(linesOf(screen).length).toBeLessThanOrEqual(60);
  });
});

describe('the report of a plan with many groups and many rules', () => {
  it('has all of them in a pipe, and counts those that a screen has no room for', async () => {
    const numbers = Array.from({ length: 30 }, (_, i) => i + 1);
    const lake = await makeWorld({ jobs: numbers.map((n) => emulatedJob(n, { owner: `user-${n}` })) });
    const rules = numbers.map((n) => ({ id: `rule-${n}`, match: { owner: `user-${n}` }, maxRunTime: '2h' }));

    const report = await lake.sweep({ dryRun: true }, lake.withPolicy({ ...policy, rules }));
    const pipe = formatReport(report, {});
    const screen = formatReport(report, {}, SCREEN);

    expect(numbers.filter((n) => !pipe.includes(`│ user-${n} `) || !pipe.includes(`│ rule-${n} `))).toEqual([]);
    expect(pipe).not.toContain(' more ');
    expect(screen).toContain('\nand 16 more jobs in 16 smaller groups\n');
    expect(screen).toContain('\nand 18 more rules: see --all or --json\n');
    expect(linesOf(screen).length).toBeLessThanOrEqual(60);
  });
});

describe('the screen of a plan over its cap', () => {
  it.each([
    { percent: 100, line: 'If all of them are to be cancelled: --max-kills 3' },
    {
      percent: 50,
      line: 'If all of them are to be cancelled: --max-kills 3; maxKillsPercent 50 of the policy is checked after that',
    },
  ])('names the number that would do, and the cap that comes next: $percent percent', async ({ percent, line }) => {
    const world = await makeWorld({ jobs: [1, 2, 3].map((n) => emulatedJob(n)) });
    const rules = [{ id: 'r', match: 'all', maxRunTime: '2h' }];

    const report = await world.sweep(
      { dryRun: true },
      world.withPolicy({ rules, maxKills: 1, maxKillsPercent: percent }),
    );

    expect(formatReport(report, {})).toContain(`\n${line}\n`);
  });
});

describe('the screen of a sweep of batches and Flink jobs', () => {
  it('shows their names, by which people know them', async () => {
    const world = await makeWorld({
      jobs: [],
      sparkJobs: [emulatedBatch(1, { name: 'nightly-features' })],
      flinkJobs: [emulatedFlinkJob(149, { name: 'clicks-experiment' })],
    });
    const rules = [{ id: 'r', engines: ['spark', 'flink'], match: 'all', maxTotalTime: '2h' }];

    const report = await world.sweep({ dryRun: true }, world.withPolicy({ rules }));

    for (const columns of [80, 200]) {
      const screen = formatReport(report, {}, { columns });
      expect(screen).toContain('nightly-features');
      expect(screen).toContain('clicks-experiment');
    }
  });
});

describe('the screen of a plan', () => {
  it('has a line for each rule, also for one that is for no job', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { owner: 'ana', ageMs: MINUTE })] });
    const rules = [
      { id: 'two-hours', match: { queue: 'adhoc' }, maxRunTime: '2h' },
      { id: 'typo', match: { queue: 'adhok' }, maxRunTime: '2h' },
    ];

    const report = await world.sweep({ dryRun: true }, world.withPolicy({ rules }));

    expect(formatReport(report, {}, SCREEN)).toMatch(
      /│ two-hours │ cancel │ 1 +│ 1 +│ +│\n│ typo +│ cancel │ none +│ 0 +│/,
    );
  });
});
