import type { Clock } from '../base/clock.ts';
import { createRetryBudget, retry } from '../http/retry.ts';
import { within } from '../http/timeout.ts';
import { signed, type UnsignedRequest } from './auth.ts';
import type { AccessKeyCredentials, CredentialSource, Credentials } from './credentials.ts';
import { DliError, DliProtocolError, DliRefusedBeforeError, isRetryable } from './errors.ts';
import { askIam, type IamCall } from './iam.ts';
import { createTokenSource } from './iam-token.ts';
import { nameOfProject } from './project-name.ts';
import { createServiceTime } from './service-time.ts';
import { type SharedState, tokenCacheFor } from './shared-state.ts';
import { requestTarget } from './sign.ts';

/** Limit for the whole question, retries included; an attempt that hangs leaves time for another. */
const TIMEOUT_MS = 10_000;
const ATTEMPT_TIMEOUT_MS = 4_000;
const MAX_ATTEMPTS = 3;

const OPERATION = 'ask IAM for the name of the project';

interface ProjectQuestion {
  projectId: string;
  /** The endpoint for an access key; a password has its own. */
  iamEndpoint: URL | undefined;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Epoch ms; the question ends then at the latest. */
  deadlineAt: number;
  /** Keeps names that were read, and shares tokens and refusals with the calls of DLI. */
  shared: SharedState;
}

/**
 * Reads the name of a project from IAM. The answer with a token holds the name, so a password needs no call of its own.
 *
 * @throws {Error} if IAM cannot be reached, refuses, or answers something else.
 */
export async function readProjectName(source: CredentialSource, question: ProjectQuestion): Promise<string> {
  const { projectId, clock, deadlineAt, shared } = question;
  const kept = shared.projectNames.get(projectId);
  if (kept !== undefined) return kept;
  const untilAt = Math.min(clock.now() + TIMEOUT_MS, deadlineAt);
  const name = await within(ask(source, { ...question, deadlineAt: untilAt }), untilAt - clock.now());
  shared.projectNames.set(projectId, name);
  return name;
}

async function ask(source: CredentialSource, question: ProjectQuestion): Promise<string> {
  const { refusals } = question.shared;
  const credentials = source.known?.() ?? (await source.read());
  const refused = refusals.of(credentials);
  if (refused !== undefined) throw new DliRefusedBeforeError(OPERATION, refused);
  try {
    const name = await askWith(credentials, source.name, question);
    refusals.accepted(credentials);
    return name;
  } catch (error) {
    if (error instanceof DliError && error.kind === 'authentication') refusals.add(credentials, error);
    throw error;
  }
}

function askWith(credentials: Credentials, credential: string, question: ProjectQuestion): Promise<string> {
  const { projectId, iamEndpoint, clock, random, deadlineAt, shared } = question;
  const { network } = shared;
  if ('password' in credentials) {
    return createTokenSource({
      projectId,
      credential,
      network,
      clock,
      connectTimeoutMs: ATTEMPT_TIMEOUT_MS,
      answerTimeoutMs: ATTEMPT_TIMEOUT_MS,
      cache: tokenCacheFor(shared, projectId),
    }).projectNameFor(credentials);
  }
  if (iamEndpoint === undefined)
    throw new Error('the endpoint of IAM is not known: neither the endpoint of DLI nor a region gives it');
  const time = createServiceTime(clock);
  const show = (attempt: number) =>
    showProject(credentials, projectId, {
      attempt,
      iamEndpoint,
      credential,
      network,
      now: time.now(),
      onDate: (date) => time.read(date, clock.now()),
    });
  return retry(
    async (attempt) => {
      try {
        return await show(attempt);
      } catch (error) {
        // The refusal may be about our clock, as in a call of DLI.
        if (error instanceof DliError && error.kind === 'authentication' && time.correct()) return show(attempt);
        throw error;
      }
    },
    {
      baseMs: 300,
      capMs: 2_000,
      maxAttempts: MAX_ATTEMPTS,
      deadlineAt,
      budget: createRetryBudget({ initial: MAX_ATTEMPTS, perSuccess: 0 }),
      isRetryable,
      retryAfterMs: () => undefined,
    },
    { clock, random },
  );
}

/**
 * Asks IAM for a project. Every user of the account may ask, and the vendor's own client of IAM signs with an access key
 * (huaweicloud-sdk-python-v3, IamClient with BasicCredentials).
 *
 * @throws {DliError}
 * @see IAM API reference, "Querying Project Information - KeystoneShowProject": GET /v3/projects/{project_id}, "You do not
 * need to obtain permissions to call this API", at the global endpoint and at those of the regions; 200,
 * `{"project":{"id":"…","name":"…","enabled":true,…}}`
 */
async function showProject(
  credentials: AccessKeyCredentials,
  projectId: string,
  {
    iamEndpoint,
    now,
    ...call
  }: Pick<IamCall, 'credential' | 'network' | 'onDate' | 'attempt'> & { iamEndpoint: URL; now: number },
): Promise<string> {
  const path = `/v3/projects/${projectId}`;
  const request: UnsignedRequest = { method: 'GET', path, query: [] };
  const { answer } = await askIam({
    ...call,
    maxAttempts: MAX_ATTEMPTS,
    operation: OPERATION,
    endpoint: iamEndpoint,
    method: 'GET',
    target: requestTarget(path, []),
    headers: signed(request, { host: iamEndpoint.host }, credentials, now),
    expected: 200,
    connectTimeoutMs: ATTEMPT_TIMEOUT_MS,
    answerTimeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  const name = nameOfProject(answer, projectId);
  if (name === undefined) throw new DliProtocolError(OPERATION, 'without the name of that project', { status: 200 });
  return name;
}
