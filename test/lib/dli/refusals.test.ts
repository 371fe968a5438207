import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import { createDliClient, type DliClientOptions } from '../../../lib/dli/client.ts';
import { readProjectName } from '../../../lib/dli/project.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { emulatedJob, jobId, MINUTE, makeWorld } from '../../helpers/world.ts';

/** One DLI, and what a process has learned of its credentials. */
async function startProcess(options: Partial<EmulatorOptions> = {}) {
  const { emulator, clock, pass } = await makeWorld({ ...options, jobs: [emulatedJob(1)] });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const sharedFor = createSharedStates(clock);
  const good = { accessKeyId, secretAccessKey };
  const wrong = { accessKeyId, secretAccessKey: 'of-before-the-rotation' };
  const ask = async (credentials: DliClientOptions['credentials'], key = 'main', project = projectId) => {
    const shared = sharedFor(key);
    const endpoint = new URL(url);
    const client = createDliClient({ endpoint, projectId: project, credentials, clock, random: () => 0.5, shared });
    onTestFinished(() => client.close());
    return client.showSqlJobStatus(jobId(1));
  };
  const askIam = (credentials: typeof good, iamEndpoint = new URL(url)) =>
    readProjectName(
      { name: 'main', read: async () => credentials },
      { projectId, iamEndpoint, clock, random: () => 0.5, deadlineAt: clock.now() + MINUTE, shared: sharedFor('main') },
    );
  const statuses = () => emulator.requests.map(({ status }) => status);
  return { emulator, clock, pass, ask, askIam, good, wrong, statuses };
}

describe('a credential that was refused', () => {
  it('is not shown again by any other client of the process, which says so and why', async () => {
    const { ask, wrong, statuses } = await startProcess();
    await expect(ask(wrong)).rejects.toMatchObject({ name: 'DliResponseError', status: 401 });

    for (const key of ['main', 'another region']) {
      await expect(ask({ ...wrong }, key)).rejects.toMatchObject({
        name: 'DliRefusedBeforeError',
        kind: 'authentication',
        message: expect.stringMatching(
          /^read job .*: not sent, since this credential was refused less than five minutes ago: 401 APIGW\.0301 the signature is wrong/,
        ),
      });
    }

    expect(statuses()).toEqual([401]);
  });

  it('does not keep another one from being tried, and is forgotten by its value, not by its name', async () => {
    const { ask, wrong, good, statuses } = await startProcess();
    await expect(ask(wrong)).rejects.toThrow('401');

    await ask(good);

    expect(statuses()).toEqual([401, 200]);
  });

  it('is read again before it is given up, since it may have been changed meanwhile', async () => {
    const { ask, wrong, good, statuses } = await startProcess();
    await expect(ask(wrong)).rejects.toThrow('401');
    const readings = [wrong, good];

    await ask({ name: 'main', read: async () => readings.shift() ?? good });

    expect(statuses()).toEqual([401, 200]);
  });

  it('is tried again after five minutes, and no earlier', async () => {
    const { ask, wrong, pass, statuses } = await startProcess();
    await expect(ask(wrong)).rejects.toThrow('401');

    pass(5 * MINUTE - 1);
    await expect(ask(wrong)).rejects.toThrow('not sent');
    pass(1);
    await expect(ask(wrong)).rejects.toThrow('401');

    expect(statuses()).toEqual([401, 401]);
  });

  it('and was good before gets one more try, since the first refusal may have been about the project', async () => {
    const { ask, good, emulator, statuses } = await startProcess();
    await ask(good);
    const refusal = { status: 401, body: { error_code: 'APIG.0301', error_msg: 'no' } };
    emulator.faults.add({ on: 'show-sql-job-status', times: 3, answer: refusal });

    for (const problem of ['401', '401', 'not sent']) await expect(ask(good)).rejects.toThrow(problem);

    expect(statuses()).toEqual([200, 401, 401]);
  });

  it('counts anew once it has been accepted', async () => {
    const { ask, good, emulator } = await startProcess();
    const refusal = { status: 401, body: { error_code: 'APIG.0301', error_msg: 'no' } };
    const refuseOnce = async () => {
      emulator.faults.add({ on: 'show-sql-job-status', answer: refusal });
      await expect(ask(good)).rejects.toThrow('401');
    };
    await ask(good);

    await refuseOnce();
    await ask(good);
    await refuseOnce();

    expect(await ask(good)).toMatchObject({ status: 'RUNNING' });
  });

  it('by IAM is not shown to DLI, nor by DLI to IAM', async () => {
    const { ask, askIam, wrong, statuses } = await startProcess();

    await expect(askIam(wrong)).rejects.toThrow('401');
    await expect(ask(wrong)).rejects.toThrow('not sent');
    await expect(askIam(wrong)).rejects.toThrow('ask IAM for the name of the project: not sent');

    expect(statuses()).toEqual([401]);
  });

  it('does not include one whose clock was wrong: IAM is asked again by its own time, as DLI is', async () => {
    const { askIam, ask, good, emulator, clock } = await startProcess();
    const { url } = emulator.connection;
    clock.now = (
      (now) => () =>
        now() - 20 * MINUTE
    )(clock.now);

    expect(await askIam(good, new URL(url))).toBe(emulator.connection.region);
    expect(await ask(good)).toMatchObject({ status: 'RUNNING' });
  });
});

describe('a password that was refused', () => {
  it('fails one login, for all projects and services', async () => {
    const users = [{ name: 'reaper', password: 'hush', domainName: 'lake' }];
    const { ask, askIam, emulator } = await startProcess({ users });
    const iamEndpoint = new URL(emulator.connection.url);
    const password = { userName: 'reaper', password: 'mistyped', domainName: 'lake', iamEndpoint };

    await expect(ask(password)).rejects.toThrow('get an IAM token: 401');
    await expect(ask(password, 'main', '1'.repeat(32))).rejects.toThrow('not sent');
    await expect(askIam(password as never)).rejects.toThrow('not sent');

    expect(emulator.requests.map(({ target }) => target)).toEqual(['/v3/auth/tokens?nocatalog=true']);
  });
});
