import { formatDuration, parseDuration } from '../base/duration.ts';
import { messageOf } from '../base/error-words.ts';
import { USUAL_CEILINGS } from '../policy/lint.ts';
import type { Policy, Rule } from '../policy/schema.ts';
import { isForAll } from '../policy/scope.ts';
import type { Environment } from './environment.ts';
import { SettingsError } from './settings.ts';

/**
 * The most that a sweep may do, whatever policy, target or request say. A deploy sets them, and not Parameter Store, so that
 * the right to write a policy does not include the right to loosen them.
 */
export interface Ceilings {
  /** The most jobs that one sweep may cancel; a lower `maxKills` of the policy still applies. */
  killsPerSweep: number;
  /** The most jobs that the sweeps of one target may cancel in any 24 hours. */
  killsPerDay: number;
  /** The shortest limit of a rule that cancels. */
  shortestLimitMs: number;
  /** Whether a rule for all jobs may cancel. */
  allMayCancel: boolean;
  /** The most jobs that one emergency may cancel on one target. */
  emergencyKills: number;
  /** The most jobs that the emergencies on one target may cancel in any 24 hours. */
  emergencyKillsPerDay: number;
  /** Where they come from: a deploy of the stage, or the environment of a terminal. */
  setBy: 'deploy' | 'terminal';
}

/** The environment variables, by the names of the params in serverless.yml. */
const VARIABLES = {
  killsPerSweep: 'REAPER_KILLS_PER_SWEEP',
  killsPerDay: 'REAPER_KILLS_PER_DAY',
  shortestLimit: 'REAPER_SHORTEST_LIMIT',
  allMayCancel: 'REAPER_ALL_MAY_CANCEL',
  emergencyKills: 'REAPER_EMERGENCY_KILLS',
  emergencyKillsPerDay: 'REAPER_EMERGENCY_KILLS_PER_DAY',
} as const;

/** The defaults, which the params in serverless.yml have as well. docs/deploy.md gives the reasons. */
export const DEFAULT_CEILINGS: Omit<Ceilings, 'setBy'> = {
  ...USUAL_CEILINGS,
  killsPerDay: 200,
  allMayCancel: false,
  emergencyKills: 300,
  emergencyKillsPerDay: 1_000,
};

/** Reads the ceilings. A variable that is missing or empty has its default. @throws {SettingsError} naming a wrong variable. */
export function readCeilings(env: Environment, setBy: Ceilings['setBy']): Ceilings {
  const read = <T>(name: keyof typeof VARIABLES, usual: T, parse: (text: string) => T): T => {
    const text = env[VARIABLES[name]];
    if (text === undefined || text === '') return usual;
    try {
      return parse(text);
    } catch (error) {
      throw new SettingsError(VARIABLES[name], messageOf(error), { cause: error });
    }
  };
  const usual = DEFAULT_CEILINGS;
  return {
    killsPerSweep: read('killsPerSweep', usual.killsPerSweep, parseCount),
    killsPerDay: read('killsPerDay', usual.killsPerDay, parseCount),
    shortestLimitMs: read('shortestLimit', usual.shortestLimitMs, parseDuration),
    allMayCancel: read('allMayCancel', usual.allMayCancel, parseFlag),
    emergencyKills: read('emergencyKills', usual.emergencyKills, parseCount),
    emergencyKillsPerDay: read('emergencyKillsPerDay', usual.emergencyKillsPerDay, parseCount),
    setBy,
  };
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError('expected a whole number, 0 or more');
  return Number(text);
}

function parseFlag(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new RangeError('expected true or false');
  return text === 'true';
}

/**
 * Finds the rules and limits of a policy that are beyond the ceilings: one sentence for each, with what to do. Rules that only
 * warn or log have no ceilings.
 */
export function beyondCeilings({ rules }: Pick<Policy, 'rules'>, ceilings: Ceilings): string[] {
  return rules.filter(({ action }) => action === 'cancel').flatMap((rule) => beyondBy(rule, ceilings));
}

function beyondBy({ id, match, limits }: Rule, { allMayCancel, shortestLimitMs, setBy }: Ceilings): string[] {
  const shortest = formatDuration(shortestLimitMs);
  return [
    ...(isForAll(match) && !allMayCancel
      ? [
          `rule ${id}: match is for all jobs, and such a rule may not cancel here; name queues or owners in it, or ` +
            `${loosen('allMayCancel', 'true', setBy)}`,
        ]
      : []),
    ...limits
      .filter(({ limitMs }) => limitMs < shortestLimitMs)
      .map(({ clock, limitMs }) => {
        const limit = formatDuration(limitMs);
        return (
          `rule ${id}: ${clock} ${limit} is below ${shortest}, the shortest limit at which a job may be cancelled here; ` +
          `raise it to ${shortest}, or ${loosen('shortestLimit', limit, setBy)}`
        );
      }),
  ];
}

/** Says how to loosen a ceiling, for a person with the right to do so. */
export const loosen = (name: keyof typeof VARIABLES, value: string, setBy: Ceilings['setBy']): string =>
  setBy === 'deploy' ? `deploy with --param ${name}=${value}` : `set ${VARIABLES[name]}=${value}`;
