import type { Credentials } from '../dli/auth.ts';
import { parseIamEndpoint, SettingsError } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The one place in lib/ that knows the process's environment; callers pass it on. */
export const environment: Environment = process.env;

/**
 * The access key in the variables that the vendor's own SDKs read; or, where that is not set, the password in those that
 * OpenStack's tools read, which Open Telekom Cloud documents.
 *
 * @throws {SettingsError} naming the variable that is missing.
 */
export function readCredentials(env: Environment): Credentials {
  if (!env.HUAWEICLOUD_SDK_AK && env.OS_USERNAME) {
    return {
      userName: env.OS_USERNAME,
      password: required(env, 'OS_PASSWORD'),
      domainName: required(env, 'OS_DOMAIN_NAME'),
      iamEndpoint: parseIamEndpoint('OS_AUTH_URL', required(env, 'OS_AUTH_URL')),
    };
  }
  return {
    accessKeyId: required(env, 'HUAWEICLOUD_SDK_AK'),
    secretAccessKey: required(env, 'HUAWEICLOUD_SDK_SK'),
    securityToken: env.HUAWEICLOUD_SDK_SECURITY_TOKEN || undefined,
  };
}

/** @throws {SettingsError} if the variable is missing or empty. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new SettingsError(name, 'this environment variable is not set');
  return value;
}

/** @returns milliseconds. @throws {SettingsError} if the variable is not a whole number of minutes. */
export function requiredMinutes(env: Environment, name: string): number {
  const minutes = Number(required(env, name));
  if (!Number.isInteger(minutes) || minutes < 1) throw new SettingsError(name, 'expected a whole number of minutes');
  return minutes * 60_000;
}
