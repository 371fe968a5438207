import type { Command } from 'commander';
import { describe, expect, it, type TestContext } from 'vitest';
import { createProgram } from '../../../cli/verbs/all.ts';
import { makeFolder, runHere } from '../../helpers/run-cli.ts';
import { POLICY, startStage } from '../../helpers/start-stage.ts';
import { jobId } from '../../helpers/world.ts';

const writeFile = makeFolder();
const policy = writeFile('policy.json', JSON.stringify(POLICY));

const VARIABLES = { DLI_REAPER_STAGE: 'dev', DLI_REAPER_TARGET: 'default' };

/** A stage, and the command line in an environment with both variables. */
async function start(context: TestContext) {
  const { aws, emulator } = await startStage(context);
  const run = (args: string[], variables: Record<string, string> = VARIABLES) =>
    runHere(args, { ...aws.env, ...variables });
  return { aws, emulator, run };
}

describe('a verb', () => {
  it('takes its stage from the environment only if it looks', () => {
    const program = createProgram({ env: {}, out: () => {}, err: () => {} });
    const nameOf = (verb: Command): string => (verb.parent === program ? '' : `${verb.parent?.name()} `) + verb.name();
    const isFromEnvironment = (verb: Command) => verb.options.some(({ envVar }) => envVar === 'DLI_REAPER_STAGE');

    const verbs = program.commands.flatMap((verb) => [verb, ...verb.commands]);

    expect(verbs.filter(isFromEnvironment).map(nameOf)).toEqual([
      'jobs',
      'plan',
      'why',
      'was-reaped',
      'status',
      'report',
      'notices announce',
      'doctor',
      'policy pull',
      'policy diff',
      'snapshot',
      'backtest',
      'suggest',
    ]);
  });
});

describe.concurrent('DLI_REAPER_STAGE and DLI_REAPER_TARGET', () => {
  const STAGE = 'stage dev, from DLI_REAPER_STAGE';
  const BOTH = `${STAGE}; target default, from DLI_REAPER_TARGET`;

  it.for([
    { args: ['jobs'], says: BOTH },
    { args: ['plan'], says: BOTH },
    { args: ['plan', '--target', 'default'], says: STAGE },
    { args: ['plan', '--policy', policy], says: BOTH },
    { args: ['why', jobId(1)], says: BOTH },
    { args: ['doctor'], says: BOTH },
    { args: ['snapshot'], says: BOTH },
    { args: ['suggest', '--json'], says: BOTH },
    { args: ['notices', 'announce'], says: BOTH },
    { args: ['report', '--json'], says: BOTH },
    { args: ['status'], says: STAGE },
    { args: ['policy', 'pull'], says: STAGE },
    { args: ['policy', 'diff', policy], says: STAGE },
  ])('stand in for the flags of $args, and are named', async ({ args, says }, context) => {
    const { aws, run } = await start(context);

    const { stdout, stderr } = await run(args);

    expect(stderr.split('\n')[0]).toBe(says);
    expect(stdout).not.toBe('');
    expect(aws.calls).not.toEqual([]);
  });

  it('give way to the flags', async (context) => {
    const { run } = await start(context);

    const { exitCode, stderr } = await run(['plan', '--stage', 'dev', '--target', 'default', '-q'], {
      DLI_REAPER_STAGE: 'prod',
      DLI_REAPER_TARGET: 'lake',
    });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('do not apply to a project that flags name, or to a file', async (context) => {
    const { aws, emulator, run } = await start(context);
    const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
    const keys = { HUAWEICLOUD_SDK_AK: accessKeyId, HUAWEICLOUD_SDK_SK: secretAccessKey };
    const flags = ['--policy', policy, '--endpoint', url, '--project-id', projectId];

    const live = await run(['plan', '-q', ...flags], { ...VARIABLES, ...keys });
    const snapshot = await run(['snapshot', ...flags.slice(2)], { ...VARIABLES, ...keys });
    const file = writeFile('world.json', snapshot.stdout);
    const stored = await run(['plan', '--policy', policy, '--from', file]);

    for (const { exitCode, stdout, stderr } of [live, stored]) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain('1 overdue');
    }
    expect(aws.calls).toEqual([]);
  });

  it('count as missing if they are empty, or name a target without a stage', async (context) => {
    const { aws, run } = await start(context);

    const status = await run(['status'], { DLI_REAPER_STAGE: '' });
    const plan = await run(['plan', '--policy', policy], { DLI_REAPER_TARGET: 'default' });

    expect([status.exitCode, plan.exitCode]).toEqual([1, 1]);
    expect(status.stderr).toBe("error: required option '--stage <stage>' not specified\n(see --help)\n");
    expect(plan.stderr).toBe(
      'dli-reaper: --project-id: missing; give the id of the project, or --stage and --target\n',
    );
    expect(aws.calls).toEqual([]);
  });
});

describe.concurrent('a verb that changes or cancels something', () => {
  const untaken = (variable: string, flag: string) =>
    `${variable} is not taken by a command that changes or cancels something: type ${flag}\n`;

  it.for([
    { args: ['stop'] },
    { args: ['resume', '--confirm', 'dev'] },
    { args: ['exempt', 'x', '--reason', 'r', '--contact', 'c', '--until', '7d', '--owner', 'ana'] },
    { args: ['unexempt', 'x', '--confirm', 'x'] },
    { args: ['freeze', 'x', '--reason', 'r', '--all', '--from', '1d', '--until', '7d'] },
    { args: ['unfreeze', 'x', '--confirm', 'x'] },
    { args: ['policy', 'push', policy, '--confirm', 'dev'] },
    { args: ['policy', 'rollback', '--confirm', 'dev'] },
    { args: ['notices', 'test', '--to', 'operators'] },
    { args: ['sweep'] },
    { args: ['sweep', '--no-dry-run', '--policy', policy] },
    { args: ['sweep', '--remote', '--target', 'default'] },
    { args: ['emergency', '--older-than', '1h', '--reason', 'stuck', '--confirm', 'default'] },
    { args: ['emergency', '--older-than', '1h', '--dry-run'] },
    { args: ['doctor', '--probe', '--probe-queue', 'adhoc', '--confirm', 'adhoc'] },
  ])('takes no stage from the environment, and says what to type: $args', async ({ args }, context) => {
    const { aws, emulator, run } = await start(context);

    const { exitCode, stdout, stderr } = await run(args);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(untaken('DLI_REAPER_STAGE', '--stage dev'));
    expect(stderr).not.toContain('from DLI_REAPER_STAGE');
    expect([...aws.calls, ...emulator.requests]).toEqual([]);
  });

  it('takes no target either', async (context) => {
    const { aws, run } = await start(context);

    const { exitCode, stderr } = await run(['sweep', '--stage', 'dev', '--no-dry-run']);

    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `dli-reaper: --target: missing; --stage needs the name of a target\n            ${untaken('DLI_REAPER_TARGET', '--target default')}`,
    );
    expect(aws.calls).toEqual([]);
  });

  it('says nothing about them if it has its own flags', async (context) => {
    const { run } = await start(context);

    const { exitCode, stderr } = await run(['stop', '--stage', 'dev']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

describe.concurrent('a word that stands alone', () => {
  const about = ['--reason', 'r', '--contact', 'c', '--until', '7d', '--owner', 'ana'];

  it.for([
    {
      args: ['stop', 'prod'],
      says: "required option '--stage <stage>' not specified\n(Did you mean --stage prod?)",
    },
    { args: ['stop', '--stage', 'prod', 'now'], says: "too many arguments for 'stop': now\n(see" },
    { args: ['resume', 'prod'], says: '(Did you mean --stage prod?)' },
    { args: ['status', 'prod'], says: '(Did you mean --stage prod?)' },
    { args: ['doctor', 'prod'], says: '(Did you mean --stage prod?)' },
    { args: ['emergency', 'prod', '--older-than', '1h'], says: '(Did you mean --stage prod?)' },
    { args: ['exempt', 'backfill', 'prod', ...about], says: '(Did you mean --stage prod?)' },
    { args: ['freeze', 'prod', '--all'], says: '(prod is read as the id. Did you mean --stage prod?)' },
    { args: ['notices', 'test', 'prod', '--to', 'operators'], says: '(Did you mean --stage prod?)' },
    { args: ['policy', 'pull', 'prod'], says: '(Did you mean --stage prod?)' },
    { args: ['policy', 'push', policy, 'prod'], says: '(Did you mean --stage prod?)' },
    { args: ['sweep', '--stage', 'prod', 'lake'], says: '(Did you mean --target lake?)' },
    { args: ['plan', 'policy.yml'], says: '(Did you mean --policy policy.yml?)' },
    { args: ['validate', policy, 'b.yml', 'c.yml'], says: "too many arguments for 'validate': b.yml c.yml\n(see" },
    { args: ['schema', 'policy.yml'], says: "too many arguments for 'schema': policy.yml\n(see" },
  ])('is named, with the flag that was probably meant, and nothing is done: $args', async ({ args, says }, context) => {
    const { aws, run } = await start(context);

    const { exitCode, stdout, stderr } = await run(args, {});

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(says);
    expect(aws.calls).toEqual([]);
  });
});

describe.concurrent('the variables in a shell of the rehearsal, and of the rehearsal in another shell', () => {
  const shell = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'emulator-1',
    AWS_ACCESS_KEY_ID: 'REHEARSALACCESSKEYID',
    AWS_SECRET_ACCESS_KEY: 'x',
  };

  it.for([
    { env: { ...shell, DLI_REAPER_STAGE: 'prod' }, says: '--stage: this shell talks to the rehearsal' },
    { env: { DLI_REAPER_STAGE: 'rehearsal' }, says: '--stage: rehearsal is the stage of the emulator' },
  ])('lead out of neither: $says', async ({ env, says }) => {
    const { exitCode, stderr } = await runHere(['status'], env);

    expect(exitCode).toBe(1);
    expect(stderr.split('\n')).toEqual([
      `stage ${env.DLI_REAPER_STAGE}, from DLI_REAPER_STAGE`,
      expect.stringContaining(`dli-reaper: ${says}`),
      '',
    ]);
  });
});
