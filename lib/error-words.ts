/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What was thrown, as an error. */
export const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** The name of an AWS error, which tells what happened; its message may hold what was sent. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.message === 'Region is missing') return 'no region: set AWS_REGION';
  if (error.name === 'CredentialsProviderError') return 'no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID';
  return error.name === 'Error' && 'code' in error ? String(error.code) : error.name;
}

/** The name of the AWS error behind an error of ours; undefined if AWS is not what failed. */
export const awsErrorOf = (error: unknown): string | undefined =>
  error instanceof Error && error.cause !== undefined ? nameOf(error.cause) : undefined;

/** The code of an error of the system, such as ENOENT. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
