// What each resource of a type must have. It is added to the finished template here, so that no resource can be forgotten.

/**
 * Types that take tags, without the KMS key and the bucket of the framework. CloudFormation hands the tags of the stack on to these
 * two. moto, against which a deploy is tried, can neither make a key with tags nor change those of a bucket.
 */
const TAGGABLE =
  /^AWS::(IAM::Role|SQS::Queue|Logs::LogGroup|DynamoDB::Table|CloudWatch::Alarm|Scheduler::ScheduleGroup|Lambda::(Function|EventSourceMapping)|EC2::(VPC|Subnet|EIP|NatGateway|InternetGateway|RouteTable|SecurityGroup))$/;

module.exports = class OnEvery {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { provider, custom } = serverless.service;
        const { permissionsBoundary, logKey } = custom.onEvery;
        const { Resources } = provider.compiledCloudFormationTemplate;
        // CloudFormation itself would add the stack's tags, but a template that is deployed without Serverless has none.
        const tags = Object.entries(provider.stackTags).map(([Key, Value]) => ({ Key, Value }));
        for (const resource of Object.values(Resources)) {
          resource.Properties ??= {};
          const { Type, Properties } = resource;
          if (TAGGABLE.test(Type)) Properties.Tags ??= tags;
          if (Type === 'AWS::IAM::Role' && permissionsBoundary !== '') {
            Properties.PermissionsBoundary = permissionsBoundary;
          }
          if (Type === 'AWS::Logs::LogGroup' && logKey !== '') Properties.KmsKeyId = logKey;
        }
        const queues = Object.keys(Resources).filter((name) => Resources[name].Type === 'AWS::SQS::Queue');
        for (const name of queues) Resources[`${name}OnlyByTls`] = onlyByTls(name);
      },
    };
  }
};

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html */
const onlyByTls = (queue) => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: {
    Queues: [{ Ref: queue }],
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'OnlyByTls',
          Effect: 'Deny',
          Principal: '*',
          Action: 'sqs:*',
          Resource: { 'Fn::GetAtt': [queue, 'Arn'] },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    },
  },
});
