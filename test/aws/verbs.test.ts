import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startPeer } from '../helpers/aws-peer.ts';
import { makeFolder, runCli, runningJob, startService } from '../helpers/run-cli.ts';
import { HOUR, jobId } from '../helpers/world.ts';

const SECRET = '/aws/reference/secretsmanager/dli/reaper';

const file = makeFolder()('policy.yml', '');
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

describe('the verbs that change a stage', () => {
  it('do what they say to a Parameter Store that is not our own, where there is one', async (context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1, { ageMs: 3 * HOUR })] });
    const peer = await startPeer(stageParameters('dev', emulator.connection, POLICY));
    context.onTestFinished(peer.close);
    process.stdout.write(`SSM is answered by ${peer.name}.\n`);
    const run = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await runCli([...args, '--stage', 'dev'], peer.env);
      expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
      return stdout;
    };
    const overdue = async () =>
      (JSON.parse(await run('plan', '--target', 'default', '--json')) as { counts: { overdue: number } }).counts
        .overdue;

    await run('exempt', 'backfill', '--reason', 'a backfill', '--contact', 'orders', '--until', '7d', '--owner', 'ana');
    expect(await overdue()).toBe(0);
    await run('unexempt', 'backfill', '--confirm', 'backfill');
    expect(await overdue()).toBe(1);

    await run('policy', 'pull', '-o', file, '--replace');
    writeFileSync(file, readFileSync(file, 'utf8').replace('2h', '5h'));
    expect(await run('policy', 'push', file, '--confirm', 'dev')).toContain('is version 2 now');
    expect(await overdue()).toBe(0);
    expect(await run('policy', 'rollback', '--confirm', 'dev')).toContain('is version 3 now');
    expect(await overdue()).toBe(1);

    expect(await run('stop')).toContain('The switch of dev reads stop');
    const stopped = await runCli(['sweep', '--stage', 'dev', '--target', 'default', '--no-dry-run'], peer.env);
    expect(stopped).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('the switch is not set to run') });
    expect(await run('resume', '--confirm', 'dev')).toContain('The switch of dev reads run');
    const emergency = ['emergency', '--target', 'default', '--job-id', jobId(1), '--reason', 'runaway', '--quiet'];
    expect(await run(...emergency, '--confirm', 'default')).toContain('Sweep ok: 1 job seen, 1 overdue, 1 cancelled');
    expect(emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });
});

describe('a credential in Secrets Manager', () => {
  it('is what Parameter Store passes on, where there is one that is not our own', async (context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1, { ageMs: 3 * HOUR })] });
    const stage = stageParameters('dev', emulator.connection, POLICY);
    const { '/dli-reaper/dev/targets/default': target = '', '/dli-reaper/dev/credentials/reaper': key = '' } = stage;
    const credentials = (name: string) => JSON.stringify({ ...(JSON.parse(target) as object), credentials: name });
    const peer = await startPeer({
      ...stage,
      '/dli-reaper/dev/targets/default': credentials(SECRET),
      '/dli-reaper/dev/targets/other': credentials(`${SECRET}s`),
      [SECRET]: key,
    });
    context.onTestFinished(peer.close);

    const plan = await runCli(['plan', '--stage', 'dev', '--target', 'default'], peer.env);
    const missing = await runCli(['plan', '--stage', 'dev', '--target', 'other'], peer.env);

    expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 job seen, 1 overdue') });
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`dli-reaper: ${SECRET}s: `) });
  });
});
