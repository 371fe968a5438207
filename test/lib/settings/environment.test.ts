import { describe, expect, it } from 'vitest';
import { readCredentials, requiredMinutes } from '../../../lib/settings/environment.ts';
import { thrownBy } from '../../helpers/thrown-by.ts';

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

describe('a credential whose text cannot be one', () => {
  it.each([
    { name: 'HUAWEICLOUD_SDK_AK', env: KEYS, value: 'the-key\n' },
    { name: 'HUAWEICLOUD_SDK_SK', env: KEYS, value: ' the-secret' },
    { name: 'HUAWEICLOUD_SDK_SECURITY_TOKEN', env: KEYS, value: 'the-\u200btoken' },
    { name: 'OS_USERNAME', env: PASSWORD, value: 'reaper ' },
    { name: 'OS_PASSWORD', env: PASSWORD, value: 'the-secret\n' },
    { name: 'OS_USER_DOMAIN_NAME', env: PASSWORD, value: 'account\r\n' },
    { name: 'OS_DOMAIN_NAME', env: PASSWORD, value: 'account\n' },
  ])('is refused by the name of its variable, $name, and not shown', ({ name, env, value }) => {
    const error = thrownBy(() => readCredentials({ ...env, [name]: value }));

    expect(error).toMatchObject({ name: 'SettingsError', setting: name });
    expect((error as Error).message).not.toMatch(/the-|reaper|account/);
  });
});

describe("Open Telekom Cloud's own openrc", () => {
  const OPENRC = {
    OS_AUTH_URL: 'https://iam.eu-de.otc.t-systems.com:443/v3',
    OS_IDENTITY_API_VERSION: '3',
    OS_USER_DOMAIN_NAME: 'OTC-EU-DE-00000000001000000000',
    OS_PROJECT_NAME: 'eu-de',
    OS_USERNAME: 'somebody',
    OS_PASSWORD: 'something',
  };

  it('is read as a password', () => {
    expect(readCredentials(OPENRC)).toEqual({
      userName: 'somebody',
      password: 'something',
      domainName: 'OTC-EU-DE-00000000001000000000',
      iamEndpoint: new URL('https://iam.eu-de.otc.t-systems.com'),
    });
  });

  it('is read without OS_DOMAIN_NAME, which is a domain to be scoped to', () => {
    expect(readCredentials({ ...OPENRC, OS_DOMAIN_NAME: 'other' })).toMatchObject({
      domainName: OPENRC.OS_USER_DOMAIN_NAME,
    });
  });

  it('is refused without any domain, by the names of both variables', () => {
    expect(() => readCredentials({ ...OPENRC, OS_USER_DOMAIN_NAME: undefined })).toThrow(
      /^OS_USER_DOMAIN_NAME or OS_DOMAIN_NAME: /,
    );
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
