import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, cleanEnvironment, makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';
import { startRehearsal } from '../../helpers/start-rehearsal.ts';

const run = promisify(execFile);
/** A copy, since a push writes the version into the file. */
const policy = makeFolder()('policy.yml', readFileSync(join(CLI.cwd, 'examples/lake-policy.yml'), 'utf8'));
const NOTICE = 'REHEARSAL: an emulated stage on this machine; nothing real is touched.\n';

const rehearsal = startRehearsal(afterAll, '--cancel-delay', '0s');

/** What another terminal has in its environment before. */
const BEFORE = {
  AWS_PROFILE: 'prod',
  AWS_SESSION_TOKEN: 'token',
  AWS_ENDPOINT_URL_SSM: 'https://ssm.eu-central-1.amazonaws.com',
  HUAWEICLOUD_SDK_AK: 'REALACCESSKEY',
};
let exportLines: string;
/** The environment of that terminal after its first line. */
let shell: Record<string, string>;

beforeAll(async () => {
  const [first] = await rehearsal.firstLine;
  expect(JSON.parse(first)).toHaveProperty('url');
  const env = cleanEnvironment({ ...rehearsal.temporary, ...BEFORE });
  exportLines = (await run(process.execPath, [CLI.main, 'emulator', 'env'], { env })).stdout;
  shell = await rehearsal.shellOf(BEFORE);
});

const inShell = (...args: string[]) => runCli(args, shell);

describe('dli-reaper emulator env', () => {
  it('prints lines that sh takes, and nothing else', () => {
    expect(exportLines).toMatch(/^unset [A-Z_ ]+\n(export [A-Z_]+=\S+\n){6}$/);
  });

  it('leaves no variable that would lead elsewhere', () => {
    expect(Object.keys(shell).sort()).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
      'AWS_SECRET_ACCESS_KEY',
      'HUAWEICLOUD_SDK_AK',
      'HUAWEICLOUD_SDK_SK',
    ]);
    expect(shell.AWS_ENDPOINT_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(shell.HUAWEICLOUD_SDK_AK).toBe('EMULATORACCESSKEYID0');
  });

  it('says what to type, and prints nothing to be evaluated, if no rehearsal runs', async () => {
    const { exitCode, stdout, stderr } = await runCli(['emulator', 'env'], { TMPDIR: CLI.cwd });

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      'dli-reaper: emulator env: no rehearsal runs; start dli-reaper emulator --stage rehearsal in another terminal\n',
    );
  });
});

describe('dli-reaper emulator --stage rehearsal', () => {
  it('says what to type in the other terminal', () => {
    expect(rehearsal.said()).toBe(
      'In another terminal:\n  eval "$(dli-reaper emulator env)"\n  dli-reaper status --stage rehearsal\n',
    );
  });

  // In the order in which they run: each finds what the ones before have left.
  it.each([
    { line: 'status', shows: /The schedule is running; [\s\S]* lake .* schedule │ ok \(dry run\) / },
    { line: 'doctor --target lake', shows: /✓ schedule {2,}last sweep at/ },
    { line: 'plan --target lake', shows: /11 jobs seen, 5 overdue, none cancelled/ },
    { line: 'stop', shows: /The switch of rehearsal reads stop \(version 2\)/ },
    { line: 'resume --confirm rehearsal', shows: /The switch of rehearsal reads run \(version 3\)/ },
    { line: 'policy pull', shows: /^# \/dli-reaper\/rehearsal\/policies\/base version 1\n/ },
    { line: 'policy diff examples/lake-policy.yml', shows: /lake: 4 victims now, 5 by the live policy/ },
    { line: `policy push ${policy} --over-version 1 --confirm rehearsal`, shows: /version 2/ },
    { line: 'policy rollback --confirm rehearsal', shows: /version 3/ },
    { line: 'exempt night --owner chen --until 7d --reason load --contact chen', shows: /exemptions\/night holds/ },
    {
      line: 'notices test --to owner:ana',
      shows: /^Sent by \/dli-reaper\/rehearsal\/notices\/routes\/owners: a test to owner ana/,
    },
    { line: 'sweep --target lake --remote', shows: /3 overdue, none cancelled/ },
    {
      line: 'sweep --target lake --remote --no-dry-run',
      shows: /Sweep ok: .*3 overdue, 2 cancelled, 1 already terminal/,
    },
    { line: 'unexempt night --confirm night', shows: /night/ },
    // Two jobs without a start time cannot be judged, so the emergencies are partial.
    { line: 'emergency --target lake --older-than 4h --reason stuck --confirm lake', code: 4, shows: /2 cancelled/ },
    {
      line: 'emergency --all-targets --older-than 1h --reason stuck --remote --confirm',
      last: 'rehearsal 1',
      code: 4,
      shows: /Sweep partial: .*3 overdue, 3 cancelled/,
    },
  ])('is a stage for $line', async ({ line, last = [], code = 0, shows }) => {
    const { exitCode, stdout, stderr } = await inShell(...line.split(' '), ...[last].flat(), '--stage', 'rehearsal');

    expect(stderr.startsWith(NOTICE)).toBe(true);
    expect(stdout).toMatch(shows);
    expect(exitCode).toBe(code);
  });

  it('keeps a document on stdout whole', async () => {
    const { stdout, stderr } = await inShell('status', '--stage', 'rehearsal', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ kind: 'status', stage: 'rehearsal' });
    expect(stderr).toBe(NOTICE);
  });

  it('keeps each of its kills on record', async () => {
    const { stdout } = await inShell('status', '--stage', 'rehearsal', '--json', '--no-look');

    expect(JSON.parse(stdout)).toMatchObject({ targets: [{ target: 'lake', killsInDay: 2 }] });
  });

  it('shows the messages of its sweeps where the emulator runs, and sends none', async () => {
    const messages = () => rehearsal.said().split('\nA message, to topic ');

    await expect.poll(() => messages().length, { timeout: 20_000 }).toBeGreaterThan(4);
    expect(messages()[1]).toMatch(/^owners:\n {2}TEST, nothing happened: Your DLI job in project test was cancelled\n/);
    // Of the function's sweep, and of one by hand, which is on record elsewhere.
    expect(rehearsal.said()).toMatch(/^ {2}DLI job reaper, sweep of lake \(stage rehearsal\): 2 cancelled$/m);
    await expect
      .poll(rehearsal.said, { timeout: 20_000 })
      .toMatch(/^ {2}DLI job reaper, emergency on lake \(stage rehearsal\): .*2 cancelled$/m);
    expect(rehearsal.said()).toMatch(/topic owners:\n {2}Your DLI job in project /);
  });

  it('stops with 0, and leaves nothing behind', async () => {
    expect(await rehearsal.stop()).toEqual([0, null]);
    expect(readdirSync(rehearsal.temporary.TMPDIR)).toEqual([]);
  });

  it('ends a function that is running when it stops', async ({ onTestFinished }) => {
    const other = startRehearsal(onTestFinished, '--cancel-delay', '1h');
    const sweep = ['sweep', '--stage', 'rehearsal', '--target', 'lake', '--remote', '--no-dry-run'];
    const env = cleanEnvironment(await other.shellOf({}));
    const follower = spawn(process.execPath, [CLI.main, ...sweep], { cwd: CLI.cwd, env });
    let last = '';
    for await (last of createInterface(follower.stderr)) if (last.endsWith('victims chosen.')) break;

    // A new policy cancels three at first.
    expect(last).toBe('lake: 3 victims chosen.');
    expect(await other.stop()).toEqual([0, null]);
    follower.kill('SIGKILL');
    expect(other.said()).not.toContain('failed');
  });
});

describe('a shell of the rehearsal', () => {
  const env = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'emulator-1',
    AWS_ACCESS_KEY_ID: 'REHEARSALACCESSKEYID',
    AWS_SECRET_ACCESS_KEY: 'x',
  };

  it.each([
    { line: 'stop --stage prod', says: '--stage: this shell talks to the rehearsal, which has no stage prod' },
    { line: 'sweep --remote --target lake --stage prod', says: '--stage: this shell talks to the rehearsal' },
    {
      line: 'emergency --region eu-west-101 --project-id 0123 --older-than 1h --reason stuck',
      says: '--region: this shell talks to the rehearsal, and to no other machine',
    },
    {
      line: 'init --stage rehearsal --target other --region eu-west-101 --project-id 0123',
      says: '--region: this shell talks to the rehearsal, and to no other machine',
    },
    {
      line: 'plan --endpoint https://dli.example.com --project-id 0123 --policy p.yml',
      says: '--endpoint: this shell talks to the rehearsal, and to no other machine',
    },
  ])('refuses $line', async ({ line, says }) => {
    const { exitCode, stdout, stderr } = await runHere(line.split(' '), env);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(`dli-reaper: ${says}`);
  });

  it.each([
    { name: 'AWS_PROFILE', value: 'prod' },
    { name: 'AWS_ENDPOINT_URL', value: '' },
    { name: 'AWS_ENDPOINT_URL', value: 'https://ssm.eu-central-1.amazonaws.com' },
    { name: 'AWS_ENDPOINT_URL_SSM', value: 'https://ssm.eu-central-1.amazonaws.com' },
    { name: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', value: 'true' },
  ])('refuses even its own stage with $name=$value', async ({ name, value }) => {
    const { exitCode, stdout, stderr } = await runHere(['stop', '--stage', 'rehearsal'], { ...env, [name]: value });

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(`dli-reaper: ${name}: leads a part of this shell out of the rehearsal`);
  });
});

describe('any other shell', () => {
  it.each([
    ['stop', '--stage', 'rehearsal'],
    ['init', '--stage', 'rehearsal', '--region', 'eu-west-101', '--project-id', '0123'],
  ])('refuses the stage rehearsal: %s', async (...line) => {
    const { exitCode, stdout, stderr } = await runHere(line, { AWS_PROFILE: 'prod', AWS_REGION: 'eu-central-1' });

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      'dli-reaper: --stage: rehearsal is the stage of the emulator, and this shell does not talk to it; ' +
        'run eval "$(dli-reaper emulator env)"\n',
    );
  });

  it('cannot have any other stage played', async () => {
    const { exitCode, stdout, stderr } = await runHere(['emulator', '--stage', 'prod']);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe('dli-reaper: --stage: the emulator plays the stage rehearsal only\n');
  });
});
