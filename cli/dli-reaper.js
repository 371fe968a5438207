#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on the old Node that it complains about, and from where there is no source.
import { existsSync } from 'node:fs';

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `dli-reaper: needs Node 24 or newer, and this is ${process.version}; npm brings its own unless it is told\n` +
      '            --omit=optional, or see https://nodejs.org\n',
  );
  process.exit(1);
}
const source = new URL('./main.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/cli.mjs', import.meta.url).href);
