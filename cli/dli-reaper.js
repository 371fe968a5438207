#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on an old Node, which it refuses, and in the package, which has no sources.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandName, endWithNpm } from './npm.js';
import { findOwnNode, follow, isNodeNewEnough, NO_NODE } from './own-node.js';

const source = new URL('./main.ts', import.meta.url);
const isClone = existsSync(source);
const main = isClone ? source : new URL('../dist/cli/main.mjs', import.meta.url);
process.env.DLI_REAPER_COMMAND = commandName(isClone);

if (isNodeNewEnough) {
  endWithNpm(() => process.kill(process.pid, 'SIGTERM'));
  await import(main.href);
} else {
  const node = findOwnNode();
  if (node === undefined) {
    process.stderr.write(`dli-reaper: ${NO_NODE}`);
    process.exitCode = 1;
  } else {
    const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = await follow(child);
  }
}
