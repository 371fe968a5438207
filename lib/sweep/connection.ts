import type { DliClientOptions } from '../dli/client.ts';
import type { CredentialSource } from '../dli/credentials.ts';
import type { Target } from '../settings/settings.ts';
import type { SweepDeps } from './deps.ts';

/** The options of a DLI client for a target. */
export function connectionTo(
  target: Target,
  credentials: CredentialSource,
  { clock, random, sharedFor }: Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'>,
): DliClientOptions {
  const { endpoint, projectId } = target;
  return { endpoint, projectId, credentials, clock, random, shared: sharedFor(sharedKey(target, credentials)) };
}

/** Names what sweeps share: the gateway counts calls per user, in each region on its own. */
export const sharedKey = ({ endpoint }: Target, { name }: CredentialSource): string => `${endpoint.host} ${name}`;
