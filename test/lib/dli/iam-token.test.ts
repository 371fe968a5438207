import { describe, expect, it } from 'vitest';
import type { IamUser } from '../../../emulator/gateway/iam.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import type { DliClientOptions } from '../../../lib/dli/client.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { emulatedJob, HOUR, jobId, makeWorld } from '../../helpers/world.ts';

const USER: IamUser = { name: 'reaper', password: 'hush', domainName: 'lake' };

async function connect(
  password = USER.password,
  changes: Partial<DliClientOptions> = {},
  options: Partial<EmulatorOptions> = {},
) {
  const world = await makeWorld({ ...options, jobs: [emulatedJob(1)], users: [USER] });
  const iamEndpoint = new URL(world.emulator.connection.url);
  const credentials = { userName: USER.name, password, domainName: USER.domainName, iamEndpoint };
  const anotherClient = () => world.client({ credentials, ...changes });
  const client = anotherClient();
  const tokens = () => world.emulator.requests.filter(({ target }) => target.startsWith('/v3/auth/tokens')).length;
  return { ...world, client, anotherClient, tokens, show: () => client.showSqlJobStatus(jobId(1)) };
}

describe('a password', () => {
  it('is exchanged for one token, which every call then carries', async () => {
    const { client, show, tokens } = await connect();

    await show();
    const results = await Promise.all([show(), show(), client.cancelSqlJob(jobId(1))]);

    expect(results[2]).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(tokens()).toBe(1);
  });

  it('is exchanged again shortly before its token expires, once for all calls side by side', async () => {
    const { show, tokens, pass } = await connect();
    await show();

    pass(24 * HOUR - 4 * 60_000);
    await Promise.all([show(), show(), show()]);

    expect(tokens()).toBe(2);
  });

  it('is exchanged again when its token is refused, once for all calls side by side', async () => {
    const { show, tokens, emulator } = await connect();
    await show();

    emulator.iam.revokeAll();
    const jobs = await Promise.all([show(), show(), show()]);

    expect(jobs.map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING', 'RUNNING']);
    expect(tokens()).toBe(2);
  });

  it('is exchanged again at half time when its token lasts for minutes only', async () => {
    const { show, tokens, pass } = await connect(USER.password, {}, { tokenLifetimeMs: 4 * 60_000 });

    await show();
    await show();
    expect(tokens()).toBe(1);
    pass(2 * 60_000);
    await show();
    expect(tokens()).toBe(2);
  });

  it('is not exchanged again for another client of the same process', async () => {
    const shared = createSharedStates({ now: () => 0, sleep: async () => {} })('here');
    const { client: first, tokens, anotherClient } = await connect(USER.password, { shared });

    await first.showSqlJobStatus(jobId(1));
    await anotherClient().showSqlJobStatus(jobId(1));

    expect(tokens()).toBe(1);
  });

  it('is not needed again while its token lasts, when IAM is down', async () => {
    const { show, tokens, pass, emulator } = await connect();
    await show();
    pass(24 * HOUR - 4 * 60_000);
    emulator.iam.setAvailable(false);

    expect(await show()).toMatchObject({ status: 'RUNNING' });
    expect(await show()).toMatchObject({ status: 'RUNNING' });

    expect(tokens()).toBe(2);
  });

  it('that is wrong is tried once, and never shown', async () => {
    const { show, tokens } = await connect('wrong-password');

    const error = await show().catch((thrown: Error) => thrown);
    await expect(show()).rejects.toThrow('401');

    expect(error).toMatchObject({ kind: 'authentication', message: 'get an IAM token: 401' });
    expect(JSON.stringify(error)).not.toContain('wrong-password');
    expect(tokens()).toBe(1);
  });
});
