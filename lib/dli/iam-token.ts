import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Network } from '../http/proxy.ts';
import type { PasswordCredentials } from './credentials.ts';
import { DliProtocolError } from './errors.ts';
import { askIam } from './iam.ts';
import { nameOfProject } from './project-name.ts';
import { isRecord } from './wire.ts';

export interface TokenSourceOptions {
  /** The token is good for this project only, as DLI requires. */
  projectId: string;
  /** The place where the credential is kept, for messages. */
  credential: string;
  network: Network;
  clock: Clock;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
}

/** The tokens of one credential. Keep the cache as long as the process lives. */
export interface TokenCache {
  /** The owner of the token: another user's token must not be used. */
  credentials?: PasswordCredentials;
  token?: { text: string; renewAt: number; expiresAt: number };
  /** The name of the project that the last token was given for, from IAM's answer. */
  projectName?: string | undefined;
  fetching?: Promise<string> | undefined;
  /** A failure, shared for a moment by all calls that need a token. */
  failure?: { error: unknown; until: number };
}

/** A token lasts 24 hours. IAM limits how often it gives one, and the last minutes are not worth a failed call. */
const RENEW_BEFORE_MS = 5 * 60_000;
const SHARE_FAILURE_MS = 1_000;
const OPERATION = 'get an IAM token';

/**
 * Gets tokens and uses each until shortly before it expires. Calls that come while a token is being fetched share it. If no
 * new token can be had, the old one is used as long as it lasts.
 *
 * @see IAM API reference, "Obtaining a User Token Through Password Authentication": POST /v3/auth/tokens, 201, the token
 * in X-Subject-Token
 */
export function createTokenSource({ cache, ...options }: TokenSourceOptions & { cache: TokenCache }) {
  const { clock } = options;

  async function fetchInto(credentials: PasswordCredentials): Promise<string> {
    try {
      const fetchedAt = clock.now();
      const { text, expiresAt, projectName } = await fetchToken(credentials, options);
      // A token that lasts for minutes only is used for half of its time.
      const renewAt = Math.max(expiresAt - RENEW_BEFORE_MS, fetchedAt + (expiresAt - fetchedAt) / 2);
      Object.assign(cache, { credentials, token: { text, renewAt, expiresAt }, projectName });
      return text;
    } catch (error) {
      cache.failure = { error, until: clock.now() + SHARE_FAILURE_MS };
      if (cache.token !== undefined && clock.now() < cache.token.expiresAt) return cache.token.text;
      throw error;
    } finally {
      cache.fetching = undefined;
    }
  }

  async function tokenFor(credentials: PasswordCredentials): Promise<string> {
    if (!isDeepStrictEqual(cache.credentials, credentials)) delete cache.token;
    const now = clock.now();
    if (cache.token !== undefined && now < cache.token.renewAt) return cache.token.text;
    const hasFailed = cache.failure !== undefined && now < cache.failure.until;
    if (hasFailed && cache.token !== undefined && now < cache.token.expiresAt) return cache.token.text;
    if (hasFailed) throw cache.failure?.error;
    cache.fetching ??= fetchInto(credentials);
    return cache.fetching;
  }

  return {
    /** @throws {DliError} if IAM does not give one. */
    tokenFor,

    /** Returns the name of the token's project. @throws {DliError} if IAM gives no token, or no name with it. */
    async projectNameFor(credentials: PasswordCredentials): Promise<string> {
      await tokenFor(credentials);
      if (cache.projectName !== undefined) return cache.projectName;
      throw new DliProtocolError(OPERATION, 'without the name of its project', { status: 201 });
    },

    /** Drops the token. @returns whether there was one. */
    discard(): boolean {
      const had = cache.token !== undefined;
      delete cache.token;
      return had;
    },
  };
}

async function fetchToken(
  { userName, password, domainName, iamEndpoint }: PasswordCredentials,
  { projectId, credential, network, clock, connectTimeoutMs, answerTimeoutMs }: TokenSourceOptions,
): Promise<{ text: string; expiresAt: number; projectName: string | undefined }> {
  const user = { name: userName, password, domain: { name: domainName } };
  const { headers, answer } = await askIam({
    operation: OPERATION,
    endpoint: iamEndpoint,
    credential,
    network,
    connectTimeoutMs,
    answerTimeoutMs,
    expected: 201,
    refusedAs: 'login',
    method: 'POST',
    target: '/v3/auth/tokens?nocatalog=true',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: { identity: { methods: ['password'], password: { user } }, scope: { project: { id: projectId } } },
    }),
  });
  const token = headers['x-subject-token'];
  if (typeof token !== 'string' || token === '')
    throw new DliProtocolError(OPERATION, 'without X-Subject-Token', { status: 201 });
  const body = isRecord(answer) ? answer.token : undefined;
  const expiresAt = Date.parse(expiryOf(body) ?? '');
  return {
    text: token,
    // A token without a readable end is used for an hour, and fetched again if it is refused.
    expiresAt: Number.isNaN(expiresAt) ? clock.now() + 3_600_000 : expiresAt,
    projectName: nameOfProject(body, projectId),
  };
}

/** `{"expires_at":"2026-08-02T00:15:00.000000Z",…}` */
function expiryOf(token: unknown): string | undefined {
  return isRecord(token) && typeof token.expires_at === 'string' ? token.expires_at : undefined;
}
