import { afterEach, describe, expect, it, vi } from 'vitest';
import { codeOf, isAwsSilence, nameOf } from '../../../lib/base/error-words.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';

const errorOf = (name: string, message = 'arn:aws:iam::1:user/x sent hush') =>
  Object.assign(new Error(message), { name });
const EXPIRED = "Token is expired. To refresh this SSO session run 'aws sso login' with the corresponding profile.";

afterEach(() => vi.unstubAllEnvs());

describe('the name of an AWS error', () => {
  it.each([
    { name: 'an answer', error: errorOf('AccessDeniedException'), says: 'AccessDeniedException' },
    { name: 'no answer', error: errorOf('TimeoutError'), says: 'TimeoutError: AWS gave no answer' },
    { name: 'no region', error: new Error('Region is missing'), says: 'no region: set AWS_REGION' },
    {
      name: 'no credentials anywhere',
      error: errorOf('CredentialsProviderError', 'Could not load credentials from any providers'),
      says: 'no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID',
    },
    {
      name: 'an expired SSO session',
      error: errorOf('CredentialsProviderError', EXPIRED),
      says: `no AWS credentials: ${EXPIRED.slice(0, -1)}`,
    },
    {
      name: 'expired credentials',
      error: errorOf('ExpiredTokenException'),
      says: 'ExpiredTokenException: the AWS credentials have expired',
    },
  ])('says what happened, and nothing that was sent: $name', ({ error, says }) => {
    vi.stubEnv('AWS_PROFILE', '');

    expect(nameOf(error)).toBe(says);
  });

  it.each([
    {
      name: 'no credentials anywhere',
      error: errorOf('CredentialsProviderError', 'Could not load credentials from any providers'),
      says: 'no AWS credentials: AWS_PROFILE night has none',
    },
    {
      name: 'an expired SSO session',
      error: errorOf('TokenProviderError', EXPIRED),
      says: `no AWS credentials of AWS_PROFILE night: ${EXPIRED.slice(0, -1)}`,
    },
    {
      name: 'expired credentials',
      error: errorOf('ExpiredToken'),
      says: 'ExpiredToken: the AWS credentials of AWS_PROFILE night have expired',
    },
  ])('names the profile where one is set: $name', ({ error, says }) => {
    vi.stubEnv('AWS_PROFILE', 'night');

    expect(nameOf(error)).toBe(says);
  });

  it.each(['Command failed: get-key --password hush', 'Unexpected token h, "hush" is not valid JSON'])(
    'repeats no output of a command, and no part of a file: %s',
    (message) => {
      vi.stubEnv('AWS_PROFILE', '');

      expect(nameOf(errorOf('CredentialsProviderError', message))).toBe(
        'no AWS credentials: their source in the profile cannot be read',
      );
    },
  );
});

describe('isAwsSilence', () => {
  it('is true for an answer that did not come in time, and for nothing else', () => {
    const ofOurs = (cause: unknown) => new SettingsError('/a', 'cannot be read', { cause });

    expect(isAwsSilence(ofOurs(errorOf('TimeoutError')))).toBe(true);
    expect(isAwsSilence(ofOurs(errorOf('ThrottlingException')))).toBe(false);
    expect(isAwsSilence(ofOurs(undefined))).toBe(false);
  });
});

const errorWith = (fields: object) => Object.assign(new Error('of Node'), fields);

describe('codeOf', () => {
  it('puts a code of the system into words', () => {
    expect(codeOf(errorWith({ code: 'EISDIR' }))).toBe('it is a folder, EISDIR');
    expect(codeOf(errorWith({ code: 'ENOENT' }))).toBe('no such file or folder, ENOENT');
  });

  it('leaves a code that it does not know as it is', () => {
    expect(codeOf(errorWith({ code: 'EWHAT' }))).toBe('EWHAT');
    expect(codeOf('thrown')).toBe('unknown error');
  });
});

describe('nameOf', () => {
  it('names the host of AWS that was not found, which holds the region that was meant', () => {
    const error = errorWith({ code: 'ENOTFOUND', hostname: 'ssm.eu-central-9.amazonaws.com' });

    expect(nameOf(error)).toBe(
      'ENOTFOUND ssm.eu-central-9.amazonaws.com; check AWS_REGION, or set HTTPS_PROXY if this network needs a proxy',
    );
  });

  it.each([
    { code: 'SELF_SIGNED_CERT_IN_CHAIN', says: 'NODE_EXTRA_CA_CERTS' },
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', says: 'NODE_EXTRA_CA_CERTS' },
    { code: 'ERR_PROXY_TUNNEL', says: 'HTTPS_PROXY' },
  ])('says what to check for $code', ({ code, says }) => {
    expect(nameOf(errorWith({ code }))).toContain(`${code}; `);
    expect(nameOf(errorWith({ code }))).toContain(says);
  });

  it('leaves other codes as they are', () => {
    expect(nameOf(errorWith({ code: 'ECONNRESET' }))).toBe('ECONNRESET');
  });
});
