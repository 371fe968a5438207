import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cleanEnvironment } from '../helpers/run-cli.ts';

const launcher = fileURLToPath(new URL('../../cli/dli-reaper.js', import.meta.url));
/** What a process sees that is started with an older Node. */
const OLDER = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--import', OLDER, launcher, ...args], { env: cleanEnvironment({}) });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return {
    child,
    ended: once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number, stdout, stderr })),
  };
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
    const [line = ''] = await createInterface(child.stdout)
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [String(value)]);
    const { url } = JSON.parse(line) as { url: string };

    child.kill('SIGTERM');

    expect((await ended).exitCode).toBe(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});
