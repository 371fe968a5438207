import { InvokeCommand, LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import { dliReaper } from '../../lib/base/command-line.ts';
import { nameOf } from '../../lib/base/error-words.ts';
import { assertStage, functionName } from '../../lib/settings/names.ts';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/**
 * Starts a deployed function and does not wait for it: a call that waits could time out and be sent again.
 *
 * @param what the sweep or sweeps, for the message of an error.
 * @returns the id of the invocation.
 * @throws {SettingsError} that says whether `what` may be running nevertheless.
 */
export async function invoke(
  stage: string,
  name: 'sweep' | 'dispatch',
  payload: object,
  what: string,
): Promise<string> {
  const FunctionName = functionName(stage, name);
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 1 });
  try {
    const answer = await client.send(
      new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(payload) }),
    );
    return answer.$metadata.requestId ?? 'unknown';
  } catch (error) {
    const reason = nameOf(error);
    const problem = isRefusal(error)
      ? `cannot be invoked (${reason}); nothing was started`
      : `gave no answer (${reason}); ${what} may be running nevertheless: see ${dliReaper(`status --stage ${stage}`)}`;
    throw new SettingsError(FunctionName, problem, { cause: error });
  } finally {
    client.destroy();
  }
}

/** One message has at most ten seconds, and AWS's own answers before it fifteen. */
const ANSWER_WITHIN_MS = 60_000;

/**
 * Calls a deployed function once, and waits for its result.
 *
 * @param what what the function may have done nevertheless, for the message of an error.
 * @throws {SettingsError} if the function cannot be called, gives no answer, or fails.
 */
export async function callFunction(stage: string, name: 'notify', payload: object, what: string): Promise<unknown> {
  assertStage(stage);
  const FunctionName = functionName(stage, name);
  const requestHandler = { ...AWS_CLIENT_OPTIONS.requestHandler, requestTimeout: ANSWER_WITHIN_MS };
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, requestHandler, maxAttempts: 1 });
  try {
    const answer = await client.send(
      new InvokeCommand({ FunctionName, InvocationType: 'RequestResponse', Payload: JSON.stringify(payload) }),
    );
    const result: unknown = JSON.parse(answer.Payload?.transformToString() || 'null');
    if (answer.FunctionError === undefined) return result;
    const { errorType = 'Error', errorMessage = 'no message' } = result as Record<string, string | undefined>;
    throw new SettingsError(FunctionName, `failed (${errorType}): ${errorMessage}`);
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const reason = nameOf(error);
    const hint = reason === 'ResourceNotFoundException' ? '; the stage is deployed without it, or elsewhere' : '';
    const problem = isRefusal(error)
      ? `cannot be invoked (${reason})${hint}`
      : `gave no answer (${reason}); ${what} nevertheless`;
    throw new SettingsError(FunctionName, problem, { cause: error });
  } finally {
    client.destroy();
  }
}

/** Finds out whether this caller may invoke a function, and starts nothing. @returns the name of AWS's error; undefined if the call is allowed. */
export async function refusalToInvoke(stage: string, name: 'sweep' | 'dispatch'): Promise<string | undefined> {
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 1 });
  try {
    await client.send(new InvokeCommand({ FunctionName: functionName(stage, name), InvocationType: 'DryRun' }));
    return undefined;
  } catch (error) {
    return nameOf(error);
  } finally {
    client.destroy();
  }
}

/** Whether nothing was started. Only a 4xx answer proves that. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof LambdaServiceException ? error.$metadata.httpStatusCode : undefined;
  return status !== undefined && status >= 400 && status < 500;
}
