import type { Clock } from '../base/clock.ts';
import type { Network } from '../http/proxy.ts';
import type { TokenCache } from './iam-token.ts';
import { createDliPacer, type DliPacer } from './pacing.ts';
import { createRefusals, type Refusals } from './refusals.ts';

/** State that clients under one credential share: its rate limit, its tokens if it is a password, and the network. */
export interface SharedState {
  pacer: DliPacer;
  /** By project id: a token is good for one project. */
  tokens: Map<string, TokenCache>;
  /** By project id, as IAM gave them. */
  projectNames: Map<string, string>;
  /** Refusals of all credentials in this process. */
  refusals: Refusals;
  network: Network;
}

/** @returns always the same state for the same key. */
export type SharedStates = (key: string) => SharedState;

/** At 250 ms a call these carry 128 calls a second. */
export const MAX_CONNECTIONS = 32;

/** Makes the shared states of a process. Keep them as long as the process lives: what they learned stays true. */
export function createSharedStates(clock: Clock, network: Network = {}): SharedStates {
  const states = new Map<string, SharedState>();
  const common = { refusals: createRefusals(clock), network };
  return (key) => {
    const state = states.get(key) ?? createSharedState(clock, MAX_CONNECTIONS, common);
    states.set(key, state);
    return state;
  };
}

export function createSharedState(
  clock: Clock,
  maxConcurrent: number,
  common: Pick<SharedState, 'refusals' | 'network'> = { refusals: createRefusals(clock), network: {} },
): SharedState {
  return { ...common, pacer: createDliPacer({ clock, maxConcurrent }), tokens: new Map(), projectNames: new Map() };
}

/** @returns always the same cache for the same project. */
export function tokenCacheFor({ tokens }: Pick<SharedState, 'tokens'>, projectId: string): TokenCache {
  const cache = tokens.get(projectId) ?? {};
  tokens.set(projectId, cache);
  return cache;
}
