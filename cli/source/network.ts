import { systemClock } from '../../lib/base/clock.ts';
import { createSharedStates, type SharedStates } from '../../lib/dli/shared-state.ts';
import type { Network } from '../../lib/http/proxy.ts';
import type { Environment } from '../../lib/settings/environment.ts';
import { readProxy } from '../../lib/settings/proxy.ts';
import { noteWait } from '../screen/waits.ts';

/** Returns how calls leave this machine. @throws {SettingsError} for a proxy that cannot be used. */
export const openNetwork = (env: Environment): Network => ({ proxy: readProxy(env), onWait: noteWait });

const statesOf = new WeakMap<Environment, SharedStates>();

/**
 * Holds what has been learned about each credential: its rate of calls, and whether it was refused. Everything that runs in
 * one environment shares it, so that a loop over targets does not send a wrong key twice.
 */
export function sharedIn(env: Environment): SharedStates {
  // Made when it is first asked, so that a wrong proxy is reported by the command that needs it.
  return (key) => {
    const states = statesOf.get(env) ?? createSharedStates(systemClock, openNetwork(env));
    statesOf.set(env, states);
    return states(key);
  };
}
