import { describe, expect, it } from 'vitest';
import { parameter, startStage } from '../../helpers/start-stage.ts';
import { jobId } from '../../helpers/world.ts';

describe.concurrent('dli-reaper exempt and unexempt', () => {
  const exempt = ['exempt', 'backfill', '--reason', 'backfill of 2025', '--contact', 'orders'];

  it('writes one exemption that a sweep obeys, overwrites none unasked, and takes it away again', async (context) => {
    const { aws, run } = await startStage(context);

    const first = await run(...exempt, '--until', '7d', '--owner', 'ana');
    const plan = await run('plan', '--target', 'default', '--json');
    const second = await run(...exempt, '--until', '2999-01-01', '--owner', 'ana');
    const slip = await run('unexempt', 'backfil', '--confirm', 'backfil');
    const away = await run('unexempt', 'backfill', '--confirm', 'backfill');

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(plan.stdout)).toMatchObject({ counts: { overdue: 0, skipped: { exempt: 1 } } });
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--replace overwrites it') });
    expect(slip).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no such parameter; there are backfill'),
    });
    expect(away).toMatchObject({ exitCode: 0, stderr: '' });
    expect(aws.parameters[parameter('exemptions/backfill')]).toBeUndefined();
  });

  it("warns of another tool's syntax, and says how it is written here", async (context) => {
    const { run } = await startStage(context);

    expect(await run(...exempt, '--until', '7d', '--owner', 'ana', '--owner', '%bo%', '--json')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('"kind": "exemption"'),
      stderr: 'dli-reaper: warning: --owner %bo%: % is a plain character; write *bo*\n',
    });
  });

  it.for([
    { title: 'that selects nothing', more: ['--until', '7d'], says: 'expected at least one of jobId, queue, owner' },
    { title: 'that is over', more: ['--until', '2020-01-01', '--owner', 'ana'], says: '--until: is in the past' },
    { title: 'of what is no job', more: ['--until', '7d', '--job-id', 'xyz'], says: '--job-id: expected 8-4-4-4-12' },
    {
      title: 'too large for a parameter that costs nothing',
      more: ['--until', '7d', ...Array.from({ length: 120 }, (_, n) => ['--job-id', jobId(n)]).flat()],
      says: 'bytes as JSON; a parameter holds 4096',
    },
    {
      title: 'of a queue in capitals',
      more: ['--until', '7d', '--queue', 'Prod_ETL'],
      says: 'match.queue[0]: no queue has such a name: DLI keeps queue names in lower-case letters, digits and _; write prod_etl',
    },
    {
      title: 'of a tag by a glob',
      more: ['--until', '7d', '--tag', 'keep=*'],
      says: 'match.tag[0]: tags are compared exactly, without patterns; write keep for any value',
    },
    { title: 'without an end', more: ['--until', 'soon', '--owner', 'ana'], says: 'until: expected a day' },
  ])('refuses an exemption $title', async ({ more, says }, context) => {
    const { aws, run } = await startStage(context);

    const { exitCode, stderr } = await run(...exempt, ...more);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(aws.calls).not.toContain('PutParameter');
  });
});
