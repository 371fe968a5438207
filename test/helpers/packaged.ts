import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

const build = () => run(process.execPath, ['scripts/build.ts'], { cwd: root, env: toolEnvironment() });

const serverless = (args: string[], cwd: string, env: Record<string, string> = {}) =>
  run(`${root}/node_modules/.bin/serverless`, args, { cwd, env: toolEnvironment(env) });

/** The result of `npm run package`. */
export async function packageProject(): Promise<void> {
  await build();
  await serverless(['package', '--stage', 'dev'], root);
}

const running = new Set<Promise<unknown>>();

/** Runs the work when fewer than two others are under way: each is a process that keeps a core busy. */
export async function inLane<T>(work: () => Promise<T>): Promise<T> {
  while (running.size >= 2) await Promise.race(running);
  const result = work();
  const ended = result.catch(() => undefined).finally(() => running.delete(ended));
  running.add(ended);
  return await result;
}

/**
 * Builds once, and packages each set of params once, two at the same time.
 *
 * @returns a function that takes params such as `profile=small`, and returns the path of their template.
 */
export function createPackager(): (params?: string[]) => Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'dli-reaper-packaged-'));
  afterAll(() => rmSync(scratch, { recursive: true }));
  const templates = new Map<string, Promise<string>>();
  let built: Promise<unknown> | undefined;
  // Each in a folder of its own, since --package moves the result only at the end: .serverless is for one at a time. The fewer
  // files lie there, the faster: serverless looks at all.
  const make = async (params: string[], folder: string): Promise<string> => {
    built ??= build();
    await built;
    mkdirSync(folder);
    copyFileSync(`${root}/serverless.yml`, join(folder, 'serverless.yml'));
    for (const name of ['deploy', 'dist']) symlinkSync(join(root, name), join(folder, name));
    const args = ['package', '--stage', 'dev', ...params.flatMap((param) => ['--param', param])];
    await inLane(() => serverless(args, folder, { NODE_COMPILE_CACHE: join(scratch, 'compiled') }));
    return join(folder, '.serverless/cloudformation-template-update-stack.json');
  };
  return (params = []) => {
    const key = params.join('\n');
    const template = templates.get(key) ?? make(params, join(scratch, String(templates.size)));
    templates.set(key, template);
    return template;
  };
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
