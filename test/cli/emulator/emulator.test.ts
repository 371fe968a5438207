import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import type { Emulator } from '../../../emulator/server.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { CLI, cleanEnvironment, keysOf, runCli, runHere } from '../../helpers/run-cli.ts';

/** The verb as a process, once it has said how to reach it. */
async function start({ onTestFinished }: TestContext, flags: string[] = []) {
  const child = spawn(process.execPath, [CLI.main, 'emulator', ...flags], { cwd: CLI.cwd, env: cleanEnvironment({}) });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const connection = JSON.parse(line) as Emulator['connection'];
  return {
    connection,
    complaints: () => stderr,
    ask: async (path: string) => (await fetch(connection.url + path)).json() as Promise<Record<string, object[]>>,
    stop: async (signal: NodeJS.Signals) => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Asks for a token, as a user does. */
async function tokenOf({ url, projectId }: Emulator['connection'], [name, password, domain]: string[]) {
  const identity = { methods: ['password'], password: { user: { name, password, domain: { name: domain } } } };
  const body = JSON.stringify({ auth: { identity, scope: { project: { id: projectId } } } });
  const { status, headers } = await fetch(`${url}/v3/auth/tokens`, { method: 'POST', body });
  return { status, token: headers.get('x-subject-token') ?? '' };
}

/** A copy, since the emulator writes its state at the end. */
function copyOf(path: string): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'dli-reaper-state-')), 'state.json');
  copyFileSync(path, copy);
  return copy;
}

const notUtf8 = join(mkdtempSync(join(tmpdir(), 'dli-reaper-')), 'not-utf8');
writeFileSync(notUtf8, Uint8Array.from([0xba, 0xcb]));
const ofVersion2 = join(dirname(notUtf8), 'version-2.json');
writeFileSync(ofVersion2, '{"version":2}');
afterAll(() => rmSync(dirname(notUtf8), { recursive: true }));

describe.concurrent('dli-reaper emulator', () => {
  it.for([{ signal: 'SIGTERM' as const }, { signal: 'SIGINT' as const }])(
    'tells in its first line all that a client needs, and stops at $signal with 0',
    async ({ signal }, context) => {
      const { connection, stop } = await start(context);

      expect(Object.keys(connection)).toEqual(['url', 'region', 'projectId', 'accessKeyId', 'secretAccessKey']);
      expect(connection.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(await stop(signal)).toEqual([0, null]);
    },
  );

  it('is swept by another process, and shows unsigned what reached it', async (context) => {
    const { connection, ask } = await start(context, ['--jobs', '20', '--overdue', '0.1', '--cancel-delay', '0s']);
    const { url, projectId } = connection;
    const flags = ['--policy', 'examples/demo-policy.yml', '--endpoint', url, '--project-id', projectId, '--json'];

    const { exitCode, stdout } = await runCli(['plan', ...flags], keysOf(connection));

    const { requests } = await ask('/_emulator/requests');
    const { jobs } = await ask('/_emulator/jobs');
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout) as SweepReport;
    expect(report).toMatchObject({ dryRun: true, status: 'ok' });
    expect(jobs).toHaveLength(20);
    expect(requests).toHaveLength(report.apiCalls.list);
    expect(requests?.[0]).toMatchObject({ method: 'GET', status: 200 });
  });

  it('makes the same jobs of the same seed', async (context) => {
    const worlds = await Promise.all([start(context, ['--seed', '7']), start(context, ['--seed', '7'])]);

    const [first, second] = await Promise.all(
      worlds.map(async ({ ask }) => (await ask('/_emulator/jobs')).jobs?.map((job) => 'id' in job && job.id)),
    );

    expect(first).toHaveLength(20);
    expect(second).toEqual(first);
  });

  it('starts with the jobs of a file, and with no other', async (context) => {
    const { ask } = await start(context, ['--world-file', 'examples/etl/world.json']);

    const { jobs } = await ask('/_emulator/jobs');

    expect(jobs?.map((job) => 'owner' in job && job.owner).toSorted()).toEqual([
      'ana',
      'closing',
      'nightly',
      'nightly',
      'nightly',
      'nightly',
    ]);
  });

  it('makes a month as large as asked', async (context) => {
    const { ask } = await start(context, ['--world', 'month', '--jobs', '300']);

    const { jobs = [] } = await ask('/_emulator/jobs');

    expect(jobs).toHaveLength(300);
    expect(jobs.filter((job) => 'status' in job && job.status === 'FINISHED').length).toBeGreaterThan(200);
  });

  it('ends with 1 when its port is taken', async (context) => {
    const { connection } = await start(context);

    const { exitCode, stdout, stderr } = await runCli(['emulator', '--port', new URL(connection.url).port]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('EADDRINUSE');
  });

  it.for([
    { flags: ['--port', 'http'], says: 'Expected a whole number' },
    { flags: ['--overdue', '2'], says: 'Expected a number from 0 to 1' },
    { flags: ['--cancel-delay', '5'], says: 'write the unit, such as 5m' },
  ])('ends with 1 for $flags', async ({ flags, says }) => {
    const { exitCode, stdout, stderr } = await runHere(['emulator', ...flags]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(says);
  });

  it('is reached from other machines only where --host says so, and says what that opens', async (context) => {
    const addresses = Object.values(networkInterfaces()).flatMap((some = []) => some);
    const own = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2';
    const alone = await start(context);
    const open = await start(context, ['--host', '0.0.0.0', '--allow-host', own]);
    const ask = ({ connection }: typeof open, path: string) =>
      fetch(`http://${own}:${new URL(connection.url).port}/_emulator/${path}`);

    await expect(ask(alone, 'health')).rejects.toThrow('fetch failed');
    expect(await (await ask(open, 'health')).json()).toEqual({ status: 'ok' });
    expect(await (await ask(open, 'jobs')).json()).toMatchObject({ jobs: expect.any(Array) as object[] });

    expect(open.connection.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await open.ask('/_emulator/health')).toEqual({ status: 'ok' });
    expect(alone.complaints()).toBe('');
    expect(open.complaints()).toMatch(
      /^Open to other machines: it listens on 0\.0\.0\.0, port \d+\. Its keys are known/,
    );
  });

  it('gives tokens to its users, and answers as --assume says', async (context) => {
    const users = ['--user', 'ana:secret', '--user', 'bob:hush:lake'];
    const assumptions = ['--assume', 'unknownId=DLI.0023', '--assume', 'deniedStatus=403'];
    const { connection } = await start(context, [...users, ...assumptions]);

    const [ana, bob, wrong] = await Promise.all([
      tokenOf(connection, ['ana', 'secret', 'ana']),
      tokenOf(connection, ['bob', 'hush', 'lake']),
      tokenOf(connection, ['bob', 'hush', 'bob']),
    ]);

    expect([ana.status, bob.status, wrong.status]).toEqual([201, 201, 401]);
    const job = `${connection.url}/v1.0/${connection.projectId}/jobs/00000000-0000-4000-8000-00000000ffff/status`;
    expect((await fetch(job, { headers: { 'x-auth-token': bob.token } })).status).toBe(404);
  });

  it('lets as many calls through as --calls-per-minute says', async (context) => {
    // Its clock stands still, so that no minute passes.
    const { connection } = await start(context, ['--calls-per-minute', '2', '--speed', '0', '--user', 'ana:secret']);
    const { token } = await tokenOf(connection, ['ana', 'secret', 'ana']);
    const list = `${connection.url}/v1.0/${connection.projectId}/jobs`;
    const call = async () => (await fetch(list, { headers: { 'x-auth-token': token } })).status;

    expect([await call(), await call(), await call()]).toEqual([200, 200, 429]);
  });

  it('goes on from a state that an earlier version has written', async (context) => {
    const { ask } = await start(context, ['--speed', '0', '--state', copyOf('test/fixtures/emulator/state-1.json')]);

    const { jobs = [] } = await ask('/_emulator/jobs');

    // As the version that wrote it showed them.
    const counts: Record<string, number> = {};
    for (const job of jobs as { engine: string; status: string }[]) {
      counts[`${job.engine} ${job.status}`] = (counts[`${job.engine} ${job.status}`] ?? 0) + 1;
    }
    expect(counts).toEqual({
      'sql RUNNING': 2,
      'sql CANCELLED': 1,
      'spark running': 1,
      'spark success': 1,
      'spark dead': 2,
      'flink job_running': 2,
      'flink job_savepointing': 4,
    });
  });

  it('leaves its state behind and goes on from there', async (context) => {
    const state = join(mkdtempSync(join(tmpdir(), 'dli-reaper-state-')), 'lake.json');
    const first = await start(context, ['--world', 'empty', '--speed', '0', '--state', state]);
    const post = (path: string, body: object) =>
      fetch(first.connection.url + path, { method: 'POST', body: JSON.stringify(body) });
    await post('/_emulator/jobs', { owner: 'ana', runs: '1h' });
    await post('/_emulator/clock', { step: '30m' });
    const { now: stoppedAt } = await first.ask('/_emulator/clock');

    expect(await first.stop('SIGTERM')).toEqual([0, null]);
    const second = await start(context, ['--speed', '0', '--state', state]);

    expect(await second.ask('/_emulator/jobs')).toMatchObject({ jobs: [{ owner: 'ana', status: 'RUNNING' }] });
    expect(await second.ask('/_emulator/clock')).toMatchObject({ now: stoppedAt });
  });

  it('injects the faults of a file, and says which were never met', async (context) => {
    const faults = join(mkdtempSync(join(tmpdir(), 'dli-reaper-faults-')), 'faults.yml');
    writeFileSync(
      faults,
      '- {on: list-sql-jobs, answer: {status: 500}}\n- {on: cancel-sql-job, target: "0007", answer: reset}\n',
    );
    const { connection, stop, complaints } = await start(context, ['--world', 'empty', '--faults', faults]);
    const flags = ['--policy', 'examples/demo-policy.yml', '--endpoint', connection.url, '--json'];

    const { stdout } = await runCli(['plan', ...flags, '--project-id', connection.projectId], keysOf(connection));
    await stop('SIGTERM');

    expect(JSON.parse(stdout)).toMatchObject({ status: 'ok', apiCalls: { list: 3, retries: 1 } });
    expect(complaints()).toBe('a fault was never met: cancel-sql-job 0007\n');
  });

  it.for([
    {
      flags: ['--world', 'atlantis'],
      says: /--world: expected one of busy-morning, lake, orphans, storm, ten-thousand, month, empty/,
    },
    { flags: ['--world-file', 'absent.json'], says: /--world-file absent\.json: ENOENT/ },
    {
      flags: ['--world-file', 'package.json'],
      says: /--world-file package\.json: 0\.\w+: unknown key/,
    },
    { flags: ['--faults', 'absent.yml'], says: /--faults absent\.yml: ENOENT/ },
    { flags: ['--speed', '-1'], says: /Expected 0 or more/ },
    { flags: ['--host', 'dli'], says: /Expected an IP address, such as 0\.0\.0\.0/ },
    { flags: ['--host', '0.0.0.0', '--stage', 'rehearsal'], says: /--host: a rehearsal is for this machine only/ },
    { flags: ['--allow-host', 'dli:8080'], says: /Expected the name of a host without a port/ },
    { flags: ['--user', 'ana'], says: /Expected name:password/ },
    { flags: ['--assume', 'unknownId'], says: /Expected name=answer/ },
    { flags: ['--assume', 'unknownId=maybe'], says: /unknownId: expected one of DLI\.0002, DLI\.0023/ },
    { flags: ['--assume', 'unknownID=DLI.0002'], says: /unknownID: unknown question; there are sqlCancelOfEnded, / },
    { flags: ['--state', ofVersion2], says: /--state \S+: a snapshot of version 2, and this emulator reads version 1/ },
    { flags: ['--faults', notUtf8], says: /--faults \S+: is not UTF-8 \(line 1\); save it as UTF-8/ },
    { flags: ['--state', notUtf8], says: /--state \S+: is not UTF-8 \(line 1\); save it as UTF-8/ },
  ])('does not start with $flags', async ({ flags, says }) => {
    const { exitCode, stdout, stderr } = await runHere(['emulator', ...flags]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(says);
  });
});
