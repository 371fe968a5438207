import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { toSnapshot } from '../../cli/snapshot/document.ts';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { makeJob, makeStoredLook } from '../helpers/make-job.ts';
import { keysOf, makeFolder, runningJob, startService } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE, NOW } from '../helpers/world.ts';

// What each verb looks like to a person; those that ask, and those of a sweep, have their screens beside their other tests.

const writeFile = makeFolder();
const policyOf = (hours: number) => ({
  version: 1,
  mode: 'live',
  rules: [{ id: 'long', match: 'all', maxRunTime: `${hours}h` }],
});
const two = writeFile('two.json', JSON.stringify(policyOf(2)));
const four = writeFile('four.json', JSON.stringify(policyOf(4)));
const folder = dirname(two);

const ageMs = 3 * HOUR + 30.5 * MINUTE;

async function start(context: TestContext) {
  const jobs = [runningJob(1, { ageMs, queue: '报表', owner: '张伟' }), runningJob(2, { ageMs: MINUTE })];
  const { emulator } = await startService(context, '', { jobs });
  const { url, projectId } = emulator.connection;
  const aws = await startAwsServer(stageParameters('dev', emulator.connection, policyOf(2)));
  context.onTestFinished(aws.close);
  const target = ['--endpoint', url, '--project-id', projectId];
  const env = { ...aws.env, ...keysOf(emulator.connection) };
  const screenOf = async (...args: string[]) => {
    const terminal = runOnTerminal(args, env, { columns: 140, rows: 400 });
    const exitCode = await terminal.exited;
    return { exitCode, screen: steady(await terminal.screen()) };
  };
  return { aws, env, target, screenOf };
}

/** Without what differs from run to run. */
const steady = (screen: string) =>
  screen
    .replaceAll(folder, 'FOLDER')
    .replaceAll(/FOLDER\/dli-reaper-demo-\w{6}/g, 'NEW-FOLDER')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/20[23]\d-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/3h(29m5\d|30m[1-5]?\d)s/g, '3h30m')
    .replaceAll(/1h(29m5\d|30m[1-5]?\d)s/g, '1h30m')
    .replaceAll(/\b5m\d*s? ago/g, '5m ago')
    // How often a sweep looks at jobs that were asked to stop depends on how fast the machine is.
    .replaceAll(/left alone; \d+ calls/g, 'left alone; some calls')
    // A cell is as wide as what it held.
    .replaceAll(/ +│/g, ' │')
    .replaceAll(/─+/g, '─');

describe.concurrent('the screen of', () => {
  it('explain', async (context) => {
    const { target, screenOf } = await start(context);

    const { exitCode, screen } = await screenOf('explain', jobId(1), '--policy', two, ...target);

    expect(exitCode).toBe(0);
    context.expect(screen).toMatchSnapshot();
  });

  it('replay', async (context) => {
    const { screenOf } = await start(context);
    const snapshots = join(folder, 'snapshots');
    mkdirSync(snapshots);
    for (const hour of [0, 1, 2]) {
      const takenAt = NOW + hour * HOUR;
      const jobs = [
        makeJob({ id: jobId(1), owner: '张伟', startedAt: NOW - HOUR }),
        makeJob({ id: jobId(2), startedAt: NOW }),
      ];
      const world = toSnapshot(makeStoredLook({ now: takenAt, jobs }), { withStatements: false });
      writeFileSync(join(snapshots, `${hour}.json`), JSON.stringify(world));
    }

    const { exitCode, screen } = await screenOf('replay', '--policy', two, '--snapshots', snapshots, '--against', four);

    expect(exitCode).toBe(0);
    context.expect(screen).toMatchSnapshot();
  });

  it('snapshot', async (context) => {
    const { target, screenOf } = await start(context);

    const { exitCode, screen } = await screenOf('snapshot', ...target);

    expect(exitCode).toBe(0);
    context.expect(screen.split('\n').slice(0, 6).join('\n')).toMatchSnapshot();
  });

  it('status, stop and exempt', async (context) => {
    const { aws, screenOf } = await start(context);
    const line = { msg: 'sweep finished', sweepId: 's', target: 'default', trigger: 'schedule', dryRun: false };
    const at = Date.now() - 5 * MINUTE;
    aws.log('/aws/lambda/dli-job-reaper-dev-sweep', { ...line, status: 'ok', counts: { cancelled: 2 } }, at);

    const stage = ['--stage', 'dev'];
    const who = ['--owner', '张伟', '--until', '2999-01-01', '--reason', 'backfill', '--contact', 'orders'];
    const screens = [
      await screenOf('status', ...stage),
      await screenOf('stop', ...stage),
      await screenOf('exempt', 'backfill', ...stage, ...who),
      await screenOf('status', ...stage),
    ];

    expect(screens.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    context.expect(screens.map(({ screen }) => screen).join('\n\n')).toMatchSnapshot();
  });

  it('unexempt, which asks', async (context) => {
    const { aws, env } = await start(context);
    aws.parameters['/dli-reaper/dev/exemptions/backfill'] = '{}';

    const terminal = runOnTerminal(['unexempt', 'backfill', '--stage', 'dev'], env, { columns: 100 });
    await terminal.waitFor('Type backfill');
    terminal.type('backfill\r');

    expect(await terminal.exited).toBe(0);
    context.expect(await terminal.screen()).toMatchSnapshot();
  });

  it('init', async (context) => {
    const { screenOf } = await start(context);

    const { exitCode, screen } = await screenOf('init', '--policy', join(folder, 'new.yml'), '--stage', 'fresh');

    expect(exitCode).toBe(0);
    context.expect(screen).toMatchSnapshot();
  });

  it('policy pull, diff and rollback', async (context) => {
    const { aws, env, screenOf } = await start(context);
    aws.put('/dli-reaper/dev/policies/base', JSON.stringify(policyOf(1)));
    const stage = ['--stage', 'dev'];

    const pull = await screenOf('policy', 'pull', ...stage);
    const diff = await screenOf('policy', 'diff', four, ...stage);
    const rollback = runOnTerminal(['policy', 'rollback', ...stage], env, { columns: 100 });
    await rollback.waitFor('Type dev');
    rollback.type('dev\r');

    expect([pull.exitCode, diff.exitCode, await rollback.exited]).toEqual([0, 0, 0]);
    context.expect([pull.screen, diff.screen, steady(await rollback.screen())].join('\n\n')).toMatchSnapshot();
  });

  it('validate and schema', async (context) => {
    const { screenOf } = await start(context);

    const valid = await screenOf('validate', two);
    const invalid = await screenOf('validate', writeFile('invalid.yml', 'version: 1\nmode: alive\nrules: []\n'));
    const schema = await screenOf('schema');

    expect([valid.exitCode, invalid.exitCode, schema.exitCode]).toEqual([0, 1, 0]);
    context.expect(`${valid.screen}\n\n${invalid.screen}`).toMatchSnapshot();
    expect(schema.screen).toContain('"$schema": "http://json-schema.org/draft-07/schema#"');
  });

  it('emulator, until Ctrl-C', async (context) => {
    const terminal = runOnTerminal(['emulator', '--port', '0'], {}, { columns: 100 });
    await terminal.waitFor('127.0.0.1');
    terminal.type('\u0003');

    expect(await terminal.exited).toBe(0);
    context.expect(steady(await terminal.screen())).toMatchSnapshot();
  });

  it('demo', async (context) => {
    const terminal = runOnTerminal(['demo'], { TMPDIR: folder }, { columns: 120, rows: 200 });

    expect(await terminal.exited).toBe(0);
    const screen = steady(await terminal.screen()).replaceAll(/\b\d+h(\d\dm)?\b/g, 'LONG');
    context.expect(screen.replace(/\d+ CU-hours/, 'some CU-hours')).toMatchSnapshot();
  });

  it('an unknown verb, and the help', async (context) => {
    const { screenOf } = await start(context);

    const unknown = await screenOf('swep');
    const help = await screenOf('stop', '--help');

    expect([unknown.exitCode, help.exitCode]).toEqual([1, 0]);
    context.expect(`${unknown.screen}\n\n${help.screen}`).toMatchSnapshot();
  });
});
