import { awsProfile } from './command-line.ts';

/** Returns the message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes an error of anything that was thrown. */
export const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** Returns the name of an AWS error, in words if they say more. Its message is not shown, since it may hold what was sent. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.message === 'Region is missing') return 'no region: set AWS_REGION';
  if (CREDENTIAL_ERRORS.includes(error.name)) return credentialWords(error.message);
  if (EXPIRED.includes(error.name)) return `${error.name}: the AWS credentials${ofProfile()} have expired`;
  if (error.name === 'TimeoutError') return 'TimeoutError: AWS gave no answer';
  return error.name === 'Error' && 'code' in error ? networkWords(String(error.code), error) : error.name;
}

/** Shows the address as well: it holds the region. */
function networkWords(code: string, error: object): string {
  const what = 'hostname' in error ? `${code} ${String(error.hostname)}` : code;
  if (/^ENOTFOUND|^EAI_AGAIN/.test(code))
    return `${what}; check AWS_REGION, or set HTTPS_PROXY if this network needs a proxy`;
  if (code === 'ERR_PROXY_TUNNEL') return `${what}; the proxy in HTTPS_PROXY refused the call`;
  return /CERT|UNABLE_TO_VERIFY/.test(code)
    ? `${what}; if this network has its own certificate authority, set NODE_EXTRA_CA_CERTS`
    : what;
}

const ofProfile = (): string => {
  const profile = awsProfile();
  return profile === undefined ? '' : ` of AWS_PROFILE ${profile}`;
};

/** Errors that the SDK throws before it sends anything, if it finds no credentials. */
const CREDENTIAL_ERRORS = ['CredentialsProviderError', 'TokenProviderError'];

/** The names that Parameter Store, Lambda and CloudWatch Logs have for expired credentials. */
const EXPIRED = ['ExpiredTokenException', 'ExpiredToken', 'RequestExpired'];

/** The SDK says "could not load" if nothing is set. Any other sentence says what is wrong with the setting. */
function credentialWords(message: string): string {
  const profile = awsProfile();
  if (message.startsWith('Could not load credentials')) {
    return profile === undefined
      ? 'no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID'
      : `no AWS credentials: AWS_PROFILE ${profile} has none`;
  }
  // The output of a command, or a part of a file, may be a secret.
  const isSafe = !/^Command failed|JSON/.test(message);
  const why = isSafe ? message.replace(/\.$/, '') : 'their source in the profile cannot be read';
  return `no AWS credentials${ofProfile()}: ${why}`;
}

/** Whether AWS gave no answer in time: the next call would probably wait just as long. @param error an error of this project. */
export const isAwsSilence = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof Error && error.cause.name === 'TimeoutError';

/** Returns the name of the AWS error behind an error of this project; undefined if AWS is not what failed. */
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

/** Puts the error code of a file operation into words: `no such file or folder, ENOENT`. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const words = SYSTEM_ERRORS[code];
  return words === undefined ? code : `${words}, ${code}`;
}
