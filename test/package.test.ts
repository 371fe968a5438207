import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-package-'));
// This Node before any other, as npm has it in its scripts.
const env = { HOME: folder, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, npm_config_offline: 'true' };

beforeAll(async () => {
  await run(process.execPath, ['scripts/build-cli.ts', join(folder, 'alone')], { cwd: root });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What docs/emulator.md shows, and the two others. */
const USE = `
import { createDliClient, DliError, type Job, systemClock } from 'dli-job-reaper/client';
import { type Emulator, startEmulator } from 'dli-job-reaper/emulator';
import { parsePolicy } from 'dli-job-reaper/policy';

const dli: Emulator = await startEmulator({ world: 'empty', cancelDelay: 0, assume: { unknownId: 'DLI.0023' } });
await dli.control('POST /jobs', [
  { queue: 'adhoc', owner: 'ana', age: '3h' },
  { queue: 'adhoc', owner: 'bob', age: '1h' },
]);
const { url, projectId, ...credentials } = dli.connection;
const common = { endpoint: new URL(url), projectId, clock: systemClock, random: Math.random };
const client = createDliClient({ ...common, credentials });
const { jobs } = await client.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 100 });
const policy = parsePolicy({ version: 1, rules: [{ id: 'adhoc-2h', match: { queue: 'adhoc' }, maxRunTime: '2h' }] });
const cancel = async (job: Job): Promise<string> => {
  const result = await client.cancelSqlJob(job.id);
  if (result.kind === 'refused' && !(result.error instanceof DliError)) throw new Error('not an error of DLI');
  return result.kind;
};
for (const { job, action, rule } of policy.judge(jobs, Date.now())) {
  const kind = action === 'cancel' ? await cancel(job) : await cancel({ ...job, id: '00000000-0000-4000-8000-000000000000' });
  const { status } = await client.showSqlJobStatus(job.id);
  process.stdout.write([job.owner, action, rule, kind, status].join(' ') + '\\n');
}
client.close();
await dli.close();
`;

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

interface Service {
  command: string;
  healthcheck: { test: ['CMD', program: string, ...rest: string[]] };
  environment: Record<string, string>;
}

describe('the package', () => {
  let packed: { filename: string; files: { path: string }[] };

  beforeAll(async () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    // Nothing is built yet, so the output of the build comes first.
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
    [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [typeof packed];
  });

  it('starts the emulator by the line of the compose file, whose health check then passes', async ({
    onTestFinished,
  }) => {
    const text = readFileSync(join(root, 'examples/emulator/compose.yml'), 'utf8');
    // The port of the example may be taken on this machine.
    const { services } = parse(text.replaceAll('8080', '18427')) as { services: { dli: Service } };
    const { command, healthcheck, environment } = services.dli;
    const line = command.replace('/dli-job-reaper.tgz', join(folder, packed.filename));
    const options = { cwd: folder, env: { ...env, ...environment } };
    const [, program, ...rest] = healthcheck.test;
    const checkHealth = () => run(program, rest, options);
    await expect(checkHealth()).rejects.toMatchObject({ code: 1 });

    const child = spawn('sh', ['-c', `exec ${line}`], options);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [first] = (await once(createInterface(child.stdout), 'line')) as [string];
    const healthy = await checkHealth();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;

    expect(JSON.parse(first)).toMatchObject({ url: 'http://127.0.0.1:18427' });
    expect(healthy).toEqual({ stdout: '', stderr: '' });
  });

  it('exports an emulator, the client and the policy, with types, to a project that has nothing else', async () => {
    const place = join(folder, 'typed');
    const install = ['install', '--prefix', place, '--omit=optional', '--no-audit', '--no-fund'];
    await run('npm', [...install, join(folder, packed.filename)], { cwd: folder, env });
    writeFileSync(join(place, 'use.mts'), USE);
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--target', 'es2024', '--module', 'nodenext'];

    await run(join(root, 'node_modules/.bin/tsc'), [...strict, ...types, 'use.mts'], { cwd: place, env });
    const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: place, env });

    expect(stdout).toBe('ana cancel adhoc-2h accepted CANCELLED\nbob keep adhoc-2h refused RUNNING\n');
  });

  it('holds what it runs and documents, needs nothing else, and npx finds its command', async () => {
    const place = join(folder, 'elsewhere');
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
    expect(paths).toContain('dist/THIRD-PARTY-LICENSES.txt');
    expect(paths.filter((path) => path.endsWith('meta.json'))).toEqual([]);
    expect(paths.filter((path) => /^(lib|emulator|test|functions|node_modules)\//.test(path))).toEqual([]);
  });
});
