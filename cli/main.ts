#!/usr/bin/env node
import { styleText } from 'node:util';
import { environment } from '../lib/settings/environment.ts';
import { EXIT_CONFIGURATION } from './screen/exit-code.ts';
import type { Terminal } from './screen/terminal.ts';
import { runCommand } from './verbs/all.ts';

const { stdin, stdout, stderr } = process;

let isReportLost = false;

// A reader may leave early, as `head` does. The exit code still says how the work went.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    // A report that cannot be written is a failure, even if the work is done.
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
  // styleText obeys NO_COLOR and FORCE_COLOR, and prints no colours without a screen.
  paint: (colour, text) => styleText(colour, text, { stream: stdout }),
  // Where CI is set, the spinner writes a line for each change.
  isErrScreen: stderr.isTTY && !('CI' in environment) && environment.TERM !== 'dumb',
  ask:
    stdin.isTTY && stderr.isTTY
      ? async (question, options) => (await import('./screen/ask.ts')).ask(question, options)
      : undefined,
  stdin: () => stdin,
  isInScreen: stdin.isTTY,
  withoutColours: () => {
    // It would prevail over NO_COLOR.
    delete process.env.FORCE_COLOR;
    process.env.NO_COLOR = '1';
  },
};

const exitCode = await runCommand(process.argv.slice(2), terminal);
process.exitCode = isReportLost ? EXIT_CONFIGURATION : exitCode;
