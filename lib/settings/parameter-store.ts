import { GetParametersCommand, type Parameter, paginateGetParametersByPath, type SSMClient } from '@aws-sdk/client-ssm';
import { nameOf } from '../base/error-words.ts';
import { parseJsonText, TextError, withoutMark } from '../base/text.ts';
import { agentOptionsFor } from '../http/proxy.ts';
import { environment } from './environment.ts';
import { readProxy } from './proxy.ts';
import { isSecretReference } from './secret-reference.ts';
import { SettingsError } from './settings.ts';

/** The values of parameters by their names. */
export class ParameterValues extends Map<string, string> {
  /** The versions by the same names. */
  readonly versions = new Map<string, number>();

  add({ Name, Value, Version }: Parameter): void {
    if (Name === undefined) return;
    this.set(Name, Value ?? '');
    // A secret in Secrets Manager has no version; Parameter Store returns 0.
    if (Version) this.versions.set(Name, Version);
  }

  versionOf(name: string): number | null {
    return this.versions.get(name) ?? null;
  }
}

/**
 * Reads parameters by their names; those that do not exist are left out.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadParameters = (names: readonly string[]) => Promise<ParameterValues>;

/**
 * Reads every parameter below a path that ends in a slash.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadPath = (path: string) => Promise<ParameterValues>;

/** Options for every client of AWS. */
export const AWS_CLIENT_OPTIONS = {
  maxAttempts: 3,
  /** Made for each client, so that a wrong proxy is reported by the command that needs it. @throws {SettingsError} */
  get requestHandler() {
    return {
      // Without these the SDK waits for ever for a Parameter Store or a queue that hangs. Three attempts, with the pauses
      // between them, end within 15 seconds.
      connectionTimeout: 2_000,
      requestTimeout: 4_500,
      throwOnRequestTimeout: true,
      // Answers contain credentials, so NODE_TLS_REJECT_UNAUTHORIZED is ignored here as well.
      httpsAgent: { ...agentOptionsFor(readProxy(environment)), rejectUnauthorized: true },
    };
  },
};

/**
 * Options for the Parameter Store client of a function. All of an account share 40 calls a second in a region, and a function has
 * minutes: so it waits for its turn. A hanging store costs a minute and a half.
 */
export const PATIENT_CLIENT_OPTIONS = { ...AWS_CLIENT_OPTIONS, maxAttempts: 8 };

/** Creates a reader that asks for all of its parameters in one call. */
export function createParameterReader(client: SSMClient): ReadParameters {
  return async (names) => {
    try {
      const { Parameters = [] } = await client.send(
        new GetParametersCommand({ Names: [...names], WithDecryption: true }),
      );
      const [name, ...others] = names;
      // A secret in Secrets Manager may be returned under its own name, without the path.
      const isSecret = name !== undefined && others.length === 0 && isSecretReference(name);
      return collect(isSecret ? Parameters.map((one) => ({ ...one, Name: name })) : Parameters);
    } catch (error) {
      const what = nameOf(error);
      throw new SettingsError(names.join(', '), `cannot be read from Parameter Store (${what})`, { cause: error });
    }
  };
}

/**
 * Creates a reader of paths. Each answer has up to ten parameters.
 *
 * @param WithDecryption false for a caller without the right to decrypt: a SecureString is then returned encrypted.
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

/** The names of a stage's parameters. All of them have one prefix, to which IAM grants refer. */
export const parameterNames = (stage: string) => ({
  switch: `/dli-reaper/${stage}/switch`,
  targets: `/dli-reaper/${stage}/targets/`,
  target: (name: string) => `/dli-reaper/${stage}/targets/${name}`,
  policy: (name: string) => `/dli-reaper/${stage}/policies/${name}`,
  /** A secret in Secrets Manager keeps its full name. */
  credentials: (name: string) => (isSecretReference(name) ? name : `/dli-reaper/${stage}/credentials/${name}`),
  /** Each exemption is a parameter below this path, so that a team can have the right to write only its own. */
  exemptions: `/dli-reaper/${stage}/exemptions/`,
  /** Each freeze is a parameter below this path, for the same reason. */
  freezes: `/dli-reaper/${stage}/freezes/`,
  /** Each route of messages is a parameter below this path. */
  routes: `/dli-reaper/${stage}/notices/routes/`,
});

/** Reads the JSON of a parameter. @throws {SettingsError} that names the parameter, and shows nothing of its text. */
export function parseJson(name: string, values: ReadonlyMap<string, string>): unknown {
  const text = values.get(name);
  if (text === undefined) {
    const what = isSecretReference(name) ? 'secret in Secrets Manager' : 'parameter';
    throw new SettingsError(name, `no such ${what}; create it, or correct the name`);
  }
  try {
    return parseJsonText(withoutMark(text));
  } catch (error) {
    if (error instanceof TextError) throw new SettingsError(name, error.message);
    // The parser's own message quotes the text, which may be a secret.
    throw new SettingsError(name, 'is not JSON; a parameter must contain JSON');
  }
}
