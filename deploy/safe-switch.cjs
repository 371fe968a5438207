// The parameters of a stage outlive its stack, and its targets may be live. So the switch is set to stop before a removal, and
// again before a deploy that finds no functions: a removal by other means leaves it at run.
const { resourcesOfStack, stopSwitch } = require('./stack.cjs');

module.exports = class SafeSwitch {
  constructor(serverless, _options, { log }) {
    const stop = async (reason, undone) => {
      const provider = serverless.getProvider('aws');
      const stage = provider.getStage();
      const before = await stopSwitch(provider, reason).catch((error) => {
        throw new serverless.classes.Error(
          `The switch /dli-reaper/${stage}/switch could not be set to stop (${error.name}). It takes ssm:GetParameters and ssm:PutParameter on it. ${undone}`,
          'SWITCH_NOT_STOPPED',
        );
      });
      if (before === undefined) return;
      log.warning(
        `The switch of ${stage} read ${JSON.stringify(before)}, and reads stop now (${reason}): no sweep cancels until dli-reaper resume --stage ${stage}`,
      );
    };
    this.hooks = {
      'before:remove:remove': () => stop('the stage was removed', 'Nothing was removed.'),
      'before:deploy:deploy': async () => {
        const deployed = await resourcesOfStack(serverless.getProvider('aws'));
        if (deployed.has('SweepLambdaFunction')) return;
        await stop('the stage was deployed again over settings that were there before', 'Nothing was deployed.');
      },
    };
  }
};
