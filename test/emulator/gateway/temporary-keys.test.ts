import { afterEach, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../../../emulator/server.ts';
import { signedCall } from '../../helpers/signed-call.ts';
import { emulatedJob, NOW } from '../../helpers/world.ts';

const USER = { name: 'reaper', password: 'hush', domainName: 'lake' };
let emulator: Emulator | undefined;
afterEach(() => emulator?.close());

async function start() {
  let now = NOW;
  emulator = await startEmulator({ now: () => now, random: () => 0.5, users: [USER], jobs: [emulatedJob(1)] });
  const { connection } = emulator;
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(connection.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, never> };
  };
  const token = async (project: object = { name: connection.region }) => {
    const user = { name: USER.name, password: USER.password, domain: { name: USER.domainName } };
    const identity = { methods: ['password'], password: { user } };
    return (
      (await post('/v3/auth/tokens', { auth: { identity, scope: { project } } })).headers.get('x-subject-token') ?? ''
    );
  };
  const assume = (body: object) =>
    signedCall(connection, { method: 'POST', path: '/v5/agencies/assume', body: JSON.stringify(body) }, now);
  /** Lists jobs with a key; the status of the answer. */
  const listWith = async (key: { access: string; secret: string; token?: string }) => {
    const { url, projectId } = connection;
    const keys = { url, projectId, accessKeyId: key.access, secretAccessKey: key.secret };
    const headers = key.token === undefined ? {} : { 'x-security-token': key.token };
    return (await signedCall(keys, { method: 'GET', path: `/v1.0/${projectId}/jobs`, headers }, now)).status;
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { post, token, assume, listWith, pass };
}

describe('temporary keys from IAM', () => {
  it.each([
    { name: 'a token', identity: { methods: ['token'], token: { duration_seconds: 900 } } },
    { name: 'a token, for the default time', identity: { methods: ['token'] } },
    {
      name: 'an agency',
      identity: {
        methods: ['assume_role'],
        assume_role: { agency_name: 'reaper', domain_name: 'lake', duration_seconds: 900 },
      },
    },
  ])('are issued for $name, are good only with their token, and expire', async ({ identity }) => {
    const { post, token, listWith, pass } = await start();

    const answer = await post(
      '/v3.0/OS-CREDENTIAL/securitytokens',
      { auth: { identity } },
      { 'x-auth-token': await token() },
    );

    expect(answer).toMatchObject({ status: 201, body: { credential: { expires_at: '2026-01-05T09:15:00.000000Z' } } });
    const { access, secret, securitytoken } = answer.body.credential as unknown as Record<string, string>;
    const key = { access: access ?? '', secret: secret ?? '' };
    expect(await listWith({ ...key, token: securitytoken ?? '' })).toBe(200);
    expect(await listWith(key)).toBe(401);
    pass(900_000);
    expect(await listWith({ ...key, token: securitytoken ?? '' })).toBe(401);
  });

  it.each([
    { name: 'too short a time', identity: { methods: ['token'], token: { duration_seconds: 899 } } },
    {
      name: 'an agency without a domain',
      identity: { methods: ['assume_role'], assume_role: { agency_name: 'reaper' } },
    },
    { name: 'another method', identity: { methods: ['password'] } },
  ])('are refused for $name', async ({ identity }) => {
    const { post, token } = await start();
    const headers = { 'x-auth-token': await token() };

    expect((await post('/v3.0/OS-CREDENTIAL/securitytokens', { auth: { identity } }, headers)).status).toBe(400);
  });

  it('are refused to a caller with an invalid token', async () => {
    const { post } = await start();
    const body = { auth: { identity: { methods: ['token'] } } };

    expect((await post('/v3.0/OS-CREDENTIAL/securitytokens', body, { 'x-auth-token': 'made up' })).status).toBe(401);
  });
});

describe('an agency assumed through STS', () => {
  const URN = 'iam::0123456789:agency:reaper';

  it('gives a key for an hour by default', async () => {
    const { assume, listWith } = await start();

    const answer = JSON.parse((await assume({ agency_urn: URN, agency_session_name: 'sweep' })).body) as {
      credentials: Record<string, string>;
    };

    const {
      access_key_id: access = '',
      secret_access_key: secret = '',
      security_token: token = '',
    } = answer.credentials;
    expect(answer).toMatchObject({
      assumed_agency: { urn: `${URN}/sweep` },
      credentials: { expiration: '2026-01-05T10:00:00.000Z' },
    });
    expect(await listWith({ access, secret, token })).toBe(200);
  });

  it.each([
    { name: 'no session', body: { agency_urn: URN } },
    { name: 'a name for a URN', body: { agency_urn: 'reaper', agency_session_name: 'sweep' } },
    { name: 'too long a time', body: { agency_urn: URN, agency_session_name: 'sweep', duration_seconds: 43_201 } },
    { name: 'no object', body: [] },
  ])('is refused for $name', async ({ body }) => {
    const { assume } = await start();

    expect(await assume(body)).toMatchObject({ status: 400, body: expect.stringContaining('STS5.0001') });
  });
});

it('a token is for the project of its scope, by id or by the name of its region', async () => {
  const { token } = await start();

  expect(await token({ id: '0123456789abcdef0123456789abcdef' })).not.toBe('');
  expect(await token({ name: 'emulator-1' })).not.toBe('');
  expect(await token({ name: 'elsewhere-1' })).toBe('');
});
