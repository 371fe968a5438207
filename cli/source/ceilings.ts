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
  return (await readDeployed(stage)).ceilings;
}

/** Reads what a deploy gave to the sweep function of a stage. @throws {SettingsError} if Lambda does not show it. */
export async function readDeployed(stage: string): Promise<{ ceilings: Ceilings; periodMinutes: number | undefined }> {
  const FunctionName = functionName(stage, 'sweep');
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 2 });
  try {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    if (Environment?.Error !== undefined) throw new SettingsError(FunctionName, 'its environment cannot be decrypted');
    const variables = Environment?.Variables ?? {};
    const periodMinutes = Number(variables.PERIOD_MINUTES) || undefined;
    return { ceilings: readCeilings(variables, 'deploy'), periodMinutes };
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
