import type { Ceilings } from '../../lib/settings/ceilings.ts';

/** Loose ceilings for tests about something else, as the environment of a function or a terminal. */
export const LOOSE_CEILINGS = {
  REAPER_KILLS_PER_SWEEP: '100000',
  REAPER_KILLS_PER_DAY: '100000',
  REAPER_SHORTEST_LIMIT: '0s',
  REAPER_ALL_MAY_CANCEL: 'true',
  REAPER_EMERGENCY_KILLS: '100000',
  REAPER_EMERGENCY_KILLS_PER_DAY: '100000',
};

/** The same ceilings for a sweep within this process. */
export const looseCeilings: Ceilings = {
  killsPerSweep: 100_000,
  killsPerDay: 100_000,
  shortestLimitMs: 0,
  allMayCancel: true,
  emergencyKills: 100_000,
  emergencyKillsPerDay: 100_000,
  setBy: 'deploy',
};
