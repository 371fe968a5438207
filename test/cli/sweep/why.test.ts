import { describe, expect, it, type TestContext } from 'vitest';
import { makeFolder, runningJob, startService } from '../../helpers/run-cli.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const writeFile = makeFolder();

const POLICY = {
  version: 1,
  mode: 'live',
  rules: [
    { id: 'two-hours', match: { queue: 'adhoc' }, ignore: { owner: 'dashboards' }, maxRunTime: '2h' },
    { id: 'watch', match: { owner: ['ana', 'bo'] }, maxTotalTime: '1h', action: 'warn' },
  ],
  exemptions: [{ id: 'keep-bo', reason: 'backfill', owner: 'orders', until: '2999-12-30', match: { owner: 'bo' } }],
};
const policyFile = writeFile('policy.json', JSON.stringify(POLICY));

const start = (context: TestContext) =>
  startService(context, policyFile, {
    jobs: [
      runningJob(1, { ageMs: 3 * HOUR + 30 * MINUTE, statement: 'select secret_column' }),
      runningJob(2, { owner: 'bo' }),
      runningJob(3, { ageMs: MINUTE }),
      runningJob(4, { endsAt: Date.now() - HOUR }),
      runningJob(0xa, { id: '00000000-0000-4000-8000-00000000000a', owner: 'dashboards' }),
    ],
  });

describe.concurrent('dli-reaper why', () => {
  it('shows each predicate, limit, exemption and cap for a victim, and cancels nothing', async (context) => {
    const { run, emulator } = await start(context);

    const { exitCode, stdout, stderr } = await run('why', [jobId(1)]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    // By the machine's own clock, so seconds do not matter.
    expect(stdout.replace(/h(29m59|30m\d+)s|h30m/g, 'h30m')).toBe(
      `\
Job ${jobId(1)}, sql QUERY on adhoc by ana, RUNNING
Clocks: running 3h30m, in all 3h30m
Rule two-hours: cancel
  match   queue: wanted adhoc, found adhoc: yes
  ignore  owner: wanted dashboards, found ana: no
  limit   maxRunTime 2h: 3h30m
Rule watch: warn
  match   owner: wanted ana or bo, found ana: yes
  limit   maxTotalTime 1h: 3h30m
Exemption keep-bo (until 2999-12-31T00:00:00.000Z): no
  match   owner: wanted bo, found ana: no
Caps: 1 to be cancelled; maxKills 20, maxKillsPercent 50 of at least 3 live jobs, from 10 on: within
Verdict: cancel, by rule two-hours: 1h30m over maxRunTime 2h; also over the limit of watch
`,
    );
    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('keeps the name of an owner from writing elsewhere on the screen', async (context) => {
    const owner = '\u001b[2J\u001b]0;title\u0007evil\nVerdict: keep';
    const { run } = await startService(context, policyFile, { jobs: [runningJob(1, { owner })] });

    const { stdout } = await run('why', [jobId(1)]);

    expect(stdout).not.toContain('\u001b');
    expect(stdout.match(/^Verdict: .*/gm)).toEqual([expect.stringContaining('Verdict: cancel')]);
  });

  it.for([
    { name: 'exempt', id: jobId(2), says: ['Exemption keep-bo', 'Verdict: keep, exempt (keep-bo)'] },
    {
      name: 'too young to be listed',
      id: jobId(3),
      says: ['Rule two-hours: within-limit', 'Verdict: keep, within-limit (two-hours)'],
    },
    { name: 'over', id: jobId(4), says: [', FINISHED', 'Verdict: keep, terminal (two-hours)'] },
    {
      name: 'spared by ignore, and asked for in capitals',
      id: '00000000-0000-4000-8000-00000000000A',
      says: ['ignore  owner: wanted dashboards, found dashboards: yes', 'Verdict: keep, ignored (two-hours)'],
    },
  ])('says why a job is kept that is $name', async ({ id, says }, context) => {
    const { run } = await start(context);

    const { exitCode, stdout, stderr } = await run('why', [id]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const text of says) expect(stdout).toContain(text);
  });

  it('says which jobs of a group are kept', async (context) => {
    const policy = {
      ...POLICY,
      rules: [{ id: 'few', match: { queue: 'adhoc' }, maxRunTime: '1h', keep: { oldest: 2 } }],
    };
    const jobs = [3, 4, 5].map((hours) => runningJob(hours, { ageMs: hours * HOUR }));
    const { run } = await startService(context, writeFile('keep.json', JSON.stringify(policy)), { jobs });

    const kept = await run('why', [jobId(4)]);
    const asJson = await run('why', [jobId(5), '--json']);
    const cancelled = await run('why', [jobId(3)]);

    expect(kept.stdout).toContain('Verdict: keep, group (few): kept as one of the 2 oldest of its group\n');
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      now: { verdict: { reason: 'group', because: 'kept as one of the 2 oldest of its group' } },
    });
    expect(cancelled.stdout).toContain('Verdict: cancel, by rule few: 2h');
  });

  it('prints the same as one JSON document with --json, and no statement', async (context) => {
    const { run } = await start(context);

    const { exitCode, stdout, stderr } = await run('why', [jobId(1), '--json']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'why',
      jobId: jobId(1),
      record: null,
      problems: [],
      now: {
        jobId: jobId(1),
        status: 'RUNNING',
        clocks: { maxQueueTime: null },
        rules: [
          {
            rule: 'two-hours',
            result: 'cancel',
            match: [{ key: 'queue', wanted: ['adhoc'], found: 'adhoc', holds: 'yes' }],
            ignore: [{ key: 'owner', wanted: ['dashboards'], found: 'ana', holds: 'no' }],
            limits: [{ clock: 'maxRunTime', limitMs: 2 * HOUR }],
          },
          { rule: 'watch', result: 'warn', ignore: [] },
        ],
        exemptions: [{ id: 'keep-bo', isInForce: true, holds: 'no' }],
        tagExemption: null,
        verdict: { action: 'cancel', rule: 'two-hours', matched: ['two-hours', 'watch'], clock: 'maxRunTime' },
        caps: { victims: 1, liveJobs: 3, exceeded: null },
      },
    });
    expect(stdout).not.toContain('secret_column');
  });

  it('is still called explain as well', async (context) => {
    const { run } = await start(context);

    const { stdout } = await run('explain', [jobId(4), '--json']);

    expect(JSON.parse(stdout)).toMatchObject({ kind: 'why', now: { status: 'FINISHED' } });
  });

  it.for([
    {
      name: 'the listing is incomplete',
      exitCode: 4,
      says: '! listing incomplete: list LAUNCHING jobs, page 1: ',
      options: {
        faults: [{ on: 'list-sql-jobs', target: 'LAUNCHING', times: Infinity, answer: { status: 400, body: {} } }],
      },
    },
    {
      name: 'the clocks disagree',
      exitCode: 1,
      says: "! stopped: DLI's clock and ours differ by ",
      options: { now: () => Date.now() + 11 * HOUR },
    },
  ] as const)('ends as a plan does, and says so, where $name', async ({ exitCode, says, options }, context) => {
    const { run } = await startService(context, policyFile, { jobs: [runningJob(1)], ...options });

    const plan = await run('plan', ['--json']);
    const why = await run('why', [jobId(1), '--json']);

    expect([why.exitCode, plan.exitCode]).toEqual([exitCode, exitCode]);
    expect(why.stderr).toContain(says);
    expect(JSON.parse(why.stdout)).toMatchObject({ kind: 'why', now: { jobId: jobId(1) } });
  });

  it.for([
    { name: 'an id that DLI does not know', id: jobId(9), says: 'JOB_ID: DLI knows no such job' },
    {
      name: 'an id that is none',
      id: '../queues/adhoc',
      says: 'JOB_ID: expected 8-4-4-4-12 hexadecimal digits, or the number of a Flink job',
    },
  ])('ends with 1 for $name', async ({ id, says }, context) => {
    const { run } = await start(context);

    expect(await run('why', [id])).toEqual({ exitCode: 1, stdout: '', stderr: `dli-reaper: ${says}\n` });
  });
});
