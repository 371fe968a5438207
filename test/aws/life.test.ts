import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isOnPath } from '../helpers/aws-peer.ts';
import { packageProject, root } from '../helpers/packaged.ts';
import { ALIAS, CREDENTIAL, LOG, lookAt, SWITCH, startPeer, TARGET } from '../helpers/try-stage.ts';

const hasPeer = await isOnPath('moto_server');

describe('the life of a stage', () => {
  it('is deploy, upgrade, rollback, remove and deploy again, and nothing wakes up on the way', async () => {
    await packageProject();
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: the project was packaged and not deployed.\n');
      return;
    }
    const { serverless, clientOf } = await startPeer();
    const stage = lookAt(clientOf('eu-central-1'));

    const group = '/dli-job-reaper/try/by-hand';
    const first = await serverless('deploy');
    expect(first).toMatchObject({ failed: false });
    expect(first.said).not.toContain('was kept');
    expect((await stage.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    const { CodeSha256: before } = await stage.function();
    await stage.write(SWITCH, 'run');
    await stage.write(TARGET, '{"mode":"live"}');
    await stage.record('cancelled long ago');
    await stage.mendKey();
    const key = await stage.key();
    await stage.keepSecret(CREDENTIAL, 'of the first deploy');
    const sealed = await stage.seal('of the first deploy');

    // An upgrade.
    appendFileSync(`${root}/dist/sweep/index.mjs`, '// newer\n');
    expect(await serverless('deploy')).toMatchObject({ failed: false });
    const { CodeSha256: after } = await stage.function();
    expect(after).not.toBe(before);
    expect(await stage.read(SWITCH)).toBe('run');

    const [earlier] = [...(await serverless('deploy list')).said.matchAll(/Timestamp: (\d+)/g)].map(([, at]) => at);
    expect(await serverless(`rollback --timestamp ${earlier}`)).toMatchObject({ failed: false });
    expect(await stage.function()).toMatchObject({ CodeSha256: before });
    expect(await stage.read(SWITCH)).toBe('run');

    const removed = await serverless('remove');
    expect(removed).toMatchObject({ failed: false });
    expect(removed.said).toContain('The switch of try read "run", and reads stop now (the stage was removed)');
    for (const name of [LOG, group, ALIAS]) expect(removed.said).toContain(`  ${name}\n`);
    await expect(stage.queue()).rejects.toThrow();
    expect(await stage.read(SWITCH)).toBe('stop because the stage was removed');
    expect(await stage.recorded()).toEqual(['cancelled long ago']);
    expect(await stage.key()).toMatchObject({ Arn: key?.Arn, KeyState: 'Enabled' });

    // As after a removal without the hook.
    await stage.write(SWITCH, 'run');
    const again = await serverless('deploy --param logRetentionDays=90');
    expect(again).toMatchObject({ failed: false });
    expect(again.said).toContain('Uses what was kept of an earlier stack: ');
    expect(await stage.read(SWITCH)).toMatch(/^stop because the stage was deployed again/);
    expect(await stage.read(TARGET)).toBe('{"mode":"live"}');
    expect((await stage.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    expect(await stage.recorded()).toEqual(['cancelled long ago']);
    expect(await stage.daysKept()).toBe(90);
    expect(await stage.key()).toMatchObject({ Arn: key?.Arn });
    expect(await stage.decrypts()).toBe(key?.Arn);
    // This peer stores a parameter as it is, so the key is tried as well.
    expect(await stage.secret(CREDENTIAL)).toEqual({ value: 'of the first deploy', keyId: ALIAS });
    expect(await stage.unseal(sealed)).toBe('of the first deploy');

    // It stays so at the next deploy, and a switch that a person has set to run is left alone.
    await stage.write(SWITCH, 'run');
    appendFileSync(`${root}/dist/sweep/index.mjs`, '// and newer\n');
    expect(await serverless('deploy')).toMatchObject({ failed: false });
    expect(await stage.read(SWITCH)).toBe('run');
    expect(await stage.decrypts()).toBe(key?.Arn);

    // The other region has parameters, logs and a key of its own.
    const other = lookAt(clientOf('us-east-1'));
    expect(await serverless('deploy', 'us-east-1')).toMatchObject({ failed: false });
    expect((await other.queue()).QueueUrl).toContain('dli-job-reaper-try-sweeps.fifo');
    await other.mendKey();
    expect((await other.key())?.Arn).not.toBe(key?.Arn);
    await expect(other.read(SWITCH)).rejects.toThrow();
    expect(await stage.read(SWITCH)).toBe('run');
  });
});
