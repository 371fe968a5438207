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
  Type: string;
  Properties: { PolicyDocument: { Statement: { Effect: string; Action: string[]; Resource: string | string[] }[] } };
}

const roles = parse(readFileSync(new URL('../../deploy/roles.yml', import.meta.url), 'utf8'), {
  logLevel: 'silent',
}) as { Resources: Record<string, ManagedPolicy> };

describe('the rights for people', () => {
  const rights = Object.entries(roles.Resources).filter(([, { Type }]) => Type === 'AWS::IAM::ManagedPolicy');
  const reachOf = ({ Properties }: ManagedPolicy) =>
    Properties.PolicyDocument.Statement.map(({ Effect, Action, Resource }) => ({
      Effect,
      Action,
      below: [Resource].flat().map((arn) => arn.replace(/^.*:parameter\/dli-reaper\/\$\{self:provider\.stage\}\//, '')),
    }));

  it.each([
    { right: 'PolicyAuthor', below: ['policies/*'], mayDelete: false },
    { right: 'TargetAuthor', below: ['targets/*'], mayDelete: false },
    { right: 'ExemptionAuthor', below: ['exemptions/*', 'freezes/*'], mayDelete: true },
    { right: 'SwitchOperator', below: ['switch'], mayDelete: false },
  ])('of $right reach $below and nothing else', ({ right, below, mayDelete }) => {
    expect(reachOf(roles.Resources[right] as ManagedPolicy)).toEqual([
      {
        Effect: 'Allow',
        Action: [
          'ssm:GetParameters',
          'ssm:GetParameterHistory',
          'ssm:PutParameter',
          ...(mayDelete ? ['ssm:DeleteParameter'] : []),
        ],
        below,
      },
    ]);
  });

  it('are these four, so that none includes another', () => {
    expect(rights).toHaveLength(4);
    const places = rights.flatMap(([, policy]) => reachOf(policy).flatMap(({ below }) => below));
    expect(new Set(places).size).toBe(places.length);
  });
});
