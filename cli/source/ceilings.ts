import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { nameOf } from '../../lib/base/error-words.ts';
import { type Ceilings, readCeilings } from '../../lib/settings/ceilings.ts';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { functionName } from '../../lib/settings/stage.ts';

const FIXES: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    '; there is no such function in this region and account; deploy the stage, or see AWS_REGION',
  AccessDeniedException: '; grant lambda:GetFunctionConfiguration on it',
};

/** What was deployed with the sweep function of a stage. @throws {SettingsError} if Lambda does not tell. */
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
