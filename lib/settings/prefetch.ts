import { ParameterValues, type ReadParameters } from './parameter-store.ts';
import { isSecretReference } from './secret-reference.ts';
import { SettingsError } from './settings.ts';

/** GetParameters takes ten names. */
const MOST_NAMES = 10;

/**
 * Returns a reader that asks for all of some parameters in its first call, since a fleet shares a few calls a second. Each of them
 * is then given once; any other reading asks anew. If that one call fails, each parameter is read by itself, so that the error is
 * about the one that cannot be read.
 *
 * @param names those that will probably be needed. A secret is left out: if it cannot be read, the whole call fails.
 */
export function readAhead(read: ReadParameters, names: readonly string[]): ReadParameters {
  const wanted = names.filter((name) => !isSecretReference(name)).slice(0, MOST_NAMES);
  const left = new Set(wanted);
  let ahead: Promise<ParameterValues | undefined> | undefined;
  return async (asked) => {
    if (!asked.every((name) => left.has(name))) return read(asked);
    for (const name of asked) left.delete(name);
    ahead ??= read(wanted).catch((error: unknown) => {
      if (error instanceof SettingsError) return undefined;
      throw error;
    });
    const values = await ahead;
    return values === undefined ? read(asked) : only(asked, values);
  };
}

function only(names: readonly string[], values: ParameterValues): ParameterValues {
  const some = new ParameterValues();
  for (const name of names) {
    const value = values.get(name);
    if (value !== undefined) some.add({ Name: name, Value: value, Version: values.versionOf(name) ?? 0 });
  }
  return some;
}
