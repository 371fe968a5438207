import { describe, expect, it } from 'vitest';
import { createJsonLinesLog } from '../../../../lib/base/log.ts';
import type { Policy } from '../../../../lib/policy/schema.ts';
import { toEmergency } from '../../../../lib/request/emergency.ts';
import type { SweepRequest } from '../../../../lib/request/request.ts';
import { type Ends, leaveAlone } from '../../../../lib/sweep/act/act.ts';
import { createMeasure, type Judgement, judge } from '../../../../lib/sweep/judge/judge.ts';
import type { Sight } from '../../../../lib/sweep/look/look.ts';
import type { LogLines } from '../../../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../../../lib/sweep/record/report.ts';
import { explainIn } from '../../../../lib/sweep/tell/explain.ts';
import { logReport } from '../../../../lib/sweep/tell/log-report.ts';
import { tell } from '../../../../lib/sweep/tell/tell.ts';
import { makeExemption, makeFreeze, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { jobId, MINUTE, NOW } from '../../../helpers/world.ts';

/**
 * Less than CloudWatch cuts a line at, with room for what the function adds to each.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
const MOST_BYTES = 250_000;

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** A name of so many characters, one for each number. */
const long = (n: number, letters: number) => `${n}`.padStart(letters, 'n');

const REQUEST: SweepRequest = {
  sweepId: 'sweep-1',
  trigger: 'manual',
  target: 'lake',
  dryRun: true,
  maxKills: undefined,
  verifyForMs: MINUTE,
  reason: undefined,
};

/** What a dry run writes that sees these jobs. */
async function linesOf(
  jobs: Sight['jobs'],
  policy: Policy,
  { gaps = [], ...changes }: Partial<Parameters<typeof tell>[0]> & { gaps?: string[] } = {},
) {
  const lines: { msg: string; bytes: number; fields: Record<string, unknown> }[] = [];
  const log = createJsonLinesLog<LogLines>(
    (line) => {
      const fields = JSON.parse(line) as Record<string, unknown>;
      lines.push({ msg: String(fields.msg), bytes: Buffer.byteLength(line), fields });
    },
    () => NOW,
  );
  const sight: Sight = {
    engines: ['sql'],
    jobs,
    now: NOW,
    clockProblem: undefined,
    gaps: gaps.map((what) => ({ engine: 'sql', what })),
    countLive: async () => jobs.length,
  };
  const judgement: Judgement = await judge(sight, createMeasure(policy, { exemptions: [], freezes: [] }));
  const ends: Ends = leaveAlone(judgement, { log });
  const run: Parameters<typeof tell>[0] = {
    request: REQUEST,
    project: null,
    dryRunBecause: ['request'],
    isSwitchedOn: true,
    startedAt: NOW,
    finishedAt: NOW,
    apiCalls: { list: 1, status: 0, cancel: 0, retries: 0, throttled: 0 },
    notices: [],
    ...changes,
  };
  const report = tell(run, sight, judgement, ends);
  logReport(report, log, explainIn(judgement));
  return { lines, report, last: lines.at(-1)?.fields as unknown as SweepReport };
}

describe('each line of the log', () => {
  it('is no longer than CloudWatch takes, where a thousand exemptions and freezes hold for a job', async () => {
    const ids = times(1_000, (i) => `x${long(i, 60)}`);
    const { lines } = await linesOf([makeJob()], {
      ...makePolicy(),
      exemptions: ids.map((id) =>
        makeExemption({ id, match: { owner: times(100, (i) => `*${long(i, 10)}`).concat('ana') } }),
      ),
      freezes: ids.map((id) => makeFreeze({ id })),
    });

    const kept = lines.find(({ msg }) => msg === 'job kept')?.fields;
    expect(kept).toMatchObject({ reason: 'exempt' });
    expect(JSON.parse(String(kept?.why))).toMatchObject({ otherExemptions: 990 });
    expect(lines.filter(({ bytes }) => bytes > MOST_BYTES)).toEqual([]);
  });

  it('is no longer for a job that has as many tags as it can, under as many rules as a parameter holds', async () => {
    const tags = new Map(times(50, (i) => [long(i, 128), 'v'.repeat(255)]));
    const rules = times(86, (i) => ({
      id: `r${i}`,
      match: { queue: ['q*'], owner: ['o*'], tag: [long(0, 128)], jobType: ['QUERY'], status: ['RUNNING'] },
      maxRunTime: '2h',
    }));
    const job = makeJob({ tags, queue: 'q'.repeat(128), owner: 'o'.repeat(64) });

    const { lines } = await linesOf([job], makePolicy({ rules }));

    expect(lines.map(({ msg }) => msg)).toContain('job not asked to stop');
    expect(lines.filter(({ bytes }) => bytes > MOST_BYTES)).toEqual([]);
  });

  it('is no longer for ten thousand victims on queues with the longest names', async () => {
    const jobs = times(10_000, (i) => makeJob({ id: jobId(i), queue: long(i, 128), owner: 'o'.repeat(64) }));

    const { lines } = await linesOf(jobs, makePolicy({ maxKills: 10_000, maxKillsPercent: 100 }));

    expect(lines.filter(({ msg }) => msg === 'victims chosen')).toHaveLength(100);
    expect(lines.filter(({ bytes }) => bytes > MOST_BYTES)).toEqual([]);
  });

  it('is no longer for the summary, whatever there is to tell, and says what it has no room for', async () => {
    const parameters = Object.fromEntries(times(3_000, (i) => [`/dli-reaper/prod/exemptions/${long(i, 63)}`, 1]));
    const jobs = times(3_000, (i) => makeJob({ id: jobId(i), queue: long(i % 2_000, 128) }));
    const emergency = toEmergency({ jobIds: times(1_000, (i) => jobId(100_000 + i)) });
    const changes = {
      notices: times(500, (i) => `${i} ${'n'.repeat(2_000)}`),
      gaps: times(1_000, (i) => `list RUNNING jobs, page ${i}: connection lost (ECONNRESET)`),
      parameterVersions: {
        switch: 1,
        target: 1,
        policy: 1,
        credentials: 1,
        exemptions: parameters,
        freezes: parameters,
      },
    };
    const policy = makePolicy({ rules: [{ id: 'r', match: { queue: 'none' }, maxRunTime: '2h' }] });

    const night = await linesOf(jobs, policy, { ...changes, request: { ...REQUEST, emergency } });
    const { lines, last, report } = await linesOf(jobs, policy, changes);

    for (const { bytes, msg } of [...night.lines, ...lines]) expect([msg, bytes > MOST_BYTES]).toEqual([msg, false]);
    expect(night.report.unmet).toHaveLength(1_000);
    expect(night.last.unmet).toHaveLength(41);
    expect(night.last.unmet.at(-1)).toBe('and 960 more jobs that the log has no room for');
    expect(last.problems.at(-1)).toBe(`and ${report.problems.length - 40} more problems that the log has no room for`);
    expect(last.notices[0]).toBe(`0 ${'n'.repeat(998)}…`);
    expect(last.notices.slice(-4)).toEqual([
      `and ${report.notices.length - 40} more notices that the log has no room for`,
      'in the log unmanagedQueues names the 100 of 2000 queues, those with the most jobs',
      'in the log parameterVersions names the first 500 of 3000 exemptions',
      'in the log parameterVersions names the first 500 of 3000 freezes',
    ]);
    expect(lines.filter(({ msg }) => msg === 'notice')).toHaveLength(41);
    // The first thousand queues have two jobs each, the others one.
    expect(Object.values(last.unmanagedQueues)).toEqual(times(100, () => 2));
    expect(Object.keys(last.parameterVersions?.freezes ?? {})).toEqual(Object.keys(parameters).slice(0, 500));
  });

  it('holds the whole summary where there is room for it', async () => {
    const jobs = times(100, (i) => makeJob({ id: jobId(i), queue: `q${i}` }));
    const exemptions = Object.fromEntries(times(500, (i) => [`/dli-reaper/prod/exemptions/${i}`, 1]));
    const { last, report } = await linesOf(
      jobs,
      makePolicy({ rules: [{ id: 'r', match: { queue: 'x' }, maxRunTime: '2h' }] }),
      {
        notices: times(39, (i) => `${i} ${'n'.repeat(900)}`),
        parameterVersions: {
          switch: 1,
          target: 1,
          policy: 1,
          credentials: 1,
          exemptions,
          freezes: {},
        },
      },
    );
    const { jobs: _, ...summary } = report;

    expect(report.notices).toHaveLength(40);
    expect(last).toMatchObject(summary);
  });
});
