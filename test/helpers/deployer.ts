import { readFileSync } from 'node:fs';
import { root } from './packaged.ts';

/* What docs/deployer-policy*.json allow, as IAM reads them. No peer of AWS here knows resources and conditions of these calls. */

const ACCOUNT = '123456789012';
const REGION = 'eu-central-1';

interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface Policy {
  Version: string;
  Statement: Statement[];
}

/** A call as IAM sees it. */
export interface Call {
  action: string;
  resource: string;
  context?: Record<string, string>;
}

interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
}

/** @returns a policy of docs/, with what a person puts in. */
export function readDeployerPolicy(name: string, stage: string, region = REGION): Policy {
  const text = readFileSync(`${root}/docs/${name}.json`, 'utf8');
  const filled = { STAGE: stage, REGION: region, ACCOUNT, BOUNDARY: 'developers' };
  return JSON.parse(Object.entries(filled).reduce((all, [word, value]) => all.replaceAll(word, value), text)) as Policy;
}

const matches = (pattern: string, text: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  ).test(text);

/** @throws {Error} for an operator that no policy of docs/ uses. */
function isMet(condition: NonNullable<Statement['Condition']>, context: Record<string, string>): boolean {
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) => {
      const is = context[key] !== undefined && [expected].flat().includes(context[key]);
      if (operator === 'StringNotEquals') return !is;
      if (['StringEquals', 'ArnEquals', 'ForAnyValue:StringEquals'].includes(operator)) return is;
      throw new Error(`${operator}: no such operator`);
    }),
  );
}

/** Whether the policies together allow a call. */
export function allows(policies: readonly Policy[], { action, resource, context = {} }: Call): boolean {
  const effects = policies
    .flatMap(({ Statement: statements }) => statements)
    .filter(
      ({ Action, Resource: resources, Condition = {} }) =>
        [Action].flat().some((pattern) => matches(pattern, action)) &&
        [resources].flat().some((pattern) => matches(pattern, resource)) &&
        isMet(Condition, context),
    )
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

type MakeCalls = (properties: Record<string, string>, generated: string) => Call[];

const one =
  (action: string, arnOf: (properties: Record<string, string>, generated: string) => string): MakeCalls =>
  (properties, generated) => [{ action, resource: arnOf(properties, generated) }];

const regional = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const queueArn: MakeCalls = ({ QueueName = '' }) => [
  { action: 'sqs:CreateQueue', resource: regional('sqs', QueueName) },
  { action: 'sqs:SetQueueAttributes', resource: regional('sqs', QueueName) },
];

/** What making a resource of a type takes. The types that are left out are parts of these. */
const CALLS: Record<string, MakeCalls> = {
  'AWS::CloudWatch::Alarm': one('cloudwatch:PutMetricAlarm', ({ AlarmName }) =>
    regional('cloudwatch', `alarm:${AlarmName}`),
  ),
  'AWS::CloudWatch::Dashboard': one(
    'cloudwatch:PutDashboard',
    ({ DashboardName }) => `arn:aws:cloudwatch::${ACCOUNT}:dashboard/${DashboardName}`,
  ),
  'AWS::DynamoDB::Table': one('dynamodb:CreateTable', ({ TableName }) => regional('dynamodb', `table/${TableName}`)),
  'AWS::IAM::ManagedPolicy': one(
    'iam:CreatePolicy',
    ({ Path }, generated) => `arn:aws:iam::${ACCOUNT}:policy${Path}${generated}`,
  ),
  'AWS::IAM::Role': (_, generated) =>
    ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:DeleteRole', 'iam:PassRole'].map((action) => ({
      action,
      resource: `arn:aws:iam::${ACCOUNT}:role/${generated}`,
      ...(action === 'iam:PassRole' && { context: { 'iam:PassedToService': 'lambda.amazonaws.com' } }),
    })),
  'AWS::KMS::Alias': one('kms:CreateAlias', ({ AliasName }) => regional('kms', AliasName ?? '')),
  'AWS::Lambda::Function': ({ FunctionName = '' }) => [
    { action: 'lambda:CreateFunction', resource: regional('lambda', `function:${FunctionName}`) },
    { action: 'lambda:AddPermission', resource: regional('lambda', `function:${FunctionName}`) },
    { action: 'lambda:PutFunctionEventInvokeConfig', resource: regional('lambda', `function:${FunctionName}:$LATEST`) },
  ],
  'AWS::Lambda::EventSourceMapping': ({ FunctionName = '' }) => [
    {
      action: 'lambda:CreateEventSourceMapping',
      resource: '*',
      context: { 'lambda:FunctionArn': regional('lambda', `function:${FunctionName}`) },
    },
  ],
  'AWS::Logs::LogGroup': ({ LogGroupName = '' }) => [
    { action: 'logs:CreateLogGroup', resource: regional('logs', `log-group:${LogGroupName}`) },
    { action: 'logs:PutSubscriptionFilter', resource: regional('logs', `log-group:${LogGroupName}:*`) },
  ],
  // CloudFormation writes the name of a bucket in small letters.
  'AWS::S3::Bucket': (_, generated) => [
    { action: 's3:CreateBucket', resource: `arn:aws:s3:::${generated.toLowerCase()}` },
    { action: 's3:PutObject', resource: `arn:aws:s3:::${generated.toLowerCase()}/serverless/code.zip` },
  ],
  'AWS::SQS::Queue': queueArn,
  'AWS::Scheduler::Schedule': one('scheduler:CreateSchedule', ({ GroupName }, generated) =>
    regional('scheduler', `schedule/${GroupName}/${generated}`),
  ),
  'AWS::Scheduler::ScheduleGroup': one('scheduler:CreateScheduleGroup', (_, generated) =>
    regional('scheduler', `schedule-group/${generated}`),
  ),
};

/** Types without a resource of their own in IAM, or whose calls are among those of another type. */
const OF_NO_RESOURCE = [
  'AWS::KMS::Key',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Version',
  'AWS::Logs::QueryDefinition',
  'AWS::Logs::SubscriptionFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
];

/**
 * The calls that make the resources of a template of the stage `dev`, for another stage.
 *
 * @throws {Error} for a type that is in none of the two lists.
 */
export function callsThatMake(resources: Record<string, Resource>, stage: string): [name: string, calls: Call[]][] {
  const text = JSON.stringify(resources)
    .replaceAll('dli-job-reaper-dev', `dli-job-reaper-${stage}`)
    .replaceAll('dli-reaper-dev-', `dli-reaper-${stage}-`)
    .replaceAll('/dli-reaper/dev/', `/dli-reaper/${stage}/`)
    .replaceAll('/dli-job-reaper/dev/', `/dli-job-reaper/${stage}/`);
  const all = JSON.parse(text) as typeof resources;
  const generated = (name: string) => `dli-job-reaper-${stage}-${name}-ABCDEFGHIJKL`;
  const plain = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const { Ref = '', 'Fn::Sub': sub } = value as { Ref?: string; 'Fn::Sub'?: string };
    if (sub !== undefined) return sub.replaceAll(`$\{AWS::Region}`, REGION);
    return (all[Ref]?.Properties?.FunctionName as string | undefined) ?? generated(Ref);
  };
  const NAMES = /^(\w+Name|Path)$/;
  return Object.entries(all).flatMap(([name, { Type, Properties = {} }]) => {
    const makeCalls = CALLS[Type];
    if (makeCalls === undefined) {
      if (OF_NO_RESOURCE.includes(Type)) return [];
      throw new Error(`${name}: ${Type} has no calls here`);
    }
    const named = Object.entries(Properties).filter(([key]) => NAMES.test(key));
    const calls = makeCalls(Object.fromEntries(named.map(([key, value]) => [key, plain(value)])), generated(name));
    return [[name, calls] as [string, Call[]]];
  });
}
