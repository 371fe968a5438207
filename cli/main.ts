#!/usr/bin/env node
// As a whole, since an older Node has no styleText and would not get to the line that refuses it.
import * as util from 'node:util';
import { environment } from '../lib/settings/environment.ts';
import { EXIT_CONFIGURATION } from './screen/exit-code.ts';
import type { Terminal } from './screen/terminal.ts';
import { runCommand } from './verbs/all.ts';

const { stdin, stdout, stderr } = process;

let isReportLost = false;

// Whoever reads may leave early, as `head` does. What was done is done all the same, and the exit code says how it went.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    // What was done is done; that nobody can read of it is a failure all the same.
    if (stream !== stdout) return;
    isReportLost = true;
    process.exitCode = EXIT_CONFIGURATION;
    stderr.write(`dli-reaper: the report cannot be written (${error.code ?? error.message})\n`);
  });
}

const terminal: Terminal = {
  env: environment,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  columns: stdout.isTTY ? stdout.columns : undefined,
  // It knows NO_COLOR, FORCE_COLOR and what is no screen.
  paint: (colour, text) => util.styleText(colour, text, { stream: stdout }),
  isErrScreen: stderr.isTTY,
  ask: stdin.isTTY && stderr.isTTY ? async (question) => (await import('./screen/ask.ts')).ask(question) : undefined,
};

const exitCode = await runCommand(process.argv.slice(2), terminal);
process.exitCode = isReportLost ? EXIT_CONFIGURATION : exitCode;
