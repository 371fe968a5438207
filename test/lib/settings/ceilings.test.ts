import { describe, expect, it } from 'vitest';
import { beyondCeilings, DEFAULT_CEILINGS, readCeilings } from '../../../lib/settings/ceilings.ts';
import { makePolicy } from '../../helpers/make-job.ts';
import { MINUTE } from '../../helpers/world.ts';

describe('readCeilings', () => {
  it('has a default for each variable that is not set', () => {
    expect(readCeilings({ REAPER_KILLS_PER_DAY: '' }, 'terminal')).toEqual({
      killsPerSweep: 100,
      killsPerDay: 200,
      shortestLimitMs: 15 * MINUTE,
      allMayCancel: false,
      emergencyKills: 300,
      emergencyKillsPerDay: 1_000,
      setBy: 'terminal',
    });
  });

  it('reads each ceiling from its variable', () => {
    const env = {
      REAPER_KILLS_PER_SWEEP: '1',
      REAPER_KILLS_PER_DAY: '0',
      REAPER_SHORTEST_LIMIT: '1h30m',
      REAPER_ALL_MAY_CANCEL: 'true',
      REAPER_EMERGENCY_KILLS: '4',
      REAPER_EMERGENCY_KILLS_PER_DAY: '5',
    };

    expect(readCeilings(env, 'deploy')).toEqual({
      killsPerSweep: 1,
      killsPerDay: 0,
      shortestLimitMs: 90 * MINUTE,
      allMayCancel: true,
      emergencyKills: 4,
      emergencyKillsPerDay: 5,
      setBy: 'deploy',
    });
  });

  it.each([
    { variable: 'REAPER_KILLS_PER_SWEEP', value: '-1', problem: 'expected a whole number, 0 or more' },
    { variable: 'REAPER_KILLS_PER_DAY', value: '1e9', problem: 'expected a whole number, 0 or more' },
    { variable: 'REAPER_KILLS_PER_DAY', value: 'unlimited', problem: 'expected a whole number, 0 or more' },
    { variable: 'REAPER_SHORTEST_LIMIT', value: '15', problem: 'write the unit, such as 15m' },
    { variable: 'REAPER_ALL_MAY_CANCEL', value: 'yes', problem: 'expected true or false' },
    { variable: 'REAPER_EMERGENCY_KILLS', value: '1.5', problem: 'expected a whole number, 0 or more' },
    { variable: 'REAPER_EMERGENCY_KILLS_PER_DAY', value: ' 3', problem: 'expected a whole number, 0 or more' },
  ])('refuses $value for $variable, by its name', ({ variable, value, problem }) => {
    const read = () => readCeilings({ [variable]: value }, 'deploy');

    expect(read).toThrow(`${variable}: `);
    expect(read).toThrow(problem);
  });
});

describe('beyondCeilings', () => {
  const deployed = { ...DEFAULT_CEILINGS, setBy: 'deploy' as const };
  const beyond = (rule: object, ceilings = deployed) =>
    beyondCeilings(
      makePolicy({ rules: [{ id: 'r', match: { queue: 'adhoc' }, maxRunTime: '2h', ...rule }] }),
      ceilings,
    );

  it.each([
    { name: 'a limit exactly at the shortest', rule: { maxRunTime: '15m' } },
    { name: 'a rule for all jobs that only warns', rule: { match: 'all', action: 'warn', maxRunTime: '1s' } },
    { name: 'a rule for all jobs that only logs', rule: { match: 'all', action: 'log', maxRunTime: '1s' } },
  ])('finds nothing wrong with $name', ({ rule }) => {
    expect(beyond(rule)).toEqual([]);
  });

  it('names the rule, the limit and both ways out, for each limit that is too short', () => {
    expect(beyond({ maxRunTime: '5m', maxTotalTime: '1s', maxQueueTime: '1h' })).toEqual([
      'rule r: maxRunTime 5m is below 15m, the shortest limit at which a job may be cancelled here; raise it to 15m, or deploy with --param shortestLimit=5m',
      'rule r: maxTotalTime 1s is below 15m, the shortest limit at which a job may be cancelled here; raise it to 15m, or deploy with --param shortestLimit=1s',
    ]);
  });

  it('names a rule for all jobs, and on a terminal the variable to set', () => {
    expect(beyond({ match: 'all' }, { ...deployed, setBy: 'terminal' } as never)).toEqual([
      'rule r: match is for all jobs, and such a rule may not cancel here; name queues or owners in it, or set REAPER_ALL_MAY_CANCEL=true',
    ]);
  });

  it('lets rules for all jobs and short limits cancel if the ceilings allow it', () => {
    const loose = { ...deployed, allMayCancel: true, shortestLimitMs: 1_000 };

    expect(beyond({ match: 'all', maxRunTime: '1s' }, loose)).toEqual([]);
  });
});
