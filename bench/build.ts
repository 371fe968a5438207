import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a build script of the project. */
export async function build(script: 'build.ts' | 'build-cli.ts', ...args: string[]): Promise<void> {
  await run(process.execPath, [`scripts/${script}`, ...args], { cwd: root });
}
