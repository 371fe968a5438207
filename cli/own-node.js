// Plain JavaScript on purpose: it must run on the old Node that it helps.
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { endWithNpm } from './npm.js';

/** Whether this Node can run the project's TypeScript as it is. */
export const isNodeNewEnough = Number(process.versions.node.split('.')[0]) >= 24;

/** The Node that npm brings along as an optional dependency. @returns undefined where there is none. */
export function findOwnNode() {
  const { platform, arch } = process;
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node${platform === 'win32' ? '.exe' : ''}`);
  } catch {
    return undefined;
  }
}

export const NO_NODE =
  `needs Node 24 or newer, and this is ${process.version}; see https://nodejs.org. On Linux and macOS,\n` +
  'and on Windows for x64, npm brings one along unless it is told --omit=optional.\n';

/** Resolves to the exit code, as a shell would tell it. What ends this process alone ends the child as well. */
export function follow(child) {
  // Ctrl-C reaches the child as well, and is its to answer.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  endWithNpm(() => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
