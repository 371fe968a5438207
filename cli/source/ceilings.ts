import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { nameOf } from '../../lib/base/error-words.ts';
import { type Ceilings, readCeilings } from '../../lib/settings/ceilings.ts';
import { functionName } from '../../lib/settings/names.ts';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** What to do about an error of AWS, by its name. */
const FIXES: Readonly<Record<string, string>> = {
  ResourceNotFoundException: '; this region and account have no such function: deploy the stage, or check AWS_REGION',
  AccessDeniedException: '; grant lambda:GetFunctionConfiguration on it',
};

/** Reads the ceilings from the deployed sweep function of a stage. @throws {SettingsError} if Lambda does not show them. */
export async function readStageCeilings(stage: string): Promise<Ceilings> {
  const FunctionName = functionName(stage, 'sweep');
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 2 });
  try {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (Environment?.Error !== undefined) throw new SettingsError(FunctionName, 'its environment cannot be decrypted');
    return readCeilings(Environment?.Variables ?? {}, 'deploy');
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const reason = nameOf(error);
    throw new SettingsError(FunctionName, `its ceilings cannot be read (${reason})${FIXES[reason] ?? ''}`, {
      cause: error,
    });
  } finally {
    client.destroy();
  }
}
