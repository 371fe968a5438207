import { describe, expect, it } from 'vitest';
import { startApi } from '../../helpers/emulated-api.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { NOW } from '../../helpers/world.ts';

const USER = { name: 'reaper', password: 'hush', domainName: 'lake' };

async function start(options: Parameters<typeof startApi>[0] = {}) {
  const { emulator } = await startApi({ users: [USER], ...options });
  const { connection } = emulator;
  const show = async (projectId: string, keys: Partial<typeof connection> = {}) => {
    const call = { method: 'GET', path: `/v3/projects/${projectId}` };
    const { status, body } = await signedCall({ ...connection, ...keys }, call, NOW);
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  };
  return { emulator, ...connection, show };
}

describe('the name of a project, from IAM', () => {
  it.each([
    { name: 'of its region', options: {}, projectName: 'emulator-1' },
    { name: 'that it was given', options: { project: { name: 'emulator-1_lake' } }, projectName: 'emulator-1_lake' },
  ])('is that $name', async ({ options, projectName }) => {
    const { projectId, show } = await start(options);

    // The fields of the documented example, "Querying Project Information - KeystoneShowProject".
    expect(await show(projectId)).toMatchObject({
      status: 200,
      body: { project: { id: projectId, name: projectName, enabled: true, is_domain: false, description: '' } },
    });
  });

  it('is shown to the holder of a token too, and is in the answer that issues the token', async () => {
    const { url, projectId } = await start({ project: { name: 'emulator-1_lake' } });
    const user = { name: USER.name, password: USER.password, domain: { name: USER.domainName } };
    const identity = { methods: ['password'], password: { user } };
    const body = JSON.stringify({ auth: { identity, scope: { project: { id: projectId } } } });

    const issued = await fetch(`${url}/v3/auth/tokens`, { method: 'POST', body });
    const token = issued.headers.get('x-subject-token') ?? '';
    const shown = await fetch(`${url}/v3/projects/${projectId}`, { headers: { 'x-auth-token': token } });

    const project = { id: projectId, name: 'emulator-1_lake' };
    expect(await issued.json()).toMatchObject({ token: { project } });
    expect(await shown.json()).toMatchObject({ project });
  });

  it('is refused for an unknown project, for a wrong signature, and while IAM is not available', async () => {
    const { emulator, projectId, show } = await start();

    expect(await show('f'.repeat(32))).toMatchObject({ status: 404, body: { error: { code: 404 } } });
    expect(await show(projectId, { secretAccessKey: 'wrong' })).toMatchObject({ status: 401 });
    emulator.iam.setAvailable(false);
    expect(await show(projectId)).toMatchObject({ status: 503 });
  });

  it.each([
    { path: '/v3/projects', query: [['name', 'emulator-1']], found: { projects: [{ name: 'emulator-1' }] } },
    { path: '/v3/projects', query: [], found: { projects: [{ name: 'emulator-1' }] } },
    { path: '/v3/projects', query: [['name', 'eu-west-101']], found: { projects: [] } },
    { path: '/v3/auth/projects', query: [], found: { projects: [{ name: 'emulator-1' }] } },
    { path: '/v3/auth/domains', query: [], found: { domains: [{ name: 'lake', enabled: true }] } },
  ] as { path: string; query: [string, string][]; found: object }[])(
    'answers what SDKs ask before their first call: $path $query',
    async ({ path, query, found }) => {
      const { url, ...connection } = await start();

      const { status, body } = await signedCall({ url, ...connection }, { method: 'GET', path, query }, NOW);

      expect({ status, body: JSON.parse(body) as unknown }).toMatchObject({ status: 200, body: found });
    },
  );

  it('gives a token for the account, with which no call to DLI is allowed', async () => {
    const { url, projectId } = await start();
    const user = { name: USER.name, password: USER.password, domain: { name: USER.domainName } };
    const identity = { methods: ['password'], password: { user } };
    const body = JSON.stringify({ auth: { identity, scope: { domain: { name: USER.domainName } } } });

    const issued = await fetch(`${url}/v3/auth/tokens`, { method: 'POST', body });
    const headers = { 'x-auth-token': issued.headers.get('x-subject-token') ?? '' };
    const domains = await fetch(`${url}/v3/auth/domains`, { headers });
    const jobs = await fetch(`${url}/v1.0/${projectId}/jobs`, { headers });

    expect(await issued.json()).toMatchObject({ token: { domain: { name: 'lake' }, user: { name: 'reaper' } } });
    expect({ domains: domains.status, jobs: jobs.status }).toEqual({ domains: 200, jobs: 403 });
  });

  it('takes faults as the routes of DLI do', async () => {
    const { emulator, projectId, show } = await start();
    emulator.faults.add({ on: 'show-project', answer: { status: 403, body: {} } });

    expect(await show(projectId)).toEqual({ status: 403, body: {} });
    expect(await show(projectId)).toMatchObject({ status: 200 });
  });
});
