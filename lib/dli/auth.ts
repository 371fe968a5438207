import { isDeepStrictEqual } from 'node:util';
import type { AccessKeyCredentials, CredentialSource, Credentials } from './credentials.ts';
import { type DliError, DliRefusedBeforeError } from './errors.ts';
import { createTokenSource, type TokenCache, type TokenSourceOptions } from './iam-token.ts';
import type { Refusals } from './refusals.ts';
import { formatSdkDate, type SignableRequest, sign } from './sign.ts';

export interface UnsignedRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query: SignableRequest['query'];
  body?: string;
}

/** The proof of who sends a request. */
export interface Authenticator {
  /**
   * Returns the headers of a request, with the proof.
   *
   * @param now epoch ms by the service's clock, as far as it is known.
   * @throws {DliError} if a token is needed and cannot be had.
   */
  headersFor(request: UnsignedRequest, now: number): Promise<Record<string, string>>;
  /** Returns the error that the credential was refused with for another client; undefined if it may be tried. */
  refusedBefore(): Promise<DliError | undefined>;
  /** Notes that the credential was refused for good. */
  refused(error: DliError): void;
  /** Notes that the credential is good. */
  accepted(): void;
  /** Reads the credential again after a refusal. @returns whether there is something new to try. */
  refresh(): Promise<boolean>;
}

/** Makes an authenticator that signs requests with an access key, or adds an IAM token that it gets for a password. */
export function createAuthenticator(
  source: CredentialSource,
  options: { host: string; cache: TokenCache; refusals: Refusals } & Omit<TokenSourceOptions, 'credential'>,
): Authenticator {
  const { refusals } = options;
  const tokens = createTokenSource({ ...options, credential: source.name });
  let credentials: Credentials | undefined;

  return {
    refusedBefore: async () => {
      credentials ??= await source.read();
      return refusals.of(credentials);
    },

    refused: (error) => {
      // A call that was not sent is no further refusal.
      if (credentials !== undefined && !(error instanceof DliRefusedBeforeError)) refusals.add(credentials, error);
    },

    accepted: () => {
      if (credentials !== undefined) refusals.accepted(credentials);
    },

    headersFor: async (request, now) => {
      credentials ??= await source.read();
      const headers: Record<string, string> = {
        host: options.host,
        // Without it error texts come in Chinese.
        'x-language': 'en-us',
        'x-project-id': options.projectId,
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
      };
      return 'password' in credentials
        ? { ...headers, 'x-auth-token': await tokens.tokenFor(credentials) }
        : signed(request, headers, credentials, now);
    },

    refresh: async () => {
      const before = credentials;
      credentials = await source.read();
      // A token may have been revoked although its credential is the same.
      if ('password' in credentials) return tokens.discard() || !isDeepStrictEqual(before, credentials);
      return !isDeepStrictEqual(before, credentials);
    },
  };
}

/** Adds the date and the signature to headers. @param now epoch ms by the service's clock. */
export function signed(
  request: UnsignedRequest,
  headers: Record<string, string>,
  { accessKeyId, secretAccessKey, securityToken }: AccessKeyCredentials,
  now: number,
): Record<string, string> {
  const toSign = {
    ...headers,
    'x-sdk-date': formatSdkDate(now),
    ...(securityToken !== undefined && { 'x-security-token': securityToken }),
  };
  const { authorization } = sign(
    { ...request, headers: toSign, body: request.body ?? '' },
    { accessKeyId, secretAccessKey },
  );
  return { ...toSign, authorization };
}
