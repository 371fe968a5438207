import type { Credentials } from '../dli/credentials.ts';
import { problemOfKey, problemOfName, problemOfPassword } from './credential-text.ts';
import { parseIamEndpoint, SettingsError } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of the process. Only this file and lib/base/command-line.ts read it in lib/; callers pass it on. */
export const environment: Environment = process.env;

/**
 * Reads the access key from the variables of the vendor's own SDKs or, if they are not set, the password from the variables of
 * OpenStack's tools, which Open Telekom Cloud documents.
 *
 * @throws {SettingsError} naming the variable that is missing or wrong.
 * @see Open Telekom Cloud, "Authentication": its openrc has OS_USER_DOMAIN_NAME; OS_DOMAIN_NAME is a domain to be scoped to
 */
export function readCredentials(env: Environment): Credentials {
  if (!env.HUAWEICLOUD_SDK_AK && env.OS_USERNAME) {
    return {
      userName: checked(env, 'OS_USERNAME', problemOfName),
      password: checked(env, 'OS_PASSWORD', problemOfPassword),
      domainName: checked(env, env.OS_USER_DOMAIN_NAME ? 'OS_USER_DOMAIN_NAME' : 'OS_DOMAIN_NAME', problemOfName),
      iamEndpoint: parseIamEndpoint('OS_AUTH_URL', required(env, 'OS_AUTH_URL')),
    };
  }
  return {
    accessKeyId: checked(env, 'HUAWEICLOUD_SDK_AK', problemOfKey),
    secretAccessKey: checked(env, 'HUAWEICLOUD_SDK_SK', problemOfKey),
    securityToken: env.HUAWEICLOUD_SDK_SECURITY_TOKEN
      ? checked(env, 'HUAWEICLOUD_SDK_SECURITY_TOKEN', problemOfKey)
      : undefined,
  };
}

/** Names the variables that hold a credential of {@link readCredentials}. */
export const credentialVariables = (credentials: Credentials): string =>
  'password' in credentials ? 'OS_USERNAME and OS_PASSWORD' : 'HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK';

function checked(env: Environment, name: string, problemOf: (text: string) => string | undefined): string {
  const value = env[name];
  if (name === 'OS_DOMAIN_NAME' && !value) {
    throw new SettingsError('OS_USER_DOMAIN_NAME or OS_DOMAIN_NAME', NOT_SET);
  }
  const text = required(env, name);
  const problem = problemOf(text);
  if (problem !== undefined) throw new SettingsError(name, problem);
  return text;
}

const NOT_SET = 'this environment variable is not set';

/** Returns the value of a variable. @throws {SettingsError} if it is missing or empty. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new SettingsError(name, NOT_SET);
  return value;
}

/** Returns a variable's minutes in milliseconds. @throws {SettingsError} if it is not a whole number, 1 or more. */
export function requiredMinutes(env: Environment, name: string): number {
  const minutes = Number(required(env, name));
  if (!Number.isInteger(minutes) || minutes < 1) throw new SettingsError(name, 'expected a whole number of minutes');
  return minutes * 60_000;
}
