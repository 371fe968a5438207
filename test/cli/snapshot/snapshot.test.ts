import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSnapshot, toSnapshot } from '../../../cli/snapshot/document.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { makeJob, makeStoredLook } from '../../helpers/make-job.ts';
import { keysOf, makeFolder, runCli, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const writeFile = makeFolder();
const policy = (hours: number, more: object = {}) =>
  JSON.stringify({ version: 1, mode: 'live', rules: [{ id: 'r', match: 'all', maxRunTime: `${hours}h` }], ...more });
const two = writeFile('two.json', policy(2));
const four = writeFile('four.json', policy(4));

describe.concurrent('dli-reaper snapshot', () => {
  it('saves every live job without its statement, and plan and explain judge them as they were', async (context) => {
    const jobs = [
      runningJob(1, { ageMs: 3 * HOUR + 30.5 * MINUTE, statement: 'select secret_column' }),
      runningJob(2, { ageMs: MINUTE }),
    ];
    const { emulator } = await startService(context, '', { jobs });
    const { url, projectId } = emulator.connection;
    const args = ['snapshot', '--endpoint', url, '--project-id', projectId];

    const snapshot = await runCli(args, keysOf(emulator.connection));
    const world = writeFile('world.json', snapshot.stdout);
    await emulator.close();
    const plan = await runHere(['plan', '--policy', two, '--from', world]);
    const explain = await runHere(['explain', jobId(2), '--policy', two, '--from', world]);
    const unknown = await runHere(['explain', jobId(7), '--policy', two, '--from', world]);

    expect(snapshot).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(snapshot.stdout)).toMatchObject({
      kind: 'snapshot',
      version: 2,
      target: 'cli',
      clockProblem: null,
      gaps: [],
      engines: ['sql', 'spark', 'flink'],
      jobs: [{ id: jobId(1), fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) }, { id: jobId(2) }],
    });
    expect(snapshot.stdout).not.toContain('secret_column');
    expect(plan).toMatchObject({ exitCode: 0, stderr: '' });
    expect(plan.stdout).toContain('Dry run (set by the request): 1 job seen, 1 overdue, none cancelled; 0 calls.');
    expect(plan.stdout).toMatch(/│ 3h30m +│ maxRunTime 2h │ ██████▓▓▓▓ +│ r +│ would be cancelled │/);
    expect(explain.stdout).toContain('Verdict: keep, within-limit (r)');
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('holds no such job') });
  });

  it.for([
    { name: 'no cap', more: {}, reasons: ['dry-run', 'dry-run', 'dry-run'] },
    { name: 'a cap', more: { maxKills: 1 }, reasons: ['cap', 'cap', 'cap'] },
    { name: 'a cap that drains', more: { maxKills: 1, drain: true }, reasons: ['cap', 'cap', 'dry-run'] },
  ])('is planned from as the moment itself was, with $name', async ({ more, reasons }, context) => {
    const jobs = [1, 2, 3].map((n) => runningJob(n, { ageMs: (n + 2) * HOUR }));
    const file = writeFile(`capped-${reasons[0]}-${reasons[2]}.json`, policy(2, more));
    const { emulator, run } = await startService(context, file, { jobs: [...jobs, runningJob(4, { ageMs: HOUR })] });
    const { url, projectId } = emulator.connection;

    const live = await run('plan', ['--json']);
    const args = ['snapshot', '--endpoint', url, '--project-id', projectId];
    const world = writeFile(`${reasons.join()}.json`, (await runHere(args, keysOf(emulator.connection))).stdout);
    const past = await runHere(['plan', '--policy', file, '--from', world, '--json']);

    const read = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as SweepReport;
    const [one, other] = [read(live), read(past)];
    expect(other.jobs.map(({ reason }) => reason)).toEqual(reasons);
    expect(other.jobs.map(({ jobId: id, reason }) => [id, reason])).toEqual(
      one.jobs.map(({ jobId: id, reason }) => [id, reason]),
    );
    expect(other).toMatchObject({ counts: one.counts, caps: { exceeded: one.caps.exceeded }, status: one.status });
  });

  it('ends as a plan does where the clocks disagree, and passes that on to whatever judges it', async (context) => {
    const { emulator, run } = await startService(context, two, {
      now: () => Date.now() + 11 * HOUR,
      jobs: [runningJob(1, { ageMs: 9 * HOUR })],
    });
    const { url, projectId } = emulator.connection;
    const args = ['snapshot', '--endpoint', url, '--project-id', projectId];

    const plan = await run('plan', ['--json']);
    const snapshot = await runHere(args, keysOf(emulator.connection));
    const file = writeFile('skewed/1.json', snapshot.stdout);
    const past = await runHere(['plan', '--policy', two, '--from', file, '--json']);
    const replay = await runHere(['replay', '--policy', two, '--snapshots', dirname(file)]);

    const { status, problems, counts, jobs } = JSON.parse(plan.stdout) as SweepReport;
    expect(status).toBe('stopped');
    expect([snapshot.exitCode, past.exitCode]).toEqual([plan.exitCode, plan.exitCode]);
    expect(snapshot.stderr).toMatch(
      /^! DLI's clock and ours differ by (11h|10h59m5\ds), more than 5m; .* no age of a job can be trusted\n$/,
    );
    expect(JSON.parse(snapshot.stdout)).toMatchObject({ clockProblem: snapshot.stderr.slice(2, -1) });
    expect(JSON.parse(past.stdout)).toMatchObject({
      status,
      counts,
      problems: [expect.stringMatching(/^stopped: DLI's clock and ours differ by /)],
      jobs: jobs.map(({ jobId: id, outcome, reason }) => ({ jobId: id, outcome, reason })),
    });
    expect(problems).toHaveLength(1);
    expect(replay).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('0 jobs would have been cancelled.') });
    expect(replay.stdout).toMatch(/! cli at .*: incomplete, so no job is counted: DLI's clock and ours differ by /);
  });

  it('says which engines it is of, so that a policy for another one is not judged by silence', async () => {
    const seen = makeStoredLook({ engines: ['spark'], jobs: [] });
    const file = writeFile('spark.json', JSON.stringify(toSnapshot(seen, { withStatements: false })));

    const { exitCode, stdout } = await runHere(['plan', '--policy', two, '--from', file]);

    expect(exitCode).toBe(4);
    expect(stdout).toContain('! listing incomplete: SQL jobs: not looked at');
  });

  it('of version 1 can still be judged; a gap in it may be of any engine', async () => {
    const { jobs } = toSnapshot(makeStoredLook(), { withStatements: false });
    const old = { version: 1, target: 'lake', takenAt: '2026-01-05T09:00:00.000Z', jobs };
    const whole = writeFile('whole-1.json', JSON.stringify({ ...old, gaps: [] }));
    const torn = writeFile('torn-1.json', JSON.stringify({ ...old, gaps: ['one page'] }));

    const [one, other] = await Promise.all(
      [whole, torn].map((file) => runHere(['plan', '--policy', two, '--from', file, '--json'])),
    );

    expect(one).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"reason": "dry-run"') });
    expect(other).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('"reason": "partial"') });
  });

  it('is of one target, so that no other may be named beside it', async () => {
    const { exitCode, stderr } = await runHere(['plan', '--policy', two, '--from', two, '--stage', 'prod']);

    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'dli-reaper: --stage: goes without --from; a snapshot is of one target\n',
    });
  });

  it.for([
    {
      name: 'a file that is not there',
      file: 'absent.json',
      says: 'absent.json: cannot be read (no such file or folder, ENOENT)',
    },
    {
      name: 'something else',
      file: writeFile('else.json', '{"version":3}'),
      says: 'not a snapshot: version: expected',
    },
    {
      name: 'UTF-16, as PowerShell writes it',
      file: writeFile('wide.json', Buffer.from('{"version":2}', 'utf16le').toString('latin1')),
      says: 'wide.json: is UTF-16, or not a text; save it as UTF-8',
    },
  ])('ends with 1 for $name', async ({ file, says }) => {
    const { exitCode, stderr } = await runHere(['plan', '--policy', two, '--from', file]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
  });
});

describe('parseSnapshot', () => {
  it('gives back the jobs that were saved', () => {
    const jobs = [
      makeJob({ tags: new Map([['team', 'bi']]) }),
      makeJob({ id: jobId(2), tags: undefined, owner: undefined, startedAt: undefined }),
    ];
    const gaps = [
      { engine: 'sql', what: 'one page' },
      { engine: undefined, what: 'another' },
    ] as const;
    const seen = makeStoredLook({ engines: ['sql', 'flink'], clockProblem: 'hours apart', gaps, jobs });

    const saved: unknown = JSON.parse(JSON.stringify(toSnapshot(seen, { withStatements: false })));

    expect(parseSnapshot(saved)).toEqual(seen);
  });
});

describe.concurrent('dli-reaper replay', () => {
  const folder = join(dirname(two), 'snapshots');
  mkdirSync(folder, { recursive: true });
  const save = (hour: number, ages: Record<number, number>) => {
    const takenAt = NOW + hour * HOUR;
    const jobs = Object.entries(ages).map(([n, age]) =>
      makeJob({ id: jobId(Number(n)), startedAt: takenAt - age * HOUR }),
    );
    const snapshot = toSnapshot(makeStoredLook({ now: takenAt, jobs }), { withStatements: false });
    writeFileSync(join(folder, `${hour}.json`), JSON.stringify(snapshot));
  };
  // The first grows old, the second ends at three hours, the third is over every limit from the start.
  save(0, { 1: 1, 2: 2, 3: 9 });
  save(1, { 1: 2, 2: 3, 3: 10 });
  save(2, { 1: 3, 3: 11 });
  save(3, { 1: 4.5, 3: 12 });

  it('shows which jobs would have died, when, and the difference to today’s policy', async () => {
    const args = ['replay', '--policy', two, '--snapshots', folder, '--against', four];

    const json = await runHere([...args, '--json']);
    const text = await runHere(args);

    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'replay',
      snapshots: 4,
      from: '2026-01-05T09:00:00.000Z',
      to: '2026-01-05T12:00:00.000Z',
      capped: [],
      deaths: [
        { at: '2026-01-05T09:00:00.000Z', by: 'both', job: { jobId: jobId(3) } },
        { at: '2026-01-05T10:00:00.000Z', by: 'new', job: { jobId: jobId(2) } },
        { at: '2026-01-05T11:00:00.000Z', by: 'changed', job: { jobId: jobId(1) } },
      ],
    });
    expect(text.stdout).toContain('3 jobs would have been cancelled, 1 more and 0 fewer than today.');
  });

  it('keeps jobs of the same id on two targets apart, obeys a drain, and says whose cap held', async () => {
    const twins = join(dirname(two), 'twins');
    mkdirSync(twins, { recursive: true });
    for (const target of ['east', 'west']) {
      const jobs = [4, 5].map((hours) => makeJob({ id: jobId(hours), startedAt: NOW - hours * HOUR }));
      const snapshot = toSnapshot(makeStoredLook({ target, jobs }), { withStatements: false });
      writeFileSync(join(twins, `${target}.json`), JSON.stringify(snapshot));
    }
    const drain = writeFile('drain.json', policy(2, { maxKills: 1, drain: true }));
    const capped = writeFile('capped-at-one.json', policy(2, { maxKills: 1 }));

    const { exitCode, stdout } = await runHere([
      'replay',
      '--policy',
      drain,
      '--snapshots',
      twins,
      '--against',
      capped,
      '--json',
    ]);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      capped: [
        { target: 'east', by: 'old', reason: '2 victims are more than maxKills 1' },
        { target: 'west', by: 'old' },
      ],
      deaths: [
        { target: 'east', by: 'new', job: { jobId: jobId(5) } },
        { target: 'west', by: 'new', job: { jobId: jobId(5) } },
      ],
    });
  });

  it('says so and ends with 4 if a snapshot has gaps, since its victims cannot be counted', async () => {
    const gaps = join(dirname(two), 'gaps');
    mkdirSync(gaps, { recursive: true });
    const jobs = [makeJob({ id: jobId(1), startedAt: NOW - 9 * HOUR })];
    const seen = makeStoredLook({ gaps: [{ engine: 'sql', what: 'one page' }], jobs });
    const snapshot = toSnapshot(seen, { withStatements: false });
    writeFileSync(join(gaps, '1.json'), JSON.stringify(snapshot));

    const text = await runHere(['replay', '--policy', two, '--snapshots', gaps]);
    const json = await runHere(['replay', '--policy', two, '--snapshots', gaps, '--json']);

    expect([text.exitCode, json.exitCode]).toEqual([4, 4]);
    expect(text.stdout).toContain('! lake at 2026-01-05T09:00:00.000Z: incomplete, so no job is counted: one page');
    expect(JSON.parse(json.stdout)).toMatchObject({ incomplete: [{ target: 'lake', reason: 'one page' }] });
  });

  it('counts the victims of an incomplete snapshot that a sweep would have cancelled, and does not deny it', async () => {
    const torn = join(dirname(two), 'torn');
    mkdirSync(torn, { recursive: true });
    const jobs = [makeJob({ id: jobId(1), startedAt: NOW - 9 * HOUR })];
    const seen = makeStoredLook({ gaps: [{ engine: 'sql', what: 'one page' }], jobs });
    writeFileSync(join(torn, '1.json'), JSON.stringify(toSnapshot(seen, { withStatements: false })));
    const uncapped = writeFile('uncapped.json', policy(2, { maxKillsPercent: 100 }));

    const { exitCode, stdout } = await runHere(['replay', '--policy', uncapped, '--snapshots', torn]);

    expect(exitCode).toBe(4);
    expect(stdout).toContain('1 job would have been cancelled.');
    expect(stdout).toContain('incomplete, so other jobs may have been cancelled: one page');
  });

  it('says so and ends with 4 where only the policy of today cannot judge a snapshot', async () => {
    const nameless = join(dirname(two), 'nameless');
    mkdirSync(nameless, { recursive: true });
    const jobs = [makeJob({ id: jobId(1), startedAt: NOW - 9 * HOUR, owner: undefined })];
    const snapshot = toSnapshot(makeStoredLook({ jobs }), { withStatements: false });
    writeFileSync(join(nameless, '1.json'), JSON.stringify(snapshot));
    const byOwner = writeFile(
      'by-owner.json',
      policy(2, { rules: [{ id: 'r', match: { owner: 'ana' }, maxRunTime: '2h' }] }),
    );

    const { exitCode, stdout } = await runHere([
      'replay',
      '--policy',
      two,
      '--snapshots',
      nameless,
      '--against',
      byOwner,
      '--json',
    ]);

    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ incomplete: [{ target: 'lake', reason: 'no job could be judged' }] });
  });

  it('says so and ends with 4 where no job of a snapshot could be judged, and not where the others have died', async () => {
    const blind = join(dirname(two), 'blind');
    const seeing = join(dirname(two), 'seeing');
    const unreadable = makeJob({ id: jobId(1), startedAt: undefined });
    const overdue = makeJob({ id: jobId(2), startedAt: NOW - 9 * HOUR });
    for (const [folder, jobs] of [
      [blind, [unreadable]],
      [seeing, [unreadable, overdue]],
    ] as const) {
      mkdirSync(folder, { recursive: true });
      for (const hour of [0, 1]) {
        const snapshot = toSnapshot(makeStoredLook({ now: NOW + hour * HOUR, jobs }), { withStatements: false });
        writeFileSync(join(folder, `${hour}.json`), JSON.stringify(snapshot));
      }
    }

    const unseen = await runHere(['replay', '--policy', two, '--snapshots', blind]);
    const seen = await runHere(['replay', '--policy', two, '--snapshots', seeing]);

    expect([unseen.exitCode, seen.exitCode]).toEqual([4, 0]);
    expect(unseen.stdout).toContain(
      '! lake at 2026-01-05T09:00:00.000Z: incomplete, so no job is counted: no job could be',
    );
  });

  it('counts no job if a cap would have stopped the sweep, and says when', async () => {
    const capped = writeFile('capped.json', policy(2, { maxKills: 0 }));

    const { exitCode, stdout } = await runHere(['replay', '--policy', capped, '--snapshots', folder]);

    expect(exitCode).toBe(0);
    expect(stdout).toContain('0 jobs would have been cancelled.');
    expect(stdout).toContain(
      '! lake at 2026-01-05T09:00:00.000Z: a cap would have stopped the sweep, 1 victims are more',
    );
  });
});
