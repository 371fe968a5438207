#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on the old Node that it complains about, and from where there is no source.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const source = new URL('./main.ts', import.meta.url);
const main = existsSync(source) ? source : new URL('../dist/cli.mjs', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= 24) await import(main.href);
else {
  // Beside npx and npm's scripts the Node that the package brings is not on the PATH.
  const node = findOwnNode();
  if (node === undefined) {
    process.stderr.write(
      `dli-reaper: needs Node 24 or newer, and this is ${process.version}; see https://nodejs.org. On Linux, and on Windows\n` +
        '            for x64, npm brings one along unless it is told --omit=optional.\n',
    );
    process.exitCode = 1;
  } else {
    const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
    // Ctrl-C reaches it as well, and is its to answer; what is sent to this process alone is passed on.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.once('exit', (code, signal) => {
      process.exitCode = code ?? 128 + constants.signals[signal];
    });
  }
}

function findOwnNode() {
  const { platform, arch } = process;
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node${platform === 'win32' ? '.exe' : ''}`);
  } catch {
    return undefined;
  }
}
