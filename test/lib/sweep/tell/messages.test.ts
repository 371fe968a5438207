import { describe, expect, it } from 'vitest';
import { MOST_JOBS } from '../../../../lib/sweep/record/message.ts';
import { messagesOf } from '../../../../lib/sweep/tell/messages.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld } from '../../../helpers/world.ts';

const kill = { id: 'two-hours', match: 'all', maxRunTime: '2h' };
const secret = 'select secret_column from t';

describe('the messages of a sweep', () => {
  it('go to the operators and to each owner of a job that was cancelled, with limit and reading, and no statement', async () => {
    const jobs = [
      emulatedJob(1, { ageMs: 3 * HOUR, owner: 'ana', statement: secret }),
      emulatedJob(2, { ageMs: 5 * HOUR, owner: 'ana' }),
      emulatedJob(3, { ageMs: 4 * HOUR, owner: 'bo' }),
      emulatedJob(4, { ageMs: MINUTE, owner: 'cy' }),
    ];
    const world = await makeWorld({ jobs, cancelDelayMs: 0 });

    const report = await world.sweep({}, world.withPolicy({ rules: [kill], maxKillsPercent: 100 }));
    const messages = messagesOf(report);

    const idsBy = messages.map(({ to, owner, jobs: told }) => [to, owner, told.map((job) => [job.kind, job.jobId])]);
    expect(idsBy).toEqual([
      [
        'operators',
        null,
        [
          ['cancelled', jobId(2)],
          ['cancelled', jobId(3)],
          ['cancelled', jobId(1)],
        ],
      ],
      [
        'owner',
        'ana',
        [
          ['cancelled', jobId(2)],
          ['cancelled', jobId(1)],
        ],
      ],
      ['owner', 'bo', [['cancelled', jobId(3)]]],
    ]);
    expect(messages[2]?.jobs[0]).toEqual({
      kind: 'cancelled',
      jobId: jobId(3),
      name: null,
      engine: 'sql',
      queue: 'adhoc',
      owner: 'bo',
      rule: 'two-hours',
      clock: 'maxRunTime',
      limitMs: 2 * HOUR,
      readingMs: 4 * HOUR,
      at: null,
      keptBy: null,
      repeats: null,
      error: null,
    });
    expect(JSON.stringify(messages)).not.toContain('secret_column');
    const lines = world.lines.filter(({ msg }) => msg === 'message');
    expect(lines.map(({ fields }) => fields.owner)).toEqual([null, 'ana', 'bo']);
    // The summary is the last line of a sweep.
    expect(world.lines.at(-1)?.msg).toBe('sweep finished');
  });

  it('say to the operators what failed and why the sweep is not ok, and nothing to an owner whose job runs on', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const answer = { status: 400, body: { error_code: 'DLI.0003' } };
    world.emulator.faults.add({ on: 'cancel-sql-job', target: jobId(1), times: Number.POSITIVE_INFINITY, answer });

    const messages = messagesOf(await world.sweep({}, world.withPolicy({ rules: [kill] })));

    expect(messages).toMatchObject([
      { to: 'operators', status: 'failed', jobs: [{ kind: 'failed', error: expect.stringContaining('DLI.0003') }] },
    ]);
    expect(messages[0]?.problems).toEqual([expect.stringContaining('1 failed')]);
  });

  it('warn the owner where the rule only warns', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { owner: 'ana' })] });

    const messages = messagesOf(await world.sweep({}, world.withPolicy({ rules: [{ ...kill, action: 'warn' }] })));

    expect(messages).toMatchObject([{ to: 'owner', owner: 'ana', jobs: [{ kind: 'warned', jobId: jobId(1) }] }]);
  });

  it('say of a dry run by the schedule what it would do, to the operators alone, and nothing of one by hand', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const policy = world.withPolicy({ mode: 'dry-run', rules: [kill] });

    const scheduled = messagesOf(await world.sweep({ trigger: 'schedule' }, policy));
    const byHand = messagesOf(await world.sweep({ trigger: 'manual' }, policy));

    expect(scheduled).toMatchObject([{ to: 'operators', dryRun: true, jobs: [{ kind: 'would-be-cancelled' }] }]);
    expect(byHand).toEqual([]);
  });

  it('are none where all is well and nothing happened', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: MINUTE })] });

    expect(messagesOf(await world.sweep({}, world.withPolicy({ rules: [kill] })))).toEqual([]);
  });

  it('say after each sweep of the schedule that it was ok, so that the end of a stop is seen', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: MINUTE })] });

    const messages = messagesOf(await world.sweep({ trigger: 'schedule' }, world.withPolicy({ rules: [kill] })));

    expect(messages).toMatchObject([{ to: 'operators', status: 'ok', problems: [], jobs: [] }]);
  });

  it('name the jobs that are longest over their limit, and count the others', async () => {
    const jobs = Array.from({ length: MOST_JOBS + 5 }, (_, i) =>
      emulatedJob(i + 1, { ageMs: 3 * HOUR + i * MINUTE, owner: 'ana' }),
    );
    const world = await makeWorld({ jobs, cancelDelayMs: 0 });
    const policy = { rules: [kill], maxKills: 100, maxKillsPercent: 100 };

    const messages = messagesOf(await world.sweep({}, world.withPolicy(policy)));

    for (const message of messages) {
      expect(message.jobs).toHaveLength(MOST_JOBS);
      expect(message.jobs[0]?.jobId).toBe(jobId(MOST_JOBS + 5));
      expect(message.more).toEqual({ cancelled: 5 });
    }
    expect(messages).toHaveLength(2);
  });
});
