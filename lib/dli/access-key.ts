import type { Clock } from '../base/clock.ts';
import type { Network } from '../http/proxy.ts';
import { signed, type UnsignedRequest } from './auth.ts';
import type { AccessKeyCredentials } from './credentials.ts';
import { askIam } from './iam.ts';
import { requestTarget } from './sign.ts';
import { isRecord } from './wire.ts';

/**
 * Returns the endpoint of IAM next to one of DLI: `iam.` in place of `dli.`, as in both clouds. An emulator is both.
 *
 * @returns undefined if the host does not begin with `dli.`.
 * @see "Regions and Endpoints" of DLI and of IAM
 */
export function iamEndpointBeside(dli: URL): URL | undefined {
  if (dli.hostname.startsWith('dli.')) return new URL(`https://iam.${dli.hostname.slice('dli.'.length)}`);
  return dli.protocol === 'http:' ? new URL(dli.origin) : undefined;
}

const TIMEOUT_MS = 10_000;

/**
 * Reads when a permanent access key was made. Every IAM user may ask this about its own key.
 *
 * @param options.keptIn the place where the key is kept, for messages.
 * @returns epoch ms; undefined if the answer does not say.
 * @throws {DliError} if IAM cannot be reached or refuses.
 * @see IAM API reference, "Querying a Permanent Access Key": GET /v3.0/OS-CREDENTIAL/credentials/{access_key}, 200,
 * `{"credential":{"access":"…","create_time":"2020-01-08T06:25:19.014028Z","status":"active",…}}`
 */
export async function readKeyCreation(
  credentials: AccessKeyCredentials,
  {
    iamEndpoint,
    clock,
    network = {},
    keptIn = '',
  }: { iamEndpoint: URL; clock: Clock; network?: Network; keptIn?: string },
): Promise<number | undefined> {
  const path = `/v3.0/OS-CREDENTIAL/credentials/${credentials.accessKeyId}`;
  const request: UnsignedRequest = { method: 'GET', path, query: [] };
  const { answer } = await askIam({
    operation: 'ask IAM about the access key',
    endpoint: iamEndpoint,
    method: 'GET',
    expected: 200,
    target: requestTarget(path, []),
    headers: signed(request, { host: iamEndpoint.host }, credentials, clock.now()),
    connectTimeoutMs: TIMEOUT_MS,
    answerTimeoutMs: TIMEOUT_MS,
    network,
    credential: keptIn,
  });
  const credential = isRecord(answer) ? answer.credential : undefined;
  const createdAt = isRecord(credential) ? Date.parse(String(credential.create_time)) : Number.NaN;
  return Number.isNaN(createdAt) ? undefined : createdAt;
}
