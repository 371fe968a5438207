import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Credentials } from './credentials.ts';
import type { DliError } from './errors.ts';

/** The credentials that were refused, so that none is sent again and again: five refusals lock an access key for everyone. */
export interface Refusals {
  /** Returns the error that a credential was refused with; undefined if it may be tried. */
  of: (credentials: Credentials) => DliError | undefined;
  add: (credentials: Credentials, error: DliError) => void;
  /** Notes that a credential was good. */
  accepted: (credentials: Credentials) => void;
}

/** The time for which the gateway locks a key; after that one try can do no harm. */
const REMEMBERED_MS = 5 * 60_000;

/**
 * Remembers credentials by their values and not by their names: a key that was changed is another credential, and a key
 * that two parameters hold is the same one.
 *
 * One refusal is enough for a credential that was never good. A credential that was good takes two in a row, since a single
 * refusal may be about the project: IAM gives no token for a project that the user is not in.
 */
export function createRefusals(clock: Clock): Refusals {
  const entries: { credentials: Credentials; wasGood: boolean; count: number; refusedAt: number; error?: DliError }[] =
    [];
  const find = (credentials: Credentials) => entries.find((entry) => isDeepStrictEqual(entry.credentials, credentials));
  const entryOf = (credentials: Credentials) => {
    const entry = find(credentials) ?? { credentials, wasGood: false, count: 0, refusedAt: 0 };
    if (!entries.includes(entry)) entries.push(entry);
    return entry;
  };
  return {
    of: (credentials) => {
      const entry = find(credentials);
      if (entry?.error === undefined || entry.count < (entry.wasGood ? 2 : 1)) return undefined;
      return Math.abs(clock.now() - entry.refusedAt) < REMEMBERED_MS ? entry.error : undefined;
    },
    add: (credentials, error) => {
      const entry = entryOf(credentials);
      Object.assign(entry, { error, count: entry.count + 1, refusedAt: clock.now() });
    },
    accepted: (credentials) => {
      Object.assign(entryOf(credentials), { wasGood: true, count: 0 });
    },
  };
}
