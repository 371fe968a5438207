import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CLI, cleanEnvironment } from '../helpers/run-cli.ts';

const launcher = fileURLToPath(new URL('../../cli/dli-reaper.js', import.meta.url));
/** What a process sees that is started with an older Node. */
const OLDER = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
/** Looks at its parent at every turn. */
const IMPATIENT = 'data:text/javascript,const later=setInterval;globalThis.setInterval=(run)=>later(run,1)';

function follow(child: ChildProcessWithoutNullStreams) {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return {
    child,
    /** Once no process holds its streams any more, its children included. */
    ended: once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number, stdout, stderr })),
  };
}

const start = (...args: string[]) =>
  follow(spawn(process.execPath, ['--import', OLDER, launcher, ...args], { env: cleanEnvironment({}) }));

/** As npm starts it: in a shell that waits for it, and that a signal ends without it. The shell tells its id first. */
const startInShell = (command: string[], env: Record<string, string>) =>
  follow(spawn('sh', ['-c', '"$@" & echo "$!" >&2; wait', 'sh', ...command], { env: cleanEnvironment(env) }));

/** The address of an emulator that tells it in its first line. */
async function addressOf({ stdout }: ChildProcessWithoutNullStreams): Promise<string> {
  return (JSON.parse(await firstLineOf(stdout)) as { url: string }).url;
}

async function firstLineOf(stream: Readable): Promise<string> {
  const { value } = await createInterface(stream)[Symbol.asyncIterator]().next();
  return String(value);
}

describe.concurrent('the command on an older Node', () => {
  it('hands over to the Node that the package brings, with its arguments, streams and exit code', async () => {
    const { exitCode, stdout, stderr } = await start('validate', 'absent.yml').ended;

    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'dli-reaper: absent.yml: cannot be read (no such file or folder, ENOENT)\n',
    });
  });

  it('passes on a signal that only itself was sent, so that nothing goes on alone', async () => {
    const { child, ended } = start('emulator', '--port', '0');
    const url = await addressOf(child);

    child.kill('SIGTERM');

    expect((await ended).exitCode).toBe(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});

describe('the Node that the package brings', () => {
  const root = dirname(dirname(launcher));
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as unknown;
  const { optionalDependencies } = read('package.json') as { optionalDependencies: Record<string, string> };
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { os: string; cpu: string; bin: object }>;
  };

  it.each([
    { os: 'linux', cpu: 'x64' },
    { os: 'linux', cpu: 'arm64' },
    { os: 'darwin', cpu: 'x64' },
    { os: 'darwin', cpu: 'arm64' },
    { os: 'win32', cpu: 'x64' },
  ])('is there for $os on $cpu, where the launcher looks for it', ({ os, cpu }) => {
    const name = `node-${os === 'win32' ? 'win' : os}-${cpu}`;

    expect(Object.keys(optionalDependencies)).toContain(name);
    expect(packages[`node_modules/${name}`]).toMatchObject({
      os,
      cpu,
      bin: { node: os === 'win32' ? 'bin/node.exe' : 'bin/node' },
    });
  });
});

describe.concurrent('what is printed to be pasted', () => {
  /** A package as npm unpacks it: the launcher, and the command as it is built. */
  function unpack(): string {
    const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-package-'));
    cpSync(dirname(launcher), join(folder, 'cli'), { recursive: true, filter: (path) => !path.endsWith('.ts') });
    cpSync(dirname(CLI.main), join(folder, 'dist/cli'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    return folder;
  }
  const packed = unpack();
  afterAll(() => rmSync(packed, { recursive: true }));

  it.each([
    { name: 'in a clone', place: dirname(dirname(launcher)), env: {}, command: 'npx dli-reaper' },
    { name: 'from an installed package', place: packed, env: {}, command: 'dli-reaper' },
    { name: 'from npx', place: packed, env: { npm_command: 'exec' }, command: 'npx dli-reaper' },
    {
      name: 'from npx with a package of its own',
      place: packed,
      env: { npm_command: 'exec', npm_config_package: './dli-job-reaper.tgz' },
      command: 'npx -p ./dli-job-reaper.tgz dli-reaper',
    },
  ])('begins as the command was called: $name', async ({ place, env, command }) => {
    const args = [join(place, 'cli/dli-reaper.js'), 'resume', '--help'];

    const { stdout } = await follow(spawn(process.execPath, args, { env: cleanEnvironment(env) })).ended;

    expect(stdout).toContain(`Usage: ${command} resume [options]`);
    expect(stdout.split('\n')).toContain(`  ${command} resume --stage prod`);
  });
});

describe.concurrent('the end of the parent', () => {
  const emulator = ['emulator', '--port', '0'];
  const byNpm = { npm_command: 'exec', npm_lifecycle_script: 'dli-reaper emulator --port 0' };

  it('ends what npx has started, since npx passes SIGTERM to its shell alone', async () => {
    const env = { ...cleanEnvironment({ npm_config_offline: 'true' }), HOME: process.env.HOME };
    const { child, ended } = follow(
      spawn('npx', ['--no-install', 'dli-reaper', ...emulator], { cwd: dirname(dirname(launcher)), env }),
    );
    const url = await addressOf(child);

    child.kill('SIGTERM');
    await ended;

    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it.each([
    { node: 'a new Node', flags: [] },
    {
      node: 'an older Node, by whose launcher the Node of the package is one process further',
      flags: ['--import', OLDER],
    },
  ])('ends it on $node', async ({ flags }) => {
    const { child, ended } = startInShell([process.execPath, ...flags, launcher, ...emulator], byNpm);
    const url = await addressOf(child);

    child.kill('SIGTERM');
    await ended;

    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it.each([
    { name: 'without npm', env: {} },
    {
      name: 'within npm, where something else has started it',
      env: { npm_command: 'run-script', npm_lifecycle_script: 'node nightly.js' },
    },
  ])('ends nothing $name: it goes on, as after nohup', async ({ env }) => {
    const flags = ['--import', IMPATIENT];
    const { child, ended } = startInShell([process.execPath, ...flags, launcher, ...emulator], env);
    const [url, pid] = await Promise.all([addressOf(child), firstLineOf(child.stderr)]);
    const parentEnded = once(child, 'exit');

    child.kill('SIGTERM');
    await parentEnded;

    // Each takes longer than a look at the parent.
    for (let n = 0; n < 50; n++) expect((await fetch(`${url}/_emulator/jobs`)).status).toBe(200);
    process.kill(Number(pid), 'SIGTERM');
    await ended;
  });
});
