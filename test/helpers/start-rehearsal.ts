import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { CLI, cleanEnvironment } from './run-cli.ts';

const run = promisify(execFile);

/** Starts a rehearsal. The place where it says how to reach it is in a folder of its own for temporary files. */
export function startRehearsal(afterwards: (cleanUp: () => void) => void, ...flags: string[]) {
  const temporary = { TMPDIR: mkdtempSync(join(tmpdir(), 'dli-reaper-rehearsal-test-')) };
  const command = [CLI.main, 'emulator', '--stage', 'rehearsal', ...flags];
  const child = spawn(process.execPath, command, { cwd: CLI.cwd, env: cleanEnvironment(temporary) });
  const firstLine = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  afterwards(() => {
    child.kill('SIGKILL');
    rmSync(temporary.TMPDIR, { recursive: true });
  });
  /** The environment of a shell after its first line. */
  const shellOf = async (before: Record<string, string>) => {
    await firstLine;
    const env = cleanEnvironment({ ...temporary, ...before });
    const { stdout } = await run('sh', ['-c', 'eval "$("$0" "$@" emulator env)" && env', process.execPath, CLI.main], {
      env,
    });
    return Object.fromEntries(
      stdout.split('\n').flatMap((line): [string, string][] => {
        const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
        return name.startsWith('AWS_') || name.startsWith('HUAWEICLOUD_') ? [[name, value]] : [];
      }),
    );
  };
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return ended;
  };
  return { temporary, firstLine, said: () => said.join(''), shellOf, stop };
}
