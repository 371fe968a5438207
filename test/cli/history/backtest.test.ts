import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { keysOf, makeFolder, runHere, startService } from '../../helpers/run-cli.ts';
import { emulatedJob, HOUR, jobId, MINUTE } from '../../helpers/world.ts';

const writeFile = makeFolder();
const policyOf = (limit: string, more: object = {}) =>
  JSON.stringify({
    version: 1,
    mode: 'live',
    maxKillsPercent: 100,
    rules: [{ id: 'old', match: { queue: 'adhoc' }, maxTotalTime: limit }],
    ...more,
  });
const two = writeFile('two.json', policyOf('2h'));
const ten = writeFile('ten.json', policyOf('10h'));

/** A query that ended some time after it was submitted, both before now. */
function over(
  n: number,
  { ageMs, took, ...fields }: Partial<EmulatedJob> & { ageMs: number; took: number },
): EmulatedJob {
  const submittedAt = Date.now() - ageMs;
  return { ...emulatedJob(n), submittedAt, runsFrom: submittedAt, endsAt: submittedAt + took, ...fields };
}

const PAST = [
  over(1, { ageMs: 30 * HOUR, took: 3 * HOUR, statement: 'select secret_column' }),
  over(2, { ageMs: 29 * HOUR, took: 3 * HOUR, endsAs: 'FAILED' }),
  over(3, { ageMs: 28 * HOUR, took: 110 * MINUTE }),
  over(4, { ageMs: 27 * HOUR, took: 20 * MINUTE }),
  over(5, { ageMs: 26 * HOUR, took: 9 * HOUR, queue: 'etl' }),
];

const HEADER = { version: 1, target: 'x', project: null, until: 0, since: null };
const linesOf = (...values: object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');

async function start(context: TestContext, jobs = PAST) {
  const { emulator } = await startService(context, two, { jobs });
  const { url, projectId } = emulator.connection;
  const place = ['--endpoint', url, '--project-id', projectId];
  const run = (...args: string[]) => runHere(['backtest', ...args], keysOf(emulator.connection));
  return { emulator, place, run };
}

describe.concurrent('dli-reaper backtest', () => {
  it('ends with 3 and names the jobs that finished well and would have been cancelled', async (context) => {
    const { emulator, place, run } = await start(context);

    const { exitCode, stdout, stderr } = await run('--policy', two, ...place);
    const calls = emulator.requests.map(({ method }) => method);
    const json = await run('--policy', two, ...place, '--json');

    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout).toContain('Without caps: 2 jobs would have been cancelled; in truth, 1 finished well, 1 failed.');
    expect(stdout).toMatch(
      new RegExp(`│ ${jobId(1)} │ old +│ adhoc │ ana +│ QUERY │ 3h +│ .*Z │ the same +│ (1h|45m|5\\dm|4\\dm)`),
    );
    expect(stdout).toMatch(new RegExp(`│ ${jobId(3)} │ .*│ maxTotalTime 2h │ 91 % +│`));
    expect(new Set(calls)).toEqual(new Set(['GET']));
    expect(json.exitCode).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'backtest',
      counts: { withoutCaps: { jobs: 5, wouldCancel: 2, finishedWell: 1, failed: 1 } },
      wrongKills: [{ jobId: jobId(1), rule: 'old', queue: 'adhoc', owner: 'ana', lengthMs: 3 * HOUR }],
      nearMisses: [{ jobId: jobId(3), limitMs: 2 * HOUR }],
      incomplete: [],
      against: null,
    });
    expect(stdout + json.stdout).not.toContain('secret_column');
  });

  it('ends with 0 if every job that finished well would have lived', async (context) => {
    const { place, run } = await start(context);

    const { exitCode, stdout } = await run('--policy', ten, ...place);

    expect(exitCode).toBe(0);
    expect(stdout).toContain('Without caps: 0 jobs would have been cancelled.');
    expect(stdout).toContain('Wrong kills: none of the 4 jobs that finished well.');
  });

  it('compares two policies by their wrong kills', async (context) => {
    const { place, run } = await start(context);

    const text = await run('--policy', ten, '--against', two, ...place);
    const json = await run('--policy', ten, '--against', two, ...place, '--json');

    expect(text.stdout).toContain("Wrong kills: 0 only by the new policy, 1 only by today's.");
    expect(JSON.parse(json.stdout)).toMatchObject({
      against: {
        counts: { withoutCaps: { wouldCancel: 2, finishedWell: 1 } },
        wrongKills: 1,
        onlyNew: [],
        onlyToday: [jobId(1)],
      },
    });
  });

  it('keeps what it read in a file without SQL, reads on from there, and then needs neither DLI nor a key', async (context) => {
    const jobs = Array.from({ length: 250 }, (_, i) =>
      over(i + 1, {
        ageMs: 40 * HOUR + i * MINUTE,
        took: 3 * HOUR,
        owner: 'a\u2028b',
        statement: 'select secret_column',
      }),
    );
    const { emulator, place, run } = await start(context, jobs);
    const file = writeFile('past.json', '').replace('past.json', 'kept.json');
    const args = ['--policy', two, '--history', file, '--json'];

    const first = await run(...args, ...place, '--max-calls', '1');
    const second = await run(...args, ...place);
    await emulator.close();
    const third = await runHere(['backtest', ...args]);

    const read = ({ stdout }: { stdout: string }) =>
      JSON.parse(stdout) as { counts: { withoutCaps: { jobs: number } } };
    expect(first.exitCode).toBe(3);
    expect(read(first)).toMatchObject({
      counts: { withoutCaps: { jobs: 100 } },
      incomplete: [
        'SQL jobs and Spark batches were not read to the end, after 1 call, the most that were allowed; run it again to read on',
      ],
    });
    expect(read(second)).toMatchObject({ counts: { withoutCaps: { jobs: 250 } }, incomplete: [] });
    expect(read(third)).toEqual(read(second));
    expect(readFileSync(file, 'utf8')).not.toContain('secret_column');
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it('reads again what a crash cut off at the end of its file', async (context) => {
    const jobs = Array.from({ length: 250 }, (_, i) => over(i + 1, { ageMs: 40 * HOUR + i * MINUTE, took: 3 * HOUR }));
    const { place, run } = await start(context, jobs);
    const file = writeFile('cut.json', '').replace('cut.json', 'cut-off.json');
    const args = ['--policy', two, '--history', file, '--json', ...place];
    const jobsIn = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as { counts: { withoutCaps: { jobs: number } } }).counts.withoutCaps.jobs;

    await run(...args, '--max-calls', '1');
    appendFileSync(file, readFileSync(file, 'utf8').split('\n').slice(2, 40).join('\n').slice(0, -20));
    const second = await run(...args, '--max-calls', '1');
    const third = await run(...args);

    expect([jobsIn(second), jobsIn(third)]).toEqual([199, 250]);
    expect(
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .every((line) => JSON.parse(line) !== null),
    ).toBe(true);
  });

  it('ends with 4 if the past was not read to its end, and no wrong kill was found', async (context) => {
    const { place, run } = await start(context);

    const { exitCode, stdout } = await run('--policy', ten, ...place, '--max-calls', '1');

    expect(exitCode).toBe(4);
    expect(stdout).toContain(
      '! incomplete: Spark batches were not read to the end, after 1 call, the most that were allowed; use --history FILE',
    );
  });

  it.for([
    { name: 'no job is remembered', jobs: [], policy: two, why: 'the past holds no job with a readable start and end' },
    {
      name: 'no rule can be answered',
      jobs: PAST,
      policy: writeFile('waits.json', policyOf('2h', { rules: [{ id: 'w', match: 'all', maxQueueTime: '1h' }] })),
      why: 'the past can answer no rule of this policy',
    },
  ])('ends with 4 if nothing was tried, since $name', async ({ jobs, policy, why }, context) => {
    const { place, run } = await start(context, jobs);

    const { exitCode, stdout } = await run('--policy', policy, ...place);

    expect(exitCode).toBe(4);
    expect(stdout).toContain(`! incomplete: ${why}, so nothing was tried`);
  });

  it('judges by statement as long as it has the statements, and says where it does not', async (context) => {
    const { place, run } = await start(context);
    const rules = [{ id: 'secret', match: { statement: '*secret_column*' }, maxTotalTime: '2h' }];
    const policy = writeFile('statement.json', policyOf('2h', { rules }));
    const file = writeFile('any.json', '').replace('any.json', 'by-statement.json');

    const fresh = await run('--policy', policy, ...place, '--history', file);
    const stored = await run('--policy', policy, '--history', file);

    expect(fresh.exitCode).toBe(3);
    expect(fresh.stdout).toContain(jobId(1));
    expect(stored.exitCode).toBe(4);
    expect(stored.stdout).toContain(
      '! incomplete: 5 jobs without SQL, for which the policy asks: rules that ask for it do not cancel such jobs.',
    );
  });

  it('refuses the file of another project, also if nothing is left to read', async (context) => {
    const { place, run } = await start(context);
    const file = writeFile('whole.json', '').replace('whole.json', 'whole-project.json');
    await run('--policy', two, ...place, '--history', file);
    const elsewhere = [...place.slice(0, 3), 'ffffffffffffffffffffffffffffffff'];

    const { exitCode, stdout, stderr } = await run('--policy', two, ...elsewhere, '--history', file);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('is of another project, 0123456789abcdef0123456789abcdef');
  });

  it('takes fewer days from a file than it holds', async (context) => {
    const { place, run } = await start(context, [
      over(1, { ageMs: 30 * HOUR, took: 3 * HOUR }),
      over(2, { ageMs: 20 * HOUR, took: 3 * HOUR }),
    ]);
    const file = writeFile('days.json', '').replace('days.json', 'two-days.json');
    await run('--policy', two, ...place, '--history', file);

    const { stdout } = await run('--policy', two, '--history', file, '--days', '1', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ wrongKills: [{ jobId: jobId(2) }] });
  });

  it('forgets an error of DLI once the rest was read', async (context) => {
    const jobs = Array.from({ length: 250 }, (_, i) => over(i + 1, { ageMs: 40 * HOUR + i * MINUTE, took: HOUR }));
    const { emulator, place, run } = await start(context, jobs);
    const file = writeFile('fault.json', '').replace('fault.json', 'after-fault.json');
    emulator.faults.add({ on: 'list-sql-jobs', skip: 1, times: 1, answer: { status: 403, body: {} } });

    const first = await run('--policy', two, ...place, '--history', file);
    const second = await run('--policy', two, ...place, '--history', file);

    expect(first.exitCode).toBe(4);
    expect(first.stdout).toMatch(
      /! incomplete: SQL jobs and Spark batches were not read to the end, after 2 calls: .*403/,
    );
    expect(second.exitCode).toBe(0);
    expect(second.stdout).not.toContain('incomplete');
  });

  it('knows before the first call that its file cannot be written', async (context) => {
    const { emulator, place, run } = await start(context);

    const { exitCode, stderr } = await run('--policy', two, ...place, '--history', '/proc/no-such-folder/past.json');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('--history: /proc/no-such-folder/past.json cannot be written');
    expect(emulator.requests).toEqual([]);
  });

  it("says what of today's policy was not tried, and what would hold it back", async (context) => {
    const { place, run } = await start(context);
    const rules = [
      { id: 'waits', match: { queue: 'adhoc' }, maxQueueTime: '1h' },
      { id: 'short', match: { queue: 'adhoc' }, maxTotalTime: '5m' },
    ];
    const today = writeFile('today.json', policyOf('2h', { rules }));

    const { stdout } = await run('--policy', ten, '--against', today, ...place);

    expect(stdout).toContain(
      "Not tried of today's policy: rule waits: maxQueueTime: DLI does not say how long a job waited",
    );
    expect(stdout).toContain("! today's policy: a live sweep would be a dry run: ");
  });

  it.each([
    ['--every', '0s'],
    ['--every', '25h'],
    ['--days', '0'],
    ['--max-calls', '0'],
  ])('refuses %s %s', async (flag, value) => {
    const { exitCode, stderr } = await runHere(['backtest', '--policy', two, flag, value]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`argument '${value}' is invalid. Expected 1`);
  });

  it('names what is wrong with its flags and files', async (context) => {
    const { place, run } = await start(context);
    const broken = writeFile('broken.json', '{"version":1,"jobs":{}}');
    const other = writeFile(
      'other.json',
      linesOf(HEADER, { read: { places: [{ engine: 'sql', place: null }], gaps: [] } }),
    );
    const badJob = writeFile(
      'bad-job.json',
      linesOf(HEADER, { engine: 'sql', id: 7 }, { read: { places: [], gaps: [] } }),
    );

    const noPolicy = await run(...place);
    const noHistory = await run('--policy', two, ...place, '--history', broken);
    const otherProject = await run('--policy', two, ...place, '--history', other);
    const wrongJob = await run('--policy', two, ...place, '--history', badJob);

    expect([noPolicy, noHistory, otherProject, wrongJob].map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 1]);
    expect(wrongJob.stderr).toContain('bad-job.json: is not a history (line 2): id: ');
    expect(noPolicy.stderr).toContain('--policy: missing; name the policy to try');
    expect(noHistory.stderr).toContain('broken.json: is not a history (line 1): ');
    expect(otherProject.stderr).toContain('is of another project');
  });
});
