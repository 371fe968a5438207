import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../cli/verbs/all.ts';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { batchLife } from '../../emulator/spark/jobs.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { LOOSE_CEILINGS } from '../helpers/ceilings.ts';
import { emulatedBatch, emulatedFlinkJob } from '../helpers/emulated-api.ts';
import { keysOf, makeFolder, runHere, runningJob, startService } from '../helpers/run-cli.ts';
import { HOUR, NOW } from '../helpers/world.ts';

/*
 * That nothing of it comes through is asked of every run of the command line; see test/helpers/run-cli.ts. Here it is made
 * sure that each verb has something to show.
 */

/** Colours, clears the screen, turns the reading direction, begins a line, rings. */
const evil = (word: string) => `${word}\u001b[31m\u009b2J\u202e\u0085\u2028\u0007\u200b\u{e0041}`;
/** The same, as a screen shows it. */
const SHOWN = /q(�+)/;
/** The same, as JSON has it. */
const ESCAPED = '\\u009b2J\\u202e\\u0085\\u2028\\u0007\\u200b\\udb40\\udc41';

const writeFile = makeFolder();
const POLICY = {
  version: 1,
  mode: 'live',
  maxKillsPercent: 100,
  rules: [
    { id: 'sql', match: 'all', maxRunTime: '2h' },
    { id: 'spark', engines: ['spark'], match: 'all', maxTotalTime: '2h' },
    { id: 'flink', engines: ['flink'], match: 'all', maxTotalTime: '2h', action: 'warn' },
  ],
  exemptions: [{ id: 'old', match: { owner: 'x' }, reason: evil('why'), owner: evil('who'), until: '2020-01-01' }],
};
const policyFile = writeFile('evil.json', JSON.stringify(POLICY));

const names = { queue: evil('q'), owner: evil('o'), name: evil('n') };

function jobs() {
  const now = systemClock.now();
  const createdAt = now - 5 * HOUR;
  return {
    jobs: [
      runningJob(1, { ...names, tags: [{ key: evil('k'), value: evil('v') }] }),
      runningJob(2, { ...names, shownStatus: evil('RUNNING') }),
      runningJob(3, { queue: evil('other') }),
    ],
    sparkJobs: [
      emulatedBatch(4, { ...names, life: batchLife({ createdAt, runsFrom: createdAt, endsAt: now + 24 * HOUR }) }),
    ],
    flinkJobs: [emulatedFlinkJob(146, { ...names, ageMs: NOW - createdAt })],
    project: { name: evil('p') },
  };
}

const start = (context: TestContext) => startService(context, policyFile, jobs());

async function startStage(context: TestContext) {
  const { emulator } = await start(context);
  const base = stageParameters('dev', emulator.connection, POLICY);
  const aws = await startAwsServer({
    ...base,
    '/dli-reaper/dev/targets/broken': `{"policy": "${evil('x')}"}`,
    '/dli-reaper/dev/switch': `stop until 2020-01-01T00:00:00.000Z because ${evil('why')}`,
    '/dli-reaper/dev/exemptions/old': JSON.stringify({
      id: 'old',
      match: { owner: 'z' },
      reason: evil('why'),
      owner: evil('who'),
      until: '2020-01-01',
    }),
    '/dli-reaper/dev/freezes/now': JSON.stringify({
      id: 'now',
      match: { owner: 'z' },
      reason: evil('why'),
      from: '2020-01-01',
      until: '2999-01-01',
    }),
  });
  context.onTestFinished(aws.close);
  return { aws, run: (...args: string[]) => runHere([...args, '--stage', 'dev'], aws.env) };
}

/** Runs within this process, on a screen that is as wide as this, and types what is asked for. */
async function onScreen(args: string[], env: Record<string, string>, columns: number, typed = '') {
  const shown: string[] = [];
  const write = (text: string) => void shown.push(text);
  const ask = async (question: string) => {
    write(question);
    return typed;
  };
  const exitCode = await runCommand(args, { env, out: write, err: write, ask, columns });
  return { exitCode, text: shown.join('') };
}

const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe.concurrent('a name that moves the cursor, or hides a text,', () => {
  const job = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

  it.for([
    { args: ['plan', '--spared'] },
    { args: ['explain', job(1)] },
    { args: ['explain', job(2)] },
    { args: ['sweep', '--no-dry-run', '--verify-for', '5s'] },
  ])('is shown as � by $args', async ({ args: [verb = '', ...more] }, context) => {
    const { run } = await start(context);

    const { stdout, exitCode } = await run(verb, more);

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(SHOWN) });
  });

  it.for([
    { args: ['plan', '--json'] },
    { args: ['plan', '--verbose'] },
    { args: ['explain', job(1), '--json'] },
    { args: ['snapshot'] },
    { args: ['jobs', '--json'] },
    { args: ['sweep', '--no-dry-run', '--verify-for', '5s', '--json'] },
  ])('is escaped in the JSON of $args', async ({ args: [verb = '', ...more] }, context) => {
    const { emulator, run } = await start(context);
    const { url, projectId } = emulator.connection;

    const { stdout, stderr, exitCode } =
      verb === 'snapshot' || verb === 'jobs'
        ? await runHere([verb, ...more, '--endpoint', url, '--project-id', projectId], keysOf(emulator.connection))
        : await run(verb, more);

    expect(exitCode).toBe(0);
    expect(stdout + stderr).toContain(`q\\u001b[31m${ESCAPED}`);
  });

  it.for([{ columns: 60 }, { columns: 300 }])(
    'fills no screen of $columns columns with anything else',
    async ({ columns }, context) => {
      const { emulator } = await start(context);
      const { url, projectId } = emulator.connection;
      const flags = ['--policy', policyFile, '--endpoint', url, '--project-id', projectId, '--spared'];
      const env = { ...LOOSE_CEILINGS, ...keysOf(emulator.connection) };

      const { exitCode, text } = await onScreen(['plan', ...flags], env, columns);

      expect(exitCode).toBe(0);
      expect(text).toMatch(SHOWN);
      expect(text).not.toMatch(UNSEEN);
    },
  );

  it('neither moves the plan of an emergency nor its question', async (context) => {
    const { emulator } = await start(context);
    const { url, projectId } = emulator.connection;
    const flags = ['--endpoint', url, '--project-id', projectId, '--older-than', '1h', '--owner', '*'];
    const env = { ...LOOSE_CEILINGS, ...keysOf(emulator.connection) };

    const { exitCode, text } = await onScreen(['emergency', ...flags, '--reason', evil('why')], env, 200, 'no');

    expect(exitCode).toBe(1);
    expect(text).toMatch(/Type [0-9a-f]{32} to cancel these \d jobs/);
    expect(text).toMatch(SHOWN);
    expect(text).not.toMatch(UNSEEN);
  });

  it('is shown as � by all verbs that judge a snapshot', async (context) => {
    const { emulator } = await start(context);
    const { url, projectId } = emulator.connection;
    const { stdout } = await runHere(
      ['snapshot', '--endpoint', url, '--project-id', projectId],
      keysOf(emulator.connection),
    );
    const file = writeFile('snapshots/one.json', stdout);
    const from = ['--from', file, '--policy', policyFile];

    const runs = [
      await runHere(['plan', ...from]),
      await runHere(['explain', job(1), ...from]),
      await runHere(['replay', '--snapshots', dirname(file), '--policy', policyFile]),
    ];

    for (const { stdout: shown } of runs) expect(shown).toMatch(SHOWN);
    const json = await runHere(['replay', '--snapshots', dirname(file), '--policy', policyFile, '--json']);
    expect(json.stdout).toContain(ESCAPED);
  });

  it('is shown as �, or escaped, by the verbs that show a stage', async (context) => {
    const { run } = await startStage(context);
    const target = ['--target', 'default'];

    const runs = {
      status: await run('status'),
      'status --json': await run('status', '--json'),
      doctor: await run('doctor'),
      'doctor --json': await run('doctor', '--json'),
      plan: await run('plan', ...target),
      explain: await run('explain', job(1), ...target),
    };

    for (const [verb, { stdout, stderr }] of Object.entries(runs)) {
      expect([verb, stdout + stderr]).toEqual([verb, expect.stringMatching(verb.endsWith('--json') ? /\\u202e/ : /�/)]);
    }
  });

  it('is escaped in a policy that is pulled, and stays what it was', async (context) => {
    const { run } = await startStage(context);

    const pull = await run('policy', 'pull');
    const file = writeFile('pulled.yml', pull.stdout);
    const diff = await run('policy', 'diff', file, '--json');
    const other = await run('policy', 'diff', writeFile('other.yml', pull.stdout.replaceAll('2h', '1h')));

    expect(parse(pull.stdout)).toEqual(POLICY);
    expect(pull.stdout).toContain('\\u202e');
    expect(JSON.parse(diff.stdout)).toMatchObject({ isSame: true });
    expect(other.stdout).toContain('+    maxRunTime: 1h');
    expect(await run('policy', 'push', file, '--confirm', 'dev')).toMatchObject({ exitCode: 0 });
  });

  it('is shown as � in a parameter that is not JSON', async (context) => {
    const { aws, run } = await startStage(context);
    aws.put('/dli-reaper/dev/policies/base', `{"x": ${evil('q')}`);

    const pull = await run('policy', 'pull');

    expect(pull.stdout).toMatch(/q\[31m�|q�/);
  });

  it.for([
    {
      what: 'a file',
      args: ['plan', '--policy', evil('/none'), '--endpoint', 'http://127.0.0.1:9', '--project-id', 'p1'],
    },
    { what: 'a policy', args: ['validate', evil('/none')] },
    { what: 'a verb', args: [evil('verb')] },
    { what: 'a flag', args: ['plan', `--${evil('flag')}`] },
  ])('is shown as � in an error about $what', async ({ args }) => {
    const { exitCode, stderr } = await runHere(args, keysOf({ accessKeyId: 'AK', secretAccessKey: 'SK' }));

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('�') });
  });

  it('is shown as � in the errors and warnings of a policy', async () => {
    const wrong = writeFile('wrong.json', JSON.stringify({ ...POLICY, [evil('key')]: 1, mode: evil('mode') }));

    const [invalid, warned, json] = [
      await runHere(['validate', wrong]),
      await runHere(['validate', policyFile]),
      await runHere(['validate', wrong, '--json']),
    ];

    expect(invalid).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('�') });
    expect(warned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('�') });
    expect(json).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('\\u202e') });
  });

  it('is in no finding of a probe', async (context) => {
    const { emulator } = await start(context);
    const { url, projectId } = emulator.connection;
    const file = writeFile('probe/of', '').replace(/of$/, 'it.json');

    const { stdout, stderr } = await runHere(
      ['doctor', '--probe', '--endpoint', url, '--project-id', projectId, '--probe-file', file, '--json'],
      keysOf(emulator.connection),
    );

    expect(JSON.parse(stdout)).toMatchObject({ kind: 'probe' });
    expect(stdout + stderr + readFileSync(file, 'utf8')).not.toMatch(/\\u202e|\\u009b|�/);
  });
});
