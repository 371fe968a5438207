import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REHEARSAL_STAGE } from '../../cli/source/rehearsal.ts';
import { isMailAddress } from '../../lib/notify/mail-address.ts';
import { assertStage } from '../../lib/settings/names.ts';
import { optionsOf } from '../helpers/deploy-parts.ts';

const TOPIC_FORM = 'expected the ARN of an SNS topic';
const RANGE_FORM = 'expected an IPv4 range from /16 to /27, such as 10.87.0.0/24';

describe('the params of a deploy', () => {
  it.each([
    { param: 'alarmTopic', value: 'foo', problem: TOPIC_FORM },
    { param: 'alarmTopic', value: 'arn:aws:sns:eu-central-1:12345678901:alarms', problem: TOPIC_FORM },
    { param: 'alarmTopic', value: 'arn:aws:sqs:eu-central-1:123456789012:alarms', problem: TOPIC_FORM },
    { param: 'alarmTopic', value: 'arn:aws:sns:eu-central-1:123456789012:alarms:subscription', problem: TOPIC_FORM },
    { param: 'vpcCidr', value: 'banana', problem: RANGE_FORM },
    { param: 'vpcCidr', value: '10.0.0.0', problem: RANGE_FORM },
    { param: 'vpcCidr', value: '10.0.0.256/24', problem: RANGE_FORM },
    { param: 'vpcCidr', value: 'fd00::/24', problem: RANGE_FORM },
    { param: 'vpcCidr', value: '10.0.0.0/24/24', problem: RANGE_FORM },
    { param: 'vpcCidr', value: '10.0.0.0/15', problem: RANGE_FORM },
    { param: 'vpcCidr', value: '10.0.0.0/28', problem: RANGE_FORM },
    { param: 'reservedConcurrency', value: '9', problem: 'expected no less than maxConcurrency, which is 10' },
    { param: 'reservedConcurrency', value: '1001', problem: 'expected a whole number from 1 to 1000' },
    { param: 'notices', value: 'no', problem: 'expected on or off' },
    { param: 'ownersPage', value: 'http://wiki.example.com', problem: 'expected an address that begins with https://' },
    { param: 'ownersPage', value: 'https://wiki|<x>', problem: 'expected an address that begins with https://' },
    { param: 'noticeTopics', value: '*', problem: 'expected the ARN of an SNS topic, which may end in *' },
    {
      param: 'noticeTopics',
      value: 'arn:aws:sns:eu-central-1:123456789012:*',
      problem: 'expected the ARN of an SNS topic',
    },
    { param: 'mailFrom', value: 'reaper', problem: 'expected a mail address, such as reaper@example.com' },
    { param: 'mailFrom', value: '{owner}@example.com', problem: 'expected a mail address' },
    { param: 'mailFrom', value: 'DLI <reaper@example.com>', problem: 'expected a mail address' },
    { param: 'mailFrom', value: '*@example.com', problem: 'expected a mail address' },
    {
      param: 'eventBus',
      value: '*',
      problem: 'expected the name or the ARN of an event bus, such as default',
    },
    {
      param: 'eventBus',
      value: 'arn:aws:events:eu-central-1:123456789012:rule/x',
      problem: 'expected the name or the ARN of an event bus',
    },
    { param: 'profile', value: 'tiny', problem: 'expected full or small' },
    { param: 'permissionsBoundary', value: 'developers', problem: 'expected the ARN of an IAM policy' },
    {
      param: 'permissionsBoundary',
      value: 'arn:aws:iam::123456789012:role/developers',
      problem: 'expected the ARN of an IAM policy',
    },
    { param: 'logKey', value: 'alias/logs', problem: 'expected the ARN of a KMS key, not of an alias' },
    {
      param: 'logKey',
      value: 'arn:aws:kms:eu-central-1:123456789012:alias/logs',
      problem: 'expected the ARN of a KMS key, not of an alias',
    },
    { param: 'maxConcurrency', value: '1', problem: 'expected a whole number from 2 to 1000' },
  ])('are refused before AWS is asked if $param is $value', async ({ param, value, problem }) => {
    await expect(optionsOf({ [param]: value })).rejects.toThrow(`--param ${param}: ${problem}`);
  });

  it.each([
    'arn:aws:sns:eu-central-1:123456789012:alarms',
    'arn:aws-cn:sns:cn-north-1:123456789012:on-call_2',
    'arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms',
  ])('may have %s as the topic of every alarm', async (alarmTopic) => {
    expect(await optionsOf({ alarmTopic })).toMatchObject({ alarmActions: [alarmTopic] });
  });

  it.each([
    { param: 'permissionsBoundary', value: 'arn:aws:iam::aws:policy/PowerUserAccess' },
    { param: 'permissionsBoundary', value: 'arn:aws-cn:iam::123456789012:policy/teams/data+ai' },
    { param: 'logKey', value: 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
    {
      param: 'logKey',
      value: 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab',
    },
  ])('may have $value as $param', async ({ param, value }) => {
    expect(await optionsOf({ [param]: value })).toMatchObject({ [param]: value });
  });

  it.each(['10.0.0.0/16', '10.87.0.0/24', '192.168.1.32/27'])('may have %s as the range of a VPC', async (vpcCidr) => {
    expect(await optionsOf({ vpcCidr })).toMatchObject({ vpc: { subnetIds: [{ Ref: 'SweepSubnet' }] } });
  });

  it('may leave out the messages to owners and operators, with all that is for them', async () => {
    const [on, off] = await Promise.all([optionsOf(), optionsOf({ notices: 'off' })]);
    const resourcesOfBoth = [on, off].map(({ resources }) =>
      Object.keys((resources as { Resources: object }).Resources),
    );

    expect(resourcesOfBoth[0]).toContain('SentTable');
    expect(resourcesOfBoth[1]).toEqual([]);
    expect(off).toMatchObject({ notifyFunction: null, hasNotices: false });
    expect(await optionsOf({ tracing: 'true' })).toMatchObject({
      resources: { Resources: { NotifyTracingPolicy: {} } },
    });
  });

  it.each([
    { param: 'noticeTopics', value: 'arn:aws:sns:eu-central-1:123456789012:dli-*', policy: 'NoticeTopicsPolicy' },
    { param: 'mailFrom', value: 'dli.reaper+prod@mail.example.com', policy: 'NoticeMailPolicy' },
    { param: 'eventBus', value: 'default', policy: 'NoticeEventsPolicy' },
    {
      param: 'eventBus',
      value: 'arn:aws-cn:events:cn-north-1:123456789012:event-bus/ops',
      policy: 'NoticeEventsPolicy',
    },
  ])(
    'give the messages one more way with $param=$value, and not with notices=off',
    async ({ param, value, policy }) => {
      expect(await optionsOf({ [param]: value })).toMatchObject({ resources: { Resources: { [policy]: {} } } });
      await expect(optionsOf({ notices: 'off', [param]: value })).rejects.toThrow(
        `--param ${param}: leave it out with notices=off`,
      );
    },
  );

  it('has the same mail addresses as a route', async () => {
    const addresses = ['a@b.c', 'A_1.b-c+d@x-y.example', '.a@b.c', 'a.@b.c', 'a..b@b.c', 'a@b', 'a@-b.c', 'a@b-.c'];
    const taken = await Promise.allSettled(addresses.map((mailFrom) => optionsOf({ mailFrom })));

    expect(taken.map(({ status }) => status === 'fulfilled')).toEqual(addresses.map(isMailAddress));
  });

  it('may reserve as much concurrency as the sweeps take', async () => {
    expect(await optionsOf({ maxConcurrency: '20', reservedConcurrency: '20' })).toMatchObject({
      maxConcurrency: 20,
      reservedConcurrency: 20,
    });
  });
});

describe('the stage of a deploy', () => {
  const ask = async (stage: string) => {
    const refusals = await Promise.allSettled([
      optionsOf({}, stage),
      (async () => {
        assertStage(stage);
      })(),
    ]);
    return refusals.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : 'taken'));
  };

  it.each(['dev', 'PROD-2', '7', 'a-', 'a'.repeat(40)])('may be %j, here and for a command', async (stage) => {
    expect(await ask(stage)).toEqual(['taken', 'taken']);
  });

  it.each(['', '-dev', 'a_b', 'a.b', 'a/b', '../prod', 'dev ', 'dev\n', 'früh', 'a'.repeat(41)])(
    'may not be %j, neither here nor for a command, in the same words',
    async (stage) => {
      const form = 'stage: expected at most 40 letters, digits and hyphens, and no hyphen first, such as dev';
      expect(await ask(stage)).toEqual([`--${form}`, form]);
    },
  );

  it('may not end in -dead, since queues of two stages would then have one name', async () => {
    await expect(optionsOf({}, 'prod-dead')).rejects.toThrow('--stage: expected a name that does not end in -dead');
  });

  it('may not be the stage that the emulator plays, since the commands would refuse it', async () => {
    const [here] = await ask(REHEARSAL_STAGE);

    expect(here).toBe('--stage: the stage rehearsal is for the emulator, and the commands refuse a real one');
  });

  it.each([
    { file: 'serverless.yml', what: 'name', most: 64, count: 2 },
    { file: 'deploy/queues.yml', what: 'QueueName', most: 80, count: 5 },
  ])('leaves room at its longest in each $what of $file', ({ file, what, most, count }) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    const names = [...text.matchAll(/^ +(\w+): (\$\{self:service\}-\S+)$/gm)]
      .filter(([, key]) => key === what)
      .map(([, , name = '']) =>
        name.replace(/\$\{self:service\}/, 'dli-job-reaper').replace(/\$\{self:provider\.stage\}/, 'a'.repeat(40)),
      );

    expect(names).toHaveLength(count);
    expect(names.filter((name) => name.length > most)).toEqual([]);
  });
});
