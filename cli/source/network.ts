import { systemClock } from '../../lib/base/clock.ts';
import { createSharedStates, type SharedStates } from '../../lib/dli/shared-state.ts';
import type { Network } from '../../lib/http/proxy.ts';
import { environment } from '../../lib/settings/environment.ts';
import { readProxy } from '../../lib/settings/proxy.ts';
import { tellSilence } from '../screen/silence.ts';

/** Returns how calls leave this machine. @throws {SettingsError} for a proxy that cannot be used. */
export const openNetwork = (): Network => ({ proxy: readProxy(environment), onSilence: tellSilence });

let states: SharedStates | undefined;

/**
 * Holds what this process has learned about each credential: its rate of calls, and whether it was refused. All verbs share
 * it, so that a loop over targets does not send a wrong key twice.
 *
 * @throws {SettingsError} like {@link openNetwork}.
 */
export const sharedFor: SharedStates = (key) => {
  states ??= createSharedStates(systemClock, openNetwork());
  return states(key);
};
