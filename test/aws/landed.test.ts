import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { packageProject, root, TEMPLATE, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const hasPeer = (await isOnPath('moto_server')) && (await isOnPath('aws'));
const [REGION, ACCOUNT] = ['eu-central-1', '123456789012'];

type Properties = Record<string, unknown>;

interface Resource {
  Type: string;
  Properties?: Properties;
}

interface Call {
  verb: [service: string, operation: string];
  input: Properties;
}

/** Makes the resource by the API, for a type that the peer's CloudFormation leaves out. Takes resolved properties. */
const BY_API: Record<string, (properties: Properties, name: string) => Call[]> = {
  'AWS::CloudWatch::Alarm': (input) => [{ verb: ['cloudwatch', 'put-metric-alarm'], input }],
  'AWS::Lambda::EventInvokeConfig': (input) => [{ verb: ['lambda', 'put-function-event-invoke-config'], input }],
  // The peer cannot save a query. It can run one, and refuses a log group that is not there.
  'AWS::Logs::QueryDefinition': ({ QueryString, LogGroupNames }) => [
    {
      verb: ['logs', 'start-query'],
      input: { queryString: QueryString, logGroupNames: LogGroupNames, startTime: 0, endTime: 1 },
    },
  ],
  'AWS::Logs::SubscriptionFilter': ({ LogGroupName, FilterPattern, DestinationArn }, filterName) => [
    {
      verb: ['logs', 'put-subscription-filter'],
      input: { logGroupName: LogGroupName, filterName, filterPattern: FilterPattern, destinationArn: DestinationArn },
    },
  ],
  'AWS::S3::BucketPolicy': ({ Bucket, PolicyDocument }) => [
    { verb: ['s3api', 'put-bucket-policy'], input: { Bucket, Policy: JSON.stringify(PolicyDocument) } },
  ],
  'AWS::SQS::QueuePolicy': ({ Queues, PolicyDocument }) =>
    (Queues as string[]).map((QueueUrl) => ({
      verb: ['sqs', 'set-queue-attributes'],
      input: { QueueUrl, Attributes: { Policy: JSON.stringify(PolicyDocument) } },
    })),
  'AWS::Scheduler::Schedule': (input, Name) => [{ verb: ['scheduler', 'create-schedule'], input: { Name, ...input } }],
  'AWS::Scheduler::ScheduleGroup': (input, Name) => [
    { verb: ['scheduler', 'create-schedule-group'], input: { Name, ...input } },
  ],
};

/** The ARNs of what the left-out resources refer to, by the property that names it. */
const ARNS: Record<string, (properties: Properties, id: string) => string> = {
  'AWS::DynamoDB::Table': (_, id) => `dynamodb:${REGION}:${ACCOUNT}:table/${id}`,
  'AWS::IAM::Role': (_, id) => `iam::${ACCOUNT}:role/${id}`,
  'AWS::Lambda::Function': (_, id) => `lambda:${REGION}:${ACCOUNT}:function:${id}`,
  'AWS::Logs::LogGroup': (_, id) => `logs:${REGION}:${ACCOUNT}:log-group:${id}:*`,
  'AWS::SQS::Queue': ({ QueueName }) => `sqs:${REGION}:${ACCOUNT}:${String(QueueName)}`,
};

const PSEUDO: Record<string, string> = { 'AWS::Region': REGION, 'AWS::AccountId': ACCOUNT, 'AWS::Partition': 'aws' };

/** Resolves references as CloudFormation does. @throws {Error} for one that it does not know. */
function createResolver(resources: Record<string, Resource>, ids: ReadonlyMap<string, string>) {
  const refer = (name: string, attribute?: string): string => {
    const id = PSEUDO[name] ?? ids.get(name);
    const { Type = '', Properties = {} } = resources[name] ?? {};
    if (id === undefined) throw new Error(`${name}: was not made`);
    if (attribute === undefined) return id;
    if (attribute === 'QueueName') return String(Properties.QueueName);
    const arn = attribute === 'Arn' ? ARNS[Type]?.(Properties, id) : undefined;
    if (arn === undefined) throw new Error(`${name}.${attribute}: not known`);
    return `arn:aws:${arn}`;
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': got, 'Fn::Sub': text } = value as Record<string, unknown>;
    if (typeof Ref === 'string') return refer(Ref);
    if (Array.isArray(got)) return refer(String(got[0]), String(got[1]));
    if (typeof text === 'string') {
      return text.replace(/\$\{([\w:]+)(?:\.(\w+))?\}/g, (_, name: string, attribute?: string) =>
        refer(name, attribute),
      );
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  return (properties: Properties) => resolve(properties) as Properties;
}

describe('each resource of the template', () => {
  it('is made by the CloudFormation of the peer, or put there by the API that is for it', async () => {
    await packageProject();
    const { Resources } = JSON.parse(readFileSync(TEMPLATE, 'utf8')) as { Resources: Record<string, Resource> };
    if (!hasPeer) {
      process.stdout.write('moto_server or aws is not on PATH: the project was packaged and not deployed.\n');
      return;
    }
    const peer = await startMoto({});
    onTestFinished(peer.close);
    const env = toolEnvironment({ ...peer.env, AWS_DEFAULT_REGION: REGION, AWS_MAX_ATTEMPTS: '1' });
    const aws = async (...args: string[]): Promise<Record<string, unknown>> => {
      // The address of a queue would go before the variable.
      const endpoint = ['--endpoint-url', peer.env.AWS_ENDPOINT_URL as string];
      const { stdout } = await run('aws', [...args, ...endpoint, '--output', 'json'], { env });
      return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
    };
    await run(`${root}/node_modules/.bin/serverless`, ['deploy', '--stage', 'dev', '--region', REGION], {
      cwd: root,
      env,
    });

    const stack = await aws('cloudformation', 'describe-stack-resources', '--stack-name', 'dli-job-reaper-dev');
    const made = stack.StackResources as { LogicalResourceId: string; PhysicalResourceId: string }[];
    const ids = new Map(
      made.map(({ LogicalResourceId, PhysicalResourceId }) => [LogicalResourceId, PhysicalResourceId]),
    );
    const left = Object.entries(Resources).filter(([name]) => !ids.has(name));
    expect([...new Set(left.map(([, { Type }]) => Type))].filter((type) => !(type in BY_API))).toEqual([]);

    const resolve = createResolver(Resources, ids);
    // The schedule and the alarms name the group.
    const isGroup = ([, { Type }]: [string, Resource]) => Type === 'AWS::Scheduler::ScheduleGroup';
    for (const [name, { Type, Properties = {} }] of left.toSorted((a, b) => Number(isGroup(b)) - Number(isGroup(a)))) {
      ids.set(name, `dli-job-reaper-dev-${name}`);
      for (const { verb, input } of BY_API[Type]?.(resolve(Properties), `dli-job-reaper-dev-${name}`) ?? []) {
        // The CLI refuses a field that the API does not have.
        await aws(...verb, '--cli-input-json', JSON.stringify(input)).catch((error: Error) => {
          throw new Error(`${name} (${Type}): ${error.message}`);
        });
      }
    }

    const alarms = Object.values(Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
    const { MetricAlarms } = await aws('cloudwatch', 'describe-alarms');
    expect((MetricAlarms as { AlarmName: string }[]).map(({ AlarmName }) => AlarmName).toSorted()).toEqual(
      alarms.map(({ Properties = {} }) => Properties.AlarmName as string).toSorted(),
    );
    const group = `dli-job-reaper-dev-ScheduleGroup`;
    expect(
      await aws('scheduler', 'get-schedule', '--name', 'dli-job-reaper-dev-TickSchedule', '--group-name', group),
    ).toMatchObject({
      ScheduleExpression: 'rate(15 minutes)',
      State: 'ENABLED',
      Target: { Arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:dli-job-reaper-dev-dispatch` },
    });
    expect(
      await aws('lambda', 'get-function-event-invoke-config', '--function-name', 'dli-job-reaper-dev-sweep'),
    ).toMatchObject({ MaximumRetryAttempts: 0 });
  });
});
