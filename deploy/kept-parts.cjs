// The log groups are the record of what was cancelled, and the key opens the stored credentials. A removal keeps them. The next
// deploy of the stage uses them as they are: it leaves them out of the stack, since CloudFormation cannot create a second one of
// the same name.
const {
  AssociateKmsKeyCommand,
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  PutRetentionPolicyCommand,
} = require('@aws-sdk/client-cloudwatch-logs');
const { DescribeKeyCommand, KMSClient } = require('@aws-sdk/client-kms');
const { deployedTemplate, resourcesOfStack } = require('./stack.cjs');

const isKept = ({ DeletionPolicy }) => DeletionPolicy === 'Retain';
const KEPT_TYPES = new Set(['AWS::Logs::LogGroup', 'AWS::KMS::Key', 'AWS::KMS::Alias']);

module.exports = class KeptParts {
  constructor(serverless, _options, { log }) {
    const refuse = (problem, code) => new serverless.classes.Error(problem, code);
    const provider = () => serverless.getProvider('aws');
    let kept = [];
    this.hooks = {
      'before:deploy:deploy': async () => {
        const config = await provider().getAwsSdkV3Config();
        const owned = await resourcesOfStack(provider());
        const template = serverless.service.provider.compiledCloudFormationTemplate;
        const used = [
          ...(await useLogGroups(config, template, owned)),
          ...(await useKey(config, template, owned, refuse)),
        ];
        if (used.length > 0) log.notice(`Uses what was kept of an earlier stack: ${used.join(', ')}`);
      },
      'before:remove:remove': async () => {
        const deployed = Object.entries(await deployedTemplate(provider()));
        const lost = deployed.filter(([, one]) => KEPT_TYPES.has(one.Type) && !isKept(one)).map(([name]) => name);
        if (lost.length > 0) {
          throw refuse(
            `The deployed version would delete ${lost.join(', ')}: the record of what was cancelled, and the key of the stored credentials. ` +
              `Deploy this version first, which keeps them: npm run deploy -- --stage ${provider().getStage()}. Nothing was removed.`,
            'WOULD_DELETE_RECORD',
          );
        }
        kept = deployed.flatMap(([, { Properties }]) => Properties?.LogGroupName ?? Properties?.AliasName ?? []);
      },
      'after:remove:remove': () => {
        const stage = provider().getStage();
        const names = kept.filter((name) => typeof name === 'string').map((name) => `  ${name}\n`);
        log.notice(
          `Kept, and used by the next deploy of the stage:\n${names.join('')}  all parameters under /dli-reaper/${stage}/\nThe key costs 1 USD a month. docs/deploy.md says how to delete them.`,
        );
      },
    };
  }
};

/** Leaves out the log groups that are there and are not of the stack. @returns their names. */
async function useLogGroups(config, template, owned) {
  const logs = new CloudWatchLogsClient(config);
  const used = [];
  for (const [name, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::Logs::LogGroup' || owned.has(name)) continue;
    const { LogGroupName: logGroupName, RetentionInDays: retentionInDays, KmsKeyId: kmsKeyId } = Properties;
    const group = await findGroup(logs, logGroupName);
    if (group === undefined) continue;
    if (retentionInDays !== undefined && group.retentionInDays !== retentionInDays) {
      await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
    }
    // It is for what is written from now on. What is there stays readable by the key that it was written with.
    if (kmsKeyId !== undefined && group.kmsKeyId !== kmsKeyId) {
      await logs.send(new AssociateKmsKeyCommand({ logGroupName, kmsKeyId }));
    }
    leaveOut(template, name, { ref: logGroupName, arn: group.arn });
    used.push(logGroupName);
  }
  return used;
}

async function findGroup(client, logGroupName) {
  const pages = paginateDescribeLogGroups({ client }, { logGroupNamePrefix: logGroupName });
  for await (const { logGroups = [] } of pages) {
    const group = logGroups.find((one) => one.logGroupName === logGroupName);
    if (group !== undefined) return group;
  }
}

/** Leaves out the key and its alias if the alias is there and is not of the stack. @returns the name of the alias. */
async function useKey(config, template, owned, refuse) {
  const kms = new KMSClient(config);
  const used = [];
  for (const [name, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::KMS::Alias' || owned.has(name)) continue;
    const { AliasName: alias, TargetKeyId: target } = Properties;
    const key = await findKey(kms, alias);
    if (key === undefined) continue;
    if (key.KeyState !== 'Enabled') {
      throw refuse(
        `${alias} leads to the key ${key.Arn}, which is ${key.KeyState}. Make it usable again (aws kms cancel-key-deletion, aws kms enable-key), ` +
          `or delete the alias (aws kms delete-alias --alias-name ${alias}) and store the credentials again after the deploy. Nothing was deployed.`,
        'KEPT_KEY_UNUSABLE',
      );
    }
    leaveOut(template, name, { ref: alias });
    leaveOut(template, target.Ref, { ref: key.KeyId, arn: key.Arn });
    used.push(alias);
  }
  return used;
}

async function findKey(kms, alias) {
  try {
    return (await kms.send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata;
  } catch (error) {
    if (error.name === 'NotFoundException') return undefined;
    throw error;
  }
}

/** Takes a resource out of the template, and puts what is there already into its references. */
function leaveOut(template, name, { ref, arn }) {
  delete template.Resources[name];
  const used = (part) => {
    if (typeof part === 'string') return part.replaceAll(`\${${name}}`, ref).replaceAll(`\${${name}.Arn}`, arn);
    if (Array.isArray(part)) return part.map(used);
    if (part === null || typeof part !== 'object') return part;
    if (part.Ref === name) return ref;
    if (Array.isArray(part['Fn::GetAtt']) && part['Fn::GetAtt'][0] === name) return arn;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, used(value)]));
  };
  for (const part of ['Resources', 'Outputs']) template[part] = used(template[part] ?? {});
  for (const resource of Object.values(template.Resources)) {
    if (resource.DependsOn === undefined) continue;
    resource.DependsOn = [resource.DependsOn].flat().filter((other) => other !== name);
    if (resource.DependsOn.length === 0) delete resource.DependsOn;
  }
}
