/** Of the operations in use. */
export interface StoreQuestion {
  Names?: string[];
  Path?: string;
  Recursive?: boolean;
  NextToken?: string;
  Name?: string;
  Value?: string;
  Overwrite?: boolean;
}

const PAGE = 10;

/** As much of Parameter Store as the settings and the command line use. */
export function createParameterStoreStandIn(parameters: Record<string, string>) {
  const asked: string[][] = [];
  const versions: Record<string, number> = {};
  const earlier = new Map<string, object[]>();
  const isThere = (name: string) => Object.hasOwn(parameters, name);
  const show = (name: string) => ({
    Name: name,
    Value: parameters[name],
    Type: name.includes('/credentials/') ? 'SecureString' : 'String',
    Version: versions[name] ?? 1,
    LastModifiedDate: Date.now() / 1_000,
  });
  const put = (name: string, value: string): number => {
    if (isThere(name)) earlier.set(name, [...(earlier.get(name) ?? []), show(name)]);
    const version = isThere(name) ? (versions[name] ?? 1) + 1 : 1;
    versions[name] = version;
    parameters[name] = value;
    return version;
  };

  /** @returns the answer, or the name of the error. */
  function answer(operation: string, body: StoreQuestion): object | string {
    const { Names = [], Path = '', Recursive = false, NextToken = '0', Name = '', Value = '', Overwrite } = body;
    switch (operation) {
      case 'GetParameters':
        asked.push(Names);
        return { Parameters: Names.filter(isThere).map(show), InvalidParameters: Names.filter((one) => !isThere(one)) };
      case 'GetParametersByPath': {
        asked.push([Path]);
        const names = Object.keys(parameters)
          .filter((name) => name.startsWith(Path))
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
        return 'UnknownOperationException';
    }
  }

  return {
    /** May be changed between calls. */
    parameters,
    /** Of a parameter; 1 unless set. */
    versions,
    /** The names of each call that reads. */
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
): Record<string, string> {
  const { url, region, projectId, accessKeyId, secretAccessKey } = connection;
  return {
    [`/dli-reaper/${stage}/switch`]: 'run',
    [`/dli-reaper/${stage}/targets/default`]: JSON.stringify({
      ...{ region, projectId, endpoint: url, policy: 'base', mode: 'live', credentials: 'reaper' },
      projectName: region,
    }),
    [`/dli-reaper/${stage}/policies/base`]: JSON.stringify(policy),
    [`/dli-reaper/${stage}/credentials/reaper`]: JSON.stringify({ accessKeyId, secretAccessKey }),
  };
}
