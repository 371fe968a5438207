import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../../emulator/aws/parameter-store.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { makeFolder, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { HOUR, jobId } from '../../helpers/world.ts';

const writeFile = makeFolder();
const policyOf = (hours: number, mode = 'live') => ({
  version: 1,
  mode,
  rules: [{ id: 'r', match: 'all', maxRunTime: `${hours}h` }],
});
const PARAMETER = '/dli-reaper/dev/policies/base';

async function startStage(context: TestContext) {
  const jobs = [runningJob(1, { ageMs: 3 * HOUR }), runningJob(2, { ageMs: 9 * HOUR })];
  const { emulator } = await startService(context, '', { jobs });
  const aws = await startAwsServer(stageParameters('dev', emulator.connection, policyOf(5)));
  context.onTestFinished(aws.close);
  return { aws, emulator, run: (...args: string[]) => runHere(['policy', ...args, '--stage', 'dev'], aws.env) };
}

let files = 0;
const newFile = (text: string) => writeFile(`policy-${files++}.yml`, text);

describe.concurrent('dli-reaper policy', () => {
  it('takes a policy with a byte-order mark before it for the policy that it is', async (context) => {
    const { aws, run } = await startStage(context);
    aws.put(PARAMETER, `\ufeff${JSON.stringify(policyOf(5))}`);

    const pull = await run('pull');
    const diff = await run('diff', newFile(pull.stdout), '--json');

    expect(pull.stdout).toMatch(/version: 1\nmode: live\n/);
    expect(JSON.parse(diff.stdout)).toMatchObject({ isSame: true, effects: [{ before: 1, after: 1, problem: null }] });
  });

  it('pulls, shows what a change does, pushes it, and refuses a file that live has left behind', async (context) => {
    const { aws, emulator, run } = await startStage(context);
    const file = newFile('');

    const kept = await run('pull', '-o', file);
    const pull = await run('pull', '-o', file, '--replace');
    const pulled = readFileSync(file, 'utf8');
    writeFile(file.split('/').at(-1) ?? '', pulled.replace('5h', '2h'));
    const diff = await run('diff', file, '--json');
    const unconfirmed = await run('push', file);
    const push = await run('push', file, '--confirm', 'dev');
    aws.put(PARAMETER, JSON.stringify(policyOf(1)));
    const stale = await run('push', file, '--confirm', 'dev');

    expect(kept).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--replace overwrites it') });
    expect(pull).toMatchObject({ exitCode: 0, stderr: '' });
    expect(pulled).toMatch(new RegExp(`^# ${PARAMETER} version 1\\nversion: 1\\nmode: live\\n`));
    expect(JSON.parse(diff.stdout)).toMatchObject({
      kind: 'policy-diff',
      parameter: PARAMETER,
      liveVersion: 1,
      version: null,
      mode: 'live',
      tier: 'standard',
      isSame: false,
      diff: expect.stringContaining('-    maxRunTime: 5h\n+    maxRunTime: 2h'),
      effects: [
        { target: 'default', before: 1, after: 2, capped: null, added: [jobId(1)], removed: [], problem: null },
      ],
    });
    expect(unconfirmed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('give --confirm dev') });
    expect(push).toMatchObject({ exitCode: 0, stderr: '' });
    expect(push.stdout).toContain('default: 2 victims now, 1 by the live policy.');
    expect(push.stdout).toContain(`${PARAMETER} is version 2 now; it holds from the next sweep on.`);
    expect(readFileSync(file, 'utf8')).toMatch(/^# \S+ version 2\nversion: 1\n/);
    expect(stale).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is version 3 now, not version 2 that you pulled'),
    });
    expect(aws.versions[PARAMETER]).toBe(3);
    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('replaces the policy of a file, and no other; again makes no difference', async (context) => {
    const { aws, run } = await startStage(context);
    const before = newFile('# ours\nversion: 1\nmode: live\nrules: [{id: r, match: all, maxRunTime: 5h}]\n');
    const after = JSON.stringify(policyOf(4));
    const push = (text: string) =>
      run('push', newFile(text), '--over', before, '--confirm', 'dev', '--no-look', '--json');

    const first = await push(after);
    const again = await push(after);
    aws.put(PARAMETER, JSON.stringify(policyOf(9)));
    const changed = await push(after);

    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toMatchObject({ liveVersion: 1, version: 2 });
    expect(again.exitCode).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ isSame: true, version: null });
    expect(changed).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`${PARAMETER}: is not the policy of ${before}: version 3 was put in place`),
    });
    expect(JSON.parse(aws.parameters[PARAMETER] ?? '')).toEqual(policyOf(9));
  });

  it('rolls back to a version that is held, and to no other', async (context) => {
    const { aws, run } = await startStage(context);
    aws.put(PARAMETER, JSON.stringify(policyOf(1, 'dry-run')));
    aws.put(PARAMETER, JSON.stringify(policyOf(7)));

    const back = await run('rollback', '--no-look');
    const further = await run('rollback', '--to', '1', '--no-look', '--confirm', 'dev', '--json');
    const beyond = await run('rollback', '--to', '9', '--no-look');

    // A dry run puts no job at risk, so no person is asked.
    expect(back).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(further.stdout)).toMatchObject({ kind: 'policy-diff', version: 5, effects: [] });
    expect(JSON.parse(aws.parameters[PARAMETER] ?? '')).toEqual(policyOf(5));
    expect(beyond).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('holds no version 9; there are 1, 2'),
    });
  });

  it('says so if someone else wrote at the same moment, and how to restore theirs', async (context) => {
    const { aws, run } = await startStage(context);
    const theirs = JSON.stringify(policyOf(3));
    const { put } = aws;
    // Between the last look and the write there is no moment that Parameter Store would keep.
    aws.beforeWrite = () => void put(PARAMETER, theirs);

    const { exitCode, stderr } = await run(
      'push',
      newFile(JSON.stringify(policyOf(1))),
      '--over-version',
      '1',
      '--confirm',
      'dev',
      '--no-look',
    );

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${PARAMETER}: someone wrote version 2 at the same time, and your version replaced it`);
    expect(stderr).toContain('dli-reaper policy rollback --stage dev --name base --to 2');
  });

  it('writes nothing where live holds the same, and leaves a file of JSON as it is', async (context) => {
    const { aws, run } = await startStage(context);
    const [same, changed] = [newFile(JSON.stringify(policyOf(5))), newFile(JSON.stringify(policyOf(6)))];
    const flags = ['--over-version', '1', '--confirm', 'dev', '--no-look'];

    const unchanged = await run('push', same, ...flags);
    const pushed = await run('push', changed, ...flags);

    expect(unchanged).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('holds the same, as version 1.') });
    expect(pushed.exitCode).toBe(0);
    expect(aws.versions[PARAMETER]).toBe(2);
    expect(readFileSync(changed, 'utf8')).toBe(JSON.stringify(policyOf(6)));
  });

  it('writes nothing to a stage that does not exist', async (context) => {
    const { aws } = await startStage(context);
    const file = newFile(JSON.stringify(policyOf(1, 'dry-run')));

    const { exitCode, stderr } = await runHere(['policy', 'push', file, '--stage', 'prdo'], aws.env);

    expect(exitCode).toBe(1);
    expect(stderr).toContain('there is no stage prdo');
    expect(aws.calls).not.toContain('PutParameter');
  });

  it('takes a pulled file that an editor saved with CRLF', async (context) => {
    const { run } = await startStage(context);
    const { stdout } = await run('pull', '--json');
    const { text, version } = JSON.parse(stdout) as { text: string; version: number };
    const file = newFile(text.replace('5h', '6h').replaceAll('\n', '\r\n'));

    const { exitCode } = await run('push', file, '--confirm', 'dev', '--no-look');

    expect(version).toBe(1);
    expect(exitCode).toBe(0);
    expect(readFileSync(file, 'utf8').match(/^# .* version \d+/gm)).toEqual([`# ${PARAMETER} version 2`]);
  });

  it('shows nothing of a live value that could move the cursor', async (context) => {
    const { aws, run } = await startStage(context);
    aws.put(PARAMETER, 'no json\u001b[2J\u0007');

    const diff = await run('diff', newFile(JSON.stringify(policyOf(1))), '--no-look');
    const pull = await run('pull');

    for (const control of ['\u0007', '\u001b']) expect(diff.stdout + pull.stdout).not.toContain(control);
    expect(diff.stdout).toContain('-no json');
  });

  it('asks DLI for no engine that neither policy names, and on a terminal shows before it asks', async (context) => {
    const { aws, emulator } = await startStage(context);
    const args = [
      'policy',
      'push',
      newFile(JSON.stringify(policyOf(2))),
      '--over-version',
      '1',
      '--stage',
      'dev',
      '--json',
    ];

    const terminal = runOnTerminal(args, aws.env);
    await terminal.waitFor('Type dev to put this live policy in place on dev');
    const seen = await terminal.screen();
    // No answer ends the question.
    terminal.type('\r');

    expect(await terminal.exited).toBe(1);
    expect(seen).toContain('default: 2 victims now, 1 by the live policy.');
    expect(emulator.requests.map(({ target }) => target).join()).not.toMatch(/batches|streaming/);
  });

  it('says which jobs a cap would save, and which target it could not see', async (context) => {
    const { emulator, aws, run } = await startStage(context);
    const { url, region } = emulator.connection;
    const elsewhere = { region, endpoint: url, projectId: 'f'.repeat(32), policy: 'base', mode: 'live' };
    aws.parameters['/dli-reaper/dev/targets/other'] = JSON.stringify({ ...elsewhere, credentials: 'reaper' });
    const file = newFile(JSON.stringify({ ...policyOf(1), maxKills: 1 }));

    const text = await run('diff', file);
    const json = await run('diff', file, '--json');

    expect(text.stdout).toContain('default: 2 victims now, 1 by the live policy.\n! default: 2 victims are more');
    expect(text.stdout).toContain('maxKills 1, so a sweep would not cancel them all');
    expect(text.stdout).not.toMatch(/^other: /m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      effects: [
        { target: 'default', after: 2, capped: '2 victims are more than maxKills 1' },
        { target: 'other', before: null, after: null, problem: expect.stringContaining('403 ') },
      ],
    });
  });

  it('counts no victims on a target that gives no answer', async (context) => {
    const { emulator, run } = await startStage(context);
    emulator.faults.add({ on: 'list-sql-jobs', times: Number.POSITIVE_INFINITY, answer: { status: 400, body: {} } });

    const { stdout } = await run('diff', newFile(JSON.stringify(policyOf(1))), '--json');

    expect(JSON.parse(stdout)).toMatchObject({
      effects: [{ before: null, after: null, added: [], problem: expect.stringContaining('list LAUNCHING jobs') }],
    });
  });

  it('says so if the live policy cannot judge the live jobs, so that there is no difference', async (context) => {
    const { emulator } = await startService(context, '', {
      jobs: [runningJob(1, { ageMs: 3 * HOUR, hiddenFields: ['owner'] })],
    });
    const rules = [{ id: 'r', match: { owner: 'ana' }, maxRunTime: '2h' }];
    const aws = await startAwsServer(stageParameters('dev', emulator.connection, { ...policyOf(2), rules }));
    context.onTestFinished(aws.close);

    const { stdout } = await runHere(
      ['policy', 'diff', newFile(JSON.stringify(policyOf(2))), '--stage', 'dev'],
      aws.env,
    );

    expect(stdout).toContain('default: 1 victim now, 0 by the live policy.');
    expect(stdout).toContain(
      '! default: 1 job could not be judged, and is spared as undetermined, because the owner is',
    );
  });

  it.for([
    { name: 'is not valid', text: 'version: 1\nrules: []\n', says: ':2:1: rules: expected at least one rule' },
    {
      name: 'is too large',
      text: JSON.stringify({
        ...policyOf(1),
        rules: [{ id: 'r', match: { queue: 'q'.repeat(9_000) }, maxRunTime: '1h' }],
      }),
      says: 'a parameter holds at most 8192',
    },
    { name: 'was never pulled', text: JSON.stringify(policyOf(1)), says: 'pull it first, or give --over-version 1' },
  ])('pushes nothing that $name', async ({ text, says }, context) => {
    const { aws, run } = await startStage(context);

    const { exitCode, stderr } = await run('push', newFile(text), '--confirm', 'dev', '--no-look');

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(aws.calls).not.toContain('PutParameter');
  });
});
