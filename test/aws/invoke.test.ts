import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startEmulator } from '../../emulator/server.ts';
import { startDeployed } from '../helpers/deployed.ts';
import { root, toolEnvironment } from '../helpers/packaged.ts';
import { runningJob } from '../helpers/run-cli.ts';
import { jobId, MINUTE } from '../helpers/world.ts';

const run = promisify(execFile);

/** As docs/emergency.md has them, for one target and for all. */
const [forOne = '', forAll = ''] = [
  ...readFileSync(join(root, 'docs/emergency.md'), 'utf8').matchAll(/```json\n(.*?)```/gs),
].map(([, payload = '']) => payload.replace('NOW', new Date().toISOString()));

/** A stage `dev` whose one target is the one that the payload names. */
async function start(context: TestContext) {
  const jobs = [runningJob(1, { ageMs: 121 * MINUTE }), runningJob(2, { ageMs: 121 * MINUTE, queue: 'etl' })];
  const emulator = await startEmulator({ now: Date.now, random: Math.random, cancelDelayMs: 0, jobs });
  context.onTestFinished(emulator.close);
  const { '/dli-reaper/dev/targets/default': target = '', ...others } = stageParameters('dev', emulator.connection, {});
  const parameters = {
    ...others,
    '/dli-reaper/dev/targets/lake': target,
    '/dli-reaper/dev/policies/base': '{"rules": "broken"}',
  };
  const aws = await startDeployed(parameters);
  context.onTestFinished(aws.close);

  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-invoke-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const invoke = (name: 'sweep' | 'dispatch', payload: string) => {
    const path = join(folder, 'payload.json');
    writeFileSync(path, payload);
    const args = ['invoke', '--function', name, '--stage', 'dev', '--region', 'eu-central-1', '--type', 'Event'];
    return run(`${root}/node_modules/.bin/serverless`, [...args, '--path', path], {
      cwd: root,
      env: toolEnvironment({ ...aws.env, SLS_AWS_REQUEST_MAX_RETRIES: '0' }),
    });
  };
  return { emulator, aws, invoke };
}

describe('serverless invoke, as docs/emergency.md has it', () => {
  it('cancels on the queue that the payload names, once, and can be found by its sweep id', async (context) => {
    const { emulator, aws, invoke } = await start(context);

    await invoke('sweep', forOne);
    await aws.settled();

    expect(aws.invocations).toMatchObject([{ name: 'dli-job-reaper-dev-sweep', type: 'Event' }]);
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
    expect(aws.logged('sweep finished')).toMatchObject([{ sweepId: 'adhoc-night-1', counts: { cancelled: 1 } }]);
  });

  it('cancels on every target of the stage that was typed, and on none for another', async (context) => {
    const { emulator, aws, invoke } = await start(context);

    await invoke('dispatch', forAll);
    await aws.settled();
    expect(aws.logged('dispatch could not run')).toMatchObject([{ error: expect.stringContaining('expected dev 1') }]);
    expect(emulator.requests).toEqual([]);
    await invoke('dispatch', forAll.replace('prod 12', 'dev 1'));
    await aws.settled();

    expect(aws.logged('sweep finished')).toMatchObject([{ target: 'lake', counts: { cancelled: 2 } }]);
  });
});
