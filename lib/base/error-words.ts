import { awsProfile } from './command-line.ts';

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What was thrown, as an error. */
export const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** The name of an AWS error, which tells what happened; its message may hold what was sent. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.message === 'Region is missing') return 'no region: set AWS_REGION';
  if (CREDENTIAL_ERRORS.includes(error.name)) return credentialWords(error.message);
  if (EXPIRED.includes(error.name)) return `${error.name}: the AWS credentials${ofProfile()} have expired`;
  if (error.name === 'TimeoutError') return 'TimeoutError: AWS gave no answer';
  return error.name === 'Error' && 'code' in error ? networkWords(String(error.code), error) : error.name;
}

/** The address holds the region that was meant. */
function networkWords(code: string, error: object): string {
  const what = 'hostname' in error ? `${code} ${String(error.hostname)}` : code;
  if (/^ENOTFOUND|^EAI_AGAIN/.test(code)) return `${what}; see AWS_REGION, or HTTPS_PROXY where only a proxy leads out`;
  if (code === 'ERR_PROXY_TUNNEL') return `${what}; the proxy in HTTPS_PROXY did not let the call through`;
  return /CERT|UNABLE_TO_VERIFY/.test(code)
    ? `${what}; where the network has an authority of its own, set NODE_EXTRA_CA_CERTS`
    : what;
}

const ofProfile = (): string => {
  const profile = awsProfile();
  return profile === undefined ? '' : ` of AWS_PROFILE ${profile}`;
};

/** What the SDK throws where it finds no credentials, before it sends anything. */
const CREDENTIAL_ERRORS = ['CredentialsProviderError', 'TokenProviderError'];

/** Parameter Store, Lambda and CloudWatch Logs have several names for it. */
const EXPIRED = ['ExpiredTokenException', 'ExpiredToken', 'RequestExpired'];

/** Where nothing is set the SDK says that it tried everything; any other sentence says what is wrong with what is set. */
function credentialWords(message: string): string {
  const profile = awsProfile();
  if (message.startsWith('Could not load credentials')) {
    return profile === undefined
      ? 'no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID'
      : `no AWS credentials: AWS_PROFILE ${profile} tells none`;
  }
  // The output of a command, or a part of a file, may be a secret.
  const isSafe = !/^Command failed|JSON/.test(message);
  const why = isSafe ? message.replace(/\.$/, '') : 'what the profile names for them cannot be read';
  return `no AWS credentials${ofProfile()}: ${why}`;
}

/** Whether AWS gave no answer in time, so that the next call would take as long for nothing. @param error one of ours. */
export const isAwsSilence = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof Error && error.cause.name === 'TimeoutError';

/** The name of the AWS error behind an error of ours; undefined if AWS is not what failed. */
export const awsErrorOf = (error: unknown): string | undefined =>
  error instanceof Error && error.cause !== undefined ? nameOf(error.cause) : undefined;

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is no folder',
  EROFS: 'read-only file system',
};

/** What kept the system from it, with the code that it has for that, such as ENOENT. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const words = SYSTEM_ERRORS[code];
  return words === undefined ? code : `${words}, ${code}`;
}
