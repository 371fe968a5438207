// Refuses to package a dist/ that was not built from these sources: a deploy would ship old code without a word.
const { readBuilt, readCheckout } = require('./checkout.cjs');

module.exports = class BuiltCode {
  constructor(serverless, options) {
    const assertBuilt = () => {
      const problem = problemOf(readBuilt(), readCheckout());
      if (problem === undefined) return;
      const stage = options.stage === undefined ? '' : ` --stage ${options.stage}`;
      throw new serverless.classes.Error(
        `${problem} Build and deploy it with: npm run deploy --${stage === '' ? ' --stage …' : stage}. ` +
          'To build it alone: npm run build. Nothing was deployed.',
        'NOT_BUILT',
      );
    };
    this.hooks = {
      'before:package:initialize': assertBuilt,
      'before:deploy:function:packageFunction': assertBuilt,
    };
  }
};

/** @returns undefined if dist/ was built from this checkout. */
function problemOf(built, checkout) {
  if (built === undefined) return 'dist/ holds no built functions.';
  if (built.sources === checkout.sources && built.commit === checkout.commit) return undefined;
  if (built.commit !== checkout.commit) {
    return `dist/ was built from commit ${built.commit}, and this checkout is ${checkout.commit}.`;
  }
  return `dist/ was built before the sources were last changed (commit ${checkout.commit}).`;
}
