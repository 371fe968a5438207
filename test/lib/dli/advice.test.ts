import { describe, expect, it } from 'vitest';
import { adviceOn } from '../../../lib/dli/advice.ts';
import { type DliError, DliNetworkError, DliResponseError, DliTimeoutError } from '../../../lib/dli/errors.ts';
import { readSuccess } from '../../../lib/dli/wire.ts';
import { NetworkError, type Route, TimeoutError } from '../../../lib/http/errors.ts';
import { thrownBy } from '../../helpers/thrown-by.ts';

const HOST = 'dli.eu-west-1.myhuaweicloud.com';
const PARAMETER = '/dli-reaper/prod/credentials/main';

const network = (code: string, route: Partial<Route> = {}) =>
  new DliNetworkError('list jobs', new NetworkError(code, false, { route: { host: HOST, ...route } }));

/** The error that the connection makes of an answer. */
const answered = (status: number, body: unknown) =>
  thrownBy(() =>
    readSuccess({
      operation: 'list jobs',
      status,
      requestId: undefined,
      retryAfterMs: undefined,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      peer: { host: HOST, credential: PARAMETER },
    }),
  ) as DliResponseError;

describe('adviceOn', () => {
  const answer = (status: number, errorCode?: string) => new DliResponseError('list jobs', { status, errorCode });

  it.each<{ error: DliError; advice: RegExp | undefined }>([
    { error: answer(401), advice: /^check the credential and this machine's clock/ },
    { error: answer(403, 'APIG.0310'), advice: /^check that endpoint, region and project id belong together/ },
    { error: answer(400, 'DLI.0003'), advice: /^the IAM user lacks a right/ },
    { error: answer(503), advice: undefined },
    { error: answer(400, 'DLI.0001'), advice: undefined },
    { error: new DliNetworkError('list jobs', new NetworkError('ECONNRESET', true)), advice: /^check the endpoint/ },
    {
      error: new DliTimeoutError('list jobs', new TimeoutError('answer', 15_000)),
      advice: /^check the endpoint/,
    },
  ])('says what can be done about $error.message: $advice', ({ error, advice }) => {
    if (advice === undefined) expect(adviceOn(error)).toBeUndefined();
    else expect(adviceOn(error)).toMatch(advice);
  });
});

describe('a call without an answer', () => {
  it.each([
    {
      code: 'ENOTFOUND',
      route: {},
      says: [HOST, 'check the region', 'eu-west-101', 'https://dli.eu-de.otc.t-systems.com', 'set HTTPS_PROXY'],
    },
    { code: 'ENOTFOUND', route: { proxy: 'proxy.example:3128' }, says: ['HTTPS_PROXY', 'proxy.example:3128'] },
    { code: 'EAI_AGAIN', route: {}, says: [HOST, 'network of this machine', 'set HTTPS_PROXY'] },
    { code: 'ECONNREFUSED', route: {}, says: ['check the endpoint', 'set HTTPS_PROXY'] },
    {
      code: 'ECONNREFUSED',
      route: { proxy: 'proxy.example:3128' },
      says: ['check the endpoint, and the proxy proxy.example:3128'],
    },
    { code: 'PROXY_407', route: { proxy: 'p:1' }, says: ['HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT'] },
    { code: 'PROXY_403', route: { proxy: 'p:1' }, says: [HOST, 'NO_PROXY'] },
    {
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
      route: {},
      says: [HOST, 'NODE_EXTRA_CA_CERTS', 'NODE_TLS_REJECT_UNAUTHORIZED is ignored'],
    },
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', route: {}, says: ['NODE_EXTRA_CA_CERTS'] },
    { code: 'CERT_HAS_EXPIRED', route: {}, says: [HOST, 'clock'] },
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', route: {}, says: [HOST, 'check the endpoint'] },
  ])('gets advice on $code by $route', ({ code, route, says }) => {
    const error = network(code, route);

    expect(error.message).toContain(`cannot connect to ${HOST}`);
    for (const words of says) expect(adviceOn(error)).toContain(words);
  });

  it('gets no advice on a proxy if this machine itself was called', () => {
    for (const host of ['127.0.0.1:8080', 'localhost:8080', '[::1]:8080']) {
      expect(adviceOn(network('ECONNREFUSED', { host }))).toBe('check the endpoint and the network; no answer came');
    }
  });

  it('names the host that took too long', () => {
    const error = new DliTimeoutError('list jobs', new TimeoutError('connect', 5_000, { host: HOST, proxy: 'p:1' }));

    expect(error.message).toBe(`list jobs: no connection to ${HOST} through the proxy p:1 within 5000 ms`);
    expect(adviceOn(error)).toContain('the proxy p:1 in HTTPS_PROXY');
  });
});

describe('a credential that was refused', () => {
  const refused = (error_msg: string) =>
    answered(401, { error_code: 'APIGW.0301', error_msg: `Incorrect IAM authentication information: ${error_msg}` });

  it.each([
    {
      text: 'verify aksk signature fail, canonicalRequest:GET|hush',
      message: 'the signature is wrong',
      says: 'copy both parts',
    },
    {
      text: 'Get secretKey failed,ak:hush,err:ak not exist',
      message: 'there is no such access key',
      says: 'belongs to another cloud',
    },
    { text: 'decrypt token fail', message: 'the token is not valid, or has expired', says: 'get a new temporary key' },
    {
      text: 'token expires, expires_at:2026',
      message: 'the token is not valid, or has expired',
      says: 'get a new temporary key',
    },
    {
      text: 'signature expired, signature time:hush',
      message: 'the signature is too old, or dated in the future',
      says: "this machine's clock",
    },
    { text: 'AK access failed to reach the limit,forbidden', message: 'the key is locked', says: 'wait five minutes' },
  ])('is explained in our own words: $message', ({ text, message, says }) => {
    const error = refused(text);

    expect(error.message).toBe(`list jobs: 401 APIGW.0301 ${message}`);
    expect(adviceOn(error)).toContain(says);
    if (says !== "this machine's clock") expect(adviceOn(error)).toContain(PARAMETER);
    expect(error.message + adviceOn(error)).not.toContain('hush');
  });

  it('is named by its place, with all that could be wrong, if the gateway gives no reason', () => {
    const error = refused('something new');

    expect(error.message).toBe('list jobs: 401 APIGW.0301');
    expect(adviceOn(error)).toContain(
      `check the credential and this machine's clock; the credential is in ${PARAMETER}`,
    );
  });
});

describe('an answer that is not of DLI', () => {
  it.each([
    { name: '403 in HTML', status: 403, body: '<html>blocked</html>' },
    { name: '403 without a body', status: 403, body: '' },
    { name: 'a login page', status: 302, body: '' },
    { name: '404 in HTML', status: 404, body: '<html></html>' },
  ])('is reported with the host that gave it: $name', ({ status, body }) => {
    const error = answered(status, body);

    expect(error.kind).toBe('configuration');
    expect(adviceOn(error)).toMatch(new RegExp(`^${HOST} did not answer like DLI`));
  });

  it('asks for the name and the password of a proxy after a 407', () => {
    expect(adviceOn(answered(407, '<html></html>'))).toContain('HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT');
  });

  it('is not a missing right, which IAM and the gateway report in JSON', () => {
    for (const body of [{ error_code: 'APIG.0302' }, { error: { code: 403, message: "Policy doesn't allow" } }]) {
      expect(adviceOn(answered(403, body))).toMatch(/^the IAM user lacks a right/);
    }
  });
});
