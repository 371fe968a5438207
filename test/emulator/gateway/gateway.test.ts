import http from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from '../../../emulator/gateway/authentication.ts';
import { EMULATOR_KEY, EMULATOR_PROJECT_ID, type Emulator } from '../../../emulator/server.ts';
import { formatSdkDate, requestTarget, sign } from '../../../lib/dli/sign.ts';
import { emulatedJob, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const JOBS = `/v1.0/${EMULATOR_PROJECT_ID}/jobs`;
const TEMPORARY_KEY: AccessKey = { ...EMULATOR_KEY, securityToken: 'token-of-the-key' };

interface Call {
  key?: AccessKey;
  method?: string;
  path?: string;
  query?: [string, string][];
  body?: string;
  date?: string;
  /** More headers, signed like the others. */
  headers?: Record<string, string>;
  /** What is sent in place of what was signed; a header that is undefined is left out. */
  sent?: { method?: string; target?: string; body?: string; headers?: Record<string, string | undefined> };
}

/** Sends a request byte by byte as the test has it. `fetch` would change the query. */
function send({ connection: { url } }: Emulator, call: Call = {}) {
  const { key = EMULATOR_KEY, method = 'GET', path = JOBS, query = [], body = '', sent = {} } = call;
  const { host } = new URL(url);
  const signed = { host, 'x-sdk-date': call.date ?? formatSdkDate(NOW), ...call.headers };
  const { authorization } = sign({ method, path, query, headers: signed, body }, key);
  const headers = Object.entries({ ...signed, authorization, ...sent.headers }).filter(([, value]) => value);

  return new Promise<{ status: number | undefined; requestId: unknown; body: Record<string, unknown> }>(
    (resolve, reject) => {
      const request = http.request(url, {
        method: sent.method ?? method,
        path: sent.target ?? requestTarget(path, query),
        headers: Object.fromEntries(headers) as Record<string, string>,
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const { statusCode: status, headers: answered } = response;
        json(response).then(
          (read) => resolve({ status, requestId: answered['x-request-id'], body: read as Record<string, unknown> }),
          reject,
        );
      });
      request.end(sent.body ?? body);
    },
  );
}

const startGateway = (keys: AccessKey[] = [EMULATOR_KEY]) => makeWorld({ jobs: [emulatedJob(1)], keys });
const wrongKey = { key: { ...EMULATOR_KEY, secretAccessKey: 'not-the-secret' } };

describe('the gateway', () => {
  it('accepts a correctly signed request', async () => {
    const { emulator } = await startGateway();

    expect(await send(emulator)).toMatchObject({ status: 200, body: { is_success: true, job_count: 1 } });
  });

  const authorization = (value: string | undefined) => ({ sent: { headers: { authorization: value } } });
  const signature = '0'.repeat(64);

  it.each<{ name: string; call: Call; code?: string; message: string }>([
    { name: 'a signature by another secret', call: wrongKey, message: 'verify aksk signature fail' },
    {
      name: 'an unknown key',
      call: { key: { accessKeyId: 'NOBODY', secretAccessKey: 'x' } },
      message: 'ak:NOBODY,err:ak not exist',
    },
    { name: 'a missing header', call: authorization(undefined), message: 'x-auth-token not found' },
    { name: 'another scheme', call: authorization('Bearer abc'), message: 'not of the form SDK-HMAC-SHA256' },
    {
      name: "AWS's form of the header",
      call: authorization(`SDK-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=${signature}`),
      message: 'not of the form SDK-HMAC-SHA256',
    },
    {
      name: 'a signature that is cut short',
      call: authorization(`SDK-HMAC-SHA256 Access=${EMULATOR_KEY.accessKeyId}, SignedHeaders=host, Signature=abc`),
      message: 'not of the form SDK-HMAC-SHA256',
    },
    {
      name: 'a date that is not signed',
      call: authorization(
        `SDK-HMAC-SHA256 Access=${EMULATOR_KEY.accessKeyId}, SignedHeaders=host, Signature=${signature}`,
      ),
      message: 'X-Sdk-Date is missing or not signed',
    },
    {
      name: 'a date that is not sent',
      call: { sent: { headers: { 'x-sdk-date': undefined } } },
      message: 'X-Sdk-Date is missing or not signed',
    },
    { name: 'a date in another form', call: { date: 'today' }, code: 'APIGW.0303', message: 'signature expired' },
  ])('refuses $name', async ({ call, code = 'APIGW.0301', message }) => {
    const { emulator } = await startGateway();

    const { status, requestId, body } = await send(emulator, call);

    expect({ status, code: body.error_code }).toEqual({ status: 401, code });
    expect(body.error_msg).toContain(message);
    expect(body.request_id).toBe(requestId);
    expect(requestId).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    { offMinutes: -14, status: 200 },
    { offMinutes: 14, status: 200 },
    { offMinutes: -15, status: 200 },
    { offMinutes: -16, status: 401 },
    { offMinutes: 16, status: 401 },
  ])('answers $status to a date that is $offMinutes minutes off', async ({ offMinutes, status }) => {
    const { emulator } = await startGateway();

    const answer = await send(emulator, { date: formatSdkDate(NOW + offMinutes * MINUTE) });

    expect(answer.status).toBe(status);
    if (status === 401) {
      expect(answer.body).toMatchObject({
        error_code: 'APIGW.0303',
        error_msg: expect.stringContaining('server time:2026-01-05T09:00:00.000Z') as string,
      });
    }
  });

  it('locks a key for five minutes after five failures, even for correct signatures', async () => {
    const { emulator, pass, clock } = await startGateway();
    const sendNow = (call: Call = {}) => send(emulator, { ...call, date: formatSdkDate(clock.now()) });
    const locked = { status: 401, body: { error_msg: expect.stringContaining('AK access failed to reach the limit') } };

    for (let i = 0; i < 5; i++) await sendNow(wrongKey);

    expect(await sendNow()).toMatchObject(locked);
    pass(5 * MINUTE - 1);
    expect(await sendNow()).toMatchObject(locked);
    pass(1);
    expect(await sendNow()).toMatchObject({ status: 200 });
  });

  it('forgets four failures after one success', async () => {
    const { emulator } = await startGateway();

    for (const round of [1, 2]) {
      for (let i = 0; i < 4; i++) await send(emulator, wrongKey);
      expect({ round, status: (await send(emulator)).status }).toEqual({ round, status: 200 });
    }
  });

  it('locks only the key that failed', async () => {
    const other = { accessKeyId: 'OTHER', secretAccessKey: 'other-secret' };
    const { emulator } = await startGateway([EMULATOR_KEY, other]);

    for (let i = 0; i < 5; i++) await send(emulator, wrongKey);

    expect((await send(emulator)).status).toBe(401);
    expect((await send(emulator, { key: other })).status).toBe(200);
  });

  const token = (value: string) => ({ 'x-security-token': value });

  it.each<{ name: string; call: Call; status: number }>([
    { name: 'its token', call: { headers: token('token-of-the-key') }, status: 200 },
    { name: 'its token, added after signing', call: { sent: { headers: token('token-of-the-key') } }, status: 200 },
    { name: 'no token', call: {}, status: 401 },
    { name: 'another token', call: { headers: token('another') }, status: 401 },
  ])('answers $status to a temporary key with $name', async ({ call, status }) => {
    const { emulator } = await startGateway([TEMPORARY_KEY]);

    expect((await send(emulator, call)).status).toBe(status);
  });

  it('shows the canonical request it made itself, without the security token', async () => {
    const { emulator } = await startGateway([TEMPORARY_KEY]);

    const { body } = await send(emulator, { ...wrongKey, headers: token('token-of-the-key') });

    expect(body.error_msg).toContain(`canonicalRequest:GET|${JOBS}/||host:`);
    expect(body.error_msg).toContain('x-security-token:***');
    expect(body.error_msg).not.toContain('token-of-the-key');
  });

  it.each<{ name: string; sent: NonNullable<Call['sent']> }>([
    { name: 'a header', sent: { headers: { 'x-project-id': 'other' } } },
    { name: 'the host', sent: { headers: { host: 'dli.example.com' } } },
    { name: 'a query value', sent: { target: `${JOBS}?job-status=FAILED` } },
    { name: 'the query, by one more pair', sent: { target: `${JOBS}?job-status=RUNNING&owner=ana` } },
    { name: 'the method and the path', sent: { target: `${JOBS}/submit-job?job-status=RUNNING`, method: 'POST' } },
    { name: 'the body', sent: { body: '{}' } },
  ])('refuses a request whose signed parts changed: $name', async ({ sent }) => {
    const { emulator } = await startGateway();
    const headers = { 'x-project-id': EMULATOR_PROJECT_ID, 'content-length': '2' };

    const call: Call = { query: [['job-status', 'RUNNING']], headers, body: '[]' };

    expect((await send(emulator, call)).status).toBe(200);
    expect(await send(emulator, { ...call, sent })).toMatchObject({ status: 401, body: { error_code: 'APIGW.0301' } });
  });

  it('ignores a header that is not signed', async () => {
    const { emulator } = await startGateway();

    expect((await send(emulator, { sent: { headers: { 'user-agent': 'somebody' } } })).status).toBe(200);
  });

  it.each<{ name: string; query: [string, string][]; target: string }>([
    {
      name: 'in another order',
      query: [
        ['owner', 'ana'],
        ['job_types', 'QUERY'],
        ['job_types', 'DDL'],
      ],
      target: '?job_types=DDL&owner=ana&job_types=QUERY',
    },
    { name: "with !'()* left as they are", query: [['sql_pattern', "!'()*"]], target: "?sql_pattern=!'()*" },
    { name: 'with a plus that means a plus', query: [['sql_pattern', 'a+b']], target: '?sql_pattern=a+b' },
    { name: 'with a name that has no value', query: [['owner', '']], target: '?owner' },
  ])('takes a query $name', async ({ query, target }) => {
    const { emulator } = await startGateway();

    expect((await send(emulator, { query, sent: { target: `${JOBS}${target}` } })).status).toBe(200);
  });

  it.each([
    { name: 'path', method: 'GET', path: '/v1.0/x/nothing' },
    { name: 'version', method: 'GET', path: JOBS.replace('v1.0', 'v2.0') },
    { name: 'method of a known path', method: 'PUT', path: JOBS },
  ])('finds no API under another $name, before it checks the signature', async ({ method, path }) => {
    const { emulator } = await startGateway();

    const answer = await send(emulator, { ...wrongKey, method, path });

    expect(answer).toMatchObject({ status: 404, body: { error_code: 'APIG.0101' } });
  });

  it('refuses another project, after it has checked the signature', async () => {
    const { emulator } = await startGateway();
    const path = JOBS.replace(EMULATOR_PROJECT_ID, 'f'.repeat(32));

    expect(await send(emulator, { path })).toMatchObject({ status: 403, body: { error_code: 'APIG.0310' } });
    expect((await send(emulator, { ...wrongKey, path })).status).toBe(401);
  });
});
