import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_CEILINGS, readCeilings } from '../../lib/settings/ceilings.ts';
import { optionsOf } from '../helpers/deploy-parts.ts';
import { HOUR } from '../helpers/world.ts';

const ceilingsOf = async (params: Record<string, string> = {}) =>
  readCeilings((await optionsOf(params)).sweepEnvironment as Record<string, string>, 'deploy');

describe('the ceilings of a deploy', () => {
  it('are by default those that the code has', async () => {
    expect(await ceilingsOf()).toEqual({ ...DEFAULT_CEILINGS, setBy: 'deploy' });
  });

  it('are loosened by params of the same names', async () => {
    const params = {
      killsPerSweep: '1',
      killsPerDay: '2',
      shortestLimit: '1d12h',
      allMayCancel: 'true',
      emergencyKills: '0',
      emergencyKillsPerDay: '4',
    };

    expect(await ceilingsOf(params)).toEqual({
      killsPerSweep: 1,
      killsPerDay: 2,
      shortestLimitMs: 36 * HOUR,
      allMayCancel: true,
      emergencyKills: 0,
      emergencyKillsPerDay: 4,
      setBy: 'deploy',
    });
  });

  it.each([
    { param: 'killsPerSweep', value: 'all', problem: 'expected a whole number from 0 to 100000' },
    { param: 'killsPerDay', value: '-1', problem: 'expected a whole number from 0 to 100000' },
    { param: 'shortestLimit', value: '15', problem: 'expected a duration with a unit, such as 15m or 1h30m' },
    { param: 'shortestLimit', value: '30m1h', problem: 'expected a duration with a unit, such as 15m or 1h30m' },
    {
      param: 'shortestLimit',
      value: '99999999999999999w',
      problem: 'expected a duration with a unit, such as 15m or 1h30m',
    },
    { param: 'shortestLimit', value: '', problem: 'expected a duration with a unit, such as 15m or 1h30m' },
    { param: 'allMayCancel', value: 'yes', problem: 'expected true or false' },
    { param: 'emergencyKills', value: '1e6', problem: 'expected a whole number from 0 to 100000' },
    { param: 'emergencyKillsPerDay', value: '0.5', problem: 'expected a whole number from 0 to 100000' },
  ])('are refused when the project is packaged if $param is $value', async ({ param, value, problem }) => {
    await expect(optionsOf({ [param]: value })).rejects.toThrow(`--param ${param}: ${problem}`);
  });
});

describe('the secrets of a deploy', () => {
  it.each(['*', '**', 'dli reaper', 'arn:aws:secretsmanager:eu-central-1:1:secret:dli'])(
    'are refused when the project is packaged if credentialSecrets is %s',
    async (credentialSecrets) => {
      await expect(optionsOf({ credentialSecrets })).rejects.toThrow(
        '--param credentialSecrets: expected the name of a secret, such as dli/*',
      );
    },
  );
});

interface ManagedPolicy {
  Properties: { PolicyDocument: { Statement: { Action: string | string[]; Resource: string | string[] }[] } };
}

const people = parse(readFileSync(new URL('../../deploy/people.yml', import.meta.url), 'utf8'), {
  logLevel: 'silent',
}) as { Resources: Record<string, ManagedPolicy> };

describe('the rights for people', () => {
  const CHANGES = ['ssm:PutParameter', 'ssm:DeleteParameter'];
  const changedBy = (name: string, change: string) =>
    (people.Resources[name]?.Properties.PolicyDocument.Statement ?? [])
      .filter(({ Action }) => [Action].flat().includes(change))
      .flatMap(({ Resource }) => Resource)
      .map((arn) => arn.replace(/^.*:parameter\/dli-reaper\/\$\{self:provider\.stage\}\//, ''));

  it.each([
    { right: 'PolicyAuthor', below: ['policies/*'], deletes: [] },
    { right: 'TargetAuthor', below: ['targets/*'], deletes: [] },
    { right: 'ExemptionAuthor', below: ['exemptions/*', 'freezes/*'], deletes: ['exemptions/*', 'freezes/*'] },
    { right: 'SwitchOperator', below: ['switch'], deletes: [] },
    { right: 'Auditor', below: [], deletes: [] },
  ])('let $right write $below, and nothing else', ({ right, below, deletes }) => {
    expect(CHANGES.map((change) => changedBy(right, change))).toEqual([below, deletes]);
  });

  it('of on-call hold the switch, exemptions and freezes, and no policy and no target', () => {
    expect(changedBy('OnCall', 'ssm:PutParameter')).not.toContainEqual(
      expect.stringMatching(/^(policies|targets|credentials)/),
    );
  });
});
