// Runs a command of the project with Node 24 first on the PATH: the running one, or the one that npm installed. npm puts it
// on the PATH too, except npm 10. This is plain JavaScript, because it must run on an old Node.
import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { findOwnNode, follow, isNodeNewEnough, NO_NODE } from '../cli/own-node.js';

const [command, ...args] = process.argv.slice(2);
const node = isNodeNewEnough ? process.execPath : findOwnNode();
if (node === undefined || command === undefined) {
  process.stderr.write(`dli-job-reaper ${NO_NODE}`);
  process.exitCode = 1;
} else {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  // On Windows, commands of npm are scripts, which need a shell.
  const child = spawn(command, args, { env, stdio: 'inherit', shell: process.platform === 'win32' });
  process.exitCode = await follow(child);
}
