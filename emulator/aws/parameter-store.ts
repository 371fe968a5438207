/** Input of the operations in use. */
export interface StoreQuestion {
  Names?: string[];
  Path?: string;
  Recursive?: boolean;
  NextToken?: string;
  Name?: string;
  Value?: string;
  Overwrite?: boolean;
  WithDecryption?: boolean;
}

const PAGE = 10;

/**
 * Returns whether Parameter Store passes the name on to Secrets Manager. If such a secret does not exist, or is read without
 * decryption, the whole call fails. No list has it.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
 */
const isSecret = (name: string) => name.startsWith('/aws/reference/secretsmanager/');

/** The part of Parameter Store that the settings and the command line use. */
export function createParameterStoreStandIn(parameters: Record<string, string>, now: () => number) {
  const asked: string[][] = [];
  const versions: Record<string, number> = {};
  const types: Record<string, string> = {};
  const earlier = new Map<string, object[]>();
  const changedAt: Record<string, number> = {};
  const startedAt = now();
  const isThere = (name: string) => Object.hasOwn(parameters, name);
  const show = (name: string) => ({
    Name: name,
    Value: parameters[name],
    Type: types[name] ?? (name.includes('/credentials/') || isSecret(name) ? 'SecureString' : 'String'),
    Version: isSecret(name) ? 0 : (versions[name] ?? 1),
    LastModifiedDate: (changedAt[name] ?? startedAt) / 1_000,
  });
  const put = (name: string, value: string): number => {
    if (isThere(name)) earlier.set(name, [...(earlier.get(name) ?? []), show(name)]);
    const version = isThere(name) ? (versions[name] ?? 1) + 1 : 1;
    versions[name] = version;
    changedAt[name] = now();
    parameters[name] = value;
    return version;
  };

  /** @returns the answer, or the name of the error; undefined for an operation that is not played. */
  function answer(operation: string, body: StoreQuestion): object | string | undefined {
    const { Names = [], Path = '', Recursive = false, NextToken = '0', Name = '', Value = '', Overwrite } = body;
    switch (operation) {
      case 'GetParameters':
        asked.push(Names);
        if (Names.some((one) => isSecret(one) && !isThere(one))) return 'ParameterNotFound';
        if (Names.some(isSecret) && !body.WithDecryption) return 'ValidationException';
        return { Parameters: Names.filter(isThere).map(show), InvalidParameters: Names.filter((one) => !isThere(one)) };
      case 'GetParametersByPath': {
        asked.push([Path]);
        const names = Object.keys(parameters)
          .filter((name) => name.startsWith(Path) && !isSecret(name))
          .filter((name) => Recursive || !name.slice(Path.length).includes('/'));
        const from = Number(NextToken);
        const more = from + PAGE < names.length ? { NextToken: String(from + PAGE) } : {};
        return { Parameters: names.slice(from, from + PAGE).map(show), ...more };
      }
      case 'GetParameterHistory':
        return isThere(Name) ? { Parameters: [...(earlier.get(Name) ?? []), show(Name)] } : 'ParameterNotFound';
      case 'PutParameter':
        return isThere(Name) && Overwrite !== true ? 'ParameterAlreadyExists' : { Version: put(Name, Value) };
      case 'DeleteParameter':
        return delete parameters[Name] ? {} : 'ParameterNotFound';
      default:
        return undefined;
    }
  }

  return {
    /** The parameters. A test may change them between calls. */
    parameters,
    /** Version of each parameter; default 1. */
    versions,
    /** Type of each parameter; the default follows from its name. */
    types,
    /** The names in each call that reads. */
    asked,
    put,
    answer,
  };
}

/** A stage with everything a live sweep of the emulator needs. */
export function stageParameters(
  stage: string,
  connection: { url: string; region: string; projectId: string; accessKeyId: string; secretAccessKey: string },
  policy: unknown,
  target = 'default',
): Record<string, string> {
  const { url, region, projectId, accessKeyId, secretAccessKey } = connection;
  return {
    [`/dli-reaper/${stage}/switch`]: 'run',
    [`/dli-reaper/${stage}/targets/${target}`]: JSON.stringify({
      region,
      projectId,
      endpoint: url,
      policy: 'base',
      mode: 'live',
      credentials: 'reaper',
      projectName: region,
    }),
    [`/dli-reaper/${stage}/policies/base`]: JSON.stringify(policy),
    [`/dli-reaper/${stage}/credentials/reaper`]: JSON.stringify({ accessKeyId, secretAccessKey }),
  };
}
