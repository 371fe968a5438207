import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { makeJobs } from '../../cli/policy-test/made-jobs.ts';
import { expectedOf, readTestFile } from '../../cli/policy-test/test-file.ts';
import { toJobDocument } from '../../cli/snapshot/document.ts';
import { startEmulator } from '../../emulator/server.ts';
import { compareText } from '../../lib/base/text.ts';
import type { JobReport } from '../../lib/sweep/record/report.ts';
import { LOOSE_CEILINGS } from '../helpers/ceilings.ts';
import { CLI, keysOf, runCli, runHere } from '../helpers/run-cli.ts';

const folders = readdirSync(join(CLI.cwd, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(entry.parentPath, entry.name, 'world.json')))
  .map(({ name }) => name);

const fileOf = (folder: string, name: string) => join(CLI.cwd, 'examples', folder, name);

/** Starts an emulator with the jobs of an example. Its clock, and the clock of this process, stand at an instant. */
async function startWorldOf(folder: string, now: number, { onTestFinished }: TestContext) {
  vi.useFakeTimers({ toFake: ['Date'], now });
  onTestFinished(() => void vi.useRealTimers());
  const emulator = await startEmulator({ now: Date.now, random: () => 0.5, jobs: [] });
  onTestFinished(emulator.close);
  const { url, projectId } = emulator.connection;
  const body = readFileSync(fileOf(folder, 'world.json'));
  expect((await fetch(`${url}/_emulator/jobs`, { method: 'POST', body })).ok).toBe(true);
  const run = async (...args: string[]) => {
    const target = ['--endpoint', url, '--project-id', projectId, '--json'];
    const { stdout } = await runHere([...args, ...target], { ...LOOSE_CEILINGS, ...keysOf(emulator.connection) });
    return JSON.parse(stdout) as { jobs: object[]; caps: object };
  };
  return { run };
}

/** What the emulator makes up, what no policy looks at, and statements, which show by their victims. */
const LEFT_OUT = ['id', 'cus', 'updatedAt', 'statement', 'fingerprint'];

const looksOf = (job: object) =>
  Object.fromEntries(Object.entries(job).filter(([key, value]) => !LEFT_OUT.includes(key) && value !== undefined));

const sorted = (jobs: readonly object[]): string[] =>
  jobs.map((job) => JSON.stringify(Object.entries(job).toSorted(([a], [b]) => compareText(a, b)))).toSorted();

describe('the examples', () => {
  it('are five situations', () => {
    expect(folders.toSorted()).toEqual(['adhoc', 'airflow', 'etl', 'flink', 'query-storm']);
  });

  it('pass their tests, as a user runs them', async () => {
    const files = folders.map((folder) => join('examples', folder, 'policy.test.yml'));

    expect(await runCli(['test', ...files])).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/tests in 5 files: \d+ passed, 0 failed\n$/),
    });
  });

  it('warn of nothing', async () => {
    const all = folders.map((folder) => runHere(['validate', fileOf(folder, 'policy.yml')]));

    expect((await Promise.all(all)).map(({ stdout }) => stdout).join('')).not.toContain('warning');
  });
});

describe.each(folders)('the world of %s', (folder) => {
  const file = readTestFile(fileOf(folder, 'policy.test.yml'));
  const { now, tests } = file;
  const [test] = tests;

  it('has the jobs of the first test, as a sweep sees them', async (context) => {
    const { run } = await startWorldOf(folder, now, context);

    const seen = await run('snapshot');

    expect(test?.name).toBe('the jobs of world.json');
    const made = makeJobs(test?.jobs ?? [], now).flat();
    const documents = made.map((job) => toJobDocument(job, { withStatements: false }));
    expect(sorted(seen.jobs.map(looksOf))).toEqual(sorted(documents.map(looksOf)));
  });

  it('has the victims that the test expects', async (context) => {
    const { run } = await startWorldOf(folder, now, context);

    const plan = await run('plan', '--policy', fileOf(folder, 'policy.yml'));

    const expected = (test?.jobs ?? []).flatMap((job) =>
      expectedOf(job, 0)?.verdict === 'cancel'
        ? Array.from({ length: job.count }, () => `${job.engine} ${job.queue} ${job.owner} ${job.name ?? ''}`)
        : [],
    );
    const victims = (plan.jobs as JobReport[]).filter(({ decision }) => decision === 'cancel');
    expect(
      victims.map(({ engine, queue, owner, name }) => `${engine} ${queue} ${owner} ${name ?? ''}`).toSorted(),
    ).toEqual(expected.toSorted());
    expect(test?.expect).toEqual({ victims: victims.length, caps: 'within' });
    expect(plan.caps).toMatchObject({ victims: victims.length, exceeded: null });
  });
});
