// The outputs of the stack that say which code is deployed. A change of a function by hand does not change them.
const { readBuilt } = require('./checkout.cjs');

module.exports = () => {
  const { version = 'unknown', commit = 'unknown' } = readBuilt() ?? {};
  return {
    Outputs: {
      CodeVersion: { Description: 'Version of the deployed code.', Value: version },
      CodeCommit: { Description: 'Commit of the deployed code.', Value: commit },
    },
  };
};
