import { inspect } from 'node:util';
import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stageParameters } from '../../../emulator/aws/parameter-store.ts';
import { EMULATOR_KEY, EMULATOR_PROJECT_ID } from '../../../emulator/server.ts';
import { parseRequest } from '../../../lib/request/request.ts';
import { createParameterReader, createPathReader } from '../../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import { loadSsmSettings } from '../../../lib/settings/stage.ts';
import type { SwitchReading } from '../../../lib/settings/switch.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { HOUR } from '../../helpers/world.ts';

const TARGET = '/dli-reaper/dev/targets/default';
const POLICY = '/dli-reaper/dev/policies/base';
const CREDENTIALS = '/dli-reaper/dev/credentials/reaper';

const EXEMPTIONS = '/dli-reaper/dev/exemptions/';
const FREEZES = '/dli-reaper/dev/freezes/';
const exemption = (id: string) => ({
  id,
  reason: 'backfill',
  owner: 'orders',
  until: '2027-02-01',
  match: { owner: 'orders' },
});

const url = 'https://dli.example.com';
const connection = { url, region: 'eu-west-101', projectId: EMULATOR_PROJECT_ID, ...EMULATOR_KEY };
const policy = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const target = { region: 'eu-west-101', projectId: EMULATOR_PROJECT_ID, policy: 'base', credentials: 'reaper' };

const iamEndpoint = 'https://iam.example.com';
const password = { userName: 'reaper', password: 'hush', domainName: 'account', iamEndpoint };

/** A whole stage, with some parameters replaced; undefined takes one away. */
async function startStage(changes: Record<string, unknown> = {}, refusedOperations: readonly string[] = []) {
  const ssm = await startAwsServer(stageParameters('dev', connection, policy), { refusedOperations });
  onTestFinished(ssm.close);
  const change = (name: string, value: unknown) => {
    if (value === undefined) delete ssm.parameters[name];
    else ssm.parameters[name] = typeof value === 'string' ? value : JSON.stringify(value);
  };
  for (const [name, value] of Object.entries(changes)) change(name, value);

  const { AWS_REGION: region } = ssm.env;
  const keys = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SSMClient({ endpoint: ssm.env.AWS_ENDPOINT_URL, region, credentials: keys, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  const read = createParameterReader(client);
  const load = (readSwitch: () => Promise<SwitchReading> = async () => ({ value: 'run', version: 4 })) =>
    loadSsmSettings({ target: 'default' }, { stage: 'dev', read, readPath: createPathReader(client), readSwitch });
  return { ssm, read, readPath: createPathReader(client), load, change };
}

/** What kept the settings from being loaded. */
async function failureOf(
  changes: Record<string, unknown>,
  refusedOperations: readonly string[] = [],
): Promise<SettingsError> {
  const { load } = await startStage(changes, refusedOperations);
  return load().then(
    () => expect.unreachable('the settings were loaded'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(SettingsError);
      return error as SettingsError;
    },
  );
}

describe('a credential in Secrets Manager', () => {
  const SECRET = '/aws/reference/secretsmanager/dli/reaper';
  const key = { accessKeyId: 'id', secretAccessKey: 'hush' };

  it('is read by the name in the target, and again for each renewal', async () => {
    const { load, change } = await startStage({ [TARGET]: { ...target, credentials: SECRET }, [SECRET]: key });

    const { credentials, parameterVersions } = await load();

    expect(credentials.name).toBe(SECRET);
    expect(await credentials.read()).toEqual(key);
    change(SECRET, { ...key, accessKeyId: 'other' });
    expect(await credentials.read()).toMatchObject({ accessKeyId: 'other' });
    // It has no version that Parameter Store knows.
    expect(parameterVersions).toMatchObject({ credentials: null, policy: 1 });
  });

  it('is read by itself, so that its error does not name the policy', async () => {
    const { setting, message } = await failureOf({ [TARGET]: { ...target, credentials: SECRET } });

    expect(setting).toBe(SECRET);
    expect(message).toBe(`${SECRET}: cannot be read from Parameter Store (ParameterNotFound)`);
  });

  it('has the same form as a parameter, and no value of it is shown', async () => {
    const { setting, message } = await failureOf({
      [TARGET]: { ...target, credentials: SECRET },
      [SECRET]: { ...key, secretAccessKey: 7 },
    });

    expect({ setting, message }).toEqual({
      setting: SECRET,
      message: `${SECRET}: secretAccessKey: expected a text`,
    });
  });

  it.each(['/aws/reference/secretsmanager/', '/aws/reference/secretsmanager/a b', '/aws/reference/ssm/x', 'a/b', '/x'])(
    'has a name that can be one: not %s',
    async (credentials) => {
      const { setting, message } = await failureOf({ [TARGET]: { ...target, credentials } });

      expect(setting).toBe(TARGET);
      expect(message).toContain(`expected letters, digits and _ . -, or a secret such as ${SECRET}`);
    },
  );
});

describe('loadSsmSettings', () => {
  it('reads the target, and then what the target names, all exemptions and all freezes, side by side', async () => {
    const { ssm, load } = await startStage();

    const settings = await load();

    expect(settings).toMatchObject({
      target: { name: 'default', endpoint: new URL(url), projectId: EMULATOR_PROJECT_ID, mode: 'live' },
      policy: { mode: 'live', rules: [{ id: 'two-hours', maxRunTime: 2 * HOUR }] },
      isSwitchedOn: true,
    });
    expect(ssm.asked).toEqual([[TARGET], [POLICY, CREDENTIALS], [EXEMPTIONS], [FREEZES]]);
  });

  it('reads what all targets say about their projects, but only when that is needed', async () => {
    const beach = { ...target, projectId: 'p2', shared: true };
    const { ssm, load } = await startStage({ '/dli-reaper/dev/targets/beach': beach });

    const { stage } = await load();

    expect(stage).toMatchObject({ parameter: TARGET, shared: false });
    expect(ssm.asked).not.toContainEqual(['/dli-reaper/dev/targets/']);
    expect(await stage?.readClaims()).toEqual([
      { target: 'default', projectId: EMULATOR_PROJECT_ID, shared: false },
      { target: 'beach', projectId: 'p2', shared: true },
    ]);
    expect(ssm.asked).toContainEqual(['/dli-reaper/dev/targets/']);
  });

  it('gives the version of each parameter it has read', async () => {
    const orders = `${EXEMPTIONS}orders`;
    const { ssm, load } = await startStage({ [orders]: exemption('orders') });
    Object.assign(ssm.versions, { [TARGET]: 2, [POLICY]: 7, [CREDENTIALS]: 3, [orders]: 5 });

    expect((await load()).parameterVersions).toEqual({
      switch: 4,
      target: 2,
      policy: 7,
      credentials: 3,
      exemptions: { [orders]: 5 },
      freezes: {},
    });
  });

  it('has no version for a missing switch', async () => {
    const { load } = await startStage();

    const { parameterVersions } = await load(async () => ({ value: undefined, version: null }));

    expect(parameterVersions?.switch).toBeNull();
  });

  it.each([
    { name: 'target', parameter: TARGET },
    { name: 'policy', parameter: POLICY },
    { name: 'credential', parameter: CREDENTIALS },
  ])('names the $name that is missing', async ({ parameter }) => {
    const { setting, message } = await failureOf({ [parameter]: undefined });

    expect(setting).toBe(parameter);
    expect(message).toBe(`${parameter}: no such parameter; create it, or correct the name`);
  });

  it.each<{ name: string; parameter: string; value: unknown; problem: RegExp }>([
    { name: 'a target without JSON', parameter: TARGET, value: 'hush', problem: /not JSON/ },
    { name: 'a policy without JSON', parameter: POLICY, value: '{"hush":', problem: /not JSON/ },
    {
      name: 'a credential without JSON',
      parameter: CREDENTIALS,
      value: '{"secretAccessKey":"hush"',
      problem: /not JSON/,
    },
    {
      name: 'a policy with a key twice, of which one would be lost',
      parameter: POLICY,
      value: '{"version":1,"rules":[],"exemptions":[{"id":"hush"}],"exemptions":[]}',
      problem: /: a key is there twice in one object; keep one of them$/,
    },
    { name: 'a target that is a text', parameter: TARGET, value: '"hush"', problem: /expected an object/ },
    {
      name: 'a credential that is a list',
      parameter: CREDENTIALS,
      value: ['hush'],
      problem: /: accessKeyId: missing; secretAccessKey: missing/,
    },
    {
      name: 'an unknown key of a target',
      parameter: TARGET,
      value: { ...target, switch: 'hush' },
      problem: /: switch: unknown key$/,
    },
    {
      name: 'a name of a project that is no text',
      parameter: TARGET,
      value: { ...target, projectName: 7 },
      problem: /: projectName: expected a name$/,
    },
    {
      name: 'a name of a project with a blank around it',
      parameter: TARGET,
      value: { ...target, projectName: 'hush ' },
      problem: /: projectName: expected up to 64 characters, such as eu-west-101_lake$/,
    },
    {
      name: 'a name of a project that is too long',
      parameter: TARGET,
      value: { ...target, projectName: 'x'.repeat(65) },
      problem: /: projectName: expected up to 64 characters/,
    },
    {
      name: 'a shared that is no boolean',
      parameter: TARGET,
      value: { ...target, shared: 'yes' },
      problem: /: shared: expected true or false$/,
    },
    {
      name: 'an unknown key of a credential',
      parameter: CREDENTIALS,
      value: { ...EMULATOR_KEY, note: 'hush' },
      problem: /: holds an unknown key, not shown here; allowed: accessKeyId, secretAccessKey, securityToken/,
    },
    {
      name: 'an unknown key of a policy',
      parameter: POLICY,
      value: { ...policy, maxKill: 'hush' },
      problem: /maxKill: unknown key; did you mean maxKills\?/,
    },
    {
      name: 'a target without a policy',
      parameter: TARGET,
      value: { ...target, policy: undefined },
      problem: /: policy: missing$/,
    },
    {
      name: 'a target whose policy is no part of a name',
      parameter: TARGET,
      value: { ...target, policy: '../hush' },
      problem: /: policy: expected letters/,
    },
    {
      name: 'a malformed project id',
      parameter: TARGET,
      value: { ...target, projectId: 'hush/hush' },
      problem: /: projectId: expected up to 64 letters and digits$/,
    },
    {
      name: 'an unknown mode',
      parameter: TARGET,
      value: { ...target, mode: 'hush' },
      problem: /: mode: expected dry-run or live$/,
    },
    {
      name: 'a credential without a secret',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'hush' },
      problem: /: secretAccessKey: missing$/,
    },
    {
      name: 'an empty secret',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'hush', secretAccessKey: '' },
      problem: /: secretAccessKey: is empty$/,
    },
    {
      name: 'a password without the rest',
      parameter: CREDENTIALS,
      value: { ...password, domainName: undefined },
      problem: /: domainName: missing$/,
    },
    {
      name: 'a password and an access key in one',
      parameter: CREDENTIALS,
      value: { ...password, accessKeyId: 'hush' },
      problem: /: accessKeyId: unknown key$/,
    },
    {
      name: 'a secret with a line break',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'A', secretAccessKey: 'hush\n' },
      problem: /: secretAccessKey: ends with a line break; remove it$/,
    },
    {
      name: 'an access key in quotes',
      parameter: CREDENTIALS,
      value: { accessKeyId: '"hush"', secretAccessKey: 'S' },
      problem: /: accessKeyId: is in quotes; remove them$/,
    },
    {
      name: 'a security token with a zero-width space',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'A', secretAccessKey: 'S', securityToken: '\u200bhush' },
      problem: /: securityToken: contains a zero-width space/,
    },
    {
      name: 'a password with a line break',
      parameter: CREDENTIALS,
      value: { ...password, password: 'hush\n' },
      problem: /: password: ends with a line break; remove it$/,
    },
    {
      name: 'a user name with a blank at its end',
      parameter: CREDENTIALS,
      value: { ...password, userName: 'hush ' },
      problem: /: userName: begins or ends with a space; remove it$/,
    },
    {
      name: 'a secret in the place of a key',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'A', secretAccessKey: 'S', hush: 1 },
      problem: /: holds an unknown key, not shown here; allowed: accessKeyId, secretAccessKey, securityToken/,
    },
    {
      name: 'a secret that is no text',
      parameter: CREDENTIALS,
      value: { accessKeyId: 'hush', secretAccessKey: ['hush'] },
      problem: /: secretAccessKey: expected a text$/,
    },
  ])('refuses $name without showing what it holds', async ({ parameter, value, problem }) => {
    const error = await failureOf({ [parameter]: value });

    expect(error.setting).toBe(parameter);
    expect(error.message).toMatch(problem);
    expect(inspect(error, { depth: Infinity })).not.toMatch(/hush|emulator-secret/);
  });

  it.each([
    { name: 'not https', endpoint: 'http://dli.example.com', problem: 'only https is allowed' },
    { name: 'no URL', endpoint: 'dli', problem: 'expected a URL such as https://' },
    { name: 'with a path', endpoint: 'https://dli.example.com/v1.0', problem: 'give scheme, host and port only' },
    { name: 'with a password', endpoint: 'https://reaper:hush@dli.example.com', problem: 'give scheme, host and port' },
  ])('refuses an endpoint that is $name', async ({ endpoint, problem }) => {
    const { setting, message } = await failureOf({ [TARGET]: { ...target, endpoint } });

    expect(setting).toBe(`${TARGET}: endpoint`);
    expect(message).toContain(problem);
    expect(message).not.toContain('hush');
  });

  it('reads every document with a byte-order mark before it, and takes no such switch for run', async () => {
    const marked = (document: object) => `\ufeff${JSON.stringify(document)}`;
    const { load } = await startStage({
      [TARGET]: marked(target),
      [POLICY]: marked(policy),
      [CREDENTIALS]: marked(password),
      [`${EXEMPTIONS}one`]: marked(exemption('one')),
    });

    expect(await load(async () => ({ value: '\ufeffrun', version: 1 }))).toMatchObject({
      policy: { rules: [{ id: 'two-hours' }] },
      exemptions: [{ id: 'one' }],
      isSwitchedOn: false,
    });
  });

  it('stops at an exemption that no job can match', async () => {
    const { setting, message } = await failureOf({
      [`${EXEMPTIONS}big`]: { ...exemption('big'), match: { queue: 'FINANCE' } },
    });

    expect(setting).toBe(`${EXEMPTIONS}big`);
    expect(message).toContain('match.queue: no queue has such a name');
    expect(message).toContain('write finance');
  });

  it('reads a password in place of an access key', async () => {
    const { load } = await startStage({ [CREDENTIALS]: { ...password, iamEndpoint: `${iamEndpoint}/v3` } });

    const { credentials } = await load();

    expect(await credentials.read()).toEqual({ ...password, iamEndpoint: new URL(iamEndpoint) });
  });

  it('refuses to send a password anywhere but over https', async () => {
    const { message } = await failureOf({ [CREDENTIALS]: { ...password, iamEndpoint: 'http://iam.example.com' } });

    expect(message).toContain(`${CREDENTIALS}: iamEndpoint`);
    expect(message).toContain('only https is allowed');
  });

  it('makes a target without a mode a dry run', async () => {
    const { load } = await startStage({ [TARGET]: target });

    expect((await load()).target.mode).toBe('dry-run');
  });

  it.each([
    { region: 'eu-west-101', endpoint: 'https://dli.eu-west-101.myhuaweicloud.eu/' },
    { region: 'cn-north-4', endpoint: 'https://dli.cn-north-4.myhuaweicloud.com/' },
    { region: 'eu-west-0', endpoint: 'https://dli.eu-west-0.myhuaweicloud.com/' },
  ])('finds the endpoint of $region by its name', async ({ region, endpoint }) => {
    const { load } = await startStage({ [TARGET]: { ...target, region } });

    expect((await load()).target.endpoint.href).toBe(endpoint);
  });

  it.each([
    { value: 'run', isOn: true },
    { value: 'stop', isOn: false },
    { value: 'RUN', isOn: false },
    { value: 'run ', isOn: false },
    { value: '"run"', isOn: false },
    { value: '', isOn: false },
    { value: true, isOn: false },
    { value: undefined, isOn: false },
  ])('takes a switch of $value for on: $isOn', async ({ value, isOn }) => {
    const { load } = await startStage();

    expect((await load(async () => ({ value, version: 1 }))).isSwitchedOn).toBe(isOn);
  });

  it('treats an empty security token as none', async () => {
    const { load } = await startStage({ [CREDENTIALS]: { ...EMULATOR_KEY, securityToken: '' } });

    const { credentials } = await load();

    expect(await credentials.read()).toEqual({ ...EMULATOR_KEY, securityToken: undefined });
  });

  it('returns the credential it has read once, and reads it anew from then on', async () => {
    const { ssm, load, change } = await startStage();
    const { credentials } = await load();
    ssm.asked.length = 0;
    const rotated = { accessKeyId: 'rotated', secretAccessKey: 'new', securityToken: 'token' };
    change(CREDENTIALS, rotated);

    expect(await credentials.read()).toEqual(EMULATOR_KEY);
    expect(ssm.asked).toEqual([]);
    expect(await credentials.read()).toEqual(rotated);
    expect(await credentials.read()).toEqual(rotated);
    expect(ssm.asked).toEqual([[CREDENTIALS], [CREDENTIALS]]);
  });

  it('fails when the credential has been deleted meanwhile', async () => {
    const { load, change } = await startStage();
    const { credentials } = await load();
    change(CREDENTIALS, undefined);

    await credentials.read();

    await expect(credentials.read()).rejects.toThrow(`${CREDENTIALS}: no such parameter`);
  });
});

describe('exemptions', () => {
  it('are none if the stage has none', async () => {
    const { load } = await startStage({ '/dli-reaper/prod/exemptions/a': exemption('of-another-stage') });

    expect((await load()).exemptions).toEqual([]);
  });

  it('are read from all their parameters, however many pages they fill', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `team-${String(i).padStart(2, '0')}`);
    const { ssm, load } = await startStage(
      Object.fromEntries(names.map((id) => [`${EXEMPTIONS}${id}`, exemption(id)])),
    );

    expect((await load()).exemptions.map(({ id }) => id)).toEqual(names);
    expect(ssm.asked.filter(([name]) => name === EXEMPTIONS)).toHaveLength(3);
  });

  it('may lie in folders of the teams that write them', async () => {
    const { load } = await startStage({ [`${EXEMPTIONS}orders/backfill`]: exemption('backfill') });

    expect((await load()).exemptions).toMatchObject([
      {
        id: 'backfill',
        reason: 'backfill',
        owner: 'orders',
        until: Date.parse('2027-02-02T00:00:00Z'),
        match: { owner: [{ text: 'orders' }] },
      },
    ]);
  });

  it.each([
    { name: 'without JSON', value: 'keep my job', problem: /not JSON/ },
    { name: 'empty', value: '', problem: /not JSON/ },
    { name: 'a list of exemptions', value: [exemption('a')], problem: /expected an object/ },
    {
      name: 'without an end',
      value: { ...exemption('a'), until: undefined },
      problem: /until: missing; say until when/,
    },
    { name: 'of nothing', value: { ...exemption('a'), match: {} }, problem: /expected at least one of jobId/ },
    { name: 'of every job', value: { ...exemption('a'), match: 'all' }, problem: /match: expected an object/ },
    {
      name: 'with an unknown key',
      value: { ...exemption('a'), expires: 'never' },
      problem: /expires: unknown key; did you mean until\?/,
    },
  ])('stop the sweep when one of them is $name, since what it protects is unknown', async ({ value, problem }) => {
    const { setting, message } = await failureOf({
      [`${EXEMPTIONS}good`]: exemption('good'),
      [`${EXEMPTIONS}bad`]: value,
    });

    expect(setting).toBe(`${EXEMPTIONS}bad`);
    expect(message).toMatch(/^\/dli-reaper\/dev\/exemptions\/bad: /);
    expect(message).toMatch(problem);
  });

  it('stop the sweep when Parameter Store refuses to list them', async () => {
    const { setting, message } = await failureOf({}, ['GetParametersByPath']);

    expect(setting).toBe(EXEMPTIONS);
    expect(message).toBe(`${EXEMPTIONS}: cannot be read from Parameter Store (AccessDeniedException)`);
  });
});

describe('freezes', () => {
  const freeze = {
    id: 'month-end',
    reason: 'close',
    match: 'all',
    recurring: { days: [-1], timeZone: 'Europe/Berlin' },
  };

  it('are read from all their parameters, with their versions', async () => {
    const name = `${FREEZES}finance/month-end`;
    const { ssm, load } = await startStage({ [name]: freeze });
    ssm.versions[name] = 3;

    const { freezes, parameterVersions } = await load();

    expect(freezes).toMatchObject([{ id: 'month-end', match: 'all' }]);
    expect(parameterVersions).toMatchObject({ exemptions: {}, freezes: { [name]: 3 } });
  });

  it.each([
    { name: 'without JSON', value: 'all quiet', problem: /not JSON/ },
    {
      name: 'without an end',
      value: { ...freeze, recurring: undefined, from: '2026-01-05' },
      problem: /until: missing/,
    },
    { name: 'that no job can match', value: { ...freeze, match: { queue: 'FINANCE' } }, problem: /write finance/ },
    {
      name: 'in a zone that is none',
      value: { ...freeze, recurring: { days: [1], timeZone: 'Mars' } },
      problem: /timeZone: expected the name of a time zone/,
    },
  ])('stop the sweep when one of them is $name, and say what removes it', async ({ value, problem }) => {
    const { setting, message } = await failureOf({ [`${FREEZES}bad`]: value });

    expect(setting).toBe(`${FREEZES}bad`);
    expect(message).toMatch(problem);
    if (typeof value !== 'string') expect(message).toContain('dli-reaper unfreeze bad --stage dev removes it');
  });

  it('are ignored by an emergency that includes exempt jobs, and kept by any other', async () => {
    const { read, readPath } = await startStage({ [`${FREEZES}bad`]: '{}', [POLICY]: { rules: 0, freezes: [freeze] } });
    const load = (includeExempt: boolean) =>
      loadSsmSettings(parseRequest({ kind: 'emergency', olderThan: '10m', reason: 'stuck', includeExempt }), {
        stage: 'dev',
        read,
        readPath,
        readSwitch: async () => ({ value: 'run', version: 1 }),
      });

    await expect(load(false)).rejects.toThrow(`${FREEZES}bad: `);
    expect(await load(true)).toMatchObject({ freezes: [], policy: { freezes: [] } });
  });

  it('of a policy whose rules are wrong hold in an emergency', async () => {
    const { read, readPath } = await startStage({ [POLICY]: { rules: 0, freezes: [freeze] } });

    const { policy: kept, notices } = await loadSsmSettings(
      parseRequest({ kind: 'emergency', olderThan: '10m', reason: 'stuck' }),
      { stage: 'dev', read, readPath, readSwitch: async () => ({ value: 'run', version: 1 }) },
    );

    expect(kept.freezes).toMatchObject([{ id: 'month-end' }]);
    expect(notices).toEqual([]);
  });
});

describe('the switch', () => {
  it('says until when it is stopped, and why', async () => {
    const { load } = await startStage();
    const value = 'stop until 2026-12-06T00:00:00.000Z because month end';

    expect(await load(async () => ({ value, version: 1 }))).toMatchObject({
      isSwitchedOn: false,
      stopOrder: { until: Date.parse('2026-12-06T00:00:00Z'), reason: 'month end' },
    });
    expect((await load()).stopOrder).toBeUndefined();
  });
});

describe('loadSsmSettings of an emergency', () => {
  const request = parseRequest({ kind: 'emergency', olderThan: '10m', reason: 'stuck' });

  it.each([
    { name: 'is broken', value: '{"rules": ' },
    { name: 'is missing', value: undefined },
  ])('needs no policy: with one that $name any job may be exempt, which is a notice', async ({ value }) => {
    const { read, readPath } = await startStage({ [POLICY]: value });

    const settings = await loadSsmSettings(request, {
      stage: 'dev',
      read,
      readPath,
      readSwitch: async () => ({ value: 'run', version: 1 }),
    });

    expect(settings).toMatchObject({
      policy: {
        mode: 'live',
        rules: expect.arrayContaining([expect.objectContaining({ action: 'cancel' })]),
        doubts: [{ match: 'all', until: Number.POSITIVE_INFINITY }],
      },
      notices: [
        `${POLICY} and the exemptions in it cannot be read: any job may be exempt and is spared, unless exempt jobs are included (--include-exempt)`,
      ],
    });
  });

  it('keeps the exemptions of a policy whose rules are wrong', async () => {
    const { read, readPath } = await startStage({ [POLICY]: { rules: [], exemptions: [exemption('inside')] } });

    const settings = await loadSsmSettings(request, {
      stage: 'dev',
      read,
      readPath,
      readSwitch: async () => ({ value: 'run', version: 1 }),
    });

    expect(settings.policy.exemptions).toMatchObject([{ id: 'inside' }]);
    expect(settings.notices).toEqual([]);
  });

  it('does not mention a policy that cannot be read if exempt jobs are included', async () => {
    const { read, readPath } = await startStage({ [POLICY]: '{' });

    const settings = await loadSsmSettings(
      parseRequest({ kind: 'emergency', olderThan: '10m', reason: 'stuck', includeExempt: true }),
      { stage: 'dev', read, readPath, readSwitch: async () => ({ value: 'run', version: 1 }) },
    );

    expect(settings.policy.doubts).toEqual([]);
    expect(settings.notices).toBeUndefined();
  });

  it('keeps the exemptions of a policy with a byte-order mark before it', async () => {
    const { read, readPath } = await startStage({
      [POLICY]: `\ufeff${JSON.stringify({ rules: [], exemptions: [exemption('inside')] })}`,
    });

    const settings = await loadSsmSettings(request, {
      stage: 'dev',
      read,
      readPath,
      readSwitch: async () => ({ value: 'run', version: 1 }),
    });

    expect(settings.policy.exemptions).toMatchObject([{ id: 'inside' }]);
    expect(settings.notices).toEqual([]);
  });
});
