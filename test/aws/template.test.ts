import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../lib/sweep/record/metrics.ts';
import { functionsOf, resourcesOf, templateOf } from '../helpers/deploy-parts.ts';
import { allows, callsThatMake, readDeployerPolicy } from '../helpers/deployer.ts';
import { lint } from '../helpers/lint.ts';
import { createPackager, inLane, root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

interface Statement {
  Action: string | string[];
  Resource: unknown;
}

/** Types of the resources that only the Serverless Framework makes, and of the queues' policies of deploy/on-every.cjs, which are free. */
const ADDED_WHEN_PACKAGED = [
  'AWS::SQS::QueuePolicy',
  'AWS::Lambda::Function',
  'AWS::Lambda::Version',
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
];

const BOUNDARY = 'arn:aws:iam::123456789012:policy/developers';
const LOG_KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const EVERY_OPTION = [
  'alarmTopic=arn:aws:sns:eu-central-1:123456789012:alarms',
  'ownersPage=https://wiki.example.com/reaper',
  'logLevel=DEBUG',
  'vpcCidr=10.87.0.0/24',
  'tracing=true',
  'reservedConcurrency=20',
  'credentialSecrets=dli/*',
  'noticeTopics=arn:aws:sns:eu-central-1:123456789012:dli-*',
  'mailFrom=reaper@example.com',
  'eventBus=arn:aws:events:eu-central-1:123456789012:event-bus/ops',
  `permissionsBoundary=${BOUNDARY}`,
  `logKey=${LOG_KEY}`,
];

type Resources = Record<string, Resource>;

const packaged = createPackager();
const load = async (params: string[] = []) =>
  (JSON.parse(readFileSync(await packaged(params), 'utf8')) as { Resources: Resources }).Resources;

/** The resources of a deploy without params. */
let resources: Resources;
beforeAll(async () => {
  resources = await load();
});

const TAGS = [
  { Key: 'service', Value: 'dli-job-reaper' },
  { Key: 'stage', Value: 'dev' },
];

const ofType = (type: string, from = resources) =>
  Object.entries(from).filter(([, resource]) => resource.Type === type);

/** @throws {Error} for a resource that the template does not have. */
function propertiesOf(name: string, from = resources): Record<string, unknown> {
  const resource = from[name];
  if (resource === undefined) throw new Error(`the template has no ${name}`);
  return resource.Properties;
}

function statementsOf(role: string): Statement[] {
  const { Policies } = propertiesOf(role) as {
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

const actionsOf = (role: string) =>
  statementsOf(role)
    .flatMap(({ Action }) => Action)
    .sort();

describe.concurrent('the roles', () => {
  it('are one for each function and one for the schedule, with these actions and no other', () => {
    expect(
      ofType('AWS::IAM::Role')
        .map(([name]) => name)
        .sort(),
    ).toEqual(['DispatchRole', 'NotifyRole', 'ScheduleRole', 'SweepRole']);
    expect(actionsOf('DispatchRole')).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:SendMessage',
      'ssm:GetParametersByPath',
    ]);
    expect(actionsOf('SweepRole')).toEqual([
      'kms:Decrypt',
      'logs:CreateLogStream',
      'logs:FilterLogEvents',
      'logs:PutLogEvents',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
      'ssm:GetParameters',
      'ssm:GetParametersByPath',
    ]);
    expect(actionsOf('NotifyRole')).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'kms:Decrypt',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:SendMessage',
      'ssm:GetParametersByPath',
    ]);
    expect(actionsOf('ScheduleRole')).toEqual(['lambda:InvokeFunction', 'sqs:SendMessage']);
  });

  it.each(['DispatchRole', 'NotifyRole', 'ScheduleRole', 'SweepRole'])('give %s no wildcard for a resource', (role) => {
    for (const { Resource } of statementsOf(role)) {
      for (const one of [Resource].flat()) {
        const text = JSON.stringify(one);
        // Only below the stage's own parameters, and within the function's own log group.
        const rest = text.replace(/parameter\/dli-reaper\/dev\/([a-z]+\/)+\*"/, '').replace(/log-group:[^"]+:\*"/, '');
        expect(rest).not.toContain('*');
        expect(text).not.toMatch(/arn:aws:/);
      }
    }
  });

  it.each([
    { role: 'DispatchRole', parameters: [] },
    { role: 'ScheduleRole', parameters: [] },
    { role: 'SweepRole', parameters: ['credentials/*'] },
    { role: 'NotifyRole', parameters: ['notices/routes/*'] },
  ])('let $role decrypt only $parameters, with the key of the credentials', ({ role, parameters }) => {
    const decrypting = statementsOf(role).filter(({ Action }) => JSON.stringify(Action).includes('kms:'));

    expect(decrypting).toMatchObject(
      parameters.map((below) => ({
        Action: 'kms:Decrypt',
        Resource: { 'Fn::GetAtt': ['CredentialsKey', 'Arn'] },
        Condition: {
          StringLike: {
            'kms:EncryptionContext:PARAMETER_ARN': {
              'Fn::Sub': expect.stringMatching(new RegExp(`:parameter/dli-reaper/dev/${below.replace('*', '\\*')}$`)),
            },
          },
        },
      })),
    );
  });
});

describe.concurrent('every resource', () => {
  it('that takes tags has the service and the stage as tags', () => {
    const TYPES_WITHOUT_TAGS = [
      'AWS::CloudWatch::Dashboard',
      'AWS::IAM::ManagedPolicy',
      'AWS::IAM::Policy',
      'AWS::KMS::Alias',
      // These two take tags, and have those of the stack: see deploy/on-every.cjs.
      'AWS::KMS::Key',
      'AWS::S3::Bucket',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Permission',
      'AWS::Lambda::Version',
      'AWS::Logs::QueryDefinition',
      'AWS::Logs::SubscriptionFilter',
      'AWS::S3::BucketPolicy',
      'AWS::SQS::QueuePolicy',
      'AWS::Scheduler::Schedule',
    ];

    for (const [name, { Type, Properties }] of Object.entries(resources)) {
      if (!TYPES_WITHOUT_TAGS.includes(Type)) expect({ name, Tags: Properties.Tags }).toEqual({ name, Tags: TAGS });
    }
  });

  it('that is a role has the boundary, and each log group the key, where a param names it', async () => {
    expect(JSON.stringify(resources)).not.toMatch(/PermissionsBoundary|KmsKeyId/);

    const bound = await load(EVERY_OPTION);

    const roles = ofType('AWS::IAM::Role', bound).map(([, { Properties }]) => Properties.PermissionsBoundary);
    const logs = ofType('AWS::Logs::LogGroup', bound).map(([, { Properties }]) => Properties.KmsKeyId);
    expect(roles).toEqual(Array(4).fill(BOUNDARY));
    expect(logs).toEqual(Array(4).fill(LOG_KEY));
  });
});

describe.concurrent('credentials in Secrets Manager', () => {
  it('are read by the sweep alone, and only where a param names them', async () => {
    expect(resources).not.toHaveProperty('SecretsPolicy');

    const withSecrets = await load(EVERY_OPTION);

    const { Roles, PolicyDocument } = propertiesOf('SecretsPolicy', withSecrets) as {
      Roles: unknown;
      PolicyDocument: { Statement: Statement[] };
    };
    expect(Roles).toEqual([{ Ref: 'SweepRole' }]);
    const rights = PolicyDocument.Statement.map(({ Action, Resource }) => [Action, JSON.stringify(Resource)]);
    expect(rights).toEqual([
      ['ssm:GetParameters', expect.stringContaining(':parameter/aws/reference/secretsmanager/dli/*"')],
      ['secretsmanager:GetSecretValue', expect.stringContaining(':secret:dli/*-??????"')],
    ]);
  });
});

describe.concurrent('the region', () => {
  it.each([
    {
      name: 'of --region',
      env: { AWS_REGION: 'ap-southeast-1' },
      args: ['--region', 'us-east-1'],
      region: 'us-east-1',
    },
    { name: 'of AWS_REGION', env: { AWS_REGION: 'ap-southeast-1' }, args: [], region: 'ap-southeast-1' },
    { name: 'of the default where neither is set', env: {}, args: [], region: 'eu-central-1' },
  ])('is that $name', async ({ env, args, region }) => {
    const print = ['print', '--stage', 'dev', '--path', 'provider.region', ...args];

    const { stdout } = await inLane(() =>
      run(`${root}/node_modules/.bin/serverless`, print, { cwd: root, env: toolEnvironment(env) }),
    );

    expect(stdout.trim()).toBe(region);
  });
});

describe.concurrent('the queues', () => {
  it('are all encrypted', () => {
    const queues = ofType('AWS::SQS::Queue');

    expect(queues).toHaveLength(5);
    for (const [, { Properties }] of queues) expect(Properties.SqsManagedSseEnabled).toBe(true);
  });

  it('refuse what does not come by TLS, each with a policy of its own', () => {
    const policies = ofType('AWS::SQS::QueuePolicy').map(([, { Properties }]) => Properties);

    expect(policies).toEqual(
      ofType('AWS::SQS::Queue').map(([name]) => ({
        Queues: [{ Ref: name }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'OnlyByTls',
              Effect: 'Deny',
              Principal: '*',
              Action: 'sqs:*',
              Resource: { 'Fn::GetAtt': [name, 'Arn'] },
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      })),
    );
  });

  it.each([
    { name: 'SweepQueue', times: 2, deadLetters: 'SweepDeadLetterQueue' },
    { name: 'EmergencyQueue', times: 1, deadLetters: 'EmergencyDeadLetterQueue' },
  ])('hand a message out again only after its sweep is surely over, an emergency not at all: $name', (queue) => {
    const { Timeout } = propertiesOf('SweepLambdaFunction') as { Timeout: number };
    const { VisibilityTimeout, RedrivePolicy } = propertiesOf(queue.name) as {
      VisibilityTimeout: number;
      RedrivePolicy: object;
    };

    expect(VisibilityTimeout).toBeGreaterThan(Timeout);
    expect(RedrivePolicy).toEqual({
      maxReceiveCount: queue.times,
      deadLetterTargetArn: { 'Fn::GetAtt': [queue.deadLetters, 'Arn'] },
    });
  });

  it('keep an emergency for hours, so that it is reported as expired and does not vanish, and tell that it waits', () => {
    const { MessageRetentionPeriod } = propertiesOf('EmergencyQueue') as { MessageRetentionPeriod: number };
    const { Metrics, Threshold } = propertiesOf('EmergencyWaitsAlarm') as { Metrics: object[]; Threshold: number };

    expect(MessageRetentionPeriod).toBeGreaterThanOrEqual(6 * 3_600);
    // Half of what it is good for.
    expect(Threshold).toBe(300);
    expect(JSON.stringify(Metrics)).toContain('"MetricName":"ApproximateAgeOfOldestMessage"');
  });

  it('that hold what failed have an alarm each', () => {
    const watched = ofType('AWS::CloudWatch::Alarm').map(([, { Properties }]) => JSON.stringify(Properties));

    for (const name of ['SweepDeadLetterQueue', 'EmergencyDeadLetterQueue', 'DeadLetterQueue']) {
      expect(watched.filter((alarm) => alarm.includes(`"${name}"`))).toHaveLength(1);
    }
  });

  it('give one message at a time to the sweep, and no more sweeps than asked for', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping');

    expect(mappings).toHaveLength(2);
    for (const [, { Properties }] of mappings) {
      expect(Properties).toMatchObject({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 10 } });
    }
  });
});

describe.concurrent('the rights for people', () => {
  it('are attached to no one', () => {
    const policies = ofType('AWS::IAM::ManagedPolicy');

    expect(policies.map(([name]) => name).sort()).toEqual([
      'Auditor',
      'ExemptionAuthor',
      'OnCall',
      'PolicyAuthor',
      'SwitchOperator',
      'TargetAuthor',
    ]);
    for (const [, { Properties }] of policies) {
      expect(Object.keys(Properties).sort()).toEqual(['Description', 'Path', 'PolicyDocument']);
      expect(Properties.Path).toBe('/dli-reaper/dev/');
    }
  });
});

describe.concurrent('the rights of the person who deploys', () => {
  const POLICIES = ['deployer-policy', 'deployer-policy-2'];
  const policiesOf = (stage: string) => POLICIES.map((name) => readDeployerPolicy(name, stage));
  const without =
    (type: string) =>
    ([, { Type }]: [string, Resource]) =>
      !Type.startsWith(type);

  it.each([{ params: [] }, { params: EVERY_OPTION }, { params: ['profile=small'] }])(
    'are enough for each resource of its stage, with $params',
    async ({ params }) => {
      // docs/deploy.md says that vpcCidr takes rights of EC2 and of the policy for it.
      const all = Object.entries(await load(params))
        .filter(without('AWS::EC2::'))
        .filter(without('AWS::IAM::Policy'));

      for (const [name, calls] of callsThatMake(Object.fromEntries(all), 'prod')) {
        for (const call of calls) {
          expect({ name, call, isAllowed: allows(policiesOf('prod'), call) }).toEqual({ name, call, isAllowed: true });
        }
      }
    },
  );

  it.each(['prod-2', 'prod-sweep', 'prod-dispatch', 'pro', 'xprod', 'prod-no'])(
    'reach nothing of the stage %s',
    async (stage) => {
      const small = await load(['profile=small']);
      const made = callsThatMake({ ...resources, ...small }, stage);

      expect(made.length).toBeGreaterThan(30);
      expect(made.flatMap(([, calls]) => calls).filter((call) => allows(policiesOf('prod'), call))).toEqual([]);
    },
  );

  it('pass no role to another service, and touch no key but to make and name one', () => {
    const resource = 'arn:aws:iam::123456789012:role/dli-job-reaper-prod-SweepRole-ABCDEFGHIJKL';
    const context = { 'iam:PassedToService': 'ec2.amazonaws.com' };
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const mayOnKey = (action: string, alias = '') =>
      allows(policiesOf('prod'), { action, resource: key, context: { 'kms:ResourceAliases': alias } });

    expect(allows(policiesOf('prod'), { action: 'iam:PassRole', resource, context })).toBe(false);
    expect(mayOnKey('kms:Encrypt', 'alias/dli-reaper-prod-credentials')).toBe(true);
    expect(mayOnKey('kms:Encrypt', 'alias/others')).toBe(false);
    for (const verb of ['Decrypt', 'PutKeyPolicy', 'ScheduleKeyDeletion', 'DisableKey', 'CreateGrant']) {
      expect(mayOnKey(`kms:${verb}`, 'alias/dli-reaper-prod-credentials')).toBe(false);
    }
  });

  it('make roles only with the boundary, where the policy for it is attached too', () => {
    const policies = [...policiesOf('prod'), readDeployerPolicy('deployer-boundary', 'prod')];
    const resource = 'arn:aws:iam::123456789012:role/dli-job-reaper-prod-SweepRole-ABCDEFGHIJKL';
    const may = (action: string, boundary?: string) =>
      allows(policies, { action, resource, context: boundary ? { 'iam:PermissionsBoundary': boundary } : {} });

    for (const action of ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:PutRolePermissionsBoundary']) {
      expect(may(action, BOUNDARY)).toBe(true);
      expect(may(action)).toBe(false);
      expect(may(action, 'arn:aws:iam::aws:policy/AdministratorAccess')).toBe(false);
    }
    expect(may('iam:DeleteRolePermissionsBoundary', BOUNDARY)).toBe(false);
    expect(may('iam:DeleteRole')).toBe(true);
  });

  it('fit into a managed policy each, for a stage and a region with a long name', () => {
    for (const name of [...POLICIES, 'deployer-boundary']) {
      const policy = readDeployerPolicy(name, 's'.repeat(23), 'ap-southeast-1');
      expect(JSON.stringify(policy).replace(/\s/g, '').length, name).toBeLessThanOrEqual(6_144);
    }
  });
});

describe.concurrent('the functions', () => {
  it('run on Node 24 and arm64, each with a log that is kept for 400 days', () => {
    const functions = ofType('AWS::Lambda::Function');
    const logs = ofType('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);

    expect(functions).toHaveLength(3);
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
      expect(Properties).not.toHaveProperty('TracingConfig');
      expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
      const LogGroupName = `/aws/lambda/${String(Properties.FunctionName)}`;
      expect(logs).toContainEqual(expect.objectContaining({ LogGroupName, RetentionInDays: 400 }));
    }
  });

  it('are never invoked a second time by machinery, but for notify, which knows what it has sent', () => {
    expect(
      ofType('AWS::Lambda::EventInvokeConfig')
        .map(([name]) => name)
        .sort(),
    ).toEqual(['DispatchInvokeConfig', 'NotifyInvokeConfig', 'SweepInvokeConfig']);
    for (const name of ['DispatchInvokeConfig', 'SweepInvokeConfig']) {
      expect(propertiesOf(name)).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 900 });
    }
    expect(propertiesOf('NotifyInvokeConfig')).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] } } },
    });
  });

  it('sweep nothing by hand that is older than half an hour, however long the period is', async () => {
    const slow = await load(['periodMinutes=360']);

    expect(propertiesOf('SweepInvokeConfig', slow)).toMatchObject({ MaximumEventAgeInSeconds: 1_800 });
    expect(propertiesOf('DispatchInvokeConfig', slow)).toMatchObject({ MaximumEventAgeInSeconds: 21_600 });
  });

  it('give the sweep its ceilings, and the dispatch none', async () => {
    const variablesOf = (name: string) =>
      Object.keys((propertiesOf(name).Environment as { Variables: object }).Variables);
    const isCeiling = (name: string) => name.startsWith('REAPER_');

    expect(variablesOf('SweepLambdaFunction').filter(isCeiling)).toHaveLength(6);
    expect(variablesOf('DispatchLambdaFunction').filter(isCeiling)).toEqual([]);
  });

  it('leave their logs and the key of the credentials behind when they go, and nothing else', () => {
    const isKept = ([, { DeletionPolicy, UpdateReplacePolicy }]: [string, Resource]) =>
      DeletionPolicy === 'Retain' && UpdateReplacePolicy === 'Retain';

    expect(
      Object.entries(resources)
        .filter(isKept)
        .map(([name]) => name)
        .sort(),
    ).toEqual([
      'ByHandLogGroup',
      'CredentialsKey',
      'CredentialsKeyAlias',
      'DispatchLogGroup',
      'NotifyLogGroup',
      'SweepLogGroup',
    ]);
    expect(ofType('AWS::Logs::LogGroup').filter((one) => !isKept(one))).toEqual([]);
  });

  it('hold no setting that could turn anything on', () => {
    expect(ofType('AWS::SSM::Parameter')).toEqual([]);
  });
});

describe.concurrent('the messages to owners and operators', () => {
  it('come from the two records of sweeps, and from no other log', () => {
    const filters = ofType('AWS::Logs::SubscriptionFilter').map(([, { Properties }]) => Properties);
    const permissions = ofType('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);

    expect(filters.map(({ LogGroupName }) => LogGroupName)).toEqual([
      { Ref: 'SweepLogGroup' },
      { Ref: 'ByHandLogGroup' },
    ]);
    for (const filter of filters) {
      expect(filter).toMatchObject({
        FilterPattern: '{ $.msg = "message" }',
        DestinationArn: { 'Fn::GetAtt': ['NotifyLambdaFunction', 'Arn'] },
      });
    }
    expect(permissions.map(({ SourceArn }) => SourceArn)).toEqual(
      ['SweepLogGroup', 'ByHandLogGroup'].map((name) => ({ 'Fn::GetAtt': [name, 'Arn'] })),
    );
  });

  it('are kept in a table that pays by the call, and forgets by itself', () => {
    expect(propertiesOf('SentTable')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'until', Enabled: true },
    });
    expect(propertiesOf('NotifyLambdaFunction')).toMatchObject({
      Environment: {
        Variables: { STAGE: 'dev', PERIOD_MINUTES: '15', SENT_TABLE: { Ref: 'SentTable' }, OWNERS_PAGE: '' },
      },
    });
  });

  it('may go to a topic only where a param names it', async () => {
    expect(resources).not.toHaveProperty('NoticeTopicsPolicy');

    const withTopics = await load(EVERY_OPTION);

    expect(propertiesOf('NoticeTopicsPolicy', withTopics)).toMatchObject({
      Roles: [{ Ref: 'NotifyRole' }],
      PolicyDocument: {
        Statement: [{ Action: 'sns:Publish', Resource: 'arn:aws:sns:eu-central-1:123456789012:dli-*' }],
      },
    });
  });

  it('may go out as mail from one address, and as events to one bus, only where a param names it', async () => {
    expect(resources).not.toHaveProperty('NoticeMailPolicy');
    expect(resources).not.toHaveProperty('NoticeEventsPolicy');

    const withBoth = await load(['mailFrom=reaper@example.com', 'eventBus=default']);

    expect(propertiesOf('NoticeMailPolicy', withBoth)).toMatchObject({
      Roles: [{ Ref: 'NotifyRole' }],
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'ses:SendEmail',
            Resource: ['reaper@example.com', 'example.com'].map((name) => ({
              'Fn::Sub': `arn:\${AWS::Partition}:ses:\${AWS::Region}:\${AWS::AccountId}:identity/${name}`,
            })),
            Condition: { StringEquals: { 'ses:FromAddress': 'reaper@example.com' } },
          },
        ],
      },
    });
    expect(propertiesOf('NoticeEventsPolicy', withBoth)).toMatchObject({
      Roles: [{ Ref: 'NotifyRole' }],
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'events:PutEvents',
            Resource: {
              'Fn::Sub': `arn:\${AWS::Partition}:events:\${AWS::Region}:\${AWS::AccountId}:event-bus/default`,
            },
          },
        ],
      },
    });
    expect(propertiesOf('NotifyLambdaFunction', withBoth)).toMatchObject({
      Environment: { Variables: { MAIL_FROM: 'reaper@example.com', EVENT_BUS: 'default' } },
    });
  });

  it('leave nothing in the template where a param turns them off', async () => {
    const quiet = await load(['notices=off']);

    // The rights for people name the log of the function, whether it is there or not.
    const others = Object.values(quiet).filter(({ Type }) => Type !== 'AWS::IAM::ManagedPolicy');
    const text = JSON.stringify([Object.keys(quiet), others]);
    expect(text).not.toMatch(/Notify|notify|SentTable|notices-failed|SubscriptionFilter/);
  });
});

describe.concurrent('the alarms and the dashboard', () => {
  it('watch only metrics that the functions write, under one dimension', () => {
    const text = JSON.stringify([ofType('AWS::CloudWatch::Alarm'), ofType('AWS::CloudWatch::Dashboard')]);
    const named = [...text.matchAll(/"Namespace":"DliJobReaper","MetricName":"(\w+)"/g)].map(([, name]) => name);

    expect(Object.keys(METRICS).length).toBeLessThanOrEqual(18);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !Object.hasOwn(METRICS, name ?? ''))).toEqual([]);
  });

  it.each([
    { name: 'as it is', params: {} },
    { name: 'with another period', params: { periodMinutes: '30' } },
    {
      name: 'in office hours',
      params: { schedule: 'cron(0/15 7-19 ? * MON-FRI *)', timeZone: 'Europe/Berlin' },
    },
  ])('are those that a year is simulated with, $name', async ({ params }) => {
    const alarmed = await load(Object.entries(params).map(([name, value]) => `${name}=${value}`));

    const simulated = Object.entries(await resourcesOf('alarms', params)).map(([name, { Type, Properties }]) => [
      name,
      { Type, Properties: { ...Properties, Tags: TAGS } },
    ]);
    expect(ofType('AWS::CloudWatch::Alarm', alarmed)).toEqual(simulated);
  });

  it.each([
    { params: ['periodMinutes=30'], schedule: 'rate(30 minutes)', minutes: 30 },
    { params: ['schedule=rate(1 hour)'], schedule: 'rate(1 hour)', minutes: 60 },
  ])('count in the period of the schedule, with $params', async ({ params, schedule, minutes }) => {
    const scheduled = await load(params);

    const text = JSON.stringify(scheduled);
    expect(text).toContain(`"ScheduleExpression":"${schedule}"`);
    expect(text).toContain(`"PERIOD_MINUTES":"${minutes}"`);
    expect(propertiesOf('JobsStuckAlarm', scheduled)).toMatchObject({ Period: minutes * 60 });
  });

  it('watch the attempts of a group in which there is no other schedule', () => {
    expect(ofType('AWS::Scheduler::Schedule').map(([, { Properties }]) => Properties.GroupName)).toEqual([
      { Ref: 'ScheduleGroup' },
    ]);
    expect(ofType('AWS::Scheduler::ScheduleGroup')).toHaveLength(1);
  });
});

describe.concurrent('the costs', () => {
  it.each([{ profile: 'full' }, { profile: 'small' }])(
    'are counted from all that is packaged, $profile',
    async (params) => {
      const counted = params.profile === 'full' ? resources : await load([`profile=${params.profile}`]);

      const added = Object.entries(counted).filter(([, { Type }]) => !ADDED_WHEN_PACKAGED.includes(Type));
      const namesOf = (template: object) => Object.keys(template).toSorted();
      expect(namesOf(Object.fromEntries(added))).toEqual(namesOf(await templateOf(params)));
      expect(
        Object.fromEntries(
          ofType('AWS::Lambda::Function', counted).map(([name, { Properties }]) => [name, Properties.MemorySize]),
        ),
      ).toEqual(
        Object.fromEntries(
          Object.entries(await functionsOf(params)).map(([name, memory]) => [
            `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`,
            memory,
          ]),
        ),
      );
    },
  );
});

describe.concurrent('the template', () => {
  it('gives no name that two regions of an account would share', () => {
    // Names of roles, managed policies, buckets and dashboards are the same in every region.
    const properties = Object.values(resources as Record<string, Partial<Resource>>).map((one) => one.Properties ?? {});
    const shared = ['RoleName', 'ManagedPolicyName', 'BucketName', 'DashboardName'].flatMap((key) =>
      properties.flatMap((one) => one[key] ?? []),
    );

    expect(shared).toEqual([{ 'Fn::Sub': `dli-reaper-dev-\${AWS::Region}` }]);
  });

  it.each([
    { name: 'as it is', params: [] },
    {
      name: 'with every option',
      params: EVERY_OPTION,
    },
    { name: 'without messages', params: ['notices=off', 'tracing=true'] },
    { name: 'once a day', params: ['schedule=rate(1 day)'] },
    { name: 'for one target', params: ['profile=small'] },
  ])('is one that cfn-lint finds nothing to say about, or at least packages: $name', async ({ params }) => {
    expect(await lint(await packaged(params))).toBe('');
    expect(Object.keys(await load(params)).length).toBeGreaterThan(30);
  });
});
