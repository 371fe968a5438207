import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageContentOf } from '../../helpers/page-content.ts';
import { runCli } from '../../helpers/run-cli.ts';

describe.concurrent('dli-reaper demo', () => {
  it('shows the plan, the sweep, the proof and where the page is, and ends with 0', async ({ onTestFinished }) => {
    const { exitCode, stdout, stderr } = await runCli(['demo']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [before, plan, sweep, proof, page = '', next = ''] = stdout.split(
      /\nThe (?:plan|sweep|proof|page): .*\n|\nThree things to try next:/,
    );
    onTestFinished(() => rmSync(dirname(page.trim()), { recursive: true }));
    expect(before).toMatch(/^An emulated DLI with 20 jobs listens at http:\/\/127\.0\.0\.1:\d+\.\n$/);
    expect(plan).toContain('Dry run (set by the request): 11 jobs seen, 5 overdue, none cancelled');
    expect(sweep).toContain('Sweep ok: 11 jobs seen, 5 overdue, 4 cancelled, 1 already terminal, 6 left alone');
    expect(sweep).toContain('already terminal (FINISHED)');
    expect(plan).toContain('Of the 20 jobs, 9 are over, too young for any rule, or resize a queue');
    expect(plan).toContain(
      '11 were seen: 10 stand above, and 1 more has no rule.\nIn a bar, █ is time within the limit',
    );
    expect(proof).toBe('It agrees with all 10 outcomes.\n');
    expect(next.split('\n  ').slice(1)).toEqual(
      ['emulator', 'drill', 'init'].map((verb) => expect.stringContaining(`dli-reaper ${verb}`) as string),
    );
    const { aggregates, whys } = pageContentOf(page.trim());
    expect(aggregates).toMatchObject({ results: { cancelled: 4, 'already-terminal': 1 }, unread: [] });
    expect(whys.size).toBeGreaterThan(4);
  });

  it('prints only the report with --json', async () => {
    const { exitCode, stdout, stderr } = await runCli(['demo', '--json']);

    const report = JSON.parse(stdout) as { counts: object; apiCalls: object; caps: object; jobs: object[] };
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(report).toMatchObject({ status: 'ok', dryRun: false, dryRunBecause: [], counts: { cancelled: 4 } });
    expect(Object.keys(report)).toEqual([
      'kind',
      'version',
      'sweepId',
      'target',
      'project',
      'trigger',
      'requestReason',
      'emergency',
      'dryRun',
      'dryRunBecause',
      'status',
      'stoppedBy',
      'problems',
      'startedAt',
      'finishedAt',
      'counts',
      'apiCalls',
      'caps',
      'freed',
      'credentialRefused',
      'parameterVersions',
      'settingsHash',
      'unmet',
      'notices',
      'rules',
      'unmanagedQueues',
      'waiting',
      'jobs',
      'hints',
      'needs',
      'leftOut',
    ]);
    expect(Object.keys(report.counts)).toEqual([
      'seen',
      'overdue',
      'toCancel',
      'warned',
      'cancelled',
      'alreadyTerminal',
      'cancelledByOthers',
      'unconfirmed',
      'failed',
      'repeats',
      'skipped',
    ]);
    expect(Object.keys(report.caps)).toEqual([
      'victims',
      'liveJobs',
      'exceeded',
      'maxKills',
      'maxKillsPercent',
      'percentFloor',
      'drain',
      'ceiling',
    ]);
    expect(Object.keys(report.apiCalls)).toEqual(['list', 'status', 'cancel', 'retries', 'throttled', 'again']);
    for (const job of report.jobs) {
      expect(Object.keys(job)).toEqual([
        'jobId',
        'engine',
        'name',
        'queue',
        'owner',
        'fingerprint',
        'jobType',
        'runTimeMs',
        'queueTimeMs',
        'totalTimeMs',
        'clock',
        'limitMs',
        'overLimitMs',
        'rule',
        'matched',
        'decision',
        'warning',
        'repeats',
        'reason',
        'outcome',
        'status',
        'evidence',
        'endedBy',
        'cus',
        'attempts',
        'requestId',
        'error',
      ]);
    }
  });
});
