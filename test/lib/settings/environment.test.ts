import { describe, expect, it } from 'vitest';
import { readCredentials, requiredMinutes } from '../../../lib/settings/environment.ts';

const PASSWORD = {
  OS_USERNAME: 'reaper',
  OS_PASSWORD: 'the-secret',
  OS_DOMAIN_NAME: 'account',
  OS_AUTH_URL: 'https://iam.example.com/v3',
};
const KEYS = { HUAWEICLOUD_SDK_AK: 'the-key', HUAWEICLOUD_SDK_SK: 'the-secret' };

describe('readCredentials', () => {
  it("reads the variables of the vendor's own tools", () => {
    expect(readCredentials({ ...KEYS, HUAWEICLOUD_SDK_SECURITY_TOKEN: 'the-token' })).toEqual({
      accessKeyId: 'the-key',
      secretAccessKey: 'the-secret',
      securityToken: 'the-token',
    });
  });

  it.each([undefined, ''])('takes a security token of %j for none', (token) => {
    expect(readCredentials({ ...KEYS, HUAWEICLOUD_SDK_SECURITY_TOKEN: token })).toEqual({
      accessKeyId: 'the-key',
      secretAccessKey: 'the-secret',
      securityToken: undefined,
    });
  });

  it.each([
    { missing: 'HUAWEICLOUD_SDK_AK', value: undefined },
    { missing: 'HUAWEICLOUD_SDK_AK', value: '' },
    { missing: 'HUAWEICLOUD_SDK_SK', value: undefined },
    { missing: 'HUAWEICLOUD_SDK_SK', value: '' },
  ])('names $missing when it is $value, and shows none of the others', ({ missing, value }) => {
    const read = () => readCredentials({ ...KEYS, [missing]: value });

    expect(read).toThrow(`${missing}: this environment variable is not set`);
    expect(read).not.toThrow(/the-(key|secret)/);
  });

  it("reads a password in the variables of OpenStack's tools where there is no access key", () => {
    const password = { userName: 'reaper', password: 'the-secret', domainName: 'account' };

    expect(readCredentials(PASSWORD)).toEqual({ ...password, iamEndpoint: new URL('https://iam.example.com') });
    expect(readCredentials({ ...PASSWORD, ...KEYS })).toMatchObject({ accessKeyId: 'the-key' });
  });

  it.each(['OS_PASSWORD', 'OS_DOMAIN_NAME', 'OS_AUTH_URL'])('names %s when it is missing', (missing) => {
    const read = () => readCredentials({ ...PASSWORD, [missing]: undefined });

    expect(read).toThrow(`${missing}: this environment variable is not set`);
    expect(read).not.toThrow(/the-secret/);
  });
});

describe('requiredMinutes', () => {
  it('gives milliseconds', () => {
    expect(requiredMinutes({ PERIOD_MINUTES: '15' }, 'PERIOD_MINUTES')).toBe(900_000);
  });

  it.each(['0', '-5', '1.5', '15m', ' '])('refuses %j', (value) => {
    expect(() => requiredMinutes({ PERIOD_MINUTES: value }, 'PERIOD_MINUTES')).toThrow(
      'PERIOD_MINUTES: expected a whole number of minutes',
    );
  });
});
