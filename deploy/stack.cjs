// What the hooks of a deploy and of a removal share: the stack, and the switch of its stage in Parameter Store.
const {
  CloudFormationClient,
  GetTemplateCommand,
  paginateListStackResources,
} = require('@aws-sdk/client-cloudformation');
const { GetParametersCommand, PutParameterCommand, SSMClient } = require('@aws-sdk/client-ssm');

const isMissing = (error) => error.name === 'ValidationError' && /does not exist/.test(error.message);

/** @returns the logical names of all that the stack holds; empty if there is no stack. */
exports.resourcesOfStack = async (provider) => {
  const client = new CloudFormationClient(await provider.getAwsSdkV3Config());
  const names = new Set();
  try {
    const pages = paginateListStackResources({ client }, { StackName: provider.naming.getStackName() });
    for await (const { StackResourceSummaries = [] } of pages) {
      for (const { LogicalResourceId, ResourceStatus } of StackResourceSummaries) {
        if (ResourceStatus !== 'DELETE_COMPLETE') names.add(LogicalResourceId);
      }
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return names;
};

/** @returns the resources of the deployed template; empty if there is no stack. */
exports.deployedTemplate = async (provider) => {
  const client = new CloudFormationClient(await provider.getAwsSdkV3Config());
  try {
    const StackName = provider.naming.getStackName();
    const { TemplateBody = '{}' } = await client.send(new GetTemplateCommand({ StackName }));
    return JSON.parse(TemplateBody).Resources ?? {};
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
};

/**
 * Sets the switch to stop. A switch that is missing or reads stop, for whatever reason, stays as it is.
 *
 * @param reason in the form that lib/settings/stop-order.ts reads.
 * @returns the value before; undefined if nothing was written.
 */
exports.stopSwitch = async (provider, reason) => {
  const ssm = new SSMClient(await provider.getAwsSdkV3Config());
  const Name = `/dli-reaper/${provider.getStage()}/switch`;
  const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names: [Name] }));
  const value = Parameters[0]?.Value;
  if (value === undefined || /^stop( |$)/.test(value)) return undefined;
  await ssm.send(new PutParameterCommand({ Name, Value: `stop because ${reason}`, Overwrite: true }));
  return value;
};
