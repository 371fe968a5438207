import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-package-'));
// This Node before any other, as npm has it in its scripts.
const env = { HOME: folder, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, npm_config_offline: 'true' };

beforeAll(async () => {
  await run(process.execPath, ['scripts/build-cli.ts', join(folder, 'alone')], { cwd: root });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command line in a folder of its own', () => {
  it('runs with node alone, from a place that holds nothing else', async () => {
    const { stdout } = await run(process.execPath, ['main.mjs', 'demo'], { cwd: join(folder, 'alone'), env });

    expect(stdout).toContain('It agrees with all 10 outcomes.');
  });

  it('says what a rehearsal needs besides, and does not start one', async () => {
    const start = run(process.execPath, ['main.mjs', 'emulator', '--stage', 'rehearsal'], {
      cwd: join(folder, 'alone'),
      env,
    });

    await expect(start).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^dli-reaper: --stage: needs the functions in \S+; use the package, or a clone\n$/,
      ) as string,
    });
  });
});

describe('the package', () => {
  it('holds what it runs and documents, needs nothing else, and npx finds its command', async () => {
    const place = join(folder, 'elsewhere');
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    // Nothing is built yet, so the output of the build comes first.
    const { stdout: said } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
    const [packed] = JSON.parse(said.slice(said.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }];

    const install = ['install', '--prefix', place, '--omit=optional', '--no-audit', '--no-fund'];
    await run('npm', [...install, join(folder, packed.filename)], { cwd: folder, env });
    copyFileSync(join(root, 'examples/demo-policy.yml'), join(place, 'policy.yml'));
    const { stdout } = await run('npx', ['--no-install', 'dli-reaper', 'validate', 'policy.yml'], { cwd: place, env });

    expect(stdout).toContain('policy.yml is valid: mode live, 2 rules');
    const paths = packed.files.map(({ path }) => path);
    const functions = ['dispatch', 'notify', 'sweep'].map((name) => `dist/functions/${name}/index.mjs`);
    expect(paths).toEqual(
      expect.arrayContaining(['cli/dli-reaper.js', 'dist/cli/main.mjs', 'README.md', 'LICENSE', ...functions]),
    );
    // The docs in the package lead there.
    expect(paths).toEqual(expect.arrayContaining(['examples/demo-policy.yml', 'examples/gitops/workflow.yml']));
    expect(paths.filter((path) => /^(lib|emulator|test|functions|node_modules)\//.test(path))).toEqual([]);
  });
});
