// Says before a deploy which log group has no room for the filter of the messages. CloudFormation would say so only when most
// of the stack is there, without the name of the group and without the filters that fill it.
const { CloudWatchLogsClient, DescribeSubscriptionFiltersCommand } = require('@aws-sdk/client-cloudwatch-logs');

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html, which says that it cannot be raised */
const MOST_FILTERS = 2;

module.exports = class FreeFilters {
  constructor(serverless, _options, { log }) {
    this.hooks = {
      'before:deploy:deploy': async () => {
        const provider = serverless.getProvider('aws');
        const logs = new CloudWatchLogsClient(await provider.getAwsSdkV3Config());
        const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
        for (const { group, destination } of wantedFilters(Resources)) {
          const filters = await filtersOf(logs, group).catch((error) => {
            log.warning(`Whether ${group} has room for the filter of the messages is not known: ${error.name}`);
            return [];
          });
          const isThere = filters.some(({ destinationArn }) => destinationArn?.endsWith(`:function:${destination}`));
          if (isThere || filters.length < MOST_FILTERS) continue;
          const names = filters.map(({ filterName }) => `"${filterName}"`).join(' and ');
          throw new serverless.classes.Error(
            `The log group ${group} has no room for the filter that hands messages on: a group has ${MOST_FILTERS} filters at most, and it has ${names}. ` +
              `Remove one (aws logs delete-subscription-filter --log-group-name ${group} --filter-name …), or deploy without messages (--param notices=off). Nothing was changed.`,
            'NO_FREE_FILTER',
          );
        }
      },
    };
  }
};

/** The filters of the template, each with the names of its log group and of the function that it feeds. */
function wantedFilters(resources) {
  return Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::Logs::SubscriptionFilter')
    .map(({ Properties: { LogGroupName, DestinationArn } }) => ({
      group: resources[LogGroupName.Ref].Properties.LogGroupName,
      destination: resources[DestinationArn['Fn::GetAtt'][0]].Properties.FunctionName,
    }));
}

async function filtersOf(logs, logGroupName) {
  try {
    return (await logs.send(new DescribeSubscriptionFiltersCommand({ logGroupName }))).subscriptionFilters ?? [];
  } catch (error) {
    // The first deploy makes the group.
    if (error.name === 'ResourceNotFoundException') return [];
    throw error;
  }
}
