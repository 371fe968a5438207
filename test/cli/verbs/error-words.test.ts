import { describe, expect, it } from 'vitest';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { SWEEP_LOG } from '../../helpers/past-sweeps.ts';
import { makeFolder, runCli, runHere, startService } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { startStage } from '../../helpers/start-stage.ts';

const writeFile = makeFolder();
const PROJECT = ['--region', 'eu-west-101', '--project-id', 'f'.repeat(32)];

// runHere checks that stdout is one document, and that its schema allows it.

describe.concurrent('with --json, an error', () => {
  it.for([
    {
      name: 'an unknown flag',
      args: ['plan', '--polcy', 'x'],
      messages: ["unknown option '--polcy'", '(Did you mean --policy?)'],
      settings: ['--polcy'],
    },
    {
      name: 'a value that a flag does not take',
      args: ['sweep', '--max-kills', 'many'],
      messages: ["option '--max-kills <n>' argument 'many' is invalid. Expected a whole number."],
      settings: ['--max-kills'],
    },
    {
      name: 'a flag that is missing',
      args: ['stop'],
      messages: ["required option '--stage <stage>' not specified"],
      settings: ['--stage'],
    },
    { name: 'an unknown verb', args: ['swep'], messages: ["unknown command 'swep'", '(Did you mean sweep?)'] },
    {
      name: 'a setting that is missing',
      args: ['plan', ...PROJECT],
      messages: ['--policy: missing; name the policy file'],
      settings: ['--policy'],
    },
    {
      name: 'several flags that are missing',
      args: ['emergency', ...PROJECT, '--confirm', 'x'],
      messages: [
        '--older-than: missing; give an age such as 10m, or the ids of jobs with --job-id',
        '--reason: missing; say why, for the record',
      ],
      settings: ['--older-than', '--reason'],
    },
    {
      name: 'a file that is not there',
      args: ['validate', 'absent.yml'],
      messages: ['absent.yml: cannot be read (no such file or folder, ENOENT)'],
      settings: ['absent.yml'],
    },
  ])('is a document on stdout too: $name', async ({ args, messages, settings = [] }) => {
    const { exitCode, stdout, stderr } = await runHere([...args, '--json']);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ kind: 'error', messages, settings, exitCode: 1 });
    for (const message of messages) expect(stderr).toContain(message);
  });

  it('has a line for each problem of a policy', async () => {
    const file = writeFile('invalid.yml', 'version: 1\nmode: alive\nrules: []\n');

    const { stdout } = await runHere(['plan', '--policy', file, ...PROJECT, '--json']);

    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'error',
      messages: [
        `${file}: is not valid:`,
        expect.stringContaining(`${file}:2:1: mode: `),
        expect.stringContaining(`${file}:3:1: rules: `),
      ],
      settings: [file],
    });
  });

  it('says what DLI answered, and what can be done', async (context) => {
    const { run } = await startService(
      context,
      writeFile('policy.yml', 'version: 1\nrules: [{id: a, match: all, maxRunTime: 2h}]\n'),
      { jobs: [] },
    );

    const { exitCode, stdout } = await run('plan', ['--json'], { keys: { HUAWEICLOUD_SDK_SK: 'another-secret' } });

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'error',
      messages: [expect.stringContaining('401 APIGW.0301'), expect.stringContaining('check the credential')],
      settings: [],
    });
  });

  it('has no document of its own where the verb printed one', async () => {
    const { exitCode, stdout } = await runHere(['validate', writeFile('bad.yml', 'version: 2\n'), '--json']);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'validation', isValid: false });
  });

  it('is a document from the file that users run', async () => {
    const { exitCode, stdout } = await runCli(['stop', 'prod', '--json']);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'error',
      messages: [expect.stringContaining('not specified'), '(Did you mean --stage prod?)'],
    });
  });

  it('is one too if a person did not confirm', async (context) => {
    const { aws } = await startStage(context, { '/dli-reaper/dev/switch': 'stop' });

    const terminal = runOnTerminal(['resume', '--stage', 'dev', '--json'], aws.env);
    await terminal.waitFor('Type dev');
    terminal.type('\u0004');

    expect(await terminal.exited).toBe(1);
    const screen = await terminal.screen();
    expect(JSON.parse(screen.slice(screen.indexOf('{')))).toEqual({
      kind: 'error',
      messages: ['Not confirmed: expected dev. Nothing was changed.'],
      settings: [],
      exitCode: 1,
    });
    expect(aws.parameters['/dli-reaper/dev/switch']).toBe('stop');
  });
});

describe.concurrent('with --json, a remote sweep without a report', () => {
  it('is an error with the sentence of its log', async (context) => {
    const aws = await startAwsServer(
      { '/dli-reaper/dev/targets/lake': '{}' },
      {
        onInvoke: async ({ payload }) => {
          const { sweepId } = payload;
          aws.log(SWEEP_LOG, {
            msg: 'sweep could not run',
            sweepId,
            target: 'lake',
            error: 'SettingsError: no policy',
          });
        },
      },
    );
    context.onTestFinished(aws.close);

    const { exitCode, stdout, stderr } = await runHere(
      ['sweep', '--stage', 'dev', '--target', 'lake', '--remote', '--json'],
      aws.env,
    );

    expect(exitCode).toBe(1);
    const { kind, messages } = JSON.parse(stdout) as { kind: string; messages: string[] };
    expect(kind).toBe('error');
    expect(messages).toEqual([expect.stringContaining('SettingsError: no policy')]);
    expect(stderr).toBe(`dli-reaper: ${messages[0]}\n`);
  });
});

describe.concurrent('with --json, a remote sweep that is no longer followed', () => {
  it('is an error that says how it goes on', async (context) => {
    const aws = await startAwsServer({ '/dli-reaper/dev/targets/lake': '{}' });
    context.onTestFinished(aws.close);

    const terminal = runOnTerminal(['sweep', '--stage', 'dev', '--target', 'lake', '--remote', '--json'], aws.env, {
      columns: 400,
    });
    // The first look at the log comes before the start, the second follows it.
    const looks = () => aws.calls.filter((call) => call === 'FilterLogEvents').length;
    await context.expect.poll(looks, { timeout: 20_000 }).toBeGreaterThan(1);
    terminal.type('\u0003');

    expect(await terminal.exited).toBe(1);
    const screen = await terminal.screen();
    expect(JSON.parse(screen.slice(screen.indexOf('{')))).toMatchObject({
      kind: 'error',
      messages: [
        expect.stringMatching(/^No longer following: sweep \S+ continues\. dli-reaper stop --stage dev stops it/),
      ],
    });
  });
});

describe('without --json, an error', () => {
  it('leaves stdout empty', async () => {
    expect(await runHere(['plan', ...PROJECT])).toMatchObject({ exitCode: 1, stdout: '' });
  });
});
