import type { SentRecord } from './sent-record.ts';
import type { StateRecord } from './state-record.ts';
import { type TargetState, UNSEEN_TARGET } from './target-state.ts';

/** Creates records that begin empty and end with the process. */
export function createMemoryRecords(now: () => number): { sent: SentRecord; states: StateRecord } {
  const untilByKey = new Map<string, number>();
  const states = new Map<string, TargetState>();
  const stateOf = (key: string): TargetState => states.get(key) ?? UNSEEN_TARGET;
  return {
    sent: {
      among: async (keys) => new Set(keys.filter((key) => (untilByKey.get(key) ?? 0) > now())),
      add: async (items) => {
        for (const { key, until } of items) untilByKey.set(key, until);
      },
    },
    states: {
      read: async (key) => stateOf(key),
      change: async (key, toNext) => {
        states.set(key, toNext(stateOf(key)));
      },
    },
  };
}
