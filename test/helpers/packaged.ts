import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll } from 'vitest';

const run = promisify(execFile);
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const TEMPLATE = `${root}/.serverless/cloudformation-template-update-stack.json`;

/** Environment without this machine's own account, so that the tools cannot find it. */
export const toolEnvironment = (env: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  HOME: tmpdir(),
  SLS_NOTIFICATIONS_MODE: 'off',
  SLS_TELEMETRY_DISABLED: '1',
  ...env,
});

/** The result of `npm run package`. */
export async function packageProject(args: string[] = []): Promise<void> {
  const env = toolEnvironment();
  await run(process.execPath, ['scripts/build.ts'], { cwd: root, env });
  await run(`${root}/node_modules/.bin/serverless`, ['package', '--stage', 'dev', ...args], { cwd: root, env });
}

/** Unpacks the zip of a function into a folder that is removed after the tests of the file. @returns its path. */
export function unpack(name: string, project = root): string {
  const folder = mkdtempSync(join(tmpdir(), `dli-reaper-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [path, bytes] of Object.entries(unzipSync(readFileSync(`${project}/.serverless/${name}.zip`)))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(folder, path), bytes);
  }
  return folder;
}
