// Plain JavaScript on purpose: it must run on an old Node, to find a newer one.
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { endWithNpm } from './npm.js';

/** Whether this Node can run the project's TypeScript as it is. */
export const isNodeNewEnough = Number(process.versions.node.split('.')[0]) >= 24;

/** Finds the Node that npm installs as an optional dependency. @returns undefined if there is none. */
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
  `needs Node 24 or newer; this is ${process.version}. Install one from https://nodejs.org. On Linux, macOS and\n` +
  'Windows (x64) npm also installs one, unless it runs with --omit=optional.\n';

/** Waits for the child, and passes on signals that only this process gets. @returns the exit code, as a shell has it. */
export function follow(child) {
  // Ctrl-C reaches the child too, which handles it.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  endWithNpm(() => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
