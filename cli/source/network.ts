import { systemClock } from '../../lib/base/clock.ts';
import { createSharedStates, type SharedStates } from '../../lib/dli/shared-state.ts';
import type { Network } from '../../lib/http/proxy.ts';
import { environment } from '../../lib/settings/environment.ts';
import { readProxy } from '../../lib/settings/proxy.ts';
import { tellSilence } from '../screen/silence.ts';

/** The way out of this machine. @throws {SettingsError} for a proxy that cannot be used. */
export const openNetwork = (): Network => ({ proxy: readProxy(environment), onSilence: tellSilence });

let states: SharedStates | undefined;

/**
 * What this process has learned about its credentials: how many calls each may make, and whether one was refused. There is
 * one for all verbs, so that no loop over targets shows a wrong key twice.
 *
 * @throws {SettingsError} as {@link openNetwork}.
 */
export const sharedFor: SharedStates = (key) => {
  states ??= createSharedStates(systemClock, openNetwork());
  return states(key);
};
