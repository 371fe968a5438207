import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../emulator/base/random.ts';
import { month } from '../../../emulator/month.ts';
import type { Aggregates } from '../../../lib/aggregate/aggregates.ts';
import { monthOfRecord, OCTOBER } from '../../helpers/months-of-record.ts';
import { asLines } from '../../helpers/record-lines.ts';
import { makeFolder, runHere, runningJob, startService } from '../../helpers/run-cli.ts';

const writeFile = makeFolder();

describe.concurrent('report --json', () => {
  // runHere compares each document with docs/report.schema.json, which allows no other field.
  it('prints all numbers of a month, as the schema describes them', async () => {
    const record = writeFile('month.jsonl', asLines(monthOfRecord({ ...OCTOBER, jobs: 900 })));

    const { exitCode, stdout, stderr } = await runHere(['report', record, '--json', '--time-zone', 'Europe/Berlin']);

    const { kind, ...numbers } = JSON.parse(stdout) as { kind: string } & Aggregates;
    expect({ exitCode, stderr, kind }).toEqual({ exitCode: 0, stderr: '', kind: 'report' });
    const { targets, days, states, rules, needs, repeats, worth } = numbers;
    for (const list of [targets, days, states, rules, needs, repeats.chains, worth.waiting ?? []]) {
      expect(list).not.toEqual([]);
    }
    expect(days.map(({ hours }) => hours.dead).some((hours) => hours > 0)).toBe(true);
  });

  it('reads documents of sweep --json, one or several, and of backtest --json', async (context) => {
    const policy = writeFile(
      'policy.json',
      JSON.stringify({ version: 1, mode: 'live', rules: [{ id: 'all', match: 'all', maxTotalTime: '1h' }] }),
    );
    const past = month(Date.now(), createRandom(1), { count: 300 });
    const { run } = await startService(context, policy, { ...past, jobs: [...past.jobs, runningJob(1)] });

    const plan = await run('plan', ['--json']);
    const sweep = await run('sweep', ['--json', '--no-dry-run', '--max-kills', '1000']);
    const backtest = await run('backtest', ['--json']);
    const file = writeFile('documents', plan.stdout + sweep.stdout + backtest.stdout);
    const { exitCode, stdout } = await runHere(['report', file, '--json']);

    const { targets, tried, unread, sources } = JSON.parse(stdout) as Aggregates;
    expect({ exitCode, unread }).toEqual({ exitCode: 0, unread: [] });
    expect(sources).toMatchObject([{ lines: 3, used: 3 }]);
    expect(targets).toMatchObject([{ stage: null, sweeps: 2, dryRuns: 1 }]);
    expect(tried).toMatchObject([{ source: file, rules: [{ rule: 'all' }] }]);
    expect(tried[0]?.wouldCancel).toBeGreaterThan(0);
  });
});
