import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMPILE_CACHE } from '../helpers/compile-cache.ts';
import { CLI, runCli } from '../helpers/run-cli.ts';
import { startRehearsal } from '../helpers/start-rehearsal.ts';

/*
 * The workflow that docs/gitops.md explains, on a repository with a policy, against a rehearsal. Every `run:` step is run as GitHub
 * runs it; a `uses:` step is work of GitHub's own.
 */

interface Step {
  name?: string;
  uses?: string;
  run?: string;
  env?: Record<string, string>;
}

interface Workflow {
  on: { pull_request: { paths: string[] }; push: { paths: string[] } };
  defaults: { run: { shell: string } };
  jobs: Record<'check' | 'push', { if: string; steps: Step[] }>;
}

const text = readFileSync(join(CLI.cwd, 'examples/gitops/workflow.yml'), 'utf8');
const workflow = parse(text) as Workflow;
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-gitops-'));
const repository = join(folder, 'repository');
const summary = join(folder, 'summary.md');
const rehearsal = startRehearsal(afterAll, '--cancel-delay', '0s');
/** The environment of a runner after `configure-aws-credentials`. */
let env: Record<string, string>;
afterAll(() => rmSync(folder, { recursive: true }));

const git = async (...args: string[]) => (await run('git', args, { cwd: repository, env })).stdout.trim();

/** Makes the package that the workflow installs: its command is the one that the other tests run. */
async function packTo(place: string): Promise<void> {
  const source = join(folder, 'package');
  mkdirSync(source);
  const { version } = JSON.parse(readFileSync(join(CLI.cwd, 'package.json'), 'utf8')) as { version: string };
  const manifest = { name: 'dli-job-reaper', version, type: 'module', bin: { 'dli-reaper': 'main.js' } };
  writeFileSync(join(source, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(source, 'main.js'),
    `#!/usr/bin/env -S ${process.execPath}\nimport ${JSON.stringify(CLI.main)};\n`,
  );
  await run('npm', ['pack', '--pack-destination', place], { cwd: source, env });
}

/** Writes the policy of the stage with a change, and the test of it. */
function writePolicy(change: (policy: string) => string = (policy) => policy): void {
  const policy = readFileSync(join(CLI.cwd, 'examples/demo-policy.yml'), 'utf8');
  writeFileSync(join(repository, 'policy.yml'), change(policy));
}

const TESTS = `policy: policy.yml
now: 2026-03-10T09:00:00Z
tests:
  - name: an hour is always allowed
    jobs: [{queue: adhoc, running: 1h, expect: keep}]
`;

/** Runs the steps of a job, up to the first that fails. @returns what each step of a name came to. */
async function runJob(job: keyof Workflow['jobs'], more: Record<string, string> = {}) {
  writeFileSync(summary, '');
  const results: { step: string; exitCode: number; output: string }[] = [];
  for (const { name = '', run: script, env: stepEnv = {} } of workflow.jobs[job].steps) {
    if (script === undefined) continue;
    const known = { ...env, ...more, GITHUB_STEP_SUMMARY: summary };
    expect(Object.keys(known)).toEqual(expect.arrayContaining(Object.keys(stepEnv)));
    // "Workflow syntax for GitHub Actions", shell: bash --noprofile --norc -eo pipefail {0}
    const file = join(folder, 'step.sh');
    writeFileSync(file, script);
    const result = await new Promise<{ exitCode: number; output: string }>((resolve) => {
      const child = execFile(
        'bash',
        ['--noprofile', '--norc', '-eo', 'pipefail', file],
        { cwd: repository, env: known },
        (_, stdout, stderr) => resolve({ exitCode: child.exitCode ?? -1, output: stdout + stderr }),
      );
    });
    results.push({ step: name, ...result });
    if (result.exitCode !== 0) break;
  }
  await git('clean', '--force', '--quiet');
  return results;
}

const codesOf = (results: readonly { step: string; exitCode: number }[]) =>
  results.map(({ step, exitCode }) => `${step} ${exitCode}`);

const livePolicy = async () => (await runCli(['policy', 'pull', '--stage', 'rehearsal'], env)).stdout;

beforeAll(async () => {
  const bin = join(folder, 'npm', 'bin');
  env = {
    ...COMPILE_CACHE,
    ...(await rehearsal.shellOf({})),
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    STAGE: 'rehearsal',
    TARGET: 'lake',
    npm_config_prefix: join(folder, 'npm'),
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'ana',
    GIT_AUTHOR_EMAIL: 'ana@example.com',
    GIT_COMMITTER_NAME: 'ana',
    GIT_COMMITTER_EMAIL: 'ana@example.com',
  };
  mkdirSync(repository);
  await git('init', '--quiet');
  await packTo(repository);
  mkdirSync(join(repository, '.github/workflows'), { recursive: true });
  copyFileSync(join(CLI.cwd, 'examples/gitops/workflow.yml'), join(repository, '.github/workflows/policy.yml'));
  writePolicy();
  writeFileSync(join(repository, 'policy.test.yml'), TESTS);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'the policy that is live');
});

describe('examples/gitops/workflow.yml', () => {
  it('has no expression in a script, where a name of a branch could be a command', () => {
    const scripts = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap((step) => step.run ?? []));

    expect(scripts.length).toBeGreaterThan(5);
    expect(scripts.join('\n')).not.toContain('${{');
    expect(workflow.defaults.run.shell).toBe('bash');
  });

  it('checks a pull request that is fine, and shows its difference and its backtest', async () => {
    writePolicy((policy) => policy.replace('maxRunTime: 2h', 'maxRunTime: 3h'));

    const results = await runJob('check');

    expect(results.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    expect(codesOf(results)).toEqual(['Install 0', 'Validate 0', 'Test 0', 'Difference 0', 'Backtest 0']);
    const shown = readFileSync(summary, 'utf8');
    expect(shown).toContain('-    maxRunTime: 2h\n+    maxRunTime: 3h\n');
    expect(shown).toContain('lake: 5 victims now, 5 by the live policy.');
    expect(shown).toContain('Wrong kills: none of the 1 job that finished well.');
    expect(shown.match(/^```/gm)).toHaveLength(4);
  });

  it.each([
    { name: 'is not valid', change: ['maxRunTime: 2h', 'maxRunTime: 2'], codes: ['Install 0', 'Validate 1'] },
    {
      name: 'fails its test',
      change: ['maxRunTime: 2h', 'maxRunTime: 30m'],
      codes: ['Install 0', 'Validate 0', 'Test 3'],
    },
    {
      name: 'would have cancelled a job that finished well',
      change: ['maxRunTime: 2h', 'maxRunTime: 40m'],
      tests: TESTS.replace('running: 1h', 'running: 30m'),
      codes: ['Install 0', 'Validate 0', 'Test 0', 'Difference 0', 'Backtest 3'],
    },
  ])('fails for a pull request that $name', async ({ change: [from = '', to = ''], tests = TESTS, codes }) => {
    writePolicy((policy) => policy.replace(from, to));
    writeFileSync(join(repository, 'policy.test.yml'), tests);

    const results = await runJob('check');
    await git('checkout', '--quiet', '.');

    expect(codesOf(results)).toEqual(codes);
  });

  it('pushes a merge; run again it changes nothing; and it does not replace what someone put in place by hand', async () => {
    const merge = async (limit: string) => {
      const before = await git('rev-parse', 'HEAD');
      writePolicy((policy) => policy.replace('maxRunTime: 2h', `maxRunTime: ${limit}`));
      await git('commit', '--quiet', '--all', '--message', `a limit of ${limit}`);
      return { BEFORE: before };
    };

    const first = await merge('3h');
    const merged = await runJob('push', first);
    const again = await runJob('push', first);
    const afterMerge = await livePolicy();
    const byHand = join(folder, 'by-hand.yml');
    writeFileSync(byHand, afterMerge.replace('3h', '7h'));
    await runCli(['policy', 'push', byHand, '--stage', 'rehearsal', '--confirm', 'rehearsal'], env);
    const refused = await runJob('push', await merge('4h'));

    expect(codesOf(merged)).toEqual(['Install 0', 'Test 0', 'Push 0']);
    expect(codesOf(again)).toEqual(['Install 0', 'Test 0', 'Push 0']);
    expect(afterMerge).toMatch(/^# \/dli-reaper\/rehearsal\/policies\/base version 2\n[\s\S]*maxRunTime: 3h/);
    expect(codesOf(refused)).toEqual(['Install 0', 'Test 0', 'Push 1']);
    expect(refused.at(-1)?.output).toContain(
      'is not the policy of before.yml: version 3 was put in place by other means',
    );
    expect(await livePolicy()).toMatch(/version 3\n[\s\S]*maxRunTime: 7h/);
  });
});
