import { GetParametersCommand, type Parameter, paginateGetParametersByPath, type SSMClient } from '@aws-sdk/client-ssm';
import { nameOf } from '../base/error-words.ts';
import { agentOptionsFor } from '../http/proxy.ts';
import { environment } from './environment.ts';
import { readProxy } from './proxy.ts';
import { isSecretReference } from './secret-reference.ts';
import { SettingsError } from './settings.ts';

/** Values by name. */
export class ParameterValues extends Map<string, string> {
  /** By the same names. */
  readonly versions = new Map<string, number>();

  add({ Name, Value, Version }: Parameter): void {
    if (Name === undefined) return;
    this.set(Name, Value ?? '');
    // A secret of Secrets Manager has none, which Parameter Store tells as 0.
    if (Version) this.versions.set(Name, Version);
  }

  versionOf(name: string): number | null {
    return this.versions.get(name) ?? null;
  }
}

/**
 * Those that exist.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadParameters = (names: readonly string[]) => Promise<ParameterValues>;

/**
 * Every parameter below a path that ends in a slash.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadPath = (path: string) => Promise<ParameterValues>;

export const AWS_CLIENT_OPTIONS = {
  maxAttempts: 3,
  /** Made for each client, since a proxy that cannot be used is told by the verb that needs it. @throws {SettingsError} */
  get requestHandler() {
    return {
      // A hung Parameter Store or queue must not hang us: without these the SDK waits for ever. Three attempts, with the
      // pauses between them, end within 15 seconds.
      connectionTimeout: 2_000,
      requestTimeout: 4_500,
      throwOnRequestTimeout: true,
      // Credentials come in the answers, so NODE_TLS_REJECT_UNAUTHORIZED is not obeyed here either.
      httpsAgent: { ...agentOptionsFor(readProxy(environment)), rejectUnauthorized: true },
    };
  },
};

export function createParameterReader(client: SSMClient): ReadParameters {
  return async (names) => {
    try {
      const { Parameters = [] } = await client.send(
        new GetParametersCommand({ Names: [...names], WithDecryption: true }),
      );
      const [name, ...others] = names;
      // A secret of Secrets Manager may come by its own name, without the path.
      const isSecret = name !== undefined && others.length === 0 && isSecretReference(name);
      return collect(isSecret ? Parameters.map((one) => ({ ...one, Name: name })) : Parameters);
    } catch (error) {
      const what = nameOf(error);
      throw new SettingsError(names.join(', '), `cannot be read from Parameter Store (${what})`, { cause: error });
    }
  };
}

/**
 * Up to ten parameters come with each answer.
 *
 * @param WithDecryption false for a caller that may not: a SecureString then comes as it is stored, which is no JSON.
 */
export function createPathReader(client: SSMClient, { WithDecryption = true } = {}): ReadPath {
  return async (path) => {
    try {
      const parameters: Parameter[] = [];
      const pages = paginateGetParametersByPath({ client }, { Path: path, Recursive: true, WithDecryption });
      for await (const { Parameters = [] } of pages) parameters.push(...Parameters);
      return collect(parameters);
    } catch (error) {
      const what = nameOf(error);
      throw new SettingsError(path, `cannot be read from Parameter Store (${what})`, { cause: error });
    }
  };
}

function collect(parameters: readonly Parameter[]): ParameterValues {
  const values = new ParameterValues();
  for (const parameter of parameters) values.add(parameter);
  return values;
}

/** All parameters of a stage live under one prefix; IAM grants refer to it. */
export const parameterNames = (stage: string) => ({
  switch: `/dli-reaper/${stage}/switch`,
  targets: `/dli-reaper/${stage}/targets/`,
  target: (name: string) => `/dli-reaper/${stage}/targets/${name}`,
  policy: (name: string) => `/dli-reaper/${stage}/policies/${name}`,
  /** A secret of Secrets Manager has the name by which Parameter Store passes it on. */
  credentials: (name: string) => (isSecretReference(name) ? name : `/dli-reaper/${stage}/credentials/${name}`),
  /** Each exemption is a parameter of its own below this, so that a team can be allowed to write its own. */
  exemptions: `/dli-reaper/${stage}/exemptions/`,
  /** Likewise. */
  freezes: `/dli-reaper/${stage}/freezes/`,
});
