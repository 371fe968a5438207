import {
  DeleteParameterCommand,
  GetParameterHistoryCommand,
  GetParametersCommand,
  ParameterTier,
  ParameterType,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { nameOf } from '../../lib/base/error-words.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** One version of a parameter. */
export interface ParameterVersion {
  value: string;
  version: number;
  /** ISO 8601; null if AWS does not say. */
  changedAt: string | null;
  /** Whether it is a SecureString. */
  isEncrypted: boolean;
}

/** "Maximum size for a parameter value": 4 KB in the standard tier, 8 KB in the advanced tier, which costs money. */
export const MAX_STANDARD_BYTES = 4_096;
export const MAX_ADVANCED_BYTES = 8_192;

/** Reads and writes single parameters. An error never holds a value. */
export function createParameterStore(client: SSMClient) {
  const attempt = async <T>(name: string, what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw new SettingsError(name, `cannot be ${what} Parameter Store (${nameOf(error)})`, { cause: error });
    }
  };
  return {
    /** @returns undefined if there is no such parameter. */
    get: (name: string): Promise<ParameterVersion | undefined> =>
      attempt(name, 'read from', async () => {
        const { Parameters = [] } = await client.send(new GetParametersCommand({ Names: [name] }));
        return Parameters.map(toVersion)[0];
      }),

    /**
     * Writes a SecureString that is not there yet. It is not read back, so the caller needs no right to decrypt it.
     *
     * @returns false if a parameter of this name is there.
     */
    putSecret: (name: string, value: string, keyId: string): Promise<boolean> =>
      attempt(name, 'written to', async () => {
        try {
          const Type = ParameterType.SECURE_STRING;
          await client.send(
            new PutParameterCommand({ Name: name, Value: value, Type, KeyId: keyId, Overwrite: false }),
          );
          return true;
        } catch (error) {
          if (nameOf(error) === 'ParameterAlreadyExists') return false;
          throw error;
        }
      }),

    /** @returns the new version. */
    put: (name: string, value: string, { overwrite }: { overwrite: boolean }): Promise<number> =>
      attempt(name, 'written to', async () => {
        const isLarge = Buffer.byteLength(value) > MAX_STANDARD_BYTES;
        const { Version = 0 } = await client.send(
          new PutParameterCommand({
            Name: name,
            Value: value,
            Type: 'String',
            Overwrite: overwrite,
            ...(isLarge && { Tier: ParameterTier.ADVANCED }),
          }),
        );
        return Version;
      }),

    /**
     * Finds out whether this caller may write an existing parameter, by a write that does not overwrite it.
     *
     * @param value is harmless, since it is written if someone deletes the parameter at that moment.
     * @returns the name of AWS's error; undefined if the write is allowed.
     */
    refusalToWrite: async (name: string, value: string): Promise<string | undefined> => {
      try {
        await client.send(new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: false }));
        return undefined;
      } catch (error) {
        const reason = nameOf(error);
        return reason === 'ParameterAlreadyExists' ? undefined : reason;
      }
    },

    remove: (name: string): Promise<void> =>
      attempt(name, 'deleted from', async () => {
        await client.send(new DeleteParameterCommand({ Name: name }));
      }),

    /** Returns the stored versions, the oldest first. Parameter Store keeps a hundred. */
    history: (name: string): Promise<ParameterVersion[]> =>
      attempt(name, 'read from', async () => {
        const versions: ParameterVersion[] = [];
        let token: string | undefined;
        do {
          const { Parameters = [], NextToken } = await client.send(
            new GetParameterHistoryCommand({ Name: name, ...(token !== undefined && { NextToken: token }) }),
          );
          versions.push(...Parameters.map(toVersion));
          token = NextToken;
        } while (token !== undefined);
        return versions;
      }),
  };
}

function toVersion(parameter: {
  Value?: string | undefined;
  Version?: number | undefined;
  LastModifiedDate?: Date | undefined;
  Type?: string | undefined;
}): ParameterVersion {
  const { Value = '', Version = 0, LastModifiedDate, Type } = parameter;
  return {
    value: Value,
    version: Version,
    changedAt: LastModifiedDate?.toISOString() ?? null,
    isEncrypted: Type === 'SecureString',
  };
}
