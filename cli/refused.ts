import { DliError } from '../lib/dli/errors.ts';
import type { Settings } from '../lib/settings/settings.ts';

type Access = Pick<Settings, 'target' | 'credentials'>;

/** What this process was told: five refusals lock an access key for everybody who uses it, so each is met once. */
const refusals = new Map<string, DliError>();

const keyOf = ({ target, credentials }: Access) => `${target.endpoint.host} ${credentials.name}`;

/** @throws {DliError} if the credential was refused before, for another target. */
export function assertNotRefused(access: Access): void {
  const refusal = refusals.get(keyOf(access));
  if (refusal !== undefined) throw refusal;
}

/** Keeps an error that is a refusal of the credential. */
export function noteRefusal(access: Access, error: unknown): void {
  if (error instanceof DliError && error.kind === 'authentication') refusals.set(keyOf(access), error);
}

/** @throws {DliError} as {@link assertNotRefused}, and whatever `act` throws. */
export async function unlessRefused<T>(access: Access, act: () => Promise<T>): Promise<T> {
  assertNotRefused(access);
  try {
    return await act();
  } catch (error) {
    noteRefusal(access, error);
    throw error;
  }
}
