import { formatDuration, parseDuration } from '../base/duration.ts';
import { messageOf } from '../base/error-words.ts';
import { USUAL_CEILINGS } from '../policy/lint.ts';
import type { Policy, Rule } from '../policy/schema.ts';
import { isForAll } from '../policy/scope.ts';
import type { Environment } from './environment.ts';
import { SettingsError } from './settings.ts';

/**
 * What a sweep may do at most, whatever policy, target or request say. They are set by a deploy and not by Parameter Store,
 * so that the right to write a policy is no right to loosen them.
 */
export interface Ceilings {
  /** Jobs that one sweep may cancel; a lower `maxKills` holds. */
  killsPerSweep: number;
  /** Jobs that the sweeps of one target may cancel in any 24 hours. */
  killsPerDay: number;
  /** The shortest limit of a rule that cancels. */
  shortestLimitMs: number;
  /** Whether a rule for all jobs may cancel. */
  allMayCancel: boolean;
  /** As `killsPerSweep`, of one emergency on one target. */
  emergencyKills: number;
  /** As `killsPerDay`, of the emergencies on one target. */
  emergencyKillsPerDay: number;
  /** Who sets them: a deploy of the stage, or the environment of a terminal. */
  setBy: 'deploy' | 'terminal';
}

/** By the params of serverless.yml, which have the names of the fields. */
const VARIABLES = {
  killsPerSweep: 'REAPER_KILLS_PER_SWEEP',
  killsPerDay: 'REAPER_KILLS_PER_DAY',
  shortestLimit: 'REAPER_SHORTEST_LIMIT',
  allMayCancel: 'REAPER_ALL_MAY_CANCEL',
  emergencyKills: 'REAPER_EMERGENCY_KILLS',
  emergencyKillsPerDay: 'REAPER_EMERGENCY_KILLS_PER_DAY',
} as const;

/** Why these: docs/deploy.md. The params of serverless.yml have the same. */
export const DEFAULT_CEILINGS: Omit<Ceilings, 'setBy'> = {
  ...USUAL_CEILINGS,
  killsPerDay: 200,
  allMayCancel: false,
  emergencyKills: 300,
  emergencyKillsPerDay: 1_000,
};

/** A variable that is missing, or empty, leaves its default. @throws {SettingsError} naming the variable that is wrong. */
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
 * What in a policy no sweep may do: one sentence for each rule and limit, with the way out. Rules that only warn or log may
 * do what they like.
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

/** What a person does who has the right to. */
export const loosen = (name: keyof typeof VARIABLES, value: string, setBy: Ceilings['setBy']): string =>
  setBy === 'deploy' ? `deploy with --param ${name}=${value}` : `set ${VARIABLES[name]}=${value}`;
