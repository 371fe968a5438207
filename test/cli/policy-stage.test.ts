import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { startAwsServer } from '../helpers/aws-server.ts';
import { stageParameters } from '../helpers/parameter-store.ts';
import { makeFolder, runCli, runningJob, startService } from '../helpers/run-cli.ts';
import { HOUR, jobId } from '../helpers/world.ts';

const writeFile = makeFolder();
const policyOf = (hours: number, mode = 'live') => ({
  ...{ version: 1, mode },
  rules: [{ id: 'r', match: 'all', maxRunTime: `${hours}h` }],
});
const PARAMETER = '/dli-reaper/dev/policies/base';

async function startStage(context: TestContext) {
  const jobs = [runningJob(1, { ageMs: 3 * HOUR }), runningJob(2, { ageMs: 9 * HOUR })];
  const { emulator } = await startService(context, '', { jobs });
  const aws = await startAwsServer(stageParameters('dev', emulator.connection, policyOf(5)));
  context.onTestFinished(aws.close);
  return { aws, emulator, run: (...args: string[]) => runCli(['policy', ...args, '--stage', 'dev'], aws.env) };
}

let files = 0;
const newFile = (text: string) => writeFile(`policy-${files++}.yml`, text);

describe.concurrent('dli-reaper policy', () => {
  it('pulls, shows what a change does, pushes it, and refuses a file that live has left behind', async (context) => {
    const { aws, emulator, run } = await startStage(context);
    const file = newFile('');

    const pull = await run('pull', '-o', file);
    const pulled = readFileSync(file, 'utf8');
    writeFile(file.split('/').at(-1) ?? '', pulled.replace('5h', '2h'));
    const diff = await run('diff', file, '--json');
    const unconfirmed = await run('push', file);
    const push = await run('push', file, '--confirm', 'dev');
    aws.put(PARAMETER, JSON.stringify(policyOf(1)));
    const stale = await run('push', file, '--confirm', 'dev');

    expect(pull).toMatchObject({ exitCode: 0, stderr: '' });
    expect(pulled).toMatch(new RegExp(`^# ${PARAMETER} version 1\\nversion: 1\\nmode: live\\n`));
    expect(JSON.parse(diff.stdout)).toMatchObject({
      ...{ kind: 'policy-diff', parameter: PARAMETER, liveVersion: 1, version: null, mode: 'live', tier: 'standard' },
      ...{ isSame: false, diff: expect.stringContaining('-    maxRunTime: 5h\n+    maxRunTime: 2h') },
      effects: [
        { target: 'default', before: 1, after: 2, capped: null, added: [jobId(1)], removed: [], problem: null },
      ],
    });
    expect(unconfirmed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('give --confirm dev') });
    expect(push).toMatchObject({ exitCode: 0, stderr: '' });
    expect(push.stdout).toContain('default: 2 victims at this moment, 1 by the live policy.');
    expect(push.stdout).toContain(`${PARAMETER} is version 2 now; it holds from the next sweep on.`);
    expect(readFileSync(file, 'utf8')).toMatch(/^# \S+ version 2\nversion: 1\n/);
    expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('was version 2 when it was pulled') });
    expect(aws.versions[PARAMETER]).toBe(3);
    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('rolls back to a version that is held, and to no other', async (context) => {
    const { aws, run } = await startStage(context);
    aws.put(PARAMETER, JSON.stringify(policyOf(1, 'dry-run')));
    aws.put(PARAMETER, JSON.stringify(policyOf(7)));

    const back = await run('rollback', '--no-look');
    const further = await run('rollback', '--to', '1', '--no-look', '--confirm', 'dev', '--json');
    const beyond = await run('rollback', '--to', '9', '--no-look');

    // A dry run puts nobody at risk, so nobody is asked.
    expect(back).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(further.stdout)).toMatchObject({ kind: 'policy-diff', version: 5, effects: [] });
    expect(JSON.parse(aws.parameters[PARAMETER] ?? '')).toEqual(policyOf(5));
    expect(beyond).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('holds no version 9; there are 1, 2'),
    });
  });

  it('says whom a cap would save, and which target it could not look at', async (context) => {
    const { emulator, aws, run } = await startStage(context);
    const { url, region } = emulator.connection;
    const elsewhere = { region, endpoint: url, projectId: 'f'.repeat(32), policy: 'base', mode: 'live' };
    aws.parameters['/dli-reaper/dev/targets/other'] = JSON.stringify({ ...elsewhere, credentials: 'reaper' });
    const file = newFile(JSON.stringify({ ...policyOf(1), maxKills: 1 }));

    const text = await run('diff', file);
    const json = await run('diff', file, '--json');

    expect(text.stdout).toContain(
      'default: 2 victims at this moment, 1 by the live policy.\n! default: 2 victims are more',
    );
    expect(text.stdout).toContain('maxKills 1, so a sweep would not cancel them all');
    expect(text.stdout).not.toMatch(/^other: /m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      effects: [
        { target: 'default', after: 2, capped: '2 victims are more than maxKills 1' },
        { target: 'other', before: null, after: null, problem: expect.stringContaining('403 ') },
      ],
    });
  });

  it.for([
    { name: 'is not valid', text: 'version: 1\nrules: []\n', says: ':2:1: rules: expected at least one rule' },
    {
      name: 'is too large',
      text: JSON.stringify({
        ...policyOf(1),
        rules: [{ id: 'r', match: { queue: 'q'.repeat(9_000) }, maxRunTime: '1h' }],
      }),
      says: 'a parameter holds 8192 at most',
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
