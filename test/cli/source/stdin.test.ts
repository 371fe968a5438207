import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeFolder, runCli, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { POLICY, parameter, startStage } from '../../helpers/start-stage.ts';
import { jobId } from '../../helpers/world.ts';

const writeFile = makeFolder();
const policy = JSON.stringify(POLICY);
const policyFile = writeFile('policy.json', policy);

describe.concurrent('- as a file', () => {
  it('is stdin, of a process too', async () => {
    const valid = await runCli(['validate', '-'], {}, { stdin: policy });
    const invalid = await runCli(['validate', '-'], {}, { stdin: 'version: 1\nmode: alive\n' });

    expect(valid).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('- is valid: mode live, 1 rule') });
    expect(invalid).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('\n-:2:1: mode: ') });
  });

  it('is a policy or a snapshot', async (context) => {
    const { emulator, run } = await startService(context, policyFile, { jobs: [runningJob(1)] });
    const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
    const keys = { HUAWEICLOUD_SDK_AK: accessKeyId, HUAWEICLOUD_SDK_SK: secretAccessKey };
    const live = ['--policy', '-', '--endpoint', url, '--project-id', projectId];

    const world = (await run('snapshot')).stdout;
    const outputs = [
      await runHere(['plan', ...live], keys, policy),
      await runHere(['plan', '--policy', policyFile, '--from', '-'], {}, world),
      await runHere(['plan', '--policy', '-', '--from', writeFile('world.json', world)], {}, policy),
      await runHere(['explain', jobId(1), '--policy', policyFile, '--from', '-'], {}, world),
    ];

    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    for (const { stdout } of outputs) expect(stdout).toMatch(/1 overdue|Verdict: cancel/);
  });

  it('is a policy to compare and to push, and nothing is written back', async (context) => {
    const { aws, run: inStage } = await startStage(context);
    const pulled = (await inStage('policy', 'pull')).stdout.replace('2h', '3h');
    const run = (...args: string[]) => runHere([...args, '--stage', 'dev'], aws.env, pulled);

    const diff = await run('policy', 'diff', '-');
    const unasked = await run('policy', 'push', '-');
    const pushed = await run('policy', 'push', '-', '--confirm', 'dev');

    expect(diff).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('+    maxRunTime: 3h') });
    expect(unasked.exitCode).toBe(1);
    expect(unasked.stderr).toContain('--confirm: missing; the name cannot be typed');
    expect(pushed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is version 2 now') });
    expect(aws.parameters[parameter('policies/base')]).toContain('3h');
    expect(existsSync('-')).toBe(false);
  });

  it.for([
    { args: ['plan', '--policy', '-', '--from', '-'], says: '--policy and --from: are both -; stdin can be only one' },
    { args: ['policy', 'diff', '-', '--stage', 'dev'], says: '-: is not valid' },
    { args: ['emulator', '--faults', '-'], says: '--faults -: ' },
    { args: ['emulator', '--state', '-'], says: '--state: is also written at the end, so it cannot be stdin' },
    { args: ['init', '--policy', '-'], says: '-: is stdin, which cannot be written; name a file' },
  ])('is refused by name where it cannot be: $args', async ({ args, says }, context) => {
    const { aws } = await startStage(context);

    const { exitCode, stderr } = await runHere(args, aws.env, '{}');

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`dli-reaper: ${says}`);
    expect(existsSync('-')).toBe(false);
  });

  it('says on a terminal what it waits for, and leaves no way to type the name of a target', async (context) => {
    const { emulator } = await startService(context, policyFile, { jobs: [runningJob(1)] });
    const { url, projectId } = emulator.connection;
    const place = ['--endpoint', url, '--project-id', projectId];
    const emergency = ['emergency', ...place, '--older-than', '1h', '--reason', 'stuck', '--policy', '-'];

    const valid = runOnTerminal(['validate', '-']);
    await valid.waitFor('FILE is read from this terminal: type it, and end with Ctrl-D.');
    valid.type(`${policy}\n\u0004`);
    const asking = runOnTerminal(emergency);
    await asking.waitFor('--policy is read from this terminal');
    asking.type(`${policy}\n\u0004`);

    expect(await valid.exited).toBe(0);
    expect(await valid.screen()).toContain('- is valid');
    expect(await asking.exited).toBe(1);
    expect(await asking.screen()).toContain('--confirm: missing; the name cannot be typed');
    expect(emulator.requests).toEqual([]);
  });
});

describe('a file', () => {
  it('is read as before', async () => {
    expect(readFileSync(policyFile, 'utf8')).toBe(policy);
    expect(await runHere(['validate', policyFile], {}, 'version: 9')).toMatchObject({ exitCode: 0 });
  });
});
