import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { makeFolder, runCli, runHere, runningJob, startService } from '../helpers/run-cli.ts';
import { HOUR, jobId } from '../helpers/world.ts';

const writeFile = makeFolder();
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const DAY = 24 * HOUR;
const name = (rest: string) => `/dli-reaper/dev/${rest}`;
const timeOf = (ms: number) => new Date(ms).toISOString();

/** A job of ana's and one of bo's are over their limit. */
async function startStage(context: TestContext, changes: Record<string, string> = {}) {
  const { emulator } = await startService(context, '', { jobs: [runningJob(1), runningJob(2, { owner: 'bo' })] });
  const aws = await startAwsServer({ ...stageParameters('dev', emulator.connection, POLICY), ...changes });
  context.onTestFinished(aws.close);
  return { aws, emulator, run: (...args: string[]) => runHere([...args, '--stage', 'dev'], aws.env) };
}

const freeze = (changes: object = {}) =>
  JSON.stringify({
    id: 'month-end',
    reason: 'close',
    match: { owner: 'ana' },
    from: timeOf(Date.now() - DAY),
    until: '2999-01-01',
    ...changes,
  });

describe.concurrent('dli-reaper freeze and unfreeze', () => {
  const why = ['freeze', 'month-end', '--reason', 'close'];

  it('writes one freeze that a sweep obeys, overwrites none unasked, and removes it again', async (context) => {
    const { aws, emulator, run } = await startStage(context);
    const runAlone = (...args: string[]) => runCli([...args, '--stage', 'dev'], aws.env);
    const span = ['--owner', 'ana', '--from', '2026-01-01', '--until', '2999-01-01'];

    const first = await runAlone(...why, ...span);
    const plan = await run('plan', '--target', 'default', '--spared');
    const live = await run('sweep', '--target', 'default', '--no-dry-run', '--json');
    const second = await run(...why, ...span);
    const away = await runAlone('unfreeze', 'month-end', '--confirm', 'month-end', '--json');

    expect(first).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `${name('freezes/month-end')} holds for all targets of dev until 2999-01-02T00:00:00.000Z, from the next sweep on.\n`,
    });
    expect(plan.stdout).toMatch(/│ month-end +│ kept: frozen +│/);
    expect(plan.stdout).toContain(
      'Note: freeze month-end (close) holds until 2999-01-02T00:00:00.000Z: 1 job over its limit is spared.\n',
    );
    expect(JSON.parse(live.stdout)).toMatchObject({
      counts: { cancelled: 1, skipped: { frozen: 1 } },
      parameterVersions: { freezes: { [name('freezes/month-end')]: 1 } },
    });
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['RUNNING', 'CANCELLED']);
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--replace overwrites it') });
    expect(JSON.parse(away.stdout)).toMatchObject({ kind: 'freeze', freeze: null });
    expect(aws.parameters[name('freezes/month-end')]).toBeUndefined();
  });

  it('takes the days of several flags together', async (context) => {
    const { run } = await startStage(context);

    const { stdout } = await run(...why, '--all', '--days', '-2', '--days', '-1,1', '--time-zone', 'UTC', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ freeze: { recurring: { days: [-2, -1, 1] } } });
  });

  it('writes the days of each month in one line', async (context) => {
    const { aws, run } = await startStage(context);
    const days = ['--all', '--days=-2,-1,1,2,3,4,5', '--months', '3,4', '--time-zone', 'Europe/Berlin', '--json'];

    const { exitCode, stdout } = await run(...why, ...days);

    const document = {
      id: 'month-end',
      reason: 'close',
      match: 'all',
      recurring: { days: [-2, -1, 1, 2, 3, 4, 5], months: [3, 4], timeZone: 'Europe/Berlin' },
    };
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'freeze', freeze: document, version: 1 });
    expect(JSON.parse(aws.parameters[name('freezes/month-end')] ?? '')).toEqual(document);
  });

  it.for([
    { title: 'for no job', more: ['--until', '7d'], says: '--queue: missing; select jobs' },
    { title: 'for all and for some', more: ['--all', '--owner', 'ana'], says: '--all: means every job; remove it' },
    { title: 'without a beginning', more: ['--all', '--until', '7d'], says: 'from: missing; say when it holds' },
    {
      title: 'that is over',
      says: '--until: is in the past; such a freeze protects nothing',
      more: ['--all', '--from', '2020-01-01', '--until', '2020-01-02'],
    },
    { title: 'in no time zone', more: ['--all', '--days', '1'], says: 'recurring.timeZone: missing' },
    {
      title: 'on a day that is none',
      says: 'recurring.days[1]: expected a day of the month',
      more: ['--all', '--days', '1,32', '--time-zone', 'UTC'],
    },
    { title: 'on days in words', more: ['--all', '--days', 'last'], says: 'Expected numbers, such as -2,-1,1.' },
  ])('refuses a freeze $title', async ({ more, says }) => {
    const { exitCode, stderr } = await runHere([...why, '--stage', 'dev', ...more]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
  });
});

describe.concurrent('dli-reaper exempt --from', () => {
  const exempt = ['exempt', 'close', '--reason', 'r', '--contact', 'c', '--owner', 'ana'];

  it('writes an exemption that begins later, which plan and explain say', async (context) => {
    const { aws, run } = await startStage(context);

    const written = await run(...exempt, '--from', '2998-01-01', '--until', '2998-01-05');
    const plan = await run('plan', '--target', 'default', '--json');
    const explained = await run('explain', jobId(1), '--target', 'default');

    expect(written.stdout).toContain('dev from 2998-01-01T00:00:00.000Z until 2998-01-06T00:00:00.000Z.\n');
    expect(JSON.parse(aws.parameters[name('exemptions/close')] ?? '')).toMatchObject({ from: '2998-01-01' });
    expect(JSON.parse(plan.stdout)).toMatchObject({
      counts: { overdue: 2 },
      notices: ['exemption close (owner c) begins at 2998-01-01T00:00:00.000Z; until then it protects nothing'],
    });
    expect(explained.stdout).toContain(
      'Exemption close (from 2998-01-01T00:00:00.000Z until 2998-01-06T00:00:00.000Z, not yet in force): yes\n',
    );
  });

  it('refuses one that ends before it begins', async () => {
    const { exitCode, stderr } = await runHere([...exempt, '--stage', 'dev', '--from', '8d', '--until', '7d']);

    expect(exitCode).toBe(1);
    expect(stderr).toContain('from: is not before until, so it would never be in force');
  });
});

describe.concurrent('the calendar of a stage', () => {
  it('is shown by status once for all targets: what holds, and what begins next', async (context) => {
    const { aws, run } = await startStage(context, {
      [name('freezes/now')]: freeze({ id: 'now' }),
      [name('freezes/later')]: freeze({ id: 'later', match: 'all', from: '2998-01-01' }),
    });
    aws.parameters[name('targets/other')] = aws.parameters[name('targets/default')] ?? '';

    const json = await run('status', '--json');
    const { stdout } = await run('status');

    const calendar = [
      'freeze now (close) holds until 2999-01-02T00:00:00.000Z: 1 job over its limit is spared',
      'freeze later (close) begins next, at 2998-01-01T00:00:00.000Z, and holds until 2999-01-02T00:00:00.000Z',
    ];
    expect(JSON.parse(json.stdout)).toMatchObject({ stop: null, targets: [{ calendar }, { calendar }] });
    expect(stdout.split('\n').filter((line) => line.startsWith('Note: '))).toEqual(
      calendar.map((notice) => `Note: ${notice}.`),
    );
  });

  it('is shown by status with its target, if targets differ', async (context) => {
    const { aws, run } = await startStage(context);
    const target = JSON.parse(aws.parameters[name('targets/default')] ?? '') as object;
    aws.parameters[name('targets/other')] = JSON.stringify({ ...target, policy: 'frozen' });
    aws.parameters[name('policies/frozen')] = JSON.stringify({ ...POLICY, freezes: [JSON.parse(freeze())] });

    const { stdout } = await run('status');

    expect(stdout).toContain('Note: other: freeze month-end (close) holds until');
  });

  it('explains of a job which freeze spares it', async (context) => {
    const { run } = await startStage(context, { [name('freezes/month-end')]: freeze() });

    const { stdout } = await run('explain', jobId(1), '--target', 'default');

    expect(stdout).toMatch(/^Freeze month-end \(from .* until 2999-01-02T00:00:00.000Z\): yes\n {2}match {3}owner: /m);
    expect(stdout).toContain('Verdict: keep, frozen (month-end)\n');
  });

  it('stops a sweep where a freeze cannot be read, and doctor says what to do', async (context) => {
    const { run } = await startStage(context, { [name('freezes/month-end')]: '{}' });

    const plan = await run('plan', '--target', 'default');
    const doctor = await run('doctor', '--target', 'default');

    expect(plan).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('dli-reaper unfreeze month-end --stage dev removes it'),
    });
    expect(doctor.stdout).toContain('→ dli-reaper unfreeze month-end --stage dev, and freeze again\n');
  });

  it('binds an emergency, and one that includes exempt jobs says that it does not', async (context) => {
    const { run } = await startStage(context, { [name('freezes/month-end')]: freeze() });
    const emergency = ['emergency', '--target', 'default', '--older-than', '2h', '--reason', 'x', '--dry-run'];

    const bound = await run(...emergency);
    const included = await run(...emergency, '--include-exempt');

    expect(bound.stdout).toContain('2 jobs seen, 1 overdue, none cancelled');
    expect(included.stdout).toContain('2 jobs seen, 2 overdue, none cancelled');
    expect(included.stdout).toContain('Note: --include-exempt: exempt and frozen jobs are not spared.\n');
  });

  it('is counted by validate, which warns of what is over', async () => {
    const freezes = [JSON.parse(freeze({ id: 'over', from: '2020-01-01', until: '2020-01-02' })), JSON.parse(freeze())];
    const file = writeFile('freezes.json', JSON.stringify({ ...POLICY, freezes }));

    const { stdout } = await runHere(['validate', file]);

    expect(stdout).toContain('warning: freeze over ended at 2020-01-03T00:00:00.000Z; it has no effect any more');
    expect(stdout).toContain('is valid: mode live, 1 rule, 0 exemptions, 2 freezes\n');
  });

  it('counts for what a policy would do, when it is compared with the live one', async (context) => {
    const { run } = await startStage(context, { [name('freezes/month-end')]: freeze({ match: 'all' }) });

    const { stdout } = await run('policy', 'diff', writeFile('base.json', JSON.stringify(POLICY)));

    expect(stdout).toContain('default: 0 victims now, 0 by the live policy.');
  });
});

describe.concurrent('dli-reaper stop with an end and a reason', () => {
  const SWITCH = name('switch');

  it('writes both into the switch, does not resume by itself, and is shown before a resume', async (context) => {
    const { aws, run } = await startStage(context);

    const stopped = await run('stop', '--until', '2998-12-05', '--reason', 'month end', '--json');
    const value = aws.parameters[SWITCH];
    const status = await run('status', '--no-look');
    const doctor = await run('doctor', '--target', 'default');
    const sweep = await run('sweep', '--target', 'default', '--no-dry-run');
    const resumed = await run('resume', '--confirm', 'dev');

    expect(value).toBe('stop until 2998-12-06T00:00:00.000Z because month end');
    expect(JSON.parse(stopped.stdout)).toEqual({
      kind: 'switch',
      stage: 'dev',
      isOn: false,
      version: 2,
      until: '2998-12-06T00:00:00.000Z',
      reason: 'month end',
    });
    const words = 'stop until 2998-12-06T00:00:00.000Z (month end)';
    expect(status.stdout).toContain(`The switch of dev reads ${words}: no job is cancelled.\n`);
    expect(doctor.stdout).toContain(`${words}, so no job is cancelled`);
    expect(sweep.stdout).toContain(`! stopped: the switch reads ${words}\n`);
    expect(resumed).toMatchObject({ exitCode: 0, stderr: `The switch of dev reads ${words}.\n` });
    expect(aws.parameters[SWITCH]).toBe('run');
  });

  it('asks to be resumed when its time is over, and still stops', async (context) => {
    const { emulator, run } = await startStage(context, {
      [SWITCH]: 'stop until 2026-01-01T00:00:00.000Z because month end',
    });

    const json = await run('status', '--json');
    const status = await run('status', '--no-look');
    const doctor = await run('doctor', '--target', 'default');
    const sweep = await run('sweep', '--target', 'default', '--no-dry-run');
    const resumed = await run('resume');

    const asks =
      'the stop ended at 2026-01-01T00:00:00.000Z, but sweeps do not resume by themselves; run dli-reaper resume --stage dev to let them cancel again';
    expect(JSON.parse(json.stdout)).toMatchObject({
      stop: { until: '2026-01-01T00:00:00.000Z', reason: 'month end', isOver: true },
    });
    expect(status.stdout).toContain(`! ${asks}.\n`);
    expect(doctor.stdout).toContain(`${asks}\n`);
    expect(sweep).toMatchObject({ exitCode: 1 });
    expect(sweep.stdout).toContain('Note: the stop ended at 2026-01-01T00:00:00.000Z');
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
    expect(resumed.stderr).toContain('(month end), which is in the past.\n');
  });

  it('says that it does not resume by itself', async (context) => {
    const { run } = await startStage(context);

    const { stdout } = await run('stop', '--until', '7d');

    expect(stdout).toMatch(
      /^The switch of dev reads stop until \S+Z \(version 2\): no job is cancelled; .* It does not resume by itself; use dli-reaper resume --stage dev\.\n$/,
    );
  });

  it.for([
    { more: ['--until', 'soon'], says: '--until: expected a day such as 2027-02-01' },
    { more: ['--until', '2020-01-01'], says: '--until: is in the past; name a later day or time' },
    { more: ['--reason', ''], says: '--reason: is empty; say why, or leave it out' },
    { more: ['--reason', 'a\nb'], says: '--reason: contains a character that cannot be seen' },
    { more: ['--reason', 'x'.repeat(201)], says: '--reason: has 201 characters; expected at most 200' },
  ])('refuses $says, and writes nothing', async ({ more, says }) => {
    const { exitCode, stderr } = await runHere(['stop', '--stage', 'dev', ...more]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
  });
});
